/* Models at the limits of what is read: the worst texts, and as many layers as there may be. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "core/exec/network.h"
#include "core/model/source.h"
#include "core/weights/weights.h"
#include "tests/common/suite.h"

static char folder[] = "/tmp/digits-limits-XXXXXX";

/** Of the processor: what others do on the machine doesn't count. */
static double seconds(void) {
  return (double)clock() / CLOCKS_PER_SEC;
}

#ifdef DIGITS_TEST_SANITIZED
static const double most_seconds = 20;
#else
static const double most_seconds = 2;
#endif

#define LAST "{ type = \"flatten\"; },\n{ type = \"linear\"; units = 10; }\n);\n"

/* ---- texts -------------------------------------------------------------- */

/** A text that grows up to the limit. */
typedef struct {
  char *text;
  size_t size, capacity;
} growing;

static growing grow(size_t capacity) {
  growing g = {calloc(1, capacity + 1), 0, capacity};
  ck_assert_ptr_nonnull(g.text);
  return g;
}

/** Appends a part if it fits before the last `spare` bytes. */
static bool add(growing *g, const char *part, size_t spare) {
  size_t length = strlen(part);
  if (g->size + length + spare > g->capacity) return false;
  memcpy(g->text + g->size, part, length + 1);
  g->size += length;
  return true;
}

static char *repeated(const char *head, const char *part, const char *tail) {
  growing g = grow(DG_SOURCE_SIZE);
  ck_assert(add(&g, head, strlen(tail)));
  while (add(&g, part, strlen(tail))) continue;
  ck_assert(add(&g, tail, 0));
  return g.text;
}

/** Groups of so many keys each, one after the other. */
static char *keys(size_t of_group) {
  growing g = grow(DG_SOURCE_SIZE);
  char key[32];
  add(&g, "a=(", 0);
  for (size_t i = 0; add(&g, i % of_group == 0 ? "{" : "", 64); i++) {
    snprintf(key, sizeof key, "k%zu=1;%s", i % of_group, i % of_group + 1 == of_group ? "}," : "");
    if (!add(&g, key, 64)) break;
  }
  return g.text;
}

static char *nested(size_t depth) {
  growing g = grow(DG_SOURCE_SIZE);
  add(&g, "a=", 0);
  for (size_t i = 0; i < depth; i++) ck_assert(add(&g, "(", 0));
  for (size_t i = 0; i < depth; i++) ck_assert(add(&g, ")", 0));
  add(&g, ";", 0);
  return g.text;
}

static char *text_of(int which) {
  switch (which) {
  case 0:
    return keys(1 << 20);
  case 1:
    return keys(DG_SOURCE_KEYS);
  case 2:
    return nested(100000);
  case 3:
    return nested(DG_SOURCE_DEPTH);
  case 4:
    return repeated("a=(", "{},", "{});");
  case 5:
    return repeated("a=(", "1,", "1);");
  case 6:
    return repeated("a=[", "\"\",", "\"\"];");
  case 7:
    return repeated("a=", "\"\\n\"", ";");
  case 8:
    return repeated("", "/**/", "a=1;");
  case 9:
    return repeated("name=\"", "x", "\";");
  case 10:
    return repeated("", "a", "=1;");
  case 11:
    return repeated("layers=(", "{type=\"relu\"},", "{});");
  case 12:
    return repeated("a=", "1", ";");
  default:
    return repeated("", "(", "");
  }
}

enum { TEXTS = 14 };

START_TEST(no_text_takes_long) {
  char *text = text_of(_i);
  dg_error err = {0};
  double begun = seconds();
  dg_model *model = dg_model_parse(text, "text", NULL, 0, &err);
  double spent = seconds() - begun;
  ck_assert_ptr_null(model);
  ck_assert_int_eq(err.kind, DG_ERR_INPUT);
  ck_assert_msg(spent < most_seconds, "text %d took %.2f s", _i, spent);
  free(text);
}
END_TEST

/* ---- what is refused ---------------------------------------------------- */

static void refused(const char *text, const char *says) {
  dg_error err = {0};
  dg_model *model = dg_model_parse(text, "text", NULL, 0, &err);
  ck_assert_ptr_null(model);
  ck_assert_int_eq(err.kind, DG_ERR_INPUT);
  ck_assert_msg(strstr(err.message, says) != NULL, "expected \"%s\" in: %s", says, err.message);
}

START_TEST(limits_are_named_with_their_line) {
  char *deep = nested(DG_SOURCE_DEPTH + 1), *many = keys(DG_SOURCE_KEYS + 1);
  refused(deep, "text:1: there are more than 16 groups and lists within each other");
  refused(many, "text:1: a group has more than 256 keys");
  growing g = grow(DG_SOURCE_SIZE + 1);
  while (add(&g, " ", 0)) continue;
  refused(g.text, "text: the model's text has 262145 bytes, more than 262144");
  free(g.text), free(deep), free(many);
}
END_TEST

/** A compact text that would be too long with every key on a line, as it travels with weights. */
START_TEST(what_is_read_can_be_read_again) {
  growing g = grow(DG_SOURCE_SIZE);
  char layer[300];
  add(&g, "name=\"t\";input=[1,4,4];layers=(\n{type=\"relu\";name=\"", 0);
  for (unsigned i = 0; i + 3 < DG_MODEL_LAYERS; i++) {
    snprintf(layer, sizeof layer,
             "%063u\";},{type=\"conv2d\";inputs=[\"%063u\"];filters=1;kernel=1;stride=1;padding=0;"
             "bias=true;init=\"he\";name=\"",
             i, i);
    ck_assert(add(&g, layer, sizeof LAST + 80));
  }
  ck_assert(add(&g, "last\";},", 0) && add(&g, LAST, 0));
  refused(g.text, "text: with every key on a line the model has");
  free(g.text);
}
END_TEST

/** The same limit for a file, a value of an option and what a weight file carries. */
START_TEST(one_limit_wherever_text_comes_from) {
  char path[64],
      *text = repeated("name = \"t\"; input = [1, 2, 2]; layers = (" LAST "#", "x", "\n");
  dg_error err = {0};
  snprintf(path, sizeof path, "%s/long.cfg", folder);
  FILE *file = fopen(path, "w");
  ck_assert_ptr_nonnull(file);
  ck_assert_int_eq(fprintf(file, "%s", text), DG_SOURCE_SIZE);
  ck_assert_int_eq(fclose(file), 0);
  dg_model *model = dg_model_load(path, NULL, 0, &err);
  ck_assert_msg(model != NULL, "%s", err.message);
  dg_model_free(model);
  file = fopen(path, "a");
  ck_assert_ptr_nonnull(file);
  fputc('x', file);
  ck_assert_int_eq(fclose(file), 0);
  ck_assert_ptr_null(dg_model_load(path, NULL, 0, &err));
  ck_assert_msg(strstr(err.message, "262145 bytes are too many"), "%s", err.message);
  char *value = calloc(1, DG_SOURCE_SIZE + 2);
  memset(value, 'x', DG_SOURCE_SIZE + 1);
  const dg_override override = {"--set", "description", value};
  ck_assert_ptr_null(
      dg_model_parse("name = \"t\"; input = [4]; layers = (" LAST, "text", &override, 1, &err));
  ck_assert_msg(strstr(err.message, "--set"), "%s", err.message);
  free(value), free(text);
}
END_TEST

/** A path of many parts would nest groups without end. */
START_TEST(a_path_has_a_limit) {
  char path[64] = "train";
  for (size_t at = 5; at + 3 < sizeof path; at += 2) memcpy(path + at, ".a", 3);
  const dg_override override = {"--set", path, "1"};
  dg_error err = {0};
  ck_assert_ptr_null(
      dg_model_parse("name = \"t\"; input = [4]; layers = (" LAST, "text", &override, 1, &err));
  ck_assert_msg(strstr(err.message, "names no key of the model"), "%s", err.message);
}
END_TEST

/* ---- as many layers as there may be ------------------------------------- */

/** A model of so many layers. */
static char *layers(uint32_t count, const char *layer) {
  growing g = grow(DG_SOURCE_SIZE);
  add(&g, "name = \"t\";\ninput = [1, 4, 4];\nlayers = (\n", 0);
  for (uint32_t i = 2; i < count; i++) ck_assert(add(&g, layer, sizeof LAST));
  ck_assert(add(&g, LAST, 0));
  return g.text;
}

static const char *const kinds[] = {
    "{ type = \"relu\"; },\n",
    "{ type = \"batch_norm\"; },\n",
    "{ type = \"conv2d\"; filters = 1; kernel = 3; padding = 1; },\n",
    "{ type = \"dropout\"; },\n",
    "{ type = \"layer_norm\"; },\n",
};
enum { KINDS = sizeof kinds / sizeof *kinds };

START_TEST(one_layer_too_many_is_an_error) {
  char *text = layers(DG_MODEL_LAYERS + 1, kinds[0]);
  refused(text, "text:3: there are 1025 layers; a model has at most 1024");
  free(text);
}
END_TEST

START_TEST(default_names_are_the_first_free_ones) {
  dg_error err = {0};
  dg_model *m = dg_model_parse(
      "name = \"t\"; input = [4]; layers = ( { type = \"relu\"; name = \"relu2\"; },"
      " { type = \"relu\"; }, { type = \"tanh\"; }, { type = \"relu\"; },"
      " { type = \"relu\"; input = \"relu3\"; }, { type = \"linear\"; units = 2; } );",
      "text", NULL, 0, &err);
  ck_assert_msg(m != NULL, "%s", err.message);
  const char *const names[] = {"relu2", "relu1", "tanh1", "relu3", "relu4", "linear1"};
  for (uint32_t i = 0; i < m->layer_count; i++) ck_assert_str_eq(m->layers[i].name, names[i]);
  ck_assert_int_eq(m->layers[4].in[0], 3);
  dg_model_free(m);
}
END_TEST

/** Ends a stretch of work: it must not have taken long. */
static void took(double *begun, const char *what) {
  double now = seconds();
  ck_assert_msg(now - *begun < most_seconds, "%s took %.2f s", what, now - *begun);
  *begun = now;
}

/** A model of as many layers, as many blocks as may be around each of them, and names of the block
    and of the layer before them as inputs. */
static char *copies(void) {
  growing g = grow(DG_SOURCE_SIZE);
  add(&g,
      "name = \"t\";\ninput = [1, 4, 4];\nlayers = (\n"
      "{ type = \"relu\"; }, { type = \"relu\"; name = \"b\"; }, { name = \"a\"; repeat = 510; "
      "layers = (\n"
      "{ repeat = 1; layers = ( { repeat = 1; layers = ( { name = \"a\"; repeat = 1; layers = (\n"
      "{ type = \"batch_norm\"; name = \"c\"; },\n"
      "{ type = \"add\"; inputs = [\"c\", \"input\"",
      0);
  for (uint32_t i = 2; i < DG_MAX_IN; i++) ck_assert(add(&g, ", \"b\"", 0));
  ck_assert(add(&g, "]; } ); } ); } ); } ); },\n" LAST, 0));
  return g.text;
}

/** Every way through a model of 1024 layers: read, described, listed, built, saved and loaded. */
START_TEST(many_layers_take_no_time) {
  char *text = _i < KINDS ? layers(DG_MODEL_LAYERS, kinds[_i]) : copies(), path[64];
  dg_error err = {0};
  size_t length;
  double begun = seconds();
  dg_model *model = dg_model_parse(text, "text", NULL, 0, &err);
  ck_assert_msg(model != NULL, "%s", err.message);
  ck_assert_uint_eq(model->layer_count, DG_MODEL_LAYERS);
  took(&begun, "reading");
  dg_device *device = dg_open("cpu", NULL, 2, &err);
  ck_assert_ptr_nonnull(device);
  ck_assert_msg(dg_model_describe(model, device, NULL, 0, &length, &err), "%s", err.message);
  took(&begun, "describing");
  ck_assert(dg_model_layers(model, NULL, sizeof(dg_layer_info), 0, &length, &err));
  ck_assert_uint_eq(length, DG_MODEL_LAYERS + 1);
  took(&begun, "listing");
  dg_network *network = dg_network_build(model, device, 4, true, &err);
  ck_assert_msg(network && dg_network_initialize(network, 1, &err), "%s", err.message);
  took(&begun, "building");
  double temperature;
  snprintf(path, sizeof path, "%s/w.safetensors", folder);
  ck_assert_msg(dg_weights_save(network, &(dg_weights_about){.model = model}, path, &err), "%s",
                err.message);
  took(&begun, "saving");
  ck_assert_msg(dg_weights_load(network, path, &temperature, &err), "%s", err.message);
  took(&begun, "loading");
  dg_network_free(network);
  dg_close(device);
  dg_model_free(model);
  free(text);
}
END_TEST

int main(void) {
  suite_new_folder(folder);
  TCase *tests = tcase_create("model_limits");
  tcase_set_timeout(tests, 600);
  tcase_add_loop_test(tests, no_text_takes_long, 0, TEXTS);
  tcase_add_test(tests, limits_are_named_with_their_line);
  tcase_add_test(tests, what_is_read_can_be_read_again);
  tcase_add_test(tests, one_limit_wherever_text_comes_from);
  tcase_add_test(tests, a_path_has_a_limit);
  tcase_add_test(tests, one_layer_too_many_is_an_error);
  tcase_add_test(tests, default_names_are_the_first_free_ones);
  tcase_add_loop_test(tests, many_layers_take_no_time, 0, KINDS + 1);
  return suite_main("model_limits", tests);
}
