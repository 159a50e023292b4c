#define _XOPEN_SOURCE 700 /* nftw */
#include "tools/bench/start.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <math.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/error.h"

extern char **environ;

/* ---- the environment ---------------------------------------------------- */

/** Variables for the caches of compiled kernels: of digits, Mesa, PoCL and NVIDIA's driver. */
static const char *const cache_variables[] = {"DIGITS_CACHE", "XDG_CACHE_HOME", "POCL_CACHE_DIR",
                                              "CUDA_CACHE_PATH"};
enum { CACHES = sizeof cache_variables / sizeof *cache_variables, TEXT = 4200 };

static bool is_cache_variable(const char *entry) {
  for (size_t i = 0; i < CACHES; i++) {
    size_t length = strlen(cache_variables[i]);
    if (strncmp(entry, cache_variables[i], length) == 0 && entry[length] == '=') return true;
  }
  return false;
}

/** The environment with a separate folder in `folder` for each cache; `texts` stores the new
    strings. The caller frees the array. */
static char **cached_in(const char *folder, char texts[CACHES][TEXT], dg_error *err) {
  size_t count = 0, kept = 0;
  while (environ[count]) count++;
  char **entries = calloc(count + CACHES + 1, sizeof *entries);
  if (!entries) return dg_fail_memory(err, (count + CACHES + 1) * sizeof *entries), NULL;
  for (size_t i = 0; i < count; i++)
    if (!is_cache_variable(environ[i])) entries[kept++] = environ[i];
  for (size_t i = 0; i < CACHES; i++) {
    snprintf(texts[i], TEXT, "%s=%s/%s", cache_variables[i], folder, cache_variables[i]);
    mkdir(strchr(texts[i], '/'), S_IRWXU);
    entries[kept++] = texts[i];
  }
  return entries;
}

/* ---- the command line --------------------------------------------------- */

enum { FIXED = 16, NUMBER = 16, SETTING = 2 };

/** The command line of a process, and the texts made for it. */
typedef struct {
  char *words[FIXED + SETTING * BENCH_OVERRIDES + 1];
  int count;
  char seed[NUMBER], threads[NUMBER];
  char *settings[BENCH_OVERRIDES];
} command_words;

static void add(command_words *c, const char *option, const char *value) {
  c->words[c->count++] = (char *)option;
  if (value) c->words[c->count++] = (char *)value;
}

static void free_words(command_words *c) {
  for (size_t i = 0; i < BENCH_OVERRIDES; i++) free(c->settings[i]);
}

static bool write_words(command_words *c, const bench_options *o, const bench_side *side,
                        const char *model, dg_error *err) {
  *c = (command_words){.count = 0};
  snprintf(c->seed, sizeof c->seed, "%u", o->seed);
  snprintf(c->threads, sizeof c->threads, "%u", side->threads);
  add(c, "digits-bench", "--first-step");
  add(c, "--backend", side->backend);
  add(c, "--seed", c->seed);
  if (side->device) add(c, "--device", side->device);
  if (side->threads) add(c, "--threads", c->threads);
  if (o->data) add(c, "--data", o->data);
  for (uint32_t i = 0; i < o->override_count; i++) {
    const dg_override *set = &o->overrides[i];
    size_t size = strlen(set->path) + strlen(set->value) + 2;
    c->settings[i] = malloc(size);
    if (!c->settings[i]) return dg_fail_memory(err, size);
    snprintf(c->settings[i], size, "%s=%s", set->path, set->value);
    add(c, "--set", c->settings[i]);
  }
  add(c, "--", model);
  return true;
}

/* ---- the process -------------------------------------------------------- */

/** A running process, and the pipe for its output. */
typedef struct {
  pid_t id;
  FILE *output;
} process;

/** Starts a process with `output` as its standard output. A terminal can interrupt it although this
    process ignores that. Returns an errno. */
static int spawn_to(int output, pid_t *id, char *const *words, char *const *environment) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  sigset_t signals;
  int code = posix_spawn_file_actions_init(&actions);
  if (code) return code;
  code = posix_spawnattr_init(&attributes);
  if (!code) {
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    code = posix_spawnattr_setsigdefault(&attributes, &signals);
    if (!code) code = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
    if (!code) code = posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    if (!code) code = posix_spawn(id, "/proc/self/exe", &actions, &attributes, words, environment);
    posix_spawnattr_destroy(&attributes);
  }
  posix_spawn_file_actions_destroy(&actions);
  return code;
}

static bool spawn(process *p, char *const *words, char *const *environment, dg_error *err) {
  int ends[2];
  if (pipe(ends) != 0) return dg_fail(err, DG_ERR_RUNTIME, "no pipe: %s", strerror(errno));
  fcntl(ends[0], F_SETFD, FD_CLOEXEC);
  fcntl(ends[1], F_SETFD, FD_CLOEXEC);
  int code = spawn_to(ends[1], &p->id, words, environment);
  close(ends[1]);
  p->output = code ? NULL : fdopen(ends[0], "r");
  if (p->output) return true;
  close(ends[0]);
  return dg_fail(err, DG_ERR_RUNTIME, "digits-bench can't run itself: %s",
                 strerror(code ? code : errno));
}

/**
 * Runs one process; writes the seconds from its start to its first step, without loading data. The
 * first step compiles and warms up, so its time counts, less that of the second one.
 */
static bool time_start(char *const *words, char *const *environment, double *seconds,
                       uint64_t *memory, dg_error *err) {
  process p;
  char line[256] = "";
  double begun = dg_seconds(), first, loading, second;
  unsigned long long bytes;
  if (!spawn(&p, words, environment, err)) return false;
  bool read = fgets(line, sizeof line, p.output) != NULL;
  double spent = dg_seconds() - begun;
  int status = 0;
  fclose(p.output);
  waitpid(p.id, &status, 0);
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGINT)
    return dg_fail(err, DG_ERR_INTERRUPTED, "interrupted in the first step");
  if (!read || status != 0 ||
      sscanf(line,
             "first step after %lf s, %lf s of them to load data; the second took %lf s; %llu",
             &first, &loading, &second, &bytes) != 4)
    return dg_fail(err, DG_ERR_RUNTIME, "the process that times the first step failed");
  *seconds = fmax(spent - loading - 2 * second, 0);
  *memory = bytes;
  return true;
}

/* ---- the caches --------------------------------------------------------- */

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *place) {
  (void)status, (void)type, (void)place;
  return remove(path);
}

static bool make_folder(char *path, size_t capacity, dg_error *err) {
  const char *parent = getenv("TMPDIR");
  snprintf(path, capacity, "%s/digits-bench-XXXXXX", parent && *parent ? parent : "/tmp");
  return mkdtemp(path) ||
         dg_fail(err, DG_ERR_RUNTIME, "no folder %s for a cache: %s", path, strerror(errno));
}

bool bench_start(const bench_options *o, const bench_side *side, const char *model, bench_result *r,
                 dg_error *err) {
  enum { OPEN_FOLDERS = 16 };
  char folder[TEXT - 32], texts[CACHES][TEXT];
  if (!make_folder(folder, sizeof folder, err)) return false;
  command_words words;
  void (*before)(int) = signal(SIGINT, SIG_IGN); /* so that the folder is always removed */
  char **environment = cached_in(folder, texts, err);
  bool ok = environment && write_words(&words, o, side, model, err);
  if (environment) {
    ok = ok && time_start(words.words, environment, &r->cold, &r->host_memory, err) &&
         time_start(words.words, environment, &r->warm, &r->host_memory, err);
    free_words(&words);
  }
  free(environment);
  nftw(folder, remove_entry, OPEN_FOLDERS, FTW_DEPTH | FTW_PHYS);
  signal(SIGINT, before);
  return ok || dg_fail_prefix(err, "%s on %s", model, side->label);
}
