#include "tools/run/checkpoint.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/file/file.h"
#include "tools/common/command.h"
#include "tools/common/say.h"

/** Reads the checkpoint; it fills in options that were not given. */
static bool resume_from(options *o, run_checkpoint *checkpoint, dg_error *err) {
  dg_checkpoint_info *info = &checkpoint->info;
  if (access(checkpoint->path, F_OK) != 0)
    return dg_fail(err, DG_ERR_INPUT,
                   "there is no %s: the run has finished, stopped before it began to train, or was "
                   "started without --save %s",
                   checkpoint->path, o->resume);
  if (!dg_checkpoint_read(checkpoint->path, info, sizeof(dg_checkpoint_info), err)) return false;
  if (!o->backend) {
    o->backend = info->backend;
    if (!o->device) o->device = info->device;
  }
  if (!o->threads && strcmp(o->backend, "cpu") == 0 && strcmp(info->backend, "cpu") == 0)
    o->threads = info->threads;
  if (!o->data) o->data = strcmp(info->data, "built-in digits") ? info->data : "builtin";
  o->seed = info->seed;
  return true;
}

bool run_checkpoint_find(options *o, run_checkpoint *checkpoint, dg_error *err) {
  *checkpoint = (run_checkpoint){0};
  struct stat target;
  if (!o->save || o->calibrate || (stat(o->save, &target) == 0 && !S_ISREG(target.st_mode)))
    return true;
  int length =
      snprintf(checkpoint->path, sizeof checkpoint->path, "%s" CHECKPOINT_EXTENSION, o->save);
  if ((size_t)length >= sizeof checkpoint->path)
    return dg_fail(err, DG_ERR_INPUT, "%.100s…: the path is too long", o->save);
  if (o->resume) return resume_from(o, checkpoint, err);
  return access(checkpoint->path, F_OK) != 0 ||
         dg_fail(err, DG_ERR_INPUT,
                 "%s is the state of a run that stopped: --resume %s goes on with it; remove it to "
                 "begin anew",
                 checkpoint->path, o->save);
}

bool run_checkpoint_check(run_checkpoint *checkpoint, bool resumed, dg_error *err) {
  if (!checkpoint->path[0] || dg_file_check(checkpoint->path, resumed ? err : &checkpoint->none))
    return true;
  checkpoint->path[0] = '\0';
  return !resumed;
}

bool run_checkpoint_need(const run_checkpoint *checkpoint, const char *save, dg_error *err) {
  if (checkpoint->path[0]) return true;
  return checkpoint->none.kind
             ? dg_fail(err, checkpoint->none.kind, "--save-every: no checkpoint can be written: %s",
                       checkpoint->none.message)
             : dg_fail(err, DG_ERR_INPUT,
                       "--save-every: no checkpoint is kept beside %s, which is no regular file",
                       save);
}

void run_checkpoint_print(const run_checkpoint *checkpoint, const dg_device *device) {
  const dg_checkpoint_info *info = &checkpoint->info;
  say("resume  after %u epochs and %u steps\n", info->epoch, info->step);
  if (strcmp(info->backend, dg_device_backend(device)) == 0 &&
      strcmp(info->device, dg_device_name(device)) == 0 && info->threads == command_units(device))
    return;
  say("        begun on %s: %s, %u threads; here the same bits can't be expected\n", info->backend,
      info->device, info->threads);
}

bool run_checkpoint_hint(const run_checkpoint *checkpoint, const char *save, dg_error *err) {
  if (checkpoint->path[0] && access(checkpoint->path, F_OK) == 0)
    dg_fail_suffix(err, "; go on with --resume %s", save);
  return false;
}

bool run_checkpoint_remove(const run_checkpoint *checkpoint, dg_error *err) {
  return unlink(checkpoint->path) == 0 || errno == ENOENT ||
         dg_fail(err, DG_ERR_RUNTIME, "%s could not be removed: %s", checkpoint->path,
                 strerror(errno));
}
