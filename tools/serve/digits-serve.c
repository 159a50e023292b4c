/** digits-serve: a page to draw digits on, which shows the answers of trained networks. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/error.h"
#include "digits/device.h"
#include "digits/model.h"
#include "digits/version.h"
#include "tools/common/command.h"
#include "tools/common/piped.h"
#include "tools/common/say.h"
#include "tools/serve/guard.h"
#include "tools/serve/networks.h"
#include "tools/serve/options.h"
#include "tools/serve/server.h"
#include "tools/serve/token.h"

enum { MAX_WEIGHTS = 256 };

/* ---- signals ------------------------------------------------------------ */

/**
 * Blocks the signals that end the program, for wait_for_end, in this thread and those that it
 * starts. Ignored signals, such as SIGHUP under nohup, are left alone.
 */
static sigset_t hold_signals(void) {
  static const int ends[] = {SIGINT, SIGTERM, SIGHUP};
  sigset_t held;
  sigemptyset(&held);
  for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
    struct sigaction old;
    if (sigaction(ends[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN) sigaddset(&held, ends[i]);
  }
  pthread_sigmask(SIG_BLOCK, &held, NULL);
  return held;
}

static bool is_ended(const sigset_t *held) {
  const struct timespec at_once = {0};
  return sigtimedwait(held, NULL, &at_once) > 0;
}

static void wait_for_end(const sigset_t *held) {
  int which;
  sigwait(held, &which);
}

/* ---- networks ----------------------------------------------------------- */

static bool add(networks *n, const char *weights, const sigset_t *held, dg_error *err) {
  if (is_ended(held)) return dg_fail(err, DG_ERR_INTERRUPTED, "interrupted before it listened");
  return networks_add(n, weights, err);
}

/** Adds all weights that have a name. */
static bool add_installed(networks *n, const sigset_t *held, dg_error *err) {
  size_t count;
  dg_weights_info *all = calloc(MAX_WEIGHTS, sizeof *all);
  if (!all) return dg_fail_memory(err, MAX_WEIGHTS * sizeof *all);
  bool ok = dg_weights_list(all, sizeof(dg_weights_info), MAX_WEIGHTS, &count, err);
  if (ok && !count)
    ok = dg_fail(err, DG_ERR_INPUT,
                 "no weights were given and none are installed; make some: "
                 "digits-run --save cnn.safetensors cnn, then digits-serve cnn.safetensors");
  for (size_t i = 0; ok && i < count && i < MAX_WEIGHTS; i++) ok = add(n, all[i].name, held, err);
  free(all);
  return ok;
}

static bool open_networks(networks *n, const serve_options *o, const sigset_t *held,
                          dg_error *err) {
  static char program[] = "digits-serve";
  dg_device *device = command_open(o->backend, o->device, o->threads, program, err);
  if (!device) return false;
  networks_open(n, device, o->min_probability);
  bool ok = o->weights_count || add_installed(n, held, err);
  for (uint32_t i = 0; ok && i < o->weights_count; i++) ok = add(n, o->weights[i], held, err);
  if (!ok) networks_close(n);
  return ok;
}

/* ---- the token ---------------------------------------------------------- */

/** The token from the options, or a new one if other machines can reach the server; else "". */
static bool take_token(const serve_options *o, char token[TOKEN_SIZE], dg_error *err) {
  const char *kept = getenv("DIGITS_TOKEN");
  *token = '\0';
  if (o->token) return token_take(o->token, "--token", token, err);
  if (o->token_file) return token_read(o->token_file, token, err);
  if (kept && *kept) return token_take(kept, "$DIGITS_TOKEN", token, err);
  return guard_local(o->listen) || token_make(token, err);
}

/* ---- the program -------------------------------------------------------- */

static bool tell(const networks *n, const char *address, uint32_t port, const char *token,
                 dg_error *err) {
  const char *shown = address ? address : "127.0.0.1";
  bool v6 = strchr(shown, ':') != NULL;
  say("device    %s: %s\n", dg_device_backend(n->device), dg_device_name(n->device));
  say("networks ");
  for (uint32_t i = 0; i < n->count; i++) say(" %s", n->all[i].name);
  putchar('\n');
  say("page      http://%s%s%s:%u/%s%s  (Ctrl-C ends it)\n", v6 ? "[" : "", shown, v6 ? "]" : "",
      port, *token ? "?token=" : "", token);
  return fflush(stdout) == 0 ||
         dg_fail(err, DG_ERR_RUNTIME, "standard output could not be written");
}

static bool serve(const serve_options *o, dg_error *err) {
  sigset_t held = hold_signals();
  networks n;
  char token[TOKEN_SIZE];
  if (!take_token(o, token, err) || !open_networks(&n, o, &held, err)) return false;
  uint32_t port = o->port;
  server *s = server_start(o->listen, &port, token, &n, err);
  bool ok = s && tell(&n, o->listen, port, token, err);
  if (ok) wait_for_end(&held);
  server_stop(s);
  networks_close(&n);
  return ok;
}

/** Serves weights of which some may come through a pipe; these are read while a signal still ends
    the program. */
static bool serve_all(serve_options *o, dg_error *err) {
  char(*pipes)[PIPED_PATH] = calloc(o->weights_count + 1, sizeof *pipes);
  bool ok = pipes || dg_fail_memory(err, (o->weights_count + 1) * sizeof *pipes);
  for (uint32_t i = 0; ok && i < o->weights_count; i++) {
    const char *path = o->weights[i];
    ok = piped(&path, pipes[i], err);
    if (path == pipes[i]) o->weights[i] = pipes[i];
  }
  ok = ok && serve(o, err);
  free(pipes);
  return ok;
}

int main(int argc, char **argv) {
  serve_options o;
  dg_error err = {0};
  command_begin();
  bool ok = serve_options_read(&o, argc, argv, &err);
  if (ok && o.task == SERVE_HELP)
    command_help(serve_options_help);
  else if (ok && o.task == SERVE_VERSION)
    say("digits-serve %s\n", dg_version());
  else
    ok = ok && serve_all(&o, &err);
  return command_end("digits-serve", "backend device threads", ok, &err);
}
