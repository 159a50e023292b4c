#include "tools/data/options.h"

#include <ctype.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/error.h"
#include "core/base/text.h"
#include "tools/common/command.h"

const char data_options_help[] =
    "Usage: digits-data [options] stats\n"
    "       digits-data [options] write FOLDER\n"
    "       digits-data [options] sheet FILE.png\n"
    "Prints statistics of a data set, writes it as IDX files, or draws some of its images.\n"
    "\n"
    "Commands\n"
    "  stats               images of each class; mean and deviation of the pixels, as the group\n"
    "                      data of a model file\n"
    "  write FOLDER        four IDX files with MNIST's names, and classes.txt if the classes\n"
    "                      have names; creates the folder if needed, and never overwrites a set\n"
    "  sheet FILE.png      images in rows and columns, each with its label below it\n"
    "\n"
    "The set\n"
    "  --data PATH|builtin\n"
    "                      folder with four IDX files of MNIST's names, folder of pictures by\n"
    "                      class, or table, as `digits-run --help` says; default:\n"
    "                      $DIGITS_DATA, else the built-in digits\n"
    "  --input N,...       the shape of a sample, as the input of a model has it: of pictures, 3\n"
    "                      channels read colours (3,32,32); of arrays and tables it tells where\n"
    "                      channels are, and whether they are pictures\n"
    "  --label COLUMN      of a table of numbers: the column with the classes; default: label\n"
    "  --targets COLUMN,...\n"
    "                      of a table: the columns with the values to learn, not classes\n"
    "  --missing mean|error\n"
    "                      of a table: what an empty field gets, the mean of its column over the\n"
    "                      rows to train; default: error\n"
    "  --decimal-comma     of a table: 1,5 is a number; semicolons or tabs separate columns\n"
    "  --transpose         of IDX files: swap height and width of the images\n"
    "  --arrays NAME,...   of an .npz file: names of the arrays to train, inputs and targets, and\n"
    "                      of those to test\n"
    "  --skip-bad N        leave out up to N pictures of a folder that can't be read, and name\n"
    "                      them; default 0\n"
    "  --classes FILE      names of the classes, one a line, the first for label 0; default:\n"
    "                      classes.txt beside IDX files\n"
    "  --seed N  --train N  --test N\n"
    "                      draw other digits than the built-in ones: the seed (default 1), and\n"
    "                      how many to train (default 60000) and to test (default 10000)\n"
    "  --threads N         threads that draw; default: all cores\n"
    "\n"
    "write\n"
    "  --gzip              gzip the files; their names then end in .gz\n"
    "\n"
    "sheet\n"
    "  --part train|test   part of the set; default: train\n"
    "  --class N           only images of this class\n"
    "  --from N            begin with the N-th image of the part; the first is 0\n"
    "  --count N           at most N images; default 100\n"
    "  --columns N         images in a row; default 10\n"
    "  --augment MODEL     a row for each of 10 images: the image, then what the training of\n"
    "                      MODEL makes of it from step to step: rotated, shifted, scaled and\n"
    "                      sheared; --seed then draws these changes, not the digits\n"
    "  --scale N           enlarge each pixel to N x N; default 2\n"
    "\n"
    "  -h, --help  --version\n"
    "\n"
    "Exit status: 0 success; 1 failure while running; 2 wrong usage or input.\n";

/* The options with a number come first, in the order of `numbers`. */
enum {
  OPT_SEED = 256,
  OPT_TRAIN,
  OPT_TEST,
  OPT_THREADS,
  OPT_SKIP_BAD,
  OPT_CLASS,
  OPT_FROM,
  OPT_COUNT,
  OPT_COLUMNS,
  OPT_SCALE,
  OPT_DATA,
  OPT_CLASSES,
  OPT_GZIP,
  OPT_PART,
  OPT_AUGMENT,
  OPT_INPUT,
  OPT_HELP,
  OPT_VERSION
};

static const struct option known[] = {
    {"seed", required_argument, NULL, OPT_SEED},
    {"train", required_argument, NULL, OPT_TRAIN},
    {"test", required_argument, NULL, OPT_TEST},
    {"threads", required_argument, NULL, OPT_THREADS},
    {"skip-bad", required_argument, NULL, OPT_SKIP_BAD},
    {"class", required_argument, NULL, OPT_CLASS},
    {"from", required_argument, NULL, OPT_FROM},
    {"count", required_argument, NULL, OPT_COUNT},
    {"columns", required_argument, NULL, OPT_COLUMNS},
    {"scale", required_argument, NULL, OPT_SCALE},
    {"data", required_argument, NULL, OPT_DATA},
    {"classes", required_argument, NULL, OPT_CLASSES},
    {"gzip", no_argument, NULL, OPT_GZIP},
    {"part", required_argument, NULL, OPT_PART},
    {"augment", required_argument, NULL, OPT_AUGMENT},
    {"input", required_argument, NULL, OPT_INPUT},
    READING_OPTIONS,
    {"help", no_argument, NULL, OPT_HELP},
    {"version", no_argument, NULL, OPT_VERSION},
    {0},
};

static const struct {
  const char *option;
  uint32_t low, high;
  size_t offset;
} numbers[] = {
    {"--seed", 0, UINT32_MAX, offsetof(data_options, seed)},
    {"--train", 1, 10000000, offsetof(data_options, train)},
    {"--test", 1, 10000000, offsetof(data_options, test)},
    {"--threads", 1, 1024, offsetof(data_options, threads)},
    {"--skip-bad", 0, UINT32_MAX, offsetof(data_options, skip_bad)},
    {"--class", 0, UINT8_MAX, offsetof(data_options, class)},
    {"--from", 0, UINT32_MAX, offsetof(data_options, from)},
    {"--count", 1, 1000000, offsetof(data_options, count)},
    {"--columns", 1, 1000000, offsetof(data_options, columns)},
    {"--scale", 1, 64, offsetof(data_options, scale)},
};

/** Which options were given: the last one that belongs to a single command, or NULL; and a seed. */
typedef struct {
  const char *write, *sheet;
  bool seed;
} particular;

static bool read_part(const char *word, dg_part *part, dg_error *err) {
  *part = strcmp(word, "test") == 0 ? DG_PART_TEST : DG_PART_TRAIN;
  return *part == DG_PART_TEST || strcmp(word, "train") == 0 ||
         dg_fail(err, DG_ERR_INPUT, "--part must be train or test, not \"%s\"", word);
}

/** Reads 1 to 3 sizes. */
static bool read_input(data_options *o, const char *value, dg_error *err) {
  const char *at = value;
  char *end = NULL;
  for (o->rank = 0; o->rank < 3; at = end + 1) {
    const unsigned long long size = strtoull(at, &end, 10);
    if (!isdigit((unsigned char)*at) || size == 0 || size > INT32_MAX) break;
    o->dim[o->rank++] = (uint32_t)size;
    if (*end == '\0') return true;
    if (*end != ',') break;
  }
  return dg_fail(err, DG_ERR_INPUT, "--input must be 1 to 3 sizes, as in 3,32,32, not \"%s\"",
                 value);
}

static bool read_number(data_options *o, int which, const char *value, particular *given,
                        dg_error *err) {
  int i = which - OPT_SEED;
  if (which == OPT_SEED) given->seed = true;
  if (which == OPT_TRAIN || which == OPT_TEST) o->draw = true;
  if (which >= OPT_CLASS) given->sheet = numbers[i].option;
  return command_number(numbers[i].option, value, numbers[i].low, numbers[i].high,
                        (uint32_t *)((char *)o + numbers[i].offset), err);
}

static bool read_one(data_options *o, int which, const char *value, particular *given,
                     dg_error *err) {
  if (reading_take(&o->reading, which, value)) return true;
  switch (which) {
  case OPT_DATA:
    o->data = value;
    return true;
  case OPT_INPUT:
    return read_input(o, value, err);
  case OPT_CLASSES:
    o->classes = value;
    return true;
  case OPT_GZIP:
    given->write = "--gzip";
    o->gzip = true;
    return true;
  case OPT_PART:
    given->sheet = "--part";
    return read_part(value, &o->part, err);
  case OPT_AUGMENT:
    given->sheet = "--augment";
    o->augment = value;
    return true;
  default:
    return read_number(o, which, value, given, err);
  }
}

/** Reads the command and its target from the arguments that are not options. */
static bool read_command(data_options *o, char **words, int count, dg_error *err) {
  static const char *const names[] = {"stats", "write", "sheet"};
  static const char *const targets[] = {NULL, "a FOLDER", "a FILE.png"};
  if (count == 0)
    return dg_fail(err, DG_ERR_INPUT, "give a command: stats, write or sheet; see --help");
  for (int i = 0; i < 3; i++) {
    if (strcmp(words[0], names[i]) != 0) continue;
    o->task = (data_task)(DATA_STATS + i);
    o->target = words[1];
    if (count == (targets[i] ? 2 : 1)) return true;
    return dg_fail(err, DG_ERR_INPUT, "%s takes %s; see --help", names[i],
                   targets[i] ? targets[i] : "no further word");
  }
  const char *near = dg_nearest(words[0], names, 3);
  if (near)
    return dg_fail(err, DG_ERR_INPUT, "unknown command \"%s\"; did you mean \"%s\"?", words[0],
                   near);
  return dg_fail(err, DG_ERR_INPUT, "unknown command \"%s\"; there are stats, write and sheet",
                 words[0]);
}

/** Checks for conflicting options. */
static bool check(const data_options *o, const particular *given, const char *command,
                  dg_error *err) {
  const char *stray = o->task != DATA_WRITE && given->write   ? given->write
                      : o->task != DATA_SHEET && given->sheet ? given->sheet
                                                              : NULL;
  if (stray) return dg_fail(err, DG_ERR_INPUT, "%s doesn't go with %s; see --help", stray, command);
  if (o->draw && strcmp(o->data, "builtin") != 0)
    return dg_fail(err, DG_ERR_INPUT,
                   "--seed, --train and --test draw digits, but the data is %s; add --data builtin",
                   o->data);
  return !o->augment || o->part == DG_PART_TRAIN ||
         dg_fail(err, DG_ERR_INPUT,
                 "--augment shows training images: --part test doesn't go with it");
}

bool data_options_read(data_options *o, int argc, char **argv, dg_error *err) {
  *o = (data_options){.seed = 1,
                      .train = 60000,
                      .test = 10000,
                      .class = DATA_ALL_CLASSES,
                      .columns = 10,
                      .scale = 2};
  particular given = {0};
  int index;
  for (int which; (which = command_option(argc, argv, known, &index, err)) != -1;) {
    if (which == '?') return false;
    if (which == OPT_HELP || which == OPT_VERSION) {
      o->task = which == OPT_HELP ? DATA_HELP : DATA_VERSION;
      return true;
    }
    if (!read_one(o, which, optarg, &given, err)) return false;
  }
  if (!read_command(o, argv + optind, argc - optind, err)) return false;
  if (!o->count) o->count = o->augment ? 10 : 100;
  o->draw |= given.seed && !o->augment;
  o->data = command_data(o->data);
  return check(o, &given, argv[optind], err);
}
