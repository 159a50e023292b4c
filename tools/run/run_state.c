#include "tools/run/run_state.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/file/file.h"
#include "tools/common/command.h"
#include "tools/common/say.h"

/** Reads the state; what the options leave open is as it was. */
static bool take_up(options *o, run_state *state, dg_error *err) {
  dg_checkpoint_info *info = &state->info;
  if (access(state->path, F_OK) != 0)
    return dg_fail(err, DG_ERR_INPUT,
                   "there is no %s: the run has finished, stopped before it began to train, or was "
                   "started without --save %s",
                   state->path, o->resume);
  if (!dg_checkpoint_read(state->path, info, sizeof(dg_checkpoint_info), err)) return false;
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

bool run_state_find(options *o, run_state *state, dg_error *err) {
  *state = (run_state){0};
  struct stat target;
  if (!o->save || (stat(o->save, &target) == 0 && !S_ISREG(target.st_mode))) return true;
  int length = snprintf(state->path, sizeof state->path, "%s" RUN_STATE_END, o->save);
  if ((size_t)length >= sizeof state->path)
    return dg_fail(err, DG_ERR_INPUT, "%.100s…: the path is too long", o->save);
  if (o->resume) return take_up(o, state, err);
  return access(state->path, F_OK) != 0 ||
         dg_fail(err, DG_ERR_INPUT,
                 "%s is the state of a run that stopped: --resume %s goes on with it; remove it to "
                 "begin anew",
                 state->path, o->save);
}

bool run_state_check(run_state *state, bool resumed, dg_error *err) {
  if (!state->path[0] || dg_file_check(state->path, resumed ? err : &state->none)) return true;
  state->path[0] = '\0';
  return !resumed;
}

void run_state_tell(const run_state *state, const dg_device *device) {
  const dg_checkpoint_info *info = &state->info;
  say("resume  after %u epochs and %u steps\n", info->epoch, info->step);
  if (strcmp(info->backend, dg_device_backend(device)) == 0 &&
      strcmp(info->device, dg_device_name(device)) == 0 &&
      info->threads == dg_device_threads(device))
    return;
  say("        begun on %s: %s, %u threads; here the same bits can't be expected\n", info->backend,
      info->device, info->threads);
}

bool run_state_point(const run_state *state, const char *save, dg_error *err) {
  if (state->path[0] && access(state->path, F_OK) == 0)
    dg_fail_suffix(err, "; go on with --resume %s", save);
  return false;
}

bool run_state_drop(const run_state *state, dg_error *err) {
  return unlink(state->path) == 0 || errno == ENOENT ||
         dg_fail(err, DG_ERR_RUNTIME, "%s could not be removed: %s", state->path, strerror(errno));
}
