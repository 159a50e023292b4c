#include "backends/opencl/runtime/groups.h"

#include <stdio.h>

/* ---- what there is ------------------------------------------------------- */

dg_cl_groups dg_cl_groups_of(cl_device_id id) {
  enum { MOST_DIMENSIONS = 16 };
  size_t items = 0, side[MOST_DIMENSIONS] = {0};
  clGetDeviceInfo(id, CL_DEVICE_MAX_WORK_GROUP_SIZE, sizeof items, &items, NULL);
  clGetDeviceInfo(id, CL_DEVICE_MAX_WORK_ITEM_SIZES, sizeof side, side, NULL);
  dg_cl_groups groups = {.items = items ? items : 1};
  for (int d = 0; d < 3; d++) groups.side[d] = side[d] ? side[d] : 1;
  return groups;
}

size_t dg_cl_kernel_items(const dg_cl_device *device, cl_kernel kernel) {
  size_t items = 0;
  clGetKernelWorkGroupInfo(kernel, device->id, CL_KERNEL_WORK_GROUP_SIZE, sizeof items, &items,
                           NULL);
  return items && items < device->groups.items ? items : device->groups.items;
}

/* ---- what is needed ------------------------------------------------------ */

static bool is_within(const size_t local[3], const dg_cl_groups *most, size_t items) {
  for (int d = 0; d < 3; d++)
    if (local[d] > most->side[d]) return false;
  return local[0] * local[1] * local[2] <= items;
}

static bool check(const dg_cl_device *device, const char *what, const size_t local[3], size_t items,
                  dg_error *err) {
  const size_t *side = device->groups.side;
  if (is_within(local, &device->groups, items)) return true;
  return dg_fail(err, DG_ERR_UNSUPPORTED,
                 "%s need work-groups of %zu x %zu x %zu work-items; the device %s runs %zu of "
                 "them, %zu x %zu x %zu at most",
                 what, local[0], local[1], local[2], device->base.info.name, items, side[0],
                 side[1], side[2]) ||
         dg_advise(err, DG_REMEDY_DEVICE);
}

bool dg_cl_check_kernel(const dg_cl_device *device, cl_kernel kernel, const char *name,
                        dg_error *err) {
  size_t local[3] = {0};
  clGetKernelWorkGroupInfo(kernel, device->id, CL_KERNEL_COMPILE_WORK_GROUP_SIZE, sizeof local,
                           local, NULL);
  char what[96];
  snprintf(what, sizeof what, "calls of the kernel %s", name);
  return check(device, what, local, dg_cl_kernel_items(device, kernel), err);
}

bool dg_cl_check_groups(const dg_cl_device *device, const char *what, const size_t local[3],
                        dg_error *err) {
  return check(device, what, local, device->groups.items, err);
}

void dg_cl_fit_range(dg_cl_range *range, const dg_cl_groups *most, size_t items) {
  while (!is_within(range->local, most, items)) {
    int d = 0;
    for (int other = 1; other < 3; other++)
      if (range->local[other] > most->side[other] ||
          (range->local[d] <= most->side[d] && range->local[other] > range->local[d]))
        d = other;
    range->local[d] /= 2;
    if (range->strided) range->global[d] = range->local[d];
  }
}
