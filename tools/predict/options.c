#include "tools/predict/options.h"

#include <string.h>

#include "core/base/error.h"
#include "tools/common/command.h"

const char predict_options_help[] =
    "Usage: digits-predict [options] WEIGHTS PICTURE...\n"
    "       digits-predict [options] --submission FILE WEIGHTS TABLE.csv\n"
    "Reads the digits in PNG, JPEG or PGM pictures: photographs of ink on paper, or white on\n"
    "black. Several digits are read line by line, from left to right. The PICTURE - is standard\n"
    "input.\n"
    "\n"
    "WEIGHTS is the path of a weight file if it has a slash or ends in .safetensors. Otherwise\n"
    "it is the name of one in $DIGITS_WEIGHTS or, if that is not set, of an installed one.\n"
    "\n"
    "  --model MODEL         for weights that don't carry their model: a model file, or the name\n"
    "                        of an installed one\n"
    "  --classes FILE        names of the classes, one a line, the first for label 0; default:\n"
    "                        the names in the weights\n"
    "  --top N               show the N likeliest classes of each digit; default 3\n"
    "  --min-probability P   show ? for a digit whose likeliest class has a probability below P, "
    "such\n"
    "                        as 0.9, and name at least its two likeliest classes. Of the digits\n"
    "                        shown, about so many are correct as their probabilities say, if the\n"
    "                        weights have a temperature (digits-run --calibrate)\n"
    "  --json                print a JSON object a line for each picture, with the positions of\n"
    "                        its digits and all probabilities\n"
    "  --submission FILE     write answers for the images of a CSV table, as the lines\n"
    "                        ImageId,Label of Kaggle's digit recognizer; the first image is 1.\n"
    "                        The table has the columns pixel0,pixel1,... and may be gzipped; a\n"
    "                        first column `label` is ignored\n"
    "  --show FILE.png       draw what the network saw, each digit with its label below it\n"
    "\n"
    "Where it runs\n"
    "  --backend cpu|opencl  default: opencl if there is a device, else cpu\n"
    "  --device N            number of the device, or a part of its name\n"
    "  --threads N           threads of the cpu backend; default: all cores\n"
    "\n"
    "  -h, --help  --version\n"
    "\n"
    "Exit status: 0 success; 1 failure while running; 2 wrong usage or input, or a picture that\n"
    "could not be read (the others are read).\n";

enum {
  OPT_MODEL = 256,
  OPT_CLASSES,
  OPT_TOP,
  OPT_MIN_PROBABILITY,
  OPT_JSON,
  OPT_SUBMISSION,
  OPT_SHOW,
  OPT_BACKEND,
  OPT_DEVICE,
  OPT_THREADS,
  OPT_HELP,
  OPT_VERSION
};

static const struct option known[] = {
    {"model", required_argument, NULL, OPT_MODEL},
    {"classes", required_argument, NULL, OPT_CLASSES},
    {"top", required_argument, NULL, OPT_TOP},
    {"min-probability", required_argument, NULL, OPT_MIN_PROBABILITY},
    {"json", no_argument, NULL, OPT_JSON},
    {"submission", required_argument, NULL, OPT_SUBMISSION},
    {"show", required_argument, NULL, OPT_SHOW},
    {"backend", required_argument, NULL, OPT_BACKEND},
    {"device", required_argument, NULL, OPT_DEVICE},
    {"threads", required_argument, NULL, OPT_THREADS},
    {"help", no_argument, NULL, OPT_HELP},
    {"version", no_argument, NULL, OPT_VERSION},
    {0},
};

static bool read_one(predict_options *o, int which, const char *value, dg_error *err) {
  switch (which) {
  case OPT_MODEL:
    o->model = value;
    return true;
  case OPT_CLASSES:
    o->classes = value;
    return true;
  case OPT_TOP:
    return command_number("--top", value, 1, 256, &o->top, err);
  case OPT_MIN_PROBABILITY:
    return command_probability("--min-probability", value, &o->min_probability, err);
  case OPT_JSON:
    o->json = true;
    return true;
  case OPT_SUBMISSION:
    o->submission = value;
    return true;
  case OPT_SHOW:
    o->show = value;
    return true;
  case OPT_BACKEND:
    o->backend = value;
    return true;
  case OPT_DEVICE:
    o->device = value;
    return true;
  case OPT_THREADS:
    return command_number("--threads", value, 1, 1024, &o->threads, err);
  }
  return false;
}

static bool take_words(predict_options *o, char **words, int count, dg_error *err) {
  if (count == 0) return dg_fail(err, DG_ERR_INPUT, "no weights were given; see --help");
  if (count == 1)
    return dg_fail(err, DG_ERR_INPUT, "no picture was given after the weights %s; see --help",
                   words[0]);
  o->weights = words[0];
  o->pictures = words + 1;
  o->picture_count = (uint32_t)count - 1;
  return true;
}

/** Refuses options that have no effect with a submission, which is for one table. */
static bool check_submission(const predict_options *o, bool top, dg_error *err) {
  const char *stray = top                  ? "--top"
                      : o->min_probability ? "--min-probability"
                      : o->json            ? "--json"
                      : o->show            ? "--show"
                      : o->classes         ? "--classes"
                                           : NULL;
  if (!o->submission) return true;
  if (stray)
    return dg_fail(err, DG_ERR_INPUT, "%s doesn't go with --submission, which names labels alone",
                   stray);
  return o->picture_count == 1 ||
         dg_fail(err, DG_ERR_INPUT, "--submission is of one table, not of %u", o->picture_count);
}

bool predict_options_read(predict_options *o, int argc, char **argv, dg_error *err) {
  *o = (predict_options){.top = 3};
  bool named = false;
  int index;
  for (int which; (which = command_option(argc, argv, known, &index, err)) != -1;) {
    if (which == '?') return false;
    if (which == OPT_HELP || which == OPT_VERSION) {
      o->task = which == OPT_HELP ? PREDICT_HELP : PREDICT_VERSION;
      return true;
    }
    if (which == OPT_TOP) named = true;
    if (!read_one(o, which, optarg, err)) return false;
  }
  if (named && o->json)
    return dg_fail(err, DG_ERR_INPUT, "--top doesn't go with --json, which names all classes");
  return take_words(o, argv + optind, argc - optind, err) && check_submission(o, named, err);
}
