#include "tools/common/command.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/error.h"
#include "tools/common/say.h"
#include "tools/common/terminal.h"

void command_begin(void) {
  int descriptor = open("/dev/null", O_RDONLY); /* opens as the lowest free descriptor */
  while (descriptor >= 0 && descriptor <= STDERR_FILENO) descriptor = dup(descriptor);
  if (descriptor >= 0) close(descriptor);
}

bool command_number(const char *option, const char *text, uint32_t low, uint32_t high,
                    uint32_t *out, dg_error *err) {
  char *end;
  errno = 0;
  unsigned long long value = strtoull(text, &end, 10);
  if (isdigit((unsigned char)text[0]) && *end == '\0' && errno == 0 && value >= low &&
      value <= high) {
    *out = (uint32_t)value;
    return true;
  }
  return dg_fail(err, DG_ERR_INPUT, "%s must be a whole number from %u to %u, not \"%s\"", option,
                 low, high, text);
}

bool command_size(const char *option, const char *text, uint64_t *out, dg_error *err) {
  static const char units[] = "KMG";
  char *end;
  errno = 0;
  const unsigned long long value = strtoull(text, &end, 10);
  const char *unit = *end ? strchr(units, *end) : NULL;
  const unsigned shift = unit ? 10 * (unsigned)(unit - units + 1) : 0;
  if (isdigit((unsigned char)text[0]) && errno == 0 && value > 0 && value <= UINT64_MAX >> shift &&
      (unit ? end[1] : *end) == '\0') {
    *out = value << shift;
    return true;
  }
  return dg_fail(err, DG_ERR_INPUT,
                 "%s must be a number of bytes, such as 3000000000, 512M or 2G, not \"%s\"", option,
                 text);
}

bool command_probability(const char *option, const char *text, double *out, dg_error *err) {
  char *end;
  double value = strtod(text, &end);
  bool decimal = strspn(text, "0123456789.eE+-") == strlen(text) && end > text && *end == '\0';
  if (decimal && value > 0 && value <= 1) {
    *out = value;
    return true;
  }
  return dg_fail(err, DG_ERR_INPUT, "%s must be a number above 0, up to 1, such as 0.9, not \"%s\"",
                 option, text);
}

bool command_set(char *text, dg_override *out, dg_error *err) {
  char *equals = strchr(text, '=');
  if (!equals || equals == text)
    return dg_fail(err, DG_ERR_INPUT, "--set needs PATH=VALUE, not \"%s\"", text);
  *equals = '\0';
  *out = (dg_override){"--set", text, equals + 1};
  return true;
}

/** The error for an unknown option: a letter or a word. */
static void fail_unknown(const char *word, dg_error *err) {
  if (optopt > 0 && optopt <= UCHAR_MAX)
    dg_fail(err, DG_ERR_INPUT, "unknown option -%c; see --help", optopt);
  else
    dg_fail(err, DG_ERR_INPUT, "unknown option %s; see --help", word);
}

int command_option(int argc, char **argv, const struct option *known, int *index, dg_error *err) {
  opterr = 0;
  int which = getopt_long(argc, argv, ":h", known, index);
  if (which == 'h') {
    for (*index = 0; strcmp(known[*index].name, "help") != 0;) ++*index;
    return known[*index].val;
  }
  if (which == '?')
    fail_unknown(argv[optind - 1], err);
  else if (which == ':')
    dg_fail(err, DG_ERR_INPUT, "option %s needs a value; see --help", argv[optind - 1]);
  else if (which != -1 && optarg && !*optarg)
    dg_fail(err, DG_ERR_INPUT, "option --%s needs a value; see --help", known[*index].name);
  else
    return which;
  return '?';
}

bool command_help(const char *help) {
  fputs(help, stdout);
  return true;
}

const char *command_data(const char *given) {
  const char *set = getenv("DIGITS_DATA");
  return given ? given : set && *set ? set : "builtin";
}

unsigned command_units(const dg_device *device) {
  unsigned threads = dg_device_threads(device);
  return threads ? threads : dg_device_compute_units(device);
}

void command_note(void *program, const char *message) {
  fflush(stdout);
  say_to(stderr, "%s: note: %s\n", (const char *)program, message);
}

dg_device *command_open(const char *backend, const char *device, unsigned threads, char *program,
                        dg_error *err) {
  return dg_device_open(&(dg_device_options){.size = sizeof(dg_device_options),
                                             .backend = backend,
                                             .device = device,
                                             .threads = threads,
                                             .note = command_note,
                                             .user = program},
                        err);
}

static int exit_code(dg_error_kind kind) {
  return kind == DG_ERR_INPUT ? 2 : kind == DG_ERR_INTERRUPTED ? 130 : 1;
}

/** The option for a remedy, and its advice. */
typedef struct {
  dg_remedy remedy;
  const char *option, *text;
} advice;

static const advice advices[] = {
    {DG_REMEDY_BATCH, "batch", "try a smaller --batch"},
    {DG_REMEDY_LEARNING_RATE, "lr", "try a smaller --lr"},
    {DG_REMEDY_BACKEND, "backend", "try --backend cpu"},
    {DG_REMEDY_DEVICE, "device", "choose another with --device; --list-devices shows them"},
    {DG_REMEDY_THREADS, "threads", "leave --threads out, or use --backend cpu"},
    {DG_REMEDY_MODEL_KEY, "set", "--set sets it"},
    {DG_REMEDY_MODEL, "model", "name one with --model"},
    {DG_REMEDY_DATA, "data", "give those with --data"},
    {DG_REMEDY_RESUME, "resume", "--resume goes on with it"},
    {DG_REMEDY_WEIGHTS, "load", "--load loads them"},
    {DG_REMEDY_NAMES, "map", "--map THEIRS=OURS says so"},
    {DG_REMEDY_LAYOUT, "layout", "--layout sets it"},
    {DG_REMEDY_FORMAT, "from", "--from names that of INPUT, --to that of OUTPUT"},
    {DG_REMEDY_KEY, "key", "--key NAME reads what is under that name"},
    {DG_REMEDY_COLUMN, "label",
     "--label COLUMN, or --targets COLUMN,... for values, reads a table of numbers"},
    {DG_REMEDY_MISSING, "missing", "--missing mean fills it with the mean of its column"},
    {DG_REMEDY_COMMA, "decimal-comma", "--decimal-comma reads 1,5 as a number"},
    {DG_REMEDY_DATA_MEMORY, "data-memory", "--data-memory sets it"},
    {DG_REMEDY_SKIP, "skip-bad", "--skip-bad N leaves out up to N pictures that can't be read"},
};

/** Is a word in a list? */
static bool has_word(const char *words, const char *word) {
  size_t length = strlen(word);
  for (const char *at = words; (at = strstr(at, word)); at += length)
    if ((at == words || at[-1] == ' ') && (at[length] == ' ' || !at[length])) return true;
  return false;
}

/** The advice for a remedy if the program has an option for it; else NULL. */
static const char *advise(const char *options, dg_remedy remedy) {
  for (size_t i = 0; i < sizeof advices / sizeof *advices; i++)
    if (advices[i].remedy == remedy && has_word(options, advices[i].option)) return advices[i].text;
  return NULL;
}

int command_end(const char *program, const char *options, bool ok, dg_error *err) {
  if (ok && (fflush(stdout) != 0 || ferror(stdout)))
    ok = dg_fail(err, DG_ERR_RUNTIME, "standard output could not be written");
  if (ok) return 0;
  bool colored = terminal_colored(STDERR_FILENO);
  if (colored) fputs("\033[1;31m", stderr);
  say_to(stderr, "%s:", program);
  if (colored) fputs("\033[0m", stderr);
  const char *remedy = advise(options, err->remedy);
  say_to(stderr, " %s%s%s\n", err->message, remedy ? "; " : "", remedy ? remedy : "");
  return exit_code(err->kind);
}
