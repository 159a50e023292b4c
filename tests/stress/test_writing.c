/* Files on their way to the disk: what interrupts, damages, refuses or kills a write leaves the old
   file or the new one. The calls below stand between the library and the system. */
#define _GNU_SOURCE /* setgroups */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/file/file.h"
#include "core/base/json.h"
#include "core/weights/safetensors.h"
#include "tests/common/suite.h"

enum { LARGE = 300000, NOBODY = 65534, LYING = -1 };

/* ---- the calls that go wrong --------------------------------------------- */

typedef enum { WRITE, PWRITE, PREAD, FSYNC, RENAME, LINKAT, CALLS } call;

/** What goes wrong with a kind of call, from the `first` on for `times` calls: an errno, or what is
    named above. */
static struct { int wrong, first, times, made; } trouble[CALLS];
static bool all_short; /**< each call writes or reads some bytes alone, and every other is EINTR */
static int calls_made, killed_at; /**< of all kinds together; 0: not killed */

static void no_trouble(void) {
  memset(trouble, 0, sizeof trouble);
  all_short = false;
  calls_made = killed_at = 0;
}

static void make_trouble(call kind, int wrong, int first, int times) {
  no_trouble();
  trouble[kind].wrong = wrong;
  trouble[kind].first = first;
  trouble[kind].times = times;
}

/** What goes wrong with this call; 0: nothing. */
static int trouble_with(call kind) {
  int number = ++trouble[kind].made, first = trouble[kind].first;
  if (++calls_made == killed_at) raise(SIGKILL);
  bool hit = first && number >= first && number < first + trouble[kind].times;
  return hit ? trouble[kind].wrong : 0;
}

static size_t shortened(size_t size) {
  return all_short && size > 7 ? 7 + size / 3 : size;
}

/** Does the call fail at once? */
static bool fails(call kind, int *wrong) {
  *wrong = trouble_with(kind);
  if (all_short && calls_made % 2 == 0) *wrong = EINTR;
  if (*wrong > 0) errno = *wrong;
  return *wrong > 0;
}

ssize_t __real_write(int file, const void *bytes, size_t size);
ssize_t __wrap_write(int file, const void *bytes, size_t size);
ssize_t __wrap_write(int file, const void *bytes, size_t size) {
  int wrong;
  if (file <= STDERR_FILENO) return __real_write(file, bytes, size);
  if (fails(WRITE, &wrong)) return -1;
  if (wrong != LYING) return __real_write(file, bytes, shortened(size));
  char *other = malloc(size);
  memcpy(other, bytes, size);
  other[size / 2] ^= 1;
  ssize_t written = __real_write(file, other, size);
  free(other);
  return written;
}

ssize_t __real_pwrite(int file, const void *bytes, size_t size, off_t place);
ssize_t __wrap_pwrite(int file, const void *bytes, size_t size, off_t place);
ssize_t __wrap_pwrite(int file, const void *bytes, size_t size, off_t place) {
  int wrong;
  return fails(PWRITE, &wrong) ? -1 : __real_pwrite(file, bytes, shortened(size), place);
}

ssize_t __real_pread(int file, void *bytes, size_t size, off_t place);
ssize_t __wrap_pread(int file, void *bytes, size_t size, off_t place);
ssize_t __wrap_pread(int file, void *bytes, size_t size, off_t place) {
  int wrong;
  return fails(PREAD, &wrong) ? -1 : __real_pread(file, bytes, shortened(size), place);
}

int __real_fsync(int file);
int __wrap_fsync(int file);
int __wrap_fsync(int file) {
  int wrong;
  return fails(FSYNC, &wrong) ? -1 : __real_fsync(file);
}

int __real_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to) {
  int wrong = trouble_with(RENAME);
  if (wrong > 0) return errno = wrong, -1;
  return __real_rename(from, to);
}

int __real_linkat(int from, const char *old, int to, const char *new, int flags);
int __wrap_linkat(int from, const char *old, int to, const char *new, int flags);
int __wrap_linkat(int from, const char *old, int to, const char *new, int flags) {
  int wrong = trouble_with(LINKAT);
  if (wrong > 0) return errno = wrong, -1;
  return __real_linkat(from, old, to, new, flags);
}

/* ---- a folder of its own ------------------------------------------------- */

static char folder[100];

static const char *path_of(const char *name) {
  static char path[400];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  return path;
}

static void remove_all(void) {
  char command[200];
  snprintf(command, sizeof command, "rm -rf %s", folder);
  ck_assert_int_eq(system(command), 0);
}

static void set_up(void) {
  strcpy(folder, "/tmp/digits-writing-XXXXXX");
  suite_new_folder(folder);
  no_trouble();
}

static void tear_down(void) {
  no_trouble();
  remove_all();
}

/** Large enough that it doesn't go in one piece, and another for each letter. */
static char *content_of(char letter) {
  static char content[LARGE + 1];
  memset(content, letter, LARGE);
  content[LARGE] = '\0';
  return content;
}

static void put(const char *name, const char *content) {
  FILE *file = fopen(path_of(name), "wb");
  ck_assert_ptr_nonnull(file);
  ck_assert_uint_eq(fwrite(content, 1, strlen(content), file), strlen(content));
  ck_assert_int_eq(fclose(file), 0);
}

/** Does a file hold just this? */
static bool holds(const char *name, const char *content) {
  size_t size;
  char *text = dg_file_read(path_of(name), 1 << 24, &size, NULL);
  bool same = text && size == strlen(content) && memcmp(text, content, size) == 0;
  free(text);
  return same;
}

/** How many files are in the folder, and the name of one that isn't `but`, a copy if there is. */
static unsigned count_files(const char *but, char other[256]) {
  unsigned count = 0;
  DIR *files = opendir(folder);
  ck_assert_ptr_nonnull(files);
  for (struct dirent *file; (file = readdir(files));) {
    if (file->d_name[0] == '.') continue;
    count++;
    if (strcmp(file->d_name, but) != 0 && !strstr(other, ".old"))
      snprintf(other, 256, "%s", file->d_name);
  }
  closedir(files);
  return count;
}

static void check_alone(const char *name) {
  char other[256] = "";
  ck_assert_msg(count_files(name, other) == 1, "beside %s there is %s", name, other);
}

static bool save(const char *name, char letter, dg_error *err) {
  dg_new_file file;
  if (!dg_file_begin(&file, path_of(name), err)) return false;
  const char *content = content_of(letter);
  dg_file_write(&file, content, 10);
  dg_file_write(&file, content + 10, LARGE - 10);
  return dg_file_commit(&file, err);
}

static void check_saved(const char *name, char letter) {
  dg_error err = {0};
  ck_assert_msg(save(name, letter, &err), "%s", err.message);
  no_trouble();
  ck_assert(holds(name, content_of(letter)));
  check_alone(name);
}

static void check_refused(const char *says) {
  dg_error err = {0};
  ck_assert(!save("w", 'b', &err));
  no_trouble();
  ck_assert_msg(strstr(err.message, says) != NULL, "no \"%s\" in: %s", says, err.message);
  ck_assert(holds("w", content_of('a')));
  check_alone("w");
}

/* ---- signals, errors and lies --------------------------------------------- */

START_TEST(a_signal_interrupts_no_write) {
  all_short = true;
  check_saved("w", 'a');
  make_trouble(RENAME, EBUSY, 1, 1); /* in place */
  all_short = true;
  check_saved("w", 'b');
}
END_TEST

START_TEST(what_fails_keeps_the_old_file) {
  put("w", content_of('a'));
  make_trouble(WRITE, ENOSPC, 1, 1);
  check_refused("No space left on device; what was there is unchanged");
  make_trouble(FSYNC, EIO, 1, 1);
  check_refused("Input/output error; what was there is unchanged");
  make_trouble(RENAME, EIO, 1, 1);
  check_refused("Input/output error; what was there is unchanged");
}
END_TEST

START_TEST(other_bytes_than_were_written_are_noticed) {
  put("w", content_of('a'));
  make_trouble(WRITE, LYING, 1, 1);
  check_refused("other bytes were read back than were written");
}
END_TEST

START_TEST(names_that_are_taken_are_left_alone) {
  put("w", content_of('a'));
  make_trouble(LINKAT, EEXIST, 1, 3);
  check_saved("w", 'b');
}
END_TEST

/* ---- written in place ----------------------------------------------------- */

static const int fixed[] = {EBUSY, EPERM, EACCES};

/** A file that can't be renamed over keeps its inode and gets the new bytes. */
START_TEST(what_cannot_be_renamed_is_written_in_place) {
  struct stat before, after;
  put("w", content_of('a'));
  ck_assert_int_eq(stat(path_of("w"), &before), 0);
  make_trouble(RENAME, fixed[_i], 1, 1);
  check_saved("w", 'b');
  ck_assert_int_eq(stat(path_of("w"), &after), 0);
  ck_assert(before.st_ino == after.st_ino);
  put("w", "short");
  make_trouble(RENAME, fixed[_i], 1, 1);
  check_saved("w", 'a');
}
END_TEST

/** What fails on the way is taken back; what can't be leaves the copy, and says where. */
START_TEST(what_fails_in_place_is_put_back) {
  enum { OF_COPY = 1 + LARGE / (1 << 16), HALF = OF_COPY + 2 };
  put("w", content_of('a'));
  make_trouble(RENAME, EBUSY, 1, 1);
  trouble[PWRITE].wrong = ENOSPC;
  trouble[PWRITE].first = HALF;
  trouble[PWRITE].times = 1;
  check_refused("No space left on device; what was there is unchanged");
  make_trouble(RENAME, EBUSY, 1, 1);
  trouble[PWRITE].wrong = EIO;
  trouble[PWRITE].first = HALF;
  trouble[PWRITE].times = 100;
  dg_error err = {0};
  ck_assert(!save("w", 'b', &err));
  no_trouble();
  char copy[256] = "";
  ck_assert_uint_eq(count_files("w", copy), 2);
  ck_assert_msg(strstr(err.message, copy) != NULL, "no \"%s\" in: %s", copy, err.message);
  ck_assert(holds(copy, content_of('a')));
}
END_TEST

/* ---- killed --------------------------------------------------------------- */

/** Saves 'b' over 'a' in a process that is killed at a call; false: it came to its end before. */
static bool save_killed(int at, bool in_place) {
  put("w", content_of('a'));
  pid_t child = fork();
  ck_assert_int_ge(child, 0);
  if (child == 0) {
    if (in_place) make_trouble(RENAME, EBUSY, 1, 1);
    killed_at = at;
    dg_error err = {0};
    _exit(save("w", 'b', &err) ? 0 : 1);
  }
  int status;
  ck_assert_int_eq(waitpid(child, &status, 0), child);
  ck_assert(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
  return WIFSIGNALED(status);
}

/** At whatever call it is killed: the old file is there or the new one, and the next save sweeps
    away what was left. */
START_TEST(a_kill_leaves_the_old_file_or_the_new_one) {
  int at = 1;
  for (; save_killed(at, false); at++) {
    ck_assert(holds("w", content_of('a')) || holds("w", content_of('b')));
    check_saved("w", 'c');
  }
  ck_assert_int_gt(at, 5);
}
END_TEST

START_TEST(a_kill_in_place_loses_nothing) {
  int at = 1, whole = 0;
  for (; save_killed(at, true); at++) {
    char copy[256] = "";
    count_files("w", copy);
    bool kept = *copy && strstr(copy, ".old") && holds(copy, content_of('a'));
    whole += kept;
    ck_assert(kept || holds("w", content_of('a')) || holds("w", content_of('b')));
    remove_all();
    ck_assert_int_eq(mkdir(folder, 0700), 0);
  }
  ck_assert_int_gt(whole, 3);
}
END_TEST

/** Only what is surely left of a killed save of this file is removed. */
START_TEST(nothing_else_is_swept_away) {
  static const char *const names[] = {"w.0123456789abcdef",       "w.0123456789abcde.tmp",
                                      "w.0123456789abcdef0.tmp",  "w.0123456789abcdeg.tmp",
                                      "v.0123456789abcdef.tmp",   "w.0123456789abcdef.old",
                                      "w.w.0123456789abcdef.tmp", "w.123.tmp"};
  enum { NAMES = sizeof names / sizeof *names };
  for (size_t i = 0; i < NAMES; i++) put(names[i], "mine");
  put("w.0123456789abcdef.tmp", "left");
  put("w.0000456789abcdef.tmp", "in use");
  ck_assert_int_eq(symlink("v", path_of("w.1111456789abcdef.tmp")), 0);
  int user = open(path_of("w.0000456789abcdef.tmp"), O_RDWR);
  ck_assert_int_eq(flock(user, LOCK_EX), 0);
  dg_error err = {0};
  ck_assert_msg(save("w", 'a', &err), "%s", err.message);
  for (size_t i = 0; i < NAMES; i++) ck_assert_msg(holds(names[i], "mine"), "%s is gone", names[i]);
  ck_assert(holds("w.0000456789abcdef.tmp", "in use"));
  ck_assert_int_ne(access(path_of("w.0123456789abcdef.tmp"), F_OK), 0);
  char other[256] = "";
  ck_assert_uint_eq(count_files("w", other), NAMES + 3);
  close(user);
}
END_TEST

/* ---- whose files they are -------------------------------------------------- */

START_TEST(the_mode_stays) {
  static const mode_t modes[] = {0600, 0640, 0444, 0755};
  for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
    struct stat info;
    put("w", "old");
    ck_assert_int_eq(chmod(path_of("w"), modes[i]), 0);
    check_saved("w", 'a');
    ck_assert_int_eq(stat(path_of("w"), &info), 0);
    ck_assert_uint_eq(info.st_mode & 0777, modes[i]);
    ck_assert_int_eq(unlink(path_of("w")), 0);
  }
}
END_TEST

START_TEST(root_keeps_the_owner) {
  if (geteuid() != 0) {
    printf("skipped: only root can write the files of others so\n");
    return;
  }
  struct stat info;
  put("w", "old");
  ck_assert_int_eq(chown(path_of("w"), NOBODY, NOBODY), 0);
  check_saved("w", 'a');
  ck_assert_int_eq(stat(path_of("w"), &info), 0);
  ck_assert_uint_eq(info.st_uid, NOBODY);
  ck_assert_uint_eq(info.st_gid, NOBODY);
}
END_TEST

/** Looks at the target and saves as another user where that can be; the exit status says how. */
static int save_as_nobody(char error[1024]) {
  int ends[2], status;
  ck_assert_int_eq(pipe(ends), 0);
  pid_t child = fork();
  if (child == 0) {
    dg_error err = {0};
    bool other =
        geteuid() != 0 || (setgroups(0, NULL) == 0 && setgid(NOBODY) == 0 && setuid(NOBODY) == 0);
    bool ok = other && dg_file_check(path_of("w"), &err) && save("w", 'b', &err);
    if (__real_write(ends[1], err.message, sizeof err.message) < 0) ok = false;
    _exit(ok ? 0 : 1);
  }
  close(ends[1]);
  ck_assert_int_eq(read(ends[0], error, 1024), 1024);
  close(ends[0]);
  ck_assert_int_eq(waitpid(child, &status, 0), child);
  return WEXITSTATUS(status);
}

/** A file that may be written, in a folder that may not. */
START_TEST(a_folder_that_cannot_be_written_is_no_hindrance) {
  char error[1024];
  put("w", content_of('a'));
  ck_assert_int_eq(chmod(path_of("w"), 0666), 0);
  ck_assert_int_eq(chmod(folder, 0555), 0);
  int status = save_as_nobody(error);
  ck_assert_int_eq(chmod(folder, 0755), 0);
  ck_assert_msg(status == 0, "%s", error);
  ck_assert(holds("w", content_of('b')));
  check_alone("w");
  ck_assert_int_eq(chmod(path_of("w"), 0444), 0);
  ck_assert_int_eq(chmod(folder, 0555), 0);
  status = save_as_nobody(error);
  ck_assert_int_eq(chmod(folder, 0755), 0);
  ck_assert_int_eq(status, 1);
  ck_assert_msg(strstr(error, "can't be written: Permission denied") != NULL, "%s", error);
}
END_TEST

/** Another's file in a folder like /tmp, which only its owner may remove. */
START_TEST(a_file_of_another_in_a_sticky_folder_is_written) {
  char error[1024];
  if (geteuid() != 0) {
    printf("skipped: only root can become another user\n");
    return;
  }
  put("w", content_of('a'));
  ck_assert_int_eq(chmod(path_of("w"), 0666), 0);
  ck_assert_int_eq(chmod(folder, 01777), 0);
  ck_assert_msg(save_as_nobody(error) == 0, "%s", error);
  ck_assert(holds("w", content_of('b')));
  check_alone("w");
  ck_assert_int_eq(chmod(path_of("w"), 0644), 0);
  ck_assert_int_eq(save_as_nobody(error), 1);
  ck_assert_msg(strstr(error, "can't be written: Permission denied") != NULL, "%s", error);
}
END_TEST

/* ---- links ----------------------------------------------------------------- */

START_TEST(links_are_followed) {
  ck_assert_int_eq(mkdir(path_of("d"), 0755), 0);
  ck_assert_int_eq(symlink("d/../to", path_of("link")), 0); /* to nothing, yet */
  dg_error err = {0};
  for (char letter = 'a'; letter < 'c'; letter++) {
    ck_assert_msg(save("link", letter, &err), "%s", err.message);
    ck_assert(holds("to", content_of(letter)));
  }
  ck_assert_int_eq(symlink("round", path_of("round")), 0);
  ck_assert(!save("round", 'a', &err));
  ck_assert_ptr_nonnull(strstr(err.message, "Too many levels of symbolic links"));
}
END_TEST

START_TEST(a_link_of_another_in_a_sticky_folder_is_not) {
  if (geteuid() != 0) {
    printf("skipped: only root can make links of another user\n");
    return;
  }
  dg_error err = {0};
  put("victim", "mine");
  ck_assert_int_eq(mkdir(path_of("tmp"), 0777), 0);
  ck_assert_int_eq(chmod(path_of("tmp"), 01777), 0);
  ck_assert_int_eq(symlink("../victim", path_of("tmp/link")), 0);
  ck_assert_int_eq(lchown(path_of("tmp/link"), NOBODY, NOBODY), 0);
  ck_assert(!dg_file_check(path_of("tmp/link"), &err));
  ck_assert(!save("tmp/link", 'a', &err));
  ck_assert_int_eq(err.kind, DG_ERR_INPUT);
  ck_assert_ptr_nonnull(strstr(err.message, "a link that another user put into a folder for all"));
  ck_assert(holds("victim", "mine"));
  ck_assert_int_eq(chown(path_of("tmp"), NOBODY, NOBODY), 0); /* who owns the folder may */
  ck_assert_msg(save("tmp/link", 'a', &err), "%s", err.message);
  ck_assert(holds("victim", content_of('a')));
}
END_TEST

/* ---- pipes ----------------------------------------------------------------- */

/** Reads a pipe to its end in a process of its own, whose status is 0 where that was all of 'a'. */
static pid_t start_reader(const char *path) {
  pid_t child = fork();
  ck_assert_int_ge(child, 0);
  if (child != 0) return child;
  static char bytes[LARGE + 1];
  FILE *pipe = fopen(path, "rb");
  size_t got = pipe ? fread(bytes, 1, sizeof bytes, pipe) : 0;
  _exit(got == LARGE && memcmp(bytes, content_of('a'), LARGE) == 0 ? 0 : 1);
}

/** The look before hours of work ends no pipe, lest its reader goes before there is anything. */
START_TEST(a_look_leaves_a_pipe_to_its_reader) {
  int status;
  dg_error err = {0};
  ck_assert_int_eq(mkfifo(path_of("pipe"), 0600), 0);
  alarm(20); /* who writes to a pipe that has lost its reader waits for ever */
  pid_t reader = start_reader(path_of("pipe"));
  ck_assert_msg(dg_file_check(path_of("pipe"), &err), "%s", err.message);
  ck_assert_msg(save("pipe", 'a', &err), "%s", err.message);
  ck_assert_int_eq(waitpid(reader, &status, 0), reader);
  ck_assert_int_eq(status, 0);
  alarm(0);
  ck_assert_int_eq(mkdir(path_of("d"), 0700), 0);
  ck_assert(!dg_file_check(path_of("d"), &err));
}
END_TEST

/* ---- weights ---------------------------------------------------------------- */

static int allocations, failing;

static void *some_memory(size_t size) {
  return ++allocations == failing ? NULL : malloc(size);
}

static bool save_weights(dg_error *err) {
  static const float numbers[6] = {1, 2, 3, 4, 5, 6};
  const dg_stored_tensor tensors[] = {
      {.name = "fc.weight", .rank = 2, .dim = {2, 2}, .data = numbers},
      {.name = "fc.bias", .rank = 1, .dim = {2}, .data = numbers + 4}};
  const dg_stored_text texts[] = {{"digits.model", "name = \"x\";\n\t\\\x01\x1f\x7f/ü"},
                                  {"digits.version", "1"}};
  return dg_safetensors_write(path_of("w"), tensors, 2, texts, 2, err);
}

static void check_weights(void) {
  dg_safetensors file;
  dg_error err = {0};
  ck_assert_msg(dg_safetensors_read(&file, path_of("w"), &err), "%s", err.message);
  ck_assert_uint_eq(file.tensor_count, 2);
  ck_assert_uint_eq(file.text_count, 2);
  const dg_stored_tensor *weight = dg_safetensors_find(&file, "fc.weight");
  ck_assert(weight && weight->rank == 2 && weight->dim[0] == 2 && weight->dim[1] == 2);
  ck_assert_str_eq(dg_safetensors_text(&file, "digits.model"), "name = \"x\";\n\t\\\x01\x1f\x7f/ü");
  dg_safetensors_free(&file);
}

/** Whichever allocation fails in jansson: an error and the old file, or the whole new one. */
START_TEST(memory_that_runs_out_damages_no_weights) {
  bool ok = false;
  json_set_alloc_funcs(some_memory, free);
  for (failing = 1; !ok; failing++) {
    dg_error err = {0};
    put("w", "old");
    allocations = 0;
    ok = save_weights(&err) && allocations < failing;
    bool went_well = err.kind == DG_OK;
    allocations = failing; /* none fails any more */
    if (went_well)
      check_weights();
    else
      ck_assert(holds("w", "old"));
    check_alone("w");
  }
  json_set_alloc_funcs(malloc, free);
  ck_assert_int_gt(failing, 30);
}
END_TEST

/** Reads a text of one string whose allocation `failing` fails: 0 it is right, 1 it is not there
   and memory is to blame, 2 it is another. */
static int read_starved(const char *text, const char *string) {
  bool starved;
  allocations = 0;
  json_set_alloc_funcs(some_memory, free);
  json_t *value = dg_json_read(text, strlen(text), 0, NULL, &starved);
  const char *got = json_string_value(json_array_get(value, 0));
  return got ? strcmp(got, string) == 0 ? 0 : 2 : starved ? 1 : 2;
}

/** Whichever allocation fails, no text is read with a letter less. jansson itself may die. */
START_TEST(memory_that_runs_out_changes_no_text) {
  enum { LENGTH = 1000, ALLOCATIONS = 30 };
  char string[LENGTH + 1] = "", text[LENGTH + 5];
  int status, ended[3] = {0};
  for (int i = 0; i < LENGTH; i++) string[i] = (char)('a' + i % 26);
  snprintf(text, sizeof text, "[\"%s\"]", string);
  for (failing = 1; failing < ALLOCATIONS; failing++) {
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) _exit(read_starved(text, string));
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(!WIFEXITED(status) || WEXITSTATUS(status) < 2, "allocation %d", failing);
    if (WIFEXITED(status)) ended[WEXITSTATUS(status)]++;
  }
  ck_assert_int_gt(ended[0], 0);
  ck_assert_int_gt(ended[1], 5);
}
END_TEST

/** A header that says less than it should, as one does that was cut for want of memory. */
START_TEST(a_damaged_header_is_noticed) {
  put("w", content_of('a'));
  dg_error err = {0};
  make_trouble(WRITE, LYING, 1, 1);
  ck_assert(!save_weights(&err));
  no_trouble();
  ck_assert(holds("w", content_of('a')));
}
END_TEST

int main(void) {
  TCase *tests = tcase_create("writing");
  tcase_set_timeout(tests, 120);
  tcase_add_checked_fixture(tests, set_up, tear_down);
  tcase_add_test(tests, a_signal_interrupts_no_write);
  tcase_add_test(tests, what_fails_keeps_the_old_file);
  tcase_add_test(tests, other_bytes_than_were_written_are_noticed);
  tcase_add_test(tests, names_that_are_taken_are_left_alone);
  tcase_add_loop_test(tests, what_cannot_be_renamed_is_written_in_place, 0,
                      sizeof fixed / sizeof *fixed);
  tcase_add_test(tests, what_fails_in_place_is_put_back);
  tcase_add_test(tests, a_kill_leaves_the_old_file_or_the_new_one);
  tcase_add_test(tests, a_kill_in_place_loses_nothing);
  tcase_add_test(tests, nothing_else_is_swept_away);
  tcase_add_test(tests, the_mode_stays);
  tcase_add_test(tests, root_keeps_the_owner);
  tcase_add_test(tests, a_folder_that_cannot_be_written_is_no_hindrance);
  tcase_add_test(tests, a_file_of_another_in_a_sticky_folder_is_written);
  tcase_add_test(tests, links_are_followed);
  tcase_add_test(tests, a_link_of_another_in_a_sticky_folder_is_not);
  tcase_add_test(tests, a_look_leaves_a_pipe_to_its_reader);
  tcase_add_test(tests, memory_that_runs_out_damages_no_weights);
  tcase_add_test(tests, memory_that_runs_out_changes_no_text);
  tcase_add_test(tests, a_damaged_header_is_noticed);
  return suite_main("writing", tests);
}
