/**
 * HDF5 files are read by a process of its own, which sends the tensors back through a pipe: the
 * HDF5 library (1.10) writes beyond its memory, or never ends, on some damaged files.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/exchange/files.h"
#include "core/exchange/hdf5.h"
#include "core/support/file.h"

enum { MOST_SECONDS = 10, LONGEST_NAME = 1024 };

/** What comes first for each tensor; then its name and its numbers. */
typedef struct {
  uint64_t name, layer; /**< bytes; a name of 0 bytes: there are no more */
  uint64_t dim[DG_TENSOR_RANK];
  uint32_t rank;
  bool whole;
} tensor_head;

/** What comes last. */
typedef struct {
  bool right, ordered;
  dg_layout layout;
  dg_error err;
} ending;

/* ---- the reading process ------------------------------------------------ */

static void send_all(FILE *to, const dg_arrays *arrays, const ending *end) {
  for (size_t i = 0; i < arrays->count && end->right; i++) {
    const dg_array *a = &arrays->items[i];
    tensor_head head = {
        .name = strlen(a->name), .layer = a->layer, .rank = a->rank, .whole = a->whole};
    memcpy(head.dim, a->dim, sizeof head.dim);
    fwrite(&head, sizeof head, 1, to);
    fwrite(a->name, 1, head.name, to);
    fwrite(a->data, sizeof *a->data, a->count, to);
  }
  fwrite(&(tensor_head){0}, sizeof(tensor_head), 1, to);
  fwrite(end, sizeof *end, 1, to);
  fflush(to);
}

/** Reads the file and sends what is in it. Nothing that the library prints is shown. */
_Noreturn static void read_and_send(const char *path, int pipe) {
  const struct rlimit seconds = {MOST_SECONDS, MOST_SECONDS}, none = {0, 0};
  dg_arrays arrays = {.path = path};
  ending end = {0};
  int nowhere = open("/dev/null", O_WRONLY);
  if (nowhere >= 0) dup2(nowhere, STDERR_FILENO);
  setrlimit(RLIMIT_CPU, &seconds);
  setrlimit(RLIMIT_CORE, &none);
  FILE *to = fdopen(pipe, "wb");
  end.right = dg_hdf5_read_here(&arrays, &end.err);
  end.ordered = arrays.ordered;
  end.layout = arrays.layout;
  if (to) send_all(to, &arrays, &end);
  _exit(0);
}

/* ---- the asking process ------------------------------------------------- */

/** Takes one tensor; `more` is false behind the last. Returns false where nothing sound came. */
static bool receive_one(dg_arrays *arrays, FILE *from, bool *more, dg_error *err) {
  tensor_head head;
  char name[LONGEST_NAME];
  if (fread(&head, sizeof head, 1, from) != 1) return false;
  *more = head.name > 0;
  if (!*more) return true;
  if (head.name >= sizeof name || head.layer > head.name || head.rank > DG_TENSOR_RANK ||
      fread(name, 1, head.name, from) != head.name)
    return false;
  name[head.name] = '\0';
  dg_array *array = dg_arrays_add(arrays, name, head.rank, head.dim, head.whole, err);
  if (!array || fread(array->data, sizeof(float), array->count, from) != array->count) return false;
  array->layer = head.layer;
  return true;
}

static bool receive_all(dg_arrays *arrays, FILE *from, dg_error *err) {
  ending end;
  for (bool more = true; more;)
    if (!receive_one(arrays, from, &more, err)) return false;
  if (fread(&end, sizeof end, 1, from) != 1) return false;
  arrays->ordered = end.ordered;
  arrays->layout = end.layout;
  if (!end.right && err) *err = end.err;
  return end.right;
}

static bool fail_starting(const char *path, dg_error *err) {
  return dg_fail(err, DG_ERR_RUNTIME, "%s: no process to read it could be started: %s", path,
                 strerror(errno));
}

bool dg_read_hdf5(dg_arrays *arrays, dg_error *err) {
  uint64_t size;
  int descriptor = dg_file_open(arrays->path, &size, err), ends[2];
  if (descriptor < 0) return false;
  close(descriptor);
  if (pipe(ends) != 0) return fail_starting(arrays->path, err);
  pid_t reader = fork();
  if (reader == 0) {
    close(ends[0]);
    read_and_send(arrays->path, ends[1]);
  }
  close(ends[1]);
  FILE *from = reader > 0 ? fdopen(ends[0], "rb") : NULL;
  dg_error told = {0};
  bool right = from && receive_all(arrays, from, &told);
  if (!from) fail_starting(arrays->path, &told);
  if (from)
    fclose(from);
  else
    close(ends[0]);
  while (reader > 0 && waitpid(reader, NULL, 0) < 0 && errno == EINTR) {
  }
  if (!right && !told.kind)
    dg_fail(&told, DG_ERR_INPUT, "%s: the HDF5 library can't cope with it: the file is damaged",
            arrays->path);
  if (!right && err) *err = told;
  return right;
}
