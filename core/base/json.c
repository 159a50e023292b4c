#include "core/base/json.h"

#include <pthread.h>

/* jansson has one allocation function for all threads. It is kept, but wrapped in a function that
   notes per thread that a call failed. */
static pthread_mutex_t hooking = PTHREAD_MUTEX_INITIALIZER;
static json_malloc_t source;
static _Thread_local bool failed;

static void *noted_malloc(size_t size) {
  void *memory = source(size);
  failed |= !memory;
  return memory;
}

/** Wraps jansson's current function. */
static void hook(void) {
  json_malloc_t now;
  json_free_t release;
  pthread_mutex_lock(&hooking);
  json_get_alloc_funcs(&now, &release);
  if (now != noted_malloc) {
    source = now;
    json_set_alloc_funcs(noted_malloc, release);
  }
  pthread_mutex_unlock(&hooking);
}

json_t *dg_json_read(const char *text, size_t length, size_t flags, json_error_t *wrong,
                     bool *starved) {
  hook();
  failed = false;
  json_t *value = json_loadb(text, length, flags, wrong);
  *starved = failed;
  if (value && failed) {
    json_decref(value);
    value = NULL;
  }
  return value;
}
