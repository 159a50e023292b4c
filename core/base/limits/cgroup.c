#include "core/base/limits/cgroup.h"

#include <limits.h>
#include <string.h>

FILE *dg_cgroup_open(const char *folder, const char *name) {
  char path[DG_CGROUP_PATH + 64];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  return fopen(path, "re");
}

bool dg_cgroup_number(const char *folder, const char *name, uint64_t *number) {
  long long read = -1;
  FILE *file = dg_cgroup_open(folder, name);
  if (!file) return false;
  bool found = fscanf(file, "%lld", &read) == 1 && read >= 0;
  fclose(file);
  *number = found ? (uint64_t)read : 0;
  return found;
}

/** Is `controller` in a comma-separated list? */
static bool lists(const char *list, const char *controller) {
  for (size_t length; *list; list += length + (list[length] == ',')) {
    length = strcspn(list, ",");
    if (length == strlen(controller) && strncmp(list, controller, length) == 0) return true;
  }
  return false;
}

/** The smallest limit of a group and its parents, below `top`. In a container, the path may be the
    one outside, while the group is mounted as the root. */
static uint64_t least_on_way(const char *top, const char *group, dg_cgroup_limit *limit) {
  char path[DG_CGROUP_PATH];
  uint64_t least = UINT64_MAX;
  int length = snprintf(path, sizeof path, "%s%s", top, group);
  if (length < 0 || (size_t)length >= sizeof path) return UINT64_MAX;
  while (true) {
    const uint64_t its = limit(path);
    if (its < least) least = its;
    if (strlen(path) <= strlen(top)) return least;
    *strrchr(path, '/') = '\0';
  }
}

/** The limit of a line of /proc/self/cgroup, "ID:CONTROLLERS:PATH"; version 2 names no
    controllers. */
static uint64_t limit_of_line(const char *root, char *line, const dg_cgroup_controller *c) {
  char top[DG_CGROUP_PATH];
  char *controllers = strchr(line, ':'), *path = controllers ? strchr(controllers + 1, ':') : NULL;
  if (!path || path[1] != '/') return UINT64_MAX;
  *controllers++ = *path++ = '\0';
  path[strcspn(path, "\n")] = '\0';
  if (*controllers && !lists(controllers, c->name)) return UINT64_MAX;
  int length = snprintf(top, sizeof top, "%s/sys/fs/cgroup%s%s", root, *controllers ? "/" : "",
                        *controllers ? c->name : "");
  if (length < 0 || (size_t)length >= sizeof top) return UINT64_MAX;
  return least_on_way(top, path, *controllers ? c->first : c->second);
}

uint64_t dg_cgroup_least(const char *root, const dg_cgroup_controller *controller) {
  char line[PATH_MAX + 256];
  uint64_t least = UINT64_MAX;
  FILE *file = dg_cgroup_open(root, "proc/self/cgroup");
  if (!file) return UINT64_MAX;
  while (fgets(line, sizeof line, file)) {
    const uint64_t its = limit_of_line(root, line, controller);
    if (its < least) least = its;
  }
  fclose(file);
  return least;
}
