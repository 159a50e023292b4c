#include "core/device.h"

#include <pthread.h>
#include <string.h>

#include "core/base/sized.h"
#include "core/base/text.h"
#include "digits/device.h"

enum { MAX_DEVICES = 64 };

static void copy_info(dg_device_info *to, const char *backend, size_t number,
                      const dg_device_properties *from) {
  *to = (dg_device_info){.backend = backend,
                         .number = (unsigned)number,
                         .compute_units = from->compute_units,
                         .memory = from->memory,
                         .gpu = from->gpu};
  memcpy(to->name, from->name, sizeof to->name);
  memcpy(to->platform, from->platform, sizeof to->platform);
  memcpy(to->version, from->version, sizeof to->version);
  memcpy(to->driver, from->driver, sizeof to->driver);
  memcpy(to->tuned, from->tuned, sizeof to->tuned);
  memcpy(to->fault, from->fault, sizeof to->fault);
}

bool dg_device_list(dg_device_info *out, size_t size, size_t capacity, size_t *count,
                    dg_error *err) {
  *count = 0;
  for (const dg_backend *const *b = dg_backends(); *b; b++) {
    dg_device_properties infos[MAX_DEVICES];
    size_t found = 0;
    if (!(*b)->list(infos, MAX_DEVICES, &found, err)) return false;
    for (size_t i = 0; i < found && i < MAX_DEVICES; i++) {
      dg_device_info info;
      if (*infos[i].fault && size <= offsetof(dg_device_info, fault)) continue;
      copy_info(&info, (*b)->name, i, &infos[i]);
      if (*count < capacity) dg_sized_give(out, size, *count, &info, sizeof info);
      ++*count;
    }
  }
  return true;
}

static const dg_backend *find(const char *name) {
  for (const dg_backend *const *b = dg_backends(); *b; b++)
    if (strcmp((*b)->name, name) == 0) return *b;
  return NULL;
}

static bool has_device(const dg_backend *backend) {
  dg_device_properties first;
  size_t count;
  return backend->list(&first, 1, &count, NULL) && count > 0 && !*first.fault;
}

static bool fail_unknown(const char *backend, dg_error *err) {
  char names[200] = "";
  for (const dg_backend *const *b = dg_backends(); *b; b++)
    dg_append(names, sizeof names, "%s%s", *names ? ", " : "", (*b)->name);
  return dg_fail(err, DG_ERR_INPUT, "unknown backend \"%s\"; there are %s", backend, names);
}

static dg_device *open_on(const dg_backend *backend, const dg_open_options *options,
                          dg_error *err) {
  dg_device *device = backend->open(options, err);
  if (device) pthread_mutex_init(&device->turn, NULL);
  return device;
}

/* The first backend that has a device (the cpu backend always has one). Without a device's name, a
   driver that fails is passed over; wrong options are not. */
static dg_device *open_first(const dg_open_options *options, dg_error *err) {
  for (const dg_backend *const *b = dg_backends(); *b; b++) {
    dg_error fault = {0};
    if (!has_device(*b)) continue;
    dg_device *device = open_on(*b, options, &fault);
    if (device || options->device || fault.kind == DG_ERR_INPUT || !b[1]) {
      if (err && !device) *err = fault;
      return device;
    }
  }
  dg_fail(err, DG_ERR_RUNTIME, "no device was found");
  return NULL;
}

dg_device *dg_open_with(const char *backend, const dg_open_options *options, dg_error *err) {
  if (!backend) return open_first(options, err);
  const dg_backend *found = find(backend);
  if (found) return open_on(found, options, err);
  if (strcmp(backend, "opencl") == 0) {
    dg_fail(err, DG_ERR_RUNTIME,
            "this build has no OpenCL backend; install the OpenCL headers and loader (on Debian: "
            "ocl-icd-opencl-dev) and build again");
    dg_advise(err, DG_REMEDY_BACKEND);
  } else {
    fail_unknown(backend, err);
  }
  return NULL;
}

dg_device *dg_open(const char *backend, const char *device, unsigned threads, dg_error *err) {
  return dg_open_with(backend, &(dg_open_options){.device = device, .threads = threads}, err);
}

dg_device *dg_device_open(const dg_device_options *given, dg_error *err) {
  dg_device_options options;
  if (!dg_sized_take(&options, sizeof options, given, "dg_device_options", err)) return NULL;
  return dg_open_with(options.backend,
                      &(dg_open_options){.device = options.device,
                                         .threads = options.threads,
                                         .profile = options.profile,
                                         .keep_blas_threads = options.keep_blas_threads,
                                         .note = options.note,
                                         .user = options.user},
                      err);
}

const char *dg_device_backend(const dg_device *device) {
  return device->backend;
}

const char *dg_device_name(const dg_device *device) {
  return device->info.name;
}

unsigned dg_device_threads(const dg_device *device) {
  return device->info.threads;
}

unsigned dg_device_compute_units(const dg_device *device) {
  return device->info.compute_units;
}

const char *dg_device_tuned(const dg_device *device) {
  return device->info.tuned;
}

void dg_close(dg_device *device) {
  if (!device) return;
  pthread_mutex_destroy(&device->turn);
  device->calls->close(device);
}
