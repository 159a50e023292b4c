/**
 * Reads HDF5 files in a child process, which sends the tensors back through a pipe: the HDF5
 * library (1.10) writes out of bounds, or hangs, on some damaged files.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#include "core/base/clock.h"
#include "core/base/file/file.h"
#include "core/base/text.h"
#include "core/exchange/files.h"
#include "core/exchange/hdf5/hdf5.h"

enum { MAX_NAME = 1024, MAX_REASON = 256 };

/* ---- the child process -------------------------------------------------- */

static bool send_all(int to, const void *bytes, size_t size) {
  for (size_t done = 0; done < size;) {
    ssize_t sent = write(to, (const char *)bytes + done, size - done);
    if (sent < 0 && errno != EINTR) return false;
    if (sent > 0) done += (size_t)sent;
  }
  return true;
}

static bool send_array(int to, const dg_array *a) {
  dg_sandbox_head head = {.name = strlen(a->name),
                          .layer = a->layer,
                          .rank = a->rank,
                          .integer = a->integer,
                          .unread = a->unread ? strlen(a->unread) : 0};
  memcpy(head.dim, a->dim, sizeof head.dim);
  memcpy(head.label, a->label, sizeof head.label);
  return send_all(to, &head, sizeof head) && send_all(to, a->name, head.name) &&
         (a->unread ? send_all(to, a->unread, head.unread)
                    : send_all(to, a->data, a->count * sizeof *a->data));
}

static void send_answer(int to, const dg_arrays *arrays, const dg_sandbox_end *end) {
  bool sent = true;
  for (size_t i = 0; sent && i < arrays->count && end->ok; i++)
    sent = send_array(to, &arrays->items[i]);
  if (sent && send_all(to, &(dg_sandbox_head){0}, sizeof(dg_sandbox_head)) &&
      send_all(to, end, sizeof *end) && end->settings > 0)
    send_all(to, arrays->settings, end->settings);
}

/** Lowers a limit, unless it is lower already. */
static void limit(int resource, uint64_t most) {
  struct rlimit now;
  if (getrlimit(resource, &now) != 0 || now.rlim_cur <= most) return;
  now.rlim_cur = most;
  if (now.rlim_max > most) now.rlim_max = most;
  setrlimit(resource, &now);
}

/** Bytes of memory that are mapped already; 0: unknown. */
static uint64_t mapped_bytes(void) {
  char text[32] = "";
  int file = open("/proc/self/statm", O_RDONLY);
  if (file < 0) return 0;
  ssize_t got = read(file, text, sizeof text - 1);
  close(file);
  return got > 0 ? strtoull(text, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}

/** Resets signals to their defaults, whatever the parent does with them. */
static void reset_signals(void) {
  static const int those[] = {SIGALRM, SIGXCPU, SIGPIPE, SIGTERM, SIGINT, SIGHUP};
  sigset_t none;
  for (size_t i = 0; i < sizeof those / sizeof *those; i++) signal(those[i], SIG_DFL);
  signal(SIGXFSZ, SIG_IGN); /* a write to a file then fails */
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
}

/** Limits this process. It ends when `parent` ends. */
static void confine(const dg_sandbox_limits *limits, pid_t parent) {
#ifdef __linux__
  prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
#endif
  if (getppid() != parent) _exit(1); /* it ended before that call */
  reset_signals();
  uint64_t mapped = mapped_bytes();
  if (mapped) limit(RLIMIT_AS, mapped + limits->bytes);
  limit(RLIMIT_CPU, limits->processor);
  limit(RLIMIT_FSIZE, 0);
  limit(RLIMIT_CORE, 0);
  alarm((unsigned)limits->seconds + 1);
}

/** Reads the file and sends its content. Output of the library is discarded. */
_Noreturn static void read_and_send(const dg_arrays *wanted,
                                    bool (*reader)(dg_arrays *arrays, dg_error *err), int to) {
  dg_arrays arrays = {.path = wanted->path,
                      .image = wanted->image,
                      .image_size = wanted->image_size,
                      .most = wanted->most};
  dg_sandbox_end end = {0};
  dg_error told = {0};
  int nowhere = open("/dev/null", O_WRONLY);
  if (nowhere >= 0) dup2(nowhere, STDOUT_FILENO);
  if (nowhere >= 0) dup2(nowhere, STDERR_FILENO);
  end.ok = reader(&arrays, &told);
  end.ordered = arrays.ordered;
  end.keras = arrays.layout == DG_LAYOUT_KERAS;
  end.version = arrays.keras;
  end.settings = end.ok && arrays.settings ? (uint32_t)strlen(arrays.settings) : 0;
  end.out_of_memory = told.kind == DG_ERR_MEMORY;
  memcpy(end.message, told.message, sizeof end.message);
  send_answer(to, &arrays, &end);
  _exit(0); /* without the parent's atexit functions */
}

/* ---- the parent process ------------------------------------------------- */

/** A pipe that is read with a deadline. */
typedef struct {
  int pipe;
  double end;
  bool late;
} source;

static bool receive_bytes(source *from, void *bytes, size_t size) {
  for (size_t done = 0; done < size;) {
    double left = from->end - dg_seconds();
    struct pollfd wait = {.fd = from->pipe, .events = POLLIN};
    from->late = left <= 0;
    if (from->late) return false;
    int ready = poll(&wait, 1, left < 1000 ? (int)(left * 1000) + 1 : 1000000);
    if (ready < 0 && errno != EINTR) return false;
    if (ready <= 0) continue;
    ssize_t got = read(from->pipe, (char *)bytes + done, size - done);
    if (got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN)) return false;
    if (got > 0) done += (size_t)got;
  }
  return true;
}

/** Receives why a tensor was not read. */
static bool receive_unread(dg_arrays *arrays, source *from, const char *name,
                           const dg_sandbox_head *head, dg_error *err) {
  char why[MAX_REASON];
  if (head->unread >= sizeof why || !receive_bytes(from, why, head->unread)) return false;
  why[head->unread] = '\0';
  return strlen(why) == head->unread && !dg_utf8_fault(why) &&
         dg_arrays_add_unread(arrays, name, head->rank, head->dim, why, err);
}

static bool receive_numbers(dg_arrays *arrays, source *from, const char *name,
                            const dg_sandbox_head *head, dg_error *err) {
  dg_array *array = dg_arrays_add(arrays, name, head->rank, head->dim, head->integer == 1, err);
  return array && receive_bytes(from, array->data, array->count * sizeof *array->data);
}

/** Receives one tensor; `more` is false after the last. Returns false if the data are invalid. */
static bool receive_one(dg_arrays *arrays, source *from, bool *more, dg_error *err) {
  dg_sandbox_head head;
  char name[MAX_NAME];
  if (!receive_bytes(from, &head, sizeof head)) return false;
  *more = head.name > 0;
  if (!*more) return true;
  if (head.name >= sizeof name || head.layer >= head.name || head.rank > DG_TENSOR_RANK ||
      head.integer > 1 || !receive_bytes(from, name, head.name))
    return false;
  name[head.name] = '\0';
  if (strlen(name) != head.name || (head.layer > 0 && !strchr("./", name[head.layer])))
    return false;
  if (head.unread ? !receive_unread(arrays, from, name, &head, err)
                  : !receive_numbers(arrays, from, name, &head, err))
    return false;
  dg_array *array = &arrays->items[arrays->count - 1];
  array->layer = head.layer;
  memcpy(array->label, head.label, sizeof array->label - 1);
  return true;
}

static bool receive_settings(dg_arrays *arrays, source *from, size_t size, dg_error *err) {
  if (size > DG_SETTINGS_SIZE) return false;
  if (size == 0) return true;
  arrays->settings = calloc(size + 1, 1);
  if (!arrays->settings) return dg_fail_memory(err, size + 1);
  return receive_bytes(from, arrays->settings, size) && strlen(arrays->settings) == size;
}

static bool receive_all(dg_arrays *arrays, source *from, dg_error *err) {
  dg_sandbox_end end;
  for (bool more = true; more;)
    if (!receive_one(arrays, from, &more, err)) return false;
  if (!receive_bytes(from, &end, sizeof end)) return false;
  arrays->ordered = end.ordered != 0;
  arrays->layout = end.keras ? DG_LAYOUT_KERAS : DG_LAYOUT_PYTORCH;
  arrays->keras = end.version;
  if (!receive_settings(arrays, from, end.settings, err)) return false;
  end.message[sizeof end.message - 1] = '\0';
  if (!end.ok && *end.message && !dg_utf8_fault(end.message))
    dg_fail(err, end.out_of_memory ? DG_ERR_MEMORY : DG_ERR_INPUT, "%s", end.message);
  return end.ok != 0;
}

bool dg_hdf5_receive(dg_arrays *arrays, int pipe, double seconds, dg_error *err) {
  source from = {.pipe = pipe, .end = dg_seconds() + seconds};
  dg_error told = {0};
  if (receive_all(arrays, &from, &told)) return true;
  if (from.late)
    dg_fail(&told, DG_ERR_INPUT, "%s: it could not be read within %.0f seconds", arrays->path,
            seconds);
  else if (!told.kind)
    dg_fail(&told, DG_ERR_INPUT, "%s: the HDF5 library can't cope with it: the file is damaged",
            arrays->path);
  if (err) *err = told;
  return false;
}

static bool fail_starting(const char *path, dg_error *err) {
  return dg_fail(err, DG_ERR_RUNTIME, "%s: no process to read it could be started: %s", path,
                 strerror(errno));
}

bool dg_hdf5_read_sandboxed(dg_arrays *arrays, bool (*read)(dg_arrays *arrays, dg_error *err),
                            const dg_sandbox_limits *limits, dg_error *err) {
  int ends[2];
  pid_t parent = getpid();
  if (pipe(ends) != 0) return fail_starting(arrays->path, err);
  pid_t reader = fork();
  if (reader == 0) {
    close(ends[0]);
    confine(limits, parent);
    read_and_send(arrays, read, ends[1]);
  }
  int reason = errno;
  close(ends[1]);
  errno = reason;
  bool ok = reader > 0 ? dg_hdf5_receive(arrays, ends[0], limits->seconds, err)
                       : fail_starting(arrays->path, err);
  close(ends[0]);
  if (reader > 0) kill(reader, SIGKILL); /* it has sent everything, or has timed out */
  while (reader > 0 && waitpid(reader, NULL, 0) < 0 && errno == EINTR) {
  }
  return ok;
}

bool dg_hdf5_read(dg_arrays *arrays, uint64_t size, dg_error *err) {
  dg_arrays_bound(arrays, size);
  /* More than a slow machine needs: 4 million numbers per second from the disk, 16 million
     unpacked; memory for a file's numbers, twice in double precision, and for the library. */
  const dg_sandbox_limits limits = {.seconds = 20 + (double)(arrays->most >> 22),
                                    .processor = 1 + (unsigned)(arrays->most >> 24),
                                    .bytes = ((uint64_t)64 << 20) + 16 * arrays->most +
                                             2 * arrays->image_size};
  if (arrays->trusted) return dg_hdf5_read_direct(arrays, err);
  return dg_hdf5_read_sandboxed(arrays, dg_hdf5_read_direct, &limits, err);
}

bool dg_read_hdf5(dg_arrays *arrays, dg_error *err) {
  uint64_t size;
  int descriptor = dg_file_open(arrays->path, &size, err);
  if (descriptor < 0) return false;
  close(descriptor);
  return dg_hdf5_read(arrays, size, err);
}
