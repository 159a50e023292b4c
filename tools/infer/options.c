#include "tools/infer/options.h"

#include <string.h>

#include "core/base/error.h"
#include "tools/common/command.h"

const char infer_options_help[] =
    "Usage: digits-infer [options] WEIGHTS INPUT [OUTPUT]\n"
    "Runs a trained network on samples and writes what it gives for each.\n"
    "\n"
    "WEIGHTS is the path of a weight file if it has a slash or ends in .safetensors. Otherwise\n"
    "it is the name of one in $DIGITS_WEIGHTS or, if that is not set, of an installed one.\n"
    "\n"
    "INPUT is an array, a table, a picture, a folder of pictures, or any data set that\n"
    "digits-run takes as --data; - is standard input. None of them needs labels.\n"
    "\n"
    "An array is a .npy file of [N, the shape of the network's input], of bytes or of any other\n"
    "type of numbers, or an .npz file with X or x_test and no targets. Bytes are divided by 255\n"
    "first, as in training; other types are not.\n"
    "\n"
    "If the network learned a table, the columns of a table are found by their names, in any\n"
    "order, and others are left out, with a note; texts mean what they did in training. Else\n"
    "it has as many columns of numbers, or pixels, as the network takes.\n"
    "\n"
    "Pictures (PNG, JPEG, PGM) are scaled to the network's input, in gray or colour as it says;\n"
    "digits-predict is what finds digits in them. Those of a folder come in the order of their\n"
    "names, which the output has as `file`.\n"
    "\n"
    "OUTPUT ends in .npy (float32 [N, outputs]; classes: int32 [N]), .csv or .jsonl. Without\n"
    "it, JSON lines are printed. A file is written whole or not at all.\n"
    "\n"
    "  --output logits|probabilities|classes|values\n"
    "                        default: logits of a network for classes or labels, else values, in\n"
    "                        the units of its targets\n"
    "  --part test|train|all\n"
    "                        which samples of a data set; default: test; of a table: all rows.\n"
    "                        With it, a table needs its labels or targets\n"
    "  --batch N             samples that run at once; default 64\n"
    "  --model MODEL         for weights that don't carry their model: a model file, or the name\n"
    "                        of an installed one\n"
    "  --classes FILE        names of the classes, one a line, the first for label 0; default:\n"
    "                        the names in the weights\n"
    "\n"
    "How a data set is read\n"
    "  --label COLUMN        of a table of numbers: the column with the classes; default: label\n"
    "  --targets COLUMN,...  of a table: the columns with the values, not classes\n"
    "  --missing mean|error  of a table: what an empty field gets: the mean that its column had\n"
    "                        in training; default: error\n"
    "  --decimal-comma       of a table: 1,5 is a number; semicolons or tabs separate columns\n"
    "  --transpose           of IDX files: swap height and width of the images\n"
    "  --arrays NAME,...     of an .npz file: the name of the inputs, or the names of the arrays\n"
    "                        to train and to test\n"
    "\n"
    "Where it runs\n"
    "  --backend cpu|opencl  default: opencl if there is a device, else cpu\n"
    "  --device N            number of the device, or a part of its name\n"
    "  --threads N           threads of the cpu backend; default: all cores\n"
    "\n"
    "  -h, --help  --version\n"
    "\n"
    "Exit status: 0 success; 1 failure while running; 2 wrong usage or input.\n";

enum {
  OPT_OUTPUT = 256,
  OPT_PART,
  OPT_BATCH,
  OPT_MODEL,
  OPT_CLASSES,
  OPT_BACKEND,
  OPT_DEVICE,
  OPT_THREADS,
  OPT_HELP,
  OPT_VERSION
};

static const struct option known[] = {
    {"output", required_argument, NULL, OPT_OUTPUT},
    {"part", required_argument, NULL, OPT_PART},
    {"batch", required_argument, NULL, OPT_BATCH},
    {"model", required_argument, NULL, OPT_MODEL},
    {"classes", required_argument, NULL, OPT_CLASSES},
    READING_OPTIONS,
    {"backend", required_argument, NULL, OPT_BACKEND},
    {"device", required_argument, NULL, OPT_DEVICE},
    {"threads", required_argument, NULL, OPT_THREADS},
    {"help", no_argument, NULL, OPT_HELP},
    {"version", no_argument, NULL, OPT_VERSION},
    {0},
};

/** The index of a word in a NULL-terminated list; -1: it is not there, which is an error that
    tells the `choices`. */
static int word_of(const char *option, const char *word, const char *const *words,
                   const char *choices, dg_error *err) {
  for (int i = 0; words[i]; i++)
    if (strcmp(words[i], word) == 0) return i;
  dg_fail(err, DG_ERR_INPUT, "%s must be %s, not \"%s\"", option, choices, word);
  return -1;
}

static bool read_output(infer_options *o, const char *value, dg_error *err) {
  static const char *const words[] = {"logits", "probabilities", "classes", "values", NULL};
  const int word =
      word_of("--output", value, words, "logits, probabilities, classes or values", err);
  o->output = (infer_output)(INFER_LOGITS + word);
  return word >= 0;
}

static bool read_part(infer_options *o, const char *value, dg_error *err) {
  static const char *const words[] = {"test", "train", "all", NULL};
  const int word = word_of("--part", value, words, "test, train or all", err);
  o->part = (infer_part)word;
  o->part_given = true;
  return word >= 0;
}

static bool read_one(infer_options *o, int which, const char *value, dg_error *err) {
  switch (which) {
  case OPT_OUTPUT:
    return read_output(o, value, err);
  case OPT_PART:
    return read_part(o, value, err);
  case OPT_BATCH:
    return command_number("--batch", value, 1, 65536, &o->batch, err);
  case OPT_MODEL:
    o->model = value;
    return true;
  case OPT_CLASSES:
    o->classes = value;
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
  return reading_take(&o->reading, which, value);
}

static bool ends_in(const char *path, const char *suffix) {
  const size_t length = strlen(path), end = strlen(suffix);
  return length > end && strcmp(path + length - end, suffix) == 0;
}

static bool take_out(infer_options *o, const char *out, dg_error *err) {
  o->out = out;
  o->format = ends_in(out, ".npy")   ? INFER_NPY
              : ends_in(out, ".csv") ? INFER_CSV
                                     : INFER_JSON_LINES;
  return o->format != INFER_JSON_LINES || ends_in(out, ".jsonl") ||
         dg_fail(err, DG_ERR_INPUT, "%s: the output ends in .npy, .csv or .jsonl", out);
}

static bool take_words(infer_options *o, char **words, int count, dg_error *err) {
  if (count == 0) return dg_fail(err, DG_ERR_INPUT, "no network was given; see --help");
  if (count == 1)
    return dg_fail(err, DG_ERR_INPUT, "no input was given after the network %s; see --help",
                   words[0]);
  if (count > 3)
    return dg_fail(err, DG_ERR_INPUT, "one input and one output, not %d words; see --help", count);
  o->weights = words[0];
  o->in = words[1];
  return count == 2 || take_out(o, words[2], err);
}

bool infer_options_read(infer_options *o, int argc, char **argv, dg_error *err) {
  *o = (infer_options){.batch = 64};
  int index;
  for (int which; (which = command_option(argc, argv, known, &index, err)) != -1;) {
    if (which == '?') return false;
    if (which == OPT_HELP || which == OPT_VERSION) {
      o->task = which == OPT_HELP ? INFER_HELP : INFER_VERSION;
      return true;
    }
    if (!read_one(o, which, optarg, err)) return false;
  }
  return take_words(o, argv + optind, argc - optind, err);
}
