#include "tools/run/options.h"

#include <getopt.h>
#include <stddef.h>
#include <string.h>

#include "core/base/error.h"
#include "tools/common/command.h"

const char options_help[] =
    "Usage: digits-run [options] MODEL\n"
    "Trains the network of a model file by its recipe, then tests it. MODEL is the path of a\n"
    "model file or the name of an installed one.\n"
    "\n"
    "Where it runs\n"
    "  --backend cpu|opencl  default: opencl if there is a device, else cpu\n"
    "  --device N            number of the device, or a part of its name\n"
    "  --list-devices        list the devices of all backends\n"
    "  --threads N           threads of the cpu backend; default: all cores\n"
    "  --list-models         list the models that are found by name\n"
    "  --describe            show layers, shapes, parameters, operations and memory; run nothing\n"
    "\n"
    "Data\n"
    "  --data PATH|builtin   folder with four IDX files of MNIST's names, gzipped or not; folder\n"
    "                        of pictures by class, CLASS/*.png, or train/CLASS and test/CLASS;\n"
    "                        CSV table label,pixel0,pixel1,... or table of numbers, gzipped or\n"
    "                        not; arrays of numpy, an .npz file or a folder of .npy files; CIFAR;\n"
    "                        time series of the UCR archive. Without other test data, the last\n"
    "                        tenth of a table or of arrays, or of each class of pictures, is used\n"
    "                        for testing. builtin:colour, builtin:signals,\n"
    "                        builtin:signals-unequal and builtin:table are synthetic sets of\n"
    "                        other kinds. Default: $DIGITS_DATA, else the built-in digits\n"
    "  --label COLUMN        of a table of numbers: the column with the classes; default: label\n"
    "  --targets COLUMN,...  of a table: the columns with the values to learn, in place of "
    "classes\n"
    "  --missing mean|error  of a table: what an empty field gets, the mean of its column over\n"
    "                        the rows to train; default: error\n"
    "  --decimal-comma       of a table: 1,5 is a number; semicolons or tabs separate columns\n"
    "  --transpose           of IDX files: swap height and width of the images\n"
    "  --arrays NAME,...     of an .npz file: names of the arrays to train, inputs and targets,\n"
    "                        and of those to test\n"
    "  --skip-bad N          leave out up to N pictures of a folder that can't be read, and name\n"
    "                        them; default 0\n"
    "  --test-data PATH|builtin\n"
    "                        test on the test images of another set, or on all images if it has\n"
    "                        no test part; no part of --data is then used for testing\n"
    "  --data-memory SIZE    bytes of the device's memory for samples, such as 512M or 2G; "
    "default:\n"
    "                        what the network leaves. Of a larger set, parts take turns while the\n"
    "                        network runs; data.shuffle_block then shuffles the order by blocks\n"
    "  --classes FILE        names of the classes, one a line, the first for label 0; default:\n"
    "                        classes.txt beside IDX files. They are saved with the weights\n"
    "\n"
    "The recipe (overrides the model file)\n"
    "  --epochs N            passes over the training images\n"
    "  --batch N             images in each step\n"
    "  --lr X                learning rate of the optimizer\n"
    "  --exact               give the same bits with any number of --threads, even if that is\n"
    "                        slower; the log shows which runs do so anyway\n"
    "  --set PATH=VALUE      any key: train.optimizer.beta1=0.8, conv1.filters=32\n"
    "  --seed N              0 to 4294967295, default 1; the same seed gives the same run\n"
    "  --runs N              train N times, with the N seeds from --seed on, and print the mean\n"
    "\n"
    "Weights (safetensors; they carry their model)\n"
    "  --save FILE           write the trained parameters; after every epoch and on Ctrl-C,\n"
    "                        write the checkpoint FILE.state, with all that a run needs to\n"
    "                        continue\n"
    "  --save-every N        also write FILE.state after every N steps, so that a kill loses no\n"
    "                        more than them\n"
    "  --resume FILE         continue the run that had --save FILE and stopped, to the same bits\n"
    "                        on the same backend, device and number of threads; its model,\n"
    "                        recipe, seed, device and data are used again; give --log,\n"
    "                        --test-data, --classes, --skip-bad, --save-every and how to read\n"
    "                        the data again\n"
    "  --load FILE           start from these weights; without MODEL, with the model they carry\n"
    "  --test                don't train; test the weights of --load, or else the installed\n"
    "                        weights of MODEL, which is then a name\n"
    "  --calibrate           like --test, but first fit a temperature, which makes the weights'\n"
    "                        probabilities say how often their answers are correct, and write it\n"
    "                        with the weights to --save FILE. It is fitted on the images that\n"
    "                        their recipe sets aside to validate; if it sets none aside, with a\n"
    "                        second network that is trained without a sixth of the images. --data\n"
    "                        and --seed must be those that the weights were trained with\n"
    "\n"
    "Output\n"
    "  --log FILE            write a JSON object a line: start, step, epoch, test, summary; no\n"
    "                        other run may be writing to FILE\n"
    "  --report DIR          at the end, write a page DIR/index.html with curves, answers,\n"
    "                        mistakes, the network and its weights; also its pictures and the\n"
    "                        log DIR/run.jsonl. DIR is new, has an earlier report, or has no\n"
    "                        files of these names\n"
    "  --quiet               print only the test result\n"
    "  -h, --help [layers]   this help, or every layer with its keys\n"
    "  --version\n"
    "\n"
    "Compiled OpenCL programs are kept for the next start, up to 256 MB: in $DIGITS_CACHE, or\n"
    "else in digits below $XDG_CACHE_HOME or ~/.cache. DIGITS_CACHE=off keeps none.\n"
    "\n"
    "Exit status: 0 success; 1 failure while running; 2 wrong usage or input; 130 interrupted.\n";

/* ---- the options -------------------------------------------------------- */

/** Requirements of options on other options. */
enum { TESTING = 1, RESUMING = 2, DESCRIBING = 4, LISTING = 8, CALIBRATING = 16 };

typedef enum { WORD, FLAG, NUMBER, BYTES, OVERRIDE, SWITCH, SETTING, TASK } option_kind;

typedef struct {
  const char *name; /**< as written: "--lr" */
  option_kind kind;
  unsigned with;    /**< tasks that allow it besides training */
  unsigned asks;    /**< one of the above, or 0 */
  size_t offset;    /**< WORD, FLAG, NUMBER, BYTES: of the value in `options` */
  uint32_t low;     /**< NUMBER */
  uint32_t high;    /**< NUMBER */
  const char *path; /**< OVERRIDE: of the key; SWITCH: of a key that becomes true */
  task task;        /**< TASK */
} known_option;

/* Tasks besides training that run a network. */
enum { RUNNING = TESTING | RESUMING | CALIBRATING };

#define AT(field) .offset = offsetof(options, field)

static const known_option known[] = {
    {"--backend", WORD, .with = RUNNING | DESCRIBING, AT(backend)},
    {"--device", WORD, .with = RUNNING | DESCRIBING, AT(device)},
    {"--threads", NUMBER, .with = RUNNING | DESCRIBING, AT(threads), .low = 1, .high = 1024},
    {"--data", WORD, .with = RUNNING, AT(data)},
    {"--test-data", WORD, .with = RUNNING, AT(test_data)},
    {"--label", WORD, .with = RUNNING, AT(reading.label)},
    {"--targets", WORD, .with = RUNNING, AT(reading.targets)},
    {"--missing", WORD, .with = RUNNING, AT(reading.missing)},
    {"--arrays", WORD, .with = RUNNING, AT(reading.arrays)},
    {"--decimal-comma", FLAG, .with = RUNNING, AT(reading.decimal_comma)},
    {"--transpose", FLAG, .with = RUNNING, AT(reading.transpose)},
    {"--skip-bad", NUMBER, .with = RUNNING, AT(skip_bad), .high = UINT32_MAX},
    {"--data-memory", BYTES, .with = RUNNING, AT(data_memory)},
    {"--classes", WORD, .with = RUNNING, AT(classes)},
    {"--epochs", OVERRIDE, .with = DESCRIBING, .path = "train.epochs"},
    {"--batch", OVERRIDE, .with = TESTING | DESCRIBING, .path = "train.batch"},
    {"--lr", OVERRIDE, .with = DESCRIBING, .path = "train.optimizer.lr"},
    {"--exact", SWITCH, .with = DESCRIBING, .path = "train.exact"},
    {"--set", SETTING, .with = TESTING | DESCRIBING},
    {"--seed", NUMBER, .with = CALIBRATING, AT(seed), .high = UINT32_MAX},
    {"--runs", NUMBER, AT(runs), .low = 1, .high = 1000},
    {"--save", WORD, .with = CALIBRATING, AT(save)},
    {"--save-every", NUMBER, .with = RESUMING, AT(save_every), .low = 1, .high = UINT32_MAX},
    {"--resume", WORD, .with = DESCRIBING, .asks = RESUMING, AT(resume)},
    {"--load", WORD, .with = TESTING | DESCRIBING | CALIBRATING, AT(load)},
    {"--test", FLAG, .asks = TESTING, AT(test)},
    {"--calibrate", FLAG, .asks = CALIBRATING, AT(calibrate)},
    {"--log", WORD, .with = RUNNING, AT(log)},
    {"--report", WORD, .with = RUNNING, AT(report)},
    {"--quiet", FLAG, .with = RUNNING, AT(quiet)},
    {"--describe", TASK, .with = RESUMING, .asks = DESCRIBING, .task = DO_DESCRIBE},
    {"--list-devices", TASK, .asks = LISTING, .task = DO_LIST_DEVICES},
    {"--list-models", TASK, .asks = LISTING, .task = DO_LIST_MODELS},
    {"--version", TASK, .asks = LISTING, .task = DO_VERSION},
    {"--help", TASK, .task = DO_HELP},
};

enum { KNOWN = sizeof known / sizeof *known };

/* ---- reading ------------------------------------------------------------ */

bool options_override(options *o, dg_override override, dg_error *err) {
  if (o->override_count == MAX_OVERRIDES)
    return dg_fail(err, DG_ERR_INPUT,
                   "more than %d overrides; put some of them into the model file", MAX_OVERRIDES);
  o->overrides[o->override_count++] = override;
  return true;
}

static bool read_one(options *o, const known_option *option, char *value, dg_error *err) {
  dg_override setting;
  void *field = (char *)o + option->offset;
  switch (option->kind) {
  case WORD:
    *(const char **)field = value;
    return true;
  case FLAG:
    *(bool *)field = true;
    return true;
  case NUMBER:
    return command_number(option->name, value, option->low, option->high, field, err);
  case BYTES:
    return command_size(option->name, value, field, err);
  case OVERRIDE:
    return options_override(o, (dg_override){option->name, option->path, value}, err);
  case SWITCH:
    return options_override(o, (dg_override){option->name, option->path, "true"}, err);
  case SETTING:
    return command_set(value, &setting, err) && options_override(o, setting, err);
  case TASK:
    if (o->task != DO_HELP) o->task = option->task; /* --help overrides other tasks */
    return true;
  }
  return false;
}

/* ---- checking ----------------------------------------------------------- */

/** Why an option with a requirement conflicts with others. */
static const char *reason(unsigned asks) {
  return asks == TESTING       ? "trains nothing"
         : asks == RESUMING    ? "goes on with a run as it began"
         : asks == DESCRIBING  ? "runs nothing"
         : asks == CALIBRATING ? "goes by the recipe of the weights"
                               : "stands alone";
}

/** Refuses options that have no effect with others. */
static bool check_pairs(const bool *given, dg_error *err) {
  for (size_t i = 0; i < KNOWN; i++)
    for (size_t j = 0; j < KNOWN; j++)
      if (i != j && given[i] && given[j] && (known[j].asks & ~known[i].with))
        return dg_fail(err, DG_ERR_INPUT, "%s doesn't go with %s, which %s; see --help",
                       known[i].name, known[j].name, reason(known[j].asks));
  return true;
}

/** Reads the arguments that are not options: the model, or the topic of help. */
static bool take_words(options *o, char **words, int count, dg_error *err) {
  bool needs_model = o->task == DO_TRAIN || o->task == DO_DESCRIBE;
  if (o->task == DO_HELP && count) {
    o->task = DO_HELP_LAYERS;
    return (count == 1 && strcmp(words[0], "layers") == 0) ||
           dg_fail(err, DG_ERR_INPUT, "no help on \"%s\"; there are --help and --help layers",
                   words[count - 1]);
  }
  if (count && !needs_model)
    return dg_fail(err, DG_ERR_INPUT,
                   "\"%s\" is too much; --list-devices, --list-models and "
                   "--version take no word",
                   words[0]);
  if (count && o->resume)
    return dg_fail(err, DG_ERR_INPUT, "--resume goes on with a run as it began: leave out \"%s\"",
                   words[0]);
  if (count > 1) return dg_fail(err, DG_ERR_INPUT, "give one model file, not several; see --help");
  if (count == 0 && needs_model && !o->load && !o->resume)
    return dg_fail(err, DG_ERR_INPUT, "no model file was given; see --help");
  o->model = count ? words[0] : NULL;
  return true;
}

/** Uses the installed weights of the model, if that was given by name. */
static bool find_weights(options *o, dg_error *err) {
  size_t length = o->model ? strlen(o->model) : 0;
  bool path = !o->model || strchr(o->model, '/') ||
              (length > 4 && strcmp(o->model + length - 4, ".cfg") == 0);
  if (path)
    return dg_fail(err, DG_ERR_INPUT,
                   "%s needs --load FILE, or the name of a model whose weights are installed",
                   o->calibrate ? "--calibrate" : "--test");
  if (!dg_weights_find(o->model, o->installed, err))
    return dg_fail_prefix(err, "%s without --load FILE", o->calibrate ? "--calibrate" : "--test");
  o->load = o->installed;
  return true;
}

/** Refuses conflicts between more than two options. */
static bool check(options *o, dg_error *err) {
  o->test |= o->calibrate;
  if (o->test && !o->load && !find_weights(o, err)) return false;
  if (o->task == DO_DESCRIBE && o->load && o->model)
    return dg_fail(err, DG_ERR_INPUT,
                   "--describe takes a model file or --load FILE, whose model it describes; "
                   "leave out one");
  if (o->save_every && !o->save && !o->resume)
    return dg_fail(err, DG_ERR_INPUT,
                   "--save-every needs --save FILE: the checkpoint is written beside it");
  return !o->save || o->runs == 1 ||
         dg_fail(err, DG_ERR_INPUT, "--save keeps one run: --runs doesn't go with it");
}

bool options_read(options *o, int argc, char **argv, dg_error *err) {
  *o = (options){.seed = 1, .runs = 1};
  struct option listed[KNOWN + 1] = {0};
  bool given[KNOWN] = {false};
  for (size_t i = 0; i < KNOWN; i++) {
    bool bare = known[i].kind == FLAG || known[i].kind == SWITCH || known[i].kind == TASK;
    listed[i] = (struct option){known[i].name + 2, bare ? no_argument : required_argument, NULL, 0};
  }
  int index;
  for (int which; (which = command_option(argc, argv, listed, &index, err)) != -1;) {
    if (which == '?') return false;
    given[index] = true;
    if (!read_one(o, &known[index], optarg, err)) return false;
  }
  if (o->task != DO_HELP && !check_pairs(given, err)) return false;
  if (!take_words(o, argv + optind, argc - optind, err) || !check(o, err)) return false;
  if (!o->save) o->save = o->resume;
  o->data_named = o->data != NULL;
  if (!o->resume) o->data = command_data(o->data);
  return true;
}
