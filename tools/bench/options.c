#include "tools/bench/options.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/error.h"
#include "core/base/text.h"
#include "tools/common/command.h"

const char bench_options_help[] =
    "Usage: digits-bench [options] [MODEL...]\n"
    "Measures how fast networks train, test and answer, on several devices side by side. MODEL\n"
    "is the path of a model file or the name of an installed one; default: all that are found.\n"
    "\n"
    "Where\n"
    "  --backend cpu|opencl[,...]\n"
    "                         default: all backends, on the first device of each\n"
    "  --device N[,N]         devices of the one given --backend, by number or part of the name;\n"
    "                         each is measured\n"
    "  --threads N            threads of the cpu backend; default: all cores\n"
    "\n"
    "What\n"
    "  --measure train|test|latency|start|losses[,...]\n"
    "                         what to measure; default: all of these\n"
    "  --profile              also time every op of a training step, layer by layer\n"
    "  --data DIR|builtin     images to use; default: a few drawn digits, for speed alone\n"
    "  --label COLUMN         of a table of numbers: the column with the classes; default: label\n"
    "  --targets COLUMN,...   of a table: the columns with the values to learn, not classes\n"
    "  --missing mean|error   of a table: what an empty field gets; default: error\n"
    "  --decimal-comma        of a table: 1,5 is a number; semicolons or tabs separate columns\n"
    "  --transpose            of IDX files: swap height and width of the images\n"
    "  --arrays NAME,...      of an .npz file: names of the arrays to train and to test\n"
    "  --skip-bad N           leave out up to N pictures of a folder that can't be read; default "
    "0\n"
    "  --batch N              images in each step; default: the model's\n"
    "  --exact                give the same bits with any number of --threads\n"
    "  --set PATH=VALUE       change any other key of the model files\n"
    "  --seed N               default 1\n"
    "\n"
    "How long\n"
    "  --seconds X            length of each measurement, about; default 0.5\n"
    "  --rounds N             rounds in which the devices take turns; the table shows medians;\n"
    "                         default 5\n"
    "  --steps N              steps whose losses are compared; default 10\n"
    "\n"
    "Output\n"
    "  --json FILE            also write all results as JSON, with every round\n"
    "  --first-step           only train two steps of one MODEL on one device, and print how\n"
    "                         long the first took; digits-bench runs this itself to measure\n"
    "                         starts\n"
    "  --tune                 find the fastest tiles of the kernels on the devices, and keep\n"
    "                         them for all programs; takes some seconds. Results stay the same,\n"
    "                         unless linear layers no longer go to CLBlast: digits-run\n"
    "                         --list-devices and logs show that\n"
    "  -h, --help  --version\n"
    "\n"
    "Columns of the table; other devices are compared with the first device of a model\n"
    "  training   speed of whole steps of the recipe, as digits-run logs it; testing: of\n"
    "             batches; us: time from one image in memory to its logits\n"
    "  GFLOP/s    operations of the direct method over time (two for each product of a sum; in\n"
    "             training, those of gradients too)\n"
    "  peak       share of the device's best rate for a product of 1024 x 1024 x 1024 (or 128),\n"
    "             packing included\n"
    "  mem        share of the device's rate of reading and writing memory; each input, output,\n"
    "             parameter, gradient and state counts each time that an op reads or writes it\n"
    "  MiB        memory planned on the device for training; peak of a process of two steps\n"
    "  start      seconds from the start of a process to its first training step (to its end,\n"
    "             less the time of the second), without loading data; first with empty caches of\n"
    "             compiled kernels, then with filled ones\n"
    "  apart      largest relative difference of the losses of the first steps\n"
    "\n"
    "Exit status: 0 success; 1 failure while running; 2 wrong usage or input.\n";

/* The options with a number come first, in the order of `numbers`. */
enum {
  OPT_THREADS = 256,
  OPT_SEED,
  OPT_ROUNDS,
  OPT_STEPS,
  OPT_SKIP_BAD,
  OPT_BACKEND,
  OPT_DEVICE,
  OPT_MEASURE,
  OPT_PROFILE,
  OPT_DATA,
  OPT_BATCH,
  OPT_SET,
  OPT_EXACT,
  OPT_SECONDS,
  OPT_JSON,
  OPT_FIRST_STEP,
  OPT_TUNE,
  OPT_HELP,
  OPT_VERSION
};

static const struct option known[] = {
    {"threads", required_argument, NULL, OPT_THREADS},
    {"seed", required_argument, NULL, OPT_SEED},
    {"rounds", required_argument, NULL, OPT_ROUNDS},
    {"steps", required_argument, NULL, OPT_STEPS},
    {"skip-bad", required_argument, NULL, OPT_SKIP_BAD},
    {"backend", required_argument, NULL, OPT_BACKEND},
    {"device", required_argument, NULL, OPT_DEVICE},
    {"measure", required_argument, NULL, OPT_MEASURE},
    {"profile", no_argument, NULL, OPT_PROFILE},
    {"exact", no_argument, NULL, OPT_EXACT},
    {"data", required_argument, NULL, OPT_DATA},
    {"batch", required_argument, NULL, OPT_BATCH},
    {"set", required_argument, NULL, OPT_SET},
    {"seconds", required_argument, NULL, OPT_SECONDS},
    {"json", required_argument, NULL, OPT_JSON},
    {"first-step", no_argument, NULL, OPT_FIRST_STEP},
    {"tune", no_argument, NULL, OPT_TUNE},
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
    {"--threads", 1, 1024, offsetof(bench_options, threads)},
    {"--seed", 0, UINT32_MAX, offsetof(bench_options, seed)},
    {"--rounds", 1, BENCH_ROUNDS, offsetof(bench_options, rounds)},
    {"--steps", 1, BENCH_STEPS, offsetof(bench_options, steps)},
    {"--skip-bad", 0, UINT32_MAX, offsetof(bench_options, skip_bad)},
};

/** Adds the words of a comma-separated list to `words` [BENCH_SIDES]. */
static bool add_words(char *list, const char *option, const char **words, uint32_t *count,
                      dg_error *err) {
  for (char *word = list, *end; word; word = end) {
    end = strchr(word, ',');
    if (end) *end++ = '\0';
    if (!*word) return dg_fail(err, DG_ERR_INPUT, "%s has a comma with nothing beside it", option);
    if (*count == BENCH_SIDES)
      return dg_fail(err, DG_ERR_INPUT, "%s names more than %d", option, BENCH_SIDES);
    words[(*count)++] = word;
  }
  return true;
}

static bool read_measures(bench_options *o, char *list, dg_error *err) {
  static const char *const names[] = {"train", "test", "latency", "start", "losses"};
  enum { KINDS = sizeof names / sizeof *names };
  const char *words[BENCH_SIDES];
  uint32_t count = 0;
  if (!add_words(list, "--measure", words, &count, err)) return false;
  o->measures = 0;
  for (uint32_t i = 0; i < count; i++) {
    size_t k = 0;
    while (k < KINDS && strcmp(words[i], names[k]) != 0) k++;
    if (k == KINDS)
      return dg_fail(err, DG_ERR_INPUT,
                     "--measure takes train, test, latency, start and losses, not \"%s\"",
                     words[i]);
    o->measures |= 1U << k;
  }
  return true;
}

static bool read_seconds(const char *text, double *seconds, dg_error *err) {
  char *end;
  *seconds = strtod(text, &end);
  return (*end == '\0' && *seconds >= 0.001 && *seconds <= 3600) ||
         dg_fail(err, DG_ERR_INPUT, "--seconds must be a number from 0.001 to 3600, not \"%s\"",
                 text);
}

static bool add_override(bench_options *o, dg_override override, dg_error *err) {
  static const char *const ours[] = {"train.epochs", "train.steps", "train.keep",
                                     "data.validation"};
  for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
    if (strcmp(override.path, ours[i]) == 0)
      return dg_fail(err, DG_ERR_INPUT,
                     "--set %s does nothing here: digits-bench runs steps for as long as "
                     "--seconds says, validates nothing and keeps nothing",
                     ours[i]);
  if (o->override_count == BENCH_OVERRIDES)
    return dg_fail(err, DG_ERR_INPUT, "more than %d overrides; put some of them into a model file",
                   BENCH_OVERRIDES);
  o->overrides[o->override_count++] = override;
  return true;
}

static bool set_task(bench_options *o, bench_task task, dg_error *err) {
  if (o->task != BENCH_RUN && o->task != task)
    return dg_fail(err, DG_ERR_INPUT, "--tune and --first-step don't go together; see --help");
  o->task = task;
  return true;
}

static bool read_one(bench_options *o, int which, char *value, dg_error *err) {
  dg_override setting = {"--batch", "train.batch", value};
  if (reading_take(&o->reading, which, value)) return true;
  switch (which) {
  case OPT_BACKEND:
    return add_words(value, "--backend", o->backends, &o->backend_count, err);
  case OPT_DEVICE:
    return add_words(value, "--device", o->devices, &o->device_count, err);
  case OPT_MEASURE:
    return read_measures(o, value, err);
  case OPT_PROFILE:
    o->profile = true;
    return true;
  case OPT_EXACT:
    return add_override(o, (dg_override){"--exact", "train.exact", "true"}, err);
  case OPT_DATA:
    o->data = value;
    return true;
  case OPT_BATCH:
    return add_override(o, setting, err);
  case OPT_SET:
    return command_set(value, &setting, err) && add_override(o, setting, err);
  case OPT_SECONDS:
    return read_seconds(value, &o->seconds, err);
  case OPT_JSON:
    o->json = value;
    return true;
  case OPT_FIRST_STEP:
    return set_task(o, BENCH_FIRST_STEP, err);
  case OPT_TUNE:
    return set_task(o, BENCH_TUNE, err);
  default:
    which -= OPT_THREADS;
    return command_number(numbers[which].option, value, numbers[which].low, numbers[which].high,
                          (uint32_t *)((char *)o + numbers[which].offset), err);
  }
}

/** Refuses what can't be combined with --tune, which measures its own ops. */
static bool check_tune(const bench_options *o, const char *of_network, dg_error *err) {
  if (o->model_count)
    return dg_fail(err, DG_ERR_INPUT, "--tune takes no MODEL, but there is \"%s\"", o->models[0]);
  return !of_network ||
         dg_fail(err, DG_ERR_INPUT, "%s doesn't go with --tune; see --help", of_network);
}

/** Checks for conflicting options: `of_table` is a given option of the table, `of_network` one of
    how networks run, or NULL. */
static bool check(const bench_options *o, const char *of_table, const char *of_network,
                  dg_error *err) {
  if (o->device_count && o->backend_count != 1)
    return dg_fail(err, DG_ERR_INPUT, "--device needs one --backend, whose devices it names");
  if (o->task == BENCH_TUNE) return check_tune(o, of_table ? of_table : of_network, err);
  if (o->task != BENCH_FIRST_STEP) return true;
  if (of_table)
    return dg_fail(err, DG_ERR_INPUT, "%s doesn't go with --first-step; see --help", of_table);
  return (o->model_count == 1 && o->backend_count == 1 && o->device_count <= 1) ||
         dg_fail(err, DG_ERR_INPUT,
                 "--first-step takes one MODEL, one --backend and at most one --device");
}

/** Options that select the content of the table. */
static bool is_of_table(int which) {
  return which == OPT_ROUNDS || which == OPT_STEPS || which == OPT_MEASURE ||
         which == OPT_PROFILE || which == OPT_SECONDS || which == OPT_JSON;
}

/** Options that set how a network runs. */
static bool is_of_network(int which) {
  return which == OPT_DATA || which == OPT_BATCH || which == OPT_SET || which == OPT_SEED ||
         which == OPT_THREADS || which == OPT_SKIP_BAD || which >= READING_LABEL;
}

bool bench_options_read(bench_options *o, int argc, char **argv, dg_error *err) {
  *o = (bench_options){.seed = 1,
                       .steps = 10,
                       .rounds = 5,
                       .seconds = 0.5,
                       .measures = MEASURE_TRAIN | MEASURE_TEST | MEASURE_LATENCY | MEASURE_START |
                                   MEASURE_LOSSES};
  char of_table[32] = "", of_network[32] = "";
  int index;
  for (int which; (which = command_option(argc, argv, known, &index, err)) != -1;) {
    if (which == '?') return false;
    if (which == OPT_HELP || which == OPT_VERSION) {
      o->task = which == OPT_HELP ? BENCH_HELP : BENCH_VERSION;
      return true;
    }
    if (is_of_table(which) && !*of_table)
      dg_append(of_table, sizeof of_table, "--%s", known[index].name);
    if (is_of_network(which) && !*of_network)
      dg_append(of_network, sizeof of_network, "--%s", known[index].name);
    if (!read_one(o, which, optarg, err)) return false;
  }
  for (; optind < argc; optind++) {
    if (o->model_count == BENCH_MODELS)
      return dg_fail(err, DG_ERR_INPUT, "more than %d models", BENCH_MODELS);
    o->models[o->model_count++] = argv[optind];
  }
  return check(o, *of_table ? of_table : NULL, *of_network ? of_network : NULL, err);
}

/** The first device of every backend that has one that can be used. */
static bool for_backends(bool (*call)(void *, const char *, const char *, dg_error *), void *user,
                         dg_error *err) {
  enum { MOST = 64 };
  dg_device_info devices[MOST];
  size_t count;
  if (!dg_device_list(devices, sizeof(dg_device_info), MOST, &count, err)) return false;
  for (size_t i = count < MOST ? count : MOST; i-- > 0;)
    if (devices[i].number == 0 && !*devices[i].fault && !call(user, devices[i].backend, NULL, err))
      return false;
  return true;
}

bool bench_for_devices(const bench_options *o,
                       bool (*call)(void *user, const char *backend, const char *device,
                                    dg_error *err),
                       void *user, dg_error *err) {
  if (o->backend_count == 0) return for_backends(call, user, err);
  for (uint32_t i = 0; i < o->device_count; i++)
    if (!call(user, o->backends[0], o->devices[i], err)) return false;
  for (uint32_t i = 0; i < o->backend_count && o->device_count == 0; i++)
    if (!call(user, o->backends[i], NULL, err)) return false;
  return true;
}
