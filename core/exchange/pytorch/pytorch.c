/** Files of torch.save: a zip file with a pickle and storages, or the form before PyTorch 1.6. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/file/descriptor.h"
#include "core/base/file/file.h"
#include "core/exchange/files.h"
#include "core/exchange/pytorch/globals.h"
#include "core/exchange/pytorch/legacy.h"
#include "core/exchange/pytorch/state_dict.h"

/* ---- zip files ---------------------------------------------------------- */

/** Finds the entry "data.pkl" in any folder; fills in the prefix. */
static bool find_pickle(dg_pytorch_file *file, uint64_t *entry) {
  static const char wanted[] = "data.pkl";
  dg_storages *s = &file->storages;
  for (*entry = 0; *entry < dg_archive_count(s->archive); ++*entry) {
    const char *name = dg_archive_name(s->archive, *entry);
    size_t length = name ? strlen(name) : 0, end = sizeof wanted - 1;
    if (length < end || strcmp(name + length - end, wanted) != 0) continue;
    if (length > end && name[length - end - 1] != '/') continue;
    s->prefix = name;
    s->prefix_length = length - end;
    return true;
  }
  return dg_fail(file->err, DG_ERR_INPUT, "%s: no file of torch.save: it has no data.pkl",
                 file->arrays->path);
}

/** TorchScript has code beside its weights, whose names are in a form of their own. */
static bool check_script(dg_pytorch_file *file) {
  static const char constants[] = "constants.pkl";
  uint64_t entry;
  return !dg_storages_entry(&file->storages, "", constants, sizeof constants - 1, &entry) ||
         dg_fail(file->err, DG_ERR_INPUT,
                 "%s: it is a TorchScript archive of torch.jit.save; save its weights alone: "
                 "torch.save(torch.jit.load(FILE).state_dict(), OTHER_FILE)",
                 file->arrays->path);
}

/** The byte order: in the entry "byteorder" since PyTorch 2.1; before that always little-endian. */
static bool read_byte_order(dg_pytorch_file *file) {
  static const char name[] = "byteorder", big[] = "big", little[] = "little";
  uint64_t entry;
  size_t size;
  if (!dg_storages_entry(&file->storages, "", name, sizeof name - 1, &entry)) return true;
  unsigned char *text =
      dg_archive_read(file->storages.archive, entry, sizeof little - 1, &size, file->err);
  if (!text) return false;
  file->big_endian = size == sizeof big - 1 && memcmp(text, big, size) == 0;
  bool known = file->big_endian || (size == sizeof little - 1 && memcmp(text, little, size) == 0);
  free(text);
  return known || dg_fail(file->err, DG_ERR_INPUT,
                          "%s: its entry \"byteorder\" says neither \"little\" nor \"big\"",
                          file->arrays->path);
}

/** Reads the pickle, which holds no numbers of tensors; the caller frees it. */
static char *read_pickle(dg_pytorch_file *file, size_t *size) {
  uint64_t entry;
  const dg_archive *archive = file->storages.archive;
  if (!find_pickle(file, &entry) || !check_script(file) || !read_byte_order(file)) return NULL;
  if (dg_archive_entry_size(archive, entry) > DG_PICKLE_LARGEST)
    return dg_fail(
               file->err, DG_ERR_INPUT,
               "%s: its pickle has %llu bytes, more than the %d of a large state dict: if it holds "
               "numpy arrays, save them as tensors",
               file->arrays->path, (unsigned long long)dg_archive_entry_size(archive, entry),
               DG_PICKLE_LARGEST),
           NULL;
  return (char *)dg_archive_read(file->storages.archive, entry, DG_PICKLE_LARGEST, size, file->err);
}

static bool read_zip(dg_pytorch_file *file) {
  size_t size;
  dg_storages *s = &file->storages;
  s->archive = dg_archive_open(file->arrays->path, file->err);
  if (!s->archive) return false;
  dg_arrays_bound(file->arrays, dg_archive_size(s->archive));
  char *bytes = read_pickle(file, &size);
  bool ok = bytes && dg_pickle_read(&file->pickle, file->arrays->path, bytes, size,
                                    dg_pytorch_globals, file->err);
  ok = ok && dg_pytorch_add_state_dict(file);
  free(bytes);
  dg_archive_close(s->archive);
  return ok;
}

/* ---- older files -------------------------------------------------------- */

static bool read_legacy(dg_pytorch_file *file) {
  static const uint64_t most = (uint64_t)3 << 30; /* as archives unpack */
  size_t size;
  char *bytes = dg_file_read(file->arrays->path, most, &size, file->err);
  if (!bytes) return false;
  dg_arrays_bound(file->arrays, size);
  bool ok = dg_pytorch_open_legacy(file, bytes, size) && dg_pytorch_add_state_dict(file);
  free(bytes);
  return ok;
}

/** What a file begins with decides how it is read. */
static bool look_at(dg_pytorch_file *file, bool *legacy) {
  enum { TAR_MARK = 257 };
  char begin[TAR_MARK + 8];
  uint64_t size;
  int descriptor = dg_file_open(file->arrays->path, &size, file->err);
  if (descriptor < 0) return false;
  size_t length = size < sizeof begin ? (size_t)size : sizeof begin;
  bool ok = dg_read_at(descriptor, begin, length, 0) == 0 ||
            dg_fail(file->err, DG_ERR_INPUT, "%s: can't be read", file->arrays->path);
  close(descriptor);
  if (!ok) return false;
  *legacy = dg_pytorch_is_legacy(begin, length);
  if (length == sizeof begin && memcmp(begin + TAR_MARK, "ustar", 5) == 0)
    return dg_fail(
        file->err, DG_ERR_INPUT,
        "%s: it is a tar archive, as PyTorch 0.1 wrote them: unpack it if it holds a .pth "
        "file; else load it and save it again with torch 1.6 or later",
        file->arrays->path);
  return true;
}

bool dg_read_pytorch(dg_arrays *arrays, dg_error *err) {
  dg_pytorch_file file = {.arrays = arrays, .err = err};
  bool legacy = false;
  bool ok = look_at(&file, &legacy) && (legacy ? read_legacy(&file) : read_zip(&file));
  arrays->ordered = true;
  dg_pickle_free(&file.pickle);
  dg_storages_free(&file.storages);
  return ok;
}
