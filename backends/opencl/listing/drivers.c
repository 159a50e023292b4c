#define CL_USE_DEPRECATED_OPENCL_1_1_APIS /* clGetExtensionFunctionAddress */
#include "backends/opencl/listing/drivers.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "backends/opencl/runtime/device.h"
#include "core/base/file/entries.h"
#include "core/base/file/file.h"

enum { NAME_SIZE = 1024 };

/* Who is told. */
typedef struct {
  dg_cl_driver_fault *call;
  void *user;
} listener;

/* ---- a library ----------------------------------------------------------- */

typedef cl_int list_platforms(cl_uint capacity, cl_platform_id *out, cl_uint *count);

/* The function that lists a driver's platforms; NULL: the library is no driver. */
static list_platforms *platforms_of(void *library) {
  union {
    void *symbol;
    void *(*address_of)(const char *name);
    list_platforms *list;
  } found = {.symbol = dlsym(library, "clGetExtensionFunctionAddress")};
  if (found.symbol) found.symbol = found.address_of("clIcdGetPlatformIDsKHR");
  if (!found.symbol) found.symbol = dlsym(library, "clIcdGetPlatformIDsKHR");
  return found.symbol ? found.list : NULL;
}

static void check_library(const listener *to, const char *name, const char *path) {
  char fault[2 * NAME_SIZE];
  void *library = dlopen(path, RTLD_LAZY | RTLD_LOCAL);
  if (!library) {
    const char *reason = dlerror();
    snprintf(fault, sizeof fault, "its driver can't be loaded: %s", reason ? reason : path);
    to->call(to->user, name, fault);
    return;
  }
  list_platforms *list = platforms_of(library);
  cl_uint count = 0;
  const cl_int code = list ? list(0, NULL, &count) : CL_SUCCESS;
  if (!list) {
    snprintf(fault, sizeof fault, "its library is no OpenCL driver: %s", path);
    to->call(to->user, name, fault);
  } else if (code) {
    dg_error err = {0};
    dg_cl_fail(&err, NULL, code, "its driver has no platform");
    to->call(to->user, name, err.message);
  }
  dlclose(library);
}

/* ---- .icd files ---------------------------------------------------------- */

/* Its first line names a library. */
static void check_file(const listener *to, const char *path) {
  dg_error err = {0};
  size_t size;
  char *text = dg_file_read(path, NAME_SIZE, &size, &err);
  if (!text) {
    to->call(to->user, path, err.message);
    return;
  }
  text[strcspn(text, "\r\n")] = '\0';
  if (*text)
    check_library(to, path, text);
  else
    to->call(to->user, path, "its first line names no driver");
  free(text);
}

static void check_folder(const listener *to, const char *folder) {
  static const char *const extensions[] = {".icd", NULL};
  dg_entries files;
  bool ok = dg_list_files(&files, folder, extensions, NULL);
  for (size_t i = 0; ok && i < files.count; i++) {
    char *path = dg_path_join(folder, files.name[i], NULL);
    if (path) check_file(to, path);
    free(path);
  }
  dg_entries_free(&files);
}

/* ---- the loader ---------------------------------------------------------- */

/*
 * Is it a loader that answers calls of OpenCL? A library that stands in for it, such as that of
 * oclgrind, reads no .icd files, and no other driver may be loaded beside it.
 */
static bool loader_answers(void) {
  return clGetExtensionFunctionAddress("clGetICDLoaderInfoOCLICD") != NULL;
}

/* ---- where loaders look -------------------------------------------------- */

static const char *variable(const char *name) {
  const char *value = getenv(name);
  return value && *value ? value : NULL;
}

static bool is_folder(const char *path) {
  struct stat status;
  return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

static bool exists(const char *path) {
  struct stat status;
  return stat(path, &status) == 0;
}

/* `vendors` is no folder: an .icd file, here or in the usual folder, or a library. */
static void check_one(const listener *to, const char *vendors, const char *usual) {
  const size_t length = strlen(vendors);
  if (length < 4 || strcmp(vendors + length - 4, ".icd") != 0) {
    check_library(to, vendors, vendors);
    return;
  }
  char *path = strchr(vendors, '/') ? NULL : dg_path_join(usual, vendors, NULL);
  check_file(to, path && exists(path) ? path : vendors);
  free(path);
}

static void check_names(const listener *to, const char *names) {
  while (*names) {
    char name[NAME_SIZE];
    const size_t length = strcspn(names, ":");
    snprintf(name, sizeof name, "%.*s", (int)(length < NAME_SIZE ? length : NAME_SIZE - 1), names);
    if (*name) check_library(to, name, name);
    names += length + (names[length] == ':');
  }
}

void dg_cl_driver_faults(dg_cl_driver_fault *call, void *user) {
  const listener to = {call, user};
  if (!loader_answers()) return;
  const char *vendors = variable("OCL_ICD_VENDORS"), *names = variable("OCL_ICD_FILENAMES");
  const char *usual = variable("OPENCL_VENDOR_PATH");
  if (!usual) usual = "/etc/OpenCL/vendors";
  if (vendors && !is_folder(vendors))
    check_one(&to, vendors, usual);
  else
    check_folder(&to, vendors ? vendors : usual);
  if (names) check_names(&to, names);
}
