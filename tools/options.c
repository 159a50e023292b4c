#include "tools/options.h"

#include <getopt.h>
#include <string.h>

#include "tools/command.h"

const char options_help[] =
    "Usage: digits-run [options] MODEL\n"
    "Trains the network of a model file by its recipe, then tests it. MODEL is the path of a\n"
    "model file, or the name of an installed one.\n"
    "\n"
    "Where it runs\n"
    "  --backend cpu|opencl  default: opencl where there is a device, else cpu\n"
    "  --device N            number of the device, or a part of its name\n"
    "  --list-devices        list the devices of all backends\n"
    "  --threads N           threads of the cpu backend; default: all cores\n"
    "  --list-models         list the models that are found by name\n"
    "  --describe            layers, shapes, parameters, operations and memory; runs nothing\n"
    "\n"
    "What it learns from\n"
    "  --data DIR|builtin    folder with four IDX files of MNIST's names, gzipped or not;\n"
    "                        default: $DIGITS_DATA, else the built-in digits\n"
    "  --test-data DIR|builtin\n"
    "                        test on the test images of another set\n"
    "\n"
    "The recipe (overrides the model file)\n"
    "  --epochs N  --batch N  --lr X\n"
    "  --set PATH=VALUE      any key: train.optimizer.beta1=0.8, conv1.filters=32\n"
    "  --seed N              0 to 4294967295, default 1; the same seed gives the same run\n"
    "  --runs N              train N times, with N seeds from --seed on, and give the mean\n"
    "\n"
    "Weights (safetensors; they carry their model)\n"
    "  --save FILE           write the trained parameters; while training, FILE.state keeps all\n"
    "                        that a run needs to go on, after every epoch and on Ctrl-C\n"
    "  --resume FILE         go on with the run that had --save FILE and stopped, to the same\n"
    "                        bits; its model, recipe, seed, device and data are taken up\n"
    "  --load FILE           start from these; without a MODEL, from their own\n"
    "  --test                no training: test what --load gave\n"
    "\n"
    "What it tells\n"
    "  --log FILE            one JSON object a line: start, step, epoch, test, summary\n"
    "  --quiet               only the test result\n"
    "  --help [layers]       this help, or every layer with its keys\n"
    "  --version\n"
    "\n"
    "Exit status: 0 done; 1 it failed while running; 2 wrong usage or input; 130 interrupted.\n";

enum {
  OPT_BACKEND = 256,
  OPT_DEVICE,
  OPT_LIST_DEVICES,
  OPT_LIST_MODELS,
  OPT_DESCRIBE,
  OPT_THREADS,
  OPT_DATA,
  OPT_TEST_DATA,
  OPT_EPOCHS,
  OPT_BATCH,
  OPT_LR,
  OPT_SET,
  OPT_SEED,
  OPT_RUNS,
  OPT_SAVE,
  OPT_LOAD,
  OPT_RESUME,
  OPT_TEST,
  OPT_LOG,
  OPT_QUIET,
  OPT_HELP,
  OPT_VERSION
};

static const struct option known[] = {
    {"backend", required_argument, NULL, OPT_BACKEND},
    {"device", required_argument, NULL, OPT_DEVICE},
    {"list-devices", no_argument, NULL, OPT_LIST_DEVICES},
    {"list-models", no_argument, NULL, OPT_LIST_MODELS},
    {"describe", no_argument, NULL, OPT_DESCRIBE},
    {"threads", required_argument, NULL, OPT_THREADS},
    {"data", required_argument, NULL, OPT_DATA},
    {"test-data", required_argument, NULL, OPT_TEST_DATA},
    {"epochs", required_argument, NULL, OPT_EPOCHS},
    {"batch", required_argument, NULL, OPT_BATCH},
    {"lr", required_argument, NULL, OPT_LR},
    {"set", required_argument, NULL, OPT_SET},
    {"seed", required_argument, NULL, OPT_SEED},
    {"runs", required_argument, NULL, OPT_RUNS},
    {"save", required_argument, NULL, OPT_SAVE},
    {"resume", required_argument, NULL, OPT_RESUME},
    {"load", required_argument, NULL, OPT_LOAD},
    {"test", no_argument, NULL, OPT_TEST},
    {"log", required_argument, NULL, OPT_LOG},
    {"quiet", no_argument, NULL, OPT_QUIET},
    {"help", no_argument, NULL, OPT_HELP},
    {"version", no_argument, NULL, OPT_VERSION},
    {0},
};

static bool add_override(options *o, const char *option, const char *path, const char *value,
                         dg_error *err) {
  if (o->override_count == MOST_OVERRIDES)
    return dg_fail(err, DG_ERR_INPUT, "more than %d overrides", MOST_OVERRIDES);
  o->overrides[o->override_count++] = (dg_override){option, path, value};
  return true;
}

static bool read_set(options *o, char *text, dg_error *err) {
  char *equals = strchr(text, '=');
  if (!equals || equals == text)
    return dg_fail(err, DG_ERR_INPUT, "--set needs PATH=VALUE, not \"%s\"", text);
  *equals = '\0';
  return add_override(o, "--set", text, equals + 1, err);
}

static bool read_one(options *o, int which, char *value, dg_error *err) {
  switch (which) {
  case OPT_BACKEND:
    o->backend = value;
    return true;
  case OPT_DEVICE:
    o->device = value;
    return true;
  case OPT_LIST_DEVICES:
    o->task = DO_LIST_DEVICES;
    return true;
  case OPT_LIST_MODELS:
    o->task = DO_LIST_MODELS;
    return true;
  case OPT_DESCRIBE:
    o->task = DO_DESCRIBE;
    return true;
  case OPT_THREADS:
    return command_number("--threads", value, 1, 1024, &o->threads, err);
  case OPT_DATA:
    o->data = value;
    return true;
  case OPT_TEST_DATA:
    o->test_data = value;
    return true;
  case OPT_EPOCHS:
    return add_override(o, "--epochs", "train.epochs", value, err);
  case OPT_BATCH:
    return add_override(o, "--batch", "train.batch", value, err);
  case OPT_LR:
    return add_override(o, "--lr", "train.optimizer.lr", value, err);
  case OPT_SET:
    return read_set(o, value, err);
  case OPT_SEED:
    o->seeded = true;
    return command_number("--seed", value, 0, UINT32_MAX, &o->seed, err);
  case OPT_RUNS:
    return command_number("--runs", value, 1, 1000, &o->runs, err);
  case OPT_LOG:
    o->log = value;
    return true;
  case OPT_SAVE:
    o->save = value;
    return true;
  case OPT_LOAD:
    o->load = value;
    return true;
  case OPT_RESUME:
    o->resume = value;
    return true;
  case OPT_TEST:
    o->test = true;
    return true;
  case OPT_QUIET:
    o->quiet = true;
    return true;
  case OPT_HELP:
    o->task = DO_HELP;
    return true;
  case OPT_VERSION:
    o->task = DO_VERSION;
    return true;
  default:
    return false;
  }
}

/** Refuses options that contradict each other; `left` words are no options. */
static bool check(const options *o, int left, dg_error *err) {
  if (o->resume &&
      (left || o->save || o->load || o->test || o->override_count || o->seeded || o->runs > 1))
    return dg_fail(err, DG_ERR_INPUT,
                   "--resume goes on with a run as it began: a model, --save, --load, --test, "
                   "--seed, --runs and the recipe's options don't go with it");
  if (left > 1 || (left == 0 && !o->load && !o->resume))
    return dg_fail(err, DG_ERR_INPUT, "%s; see --help",
                   left ? "give one model file, not several" : "no model file was given");
  if (o->test && !o->load) return dg_fail(err, DG_ERR_INPUT, "--test needs --load FILE");
  if (o->test && (o->save || o->runs > 1))
    return dg_fail(err, DG_ERR_INPUT, "--test trains nothing: --save and --runs don't go with it");
  return !o->save || o->runs == 1 ||
         dg_fail(err, DG_ERR_INPUT, "--save keeps one run: --runs doesn't go with it");
}

bool options_read(options *o, int argc, char **argv, dg_error *err) {
  *o = (options){.seed = 1, .runs = 1};
  opterr = 0;
  int index = 0;
  for (int which; (which = getopt_long(argc, argv, ":", known, &index)) != -1;) {
    if (which == '?' || which == ':') return command_unknown(argv, which, err);
    if (optarg && !*optarg)
      return dg_fail(err, DG_ERR_INPUT, "option --%s needs a value; see --help", known[index].name);
    if (!read_one(o, which, optarg, err)) return false;
  }
  int left = argc - optind;
  if (o->task == DO_HELP && left == 1 && strcmp(argv[optind], "layers") == 0)
    o->task = DO_HELP_LAYERS;
  if (o->task != DO_TRAIN && o->task != DO_DESCRIBE) return true;
  if (!check(o, left, err)) return false;
  o->model = left ? argv[optind] : NULL;
  if (!o->save) o->save = o->resume;
  if (!o->resume) o->data = command_data(o->data);
  return true;
}
