/* Blocks of layers in model files: their names, what they read, limits, and overrides of copies. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/model/model.h"
#include "tests/common/suite.h"

#define HEAD "name = \"t\";\ninput = [4, 8, 8];\n"
#define CONV(name) "{ type = \"conv2d\"; name = \"" name "\"; filters = 4; kernel = 1; }"
#define END " { type = \"flatten\"; }, { type = \"linear\"; name = \"out\"; units = 2; }\n);\n"

static dg_model *parse(const char *text, const char *path, const char *value) {
  const dg_override override = {"--set", path, value};
  dg_error err = {0};
  dg_model *m = dg_model_parse(text, "text", &override, path != NULL, &err);
  ck_assert_msg(m != NULL, "%s", err.message);
  return m;
}

/** All layers as `name<input,input name<input`; the model's input is "input". */
static void check_layers(const dg_model *m, const char *expected) {
  char text[4000] = "";
  for (uint32_t i = 0; i < m->layer_count; i++) {
    const dg_model_layer *layer = &m->layers[i];
    size_t used = strlen(text);
    used += (size_t)snprintf(text + used, sizeof text - used, "%s%s", i ? " " : "", layer->name);
    for (uint32_t k = 0; k < layer->inputs; k++)
      used += (size_t)snprintf(text + used, sizeof text - used, "%c%s", k ? ',' : '<',
                               layer->in[k] < 0 ? "input" : m->layers[layer->in[k]].name);
  }
  ck_assert_str_eq(text, expected);
}

/** The layers of a model, and of the model that its effective text makes. */
static void check_model(dg_model *m, const char *expected) {
  check_layers(m, expected);
  dg_model *again = parse(dg_model_text(m), NULL, NULL);
  check_layers(again, expected);
  ck_assert_str_eq(dg_model_text(again), dg_model_text(m));
  dg_model_free(again);
  dg_model_free(m);
}

static const struct {
  const char *text, *layers;
} models[] = {
    /* every kind of layer counts its own names, also the last ones of the list */
    {HEAD "layers = ( { type = \"attention\"; heads = 1; }, { type = \"embedding\"; words = 2;"
          "width = 3; }, { type = \"positions\"; }," END,
     "attention1<input embedding1<attention1 positions1<embedding1 flatten1<positions1 "
     "out<flatten1"},
    /* a name without a number, and what goes in */
    {HEAD "layers = ( { type = \"relu\"; }, { name = \"b\"; layers = (" CONV(
         "c") ","
              "{ type = \"add\"; inputs = [\"c\", \"input\"]; } ); }," END,
     "relu1<input b.c<relu1 b.add1<b.c,relu1 flatten1<b.add1 out<flatten1"},
    /* copies read each other; each has its own names, also those that are made */
    {HEAD "layers = ( { name = \"b\"; repeat = 2; layers = (" CONV(
         "c") ", { type = \"relu\"; },"
              "{ type = \"add\"; inputs = [\"relu1\", \"input\"]; } ); }," END,
     "b.0.c<input b.0.relu1<b.0.c b.0.add1<b.0.relu1,input "
     "b.1.c<b.0.add1 b.1.relu1<b.1.c b.1.add1<b.1.relu1,b.0.add1 flatten1<b.1.add1 out<flatten1"},
    /* numbers: within the name, from another first one, without a name; names with dots */
    {HEAD "layers = ( { name = \"f.b#\"; repeat = 2; first = 1; layers = (" CONV(
         "c.0") "); },"
                "{ repeat = 2; first = 7; layers = (" CONV("c") "); }," END,
     "f.b1.c.0<input f.b2.c.0<f.b1.c.0 7.c<f.b2.c.0 8.c<7.c flatten1<8.c out<flatten1"},
    /* names are looked up inside first, then around; a block's is its last layer's */
    {HEAD "layers = (" CONV("c") "," CONV(
         "d") ", { name = \"b\"; input = \"c\"; layers = ("
              "{ name = \"in\"; repeat = 2; layers = (" CONV(
                  "c") ","
                       "{ type = \"add\"; inputs = [\"c\", \"d\", \"input\"]; } ); } ); },"
                       "{ type = \"add\"; inputs = [\"b\", \"b.in.0\", \"b.in\", \"d\"]; }," END,
     "c<input d<c b.in.0.c<c b.in.0.add1<b.in.0.c,d,c b.in.1.c<b.in.0.add1 "
     "b.in.1.add1<b.in.1.c,d,b.in.0.add1 add1<b.in.1.add1,b.in.0.add1,b.in.1.add1,d "
     "flatten1<add1 out<flatten1"},
    /* "layer1.0" may be written by itself before the others */
    {HEAD "layers = ( { name = \"b.0\"; layers = (" CONV(
         "c") "); }, { name = \"b\"; repeat = 1;"
              "first = 1; layers = (" CONV(
                  "c") ", { type = \"add\"; inputs = [\"c\", \"b.0\"]; } ); }," END,
     "b.0.c<input b.1.c<b.0.c b.1.add1<b.1.c,b.0.c flatten1<b.1.add1 out<flatten1"},
};

START_TEST(names_and_inputs) {
  check_model(parse(models[_i].text, NULL, NULL), models[_i].layers);
}
END_TEST

static const struct {
  const char *layers, *says;
} wrong[] = {
    {"{ layers = (" CONV("c") "); },", "text:3: a block needs a name, or repeat = N;"},
    {"{ name = \"b\"; layers = ( ); },", "text:3: a block needs layers"},
    {"{ name = \"b\"; repeat = 2; },", "text:3: a block needs layers"},
    {"{ name = \"b\"; repeat = 0; layers = (" CONV("c") "); },", "repeat must be a whole number"},
    {"{ name = \"b\"; repeat = 2000; layers = (" CONV("c") "); },", "repeat must be"},
    {"{ name = \"b\"; repeats = 2; layers = (" CONV("c") "); },", "did you mean \"repeat\"?"},
    {"{ name = \"b\"; first = 2; layers = (" CONV("c") "); },", "first needs repeat = N"},
    {"{ name = \"b#\"; layers = (" CONV("c") "); },", "# in a block's name stands for"},
    {"{ name = \"b##\"; repeat = 2; layers = (" CONV("c") "); },", "at most one #"},
    {"{ name = \"b.\"; layers = (" CONV("c") "); },", "a block's name must be"},
    {"{ name = 3; layers = (" CONV("c") "); },", "a block's name must be"},
    {"{ name = \"b\"; layers = (" CONV("c") "); type = \"relu\"; },", "unknown key \"type\""},
    {"{ name = \"b\"; input = \"x\"; layers = (" CONV("c") "); },",
     "block \"b\" reads \"x\", but no layer before it has that name"},
    {"{ name = \"b\"; layers = ( { type = \"relu\"; input = \"b\"; } ); },",
     "layer \"b.relu1\" reads \"b\", but no layer before it"},
    {"{ name = \"b\"; repeat = 2; layers = (\n" CONV(
         "c") ", { type = \"relu\"; input = \"d\"; },\n" CONV("d") "); },",
     "text:4: layer \"b.0.relu1\" reads \"d\", but no layer before it"},
    {"{ name = \"b\"; layers = (" CONV("c") "); }, { name = \"b\"; layers = (" CONV("d") "); },",
     "the name \"b\" is used twice"},
    {"{ name = \"b\"; repeat = 2; layers = (" CONV("c") "); }, { name = \"b.1\"; layers = (" CONV(
         "d") "); },",
     "the name \"b.1\" is used twice"},
    {CONV("b") ", { name = \"b\"; layers = (" CONV("c") "); },", "the name \"b\" is used twice"},
    {"{ name = \"b\"; layers = (" CONV("c") "); }," CONV("b") ",", "the name \"b\" is used twice"},
    {"{ name = \"b\"; repeat = 3; layers = (" CONV("input") "); },",
     "\"input\" is the name of what goes into the model or block; choose another; in "},
    {"{ name = \"b\"; repeat = 3; layers = ( { type = \"conv2d\"; name = \"c\";\n kernel = 0; } ); "
     "},",
     "text:4: kernel must be n or [height, width], whole numbers >= 1"},
    {"{ name = \"b\"; repeat = 3; layers = ( { type = \"conv2d\"; name = \"c\";\n kernel = 0; } ); "
     "},",
     "; in layer \"b.0.c\""},
    {"{ name = \"b\"; repeat = 3; layers = ( { type = \"con2d\"; } ); },",
     "did you mean \"conv2d\"?; in block \"b.0\""},
    {CONV("a.b.c.d.e.f.g.h.i") ",", "more than 8 parts"},
    {CONV(".a") ",", "or several joined by dots"},
    {"{ name = \""
     "a23456789012345678901234567890"
     "\"; layers = (" CONV("b2345678901234567890123456789012") ", " CONV(
         "c23456789012345678901234567890123") "); },",
     "a23456789012345678901234567890.c23456789012345678901234567890123\" has more than 63 bytes"},
    {"{ name = \"a\"; layers = ( { name = \"b\"; layers = ( { name = \"c\"; layers = ("
     "{ name = \"d\"; layers = ( { name = \"e\"; layers = (" CONV("c") "); } ); } ); } ); } ); },",
     "more than 4 blocks lie within each other"},
    {"{ name = \"b\"; repeat = 1000; layers = (" CONV("c") "," CONV("d") "); },",
     "text:3: there are 2002 layers; a model has at most 1024"},
    {"{ name = \"b\"; repeat = 1000; layers = ( { repeat = 1000; layers = ( { repeat = 1000; "
     "layers ="
     "( { repeat = 1000; layers = (" CONV("c") "); } ); } ); } ); },",
     "1000000000002 layers"},
};

START_TEST(says_what_is_wrong) {
  char text[2000];
  dg_error err = {0};
  snprintf(text, sizeof text, HEAD "layers = ( %s" END, wrong[_i].layers);
  ck_assert_ptr_null(dg_model_parse(text, "text", NULL, 0, &err));
  ck_assert_int_eq(err.kind, DG_ERR_INPUT);
  ck_assert_msg(strstr(err.message, wrong[_i].says) != NULL, "expected \"%s\" in: %s",
                wrong[_i].says, err.message);
}
END_TEST

/** Shapes that don't fit name both layers with their copies. */
START_TEST(shapes_name_both_layers) {
  dg_model *m = parse(
      HEAD "layers = (" CONV("a") ",\n{ name = \"b\"; repeat = 3; layers = (\n"
                                  "{ type = \"maxpool2d\"; name = \"p\"; kernel = 2; },\n"
                                  "{ type = \"add\"; inputs = [\"p\", \"input\"]; } ); }," END,
      NULL, NULL);
  dg_error err = {0};
  size_t count;
  ck_assert(!dg_model_layers(m, NULL, sizeof(dg_layer_info), 0, &count, &err));
  ck_assert_msg(strstr(err.message,
                       "text:6: layer \"b.0.add1\" (add): needs inputs of one shape, but "
                       "\"b.0.p\" gives [4, 4, 4] and \"a\" gives [4, 8, 8]"),
                "%s", err.message);
  dg_model_free(m);
}
END_TEST

#define NEST                                                                                       \
  HEAD "layers = ( { name = \"s\"; layers = (" CONV(                                               \
      "z") ", { name = \"b\"; repeat = 3;"                                                         \
           " first = 1; input = \"z\"; layers = (" CONV(                                           \
               "c") ", { type = \"leaky_relu\"; } ); } ); }," END

/** Kernel of each convolution after an override. */
static const struct {
  const char *path, *value, *kernels;
} overrides[] = {
    {"s.b.c.kernel", "3", "1 3 3 3"},   {"s.b.2.c.kernel", "3", "1 1 3 1"},
    {"s.z.kernel", "3", "3 1 1 1"},     {"s.b.repeat", "5", "1 1 1 1 1 1"},
    {"s.b.1.c.kernel", "3", "1 3 1 1"}, {"s.b.3.leaky_relu1.slope", "0.5", "1 1 1 1"},
};

START_TEST(overrides_reach_blocks) {
  char kernels[64] = "";
  dg_model *m = parse(NEST, overrides[_i].path, overrides[_i].value);
  uint32_t slopes = 0;
  for (uint32_t i = 0; i < m->layer_count; i++) {
    dg_layer_site site = {.in = &(dg_shape){3, {4, 8, 8}}, .inputs = 1};
    dg_layer_plan plan = {0};
    const dg_model_layer *layer = &m->layers[i];
    if (strcmp(layer->kind->type, "flatten") == 0) break;
    ck_assert(layer->kind->plan(layer->config, &site, &plan, NULL));
    if (strcmp(layer->kind->type, "leaky_relu") == 0)
      slopes += plan.op.activation.act.slope == 0.5f;
    else
      snprintf(kernels + strlen(kernels), sizeof kernels - strlen(kernels), "%s%u",
               *kernels ? " " : "", plan.op.conv2d.kernel_h);
  }
  ck_assert_str_eq(kernels, overrides[_i].kernels);
  ck_assert_uint_eq(slopes, strstr(overrides[_i].path, "slope") != NULL);
  if (!strstr(overrides[_i].path, "repeat"))
    check_layers(m, "s.z<input s.b.1.c<s.z s.b.1.leaky_relu1<s.b.1.c s.b.2.c<s.b.1.leaky_relu1 "
                    "s.b.2.leaky_relu1<s.b.2.c s.b.3.c<s.b.2.leaky_relu1 s.b.3.leaky_relu1<s.b.3.c "
                    "flatten1<s.b.3.leaky_relu1 out<flatten1");
  dg_model *again = parse(dg_model_text(m), NULL, NULL);
  ck_assert_str_eq(dg_model_text(again), dg_model_text(m));
  dg_model_free(again);
  dg_model_free(m);
}
END_TEST

static const struct {
  const char *path, *value, *says;
} wrong_overrides[] = {
    {"s.b.4.c.kernel", "3",
     "--set: \"s.b.4.c\" is neither a group (data, train) nor a named layer"},
    {"s.b.02.c.kernel", "3", "is neither a group"},
    {"s.b.2.d.kernel", "3", "is neither a group"},
    {"c.kernel", "3", "is neither a group"},
    {"s.b.2.c.kernal", "3", "--set (s.b.2.c.kernal = 3): unknown key \"kernal\""},
    {"s.b.2.kernel", "3", "is neither a group"},
    {"s.b.kernel", "3", "unknown key \"kernel\" in a block of layers"},
};

START_TEST(says_what_is_wrong_in_an_override) {
  const dg_override override = {"--set", wrong_overrides[_i].path, wrong_overrides[_i].value};
  dg_error err = {0};
  ck_assert_ptr_null(dg_model_parse(NEST, "text", &override, 1, &err));
  ck_assert_msg(strstr(err.message, wrong_overrides[_i].says) != NULL, "expected \"%s\" in: %s",
                wrong_overrides[_i].says, err.message);
}
END_TEST

/** A copy by itself is refused where all of them would make the text too long. */
START_TEST(long_blocks_are_not_written_out) {
  const dg_override override = {"--set", "b.0.c.kernel", "3"};
  enum { SIZE = 4000 };
  char text[SIZE + 1000], filler[SIZE];
  dg_error err = {0};
  memset(filler, 'x', sizeof filler);
  snprintf(text, sizeof text,
           HEAD "layers = ( { name = \"b\"; repeat = 500; layers = ( { type = \"conv2d\"; name = "
                "\"c\"; filters = 4; kernel = 1; %.*s = 1; } ); }," END,
           SIZE - 1, filler);
  ck_assert_ptr_null(dg_model_parse(text, "text", &override, 1, &err));
  ck_assert_msg(strstr(err.message, "with all of them written out the model has more than 262144"),
                "%s", err.message);
}
END_TEST

int main(void) {
  TCase *tests = tcase_create("blocks");
  tcase_add_loop_test(tests, names_and_inputs, 0, sizeof models / sizeof *models);
  tcase_add_loop_test(tests, says_what_is_wrong, 0, sizeof wrong / sizeof *wrong);
  tcase_add_test(tests, shapes_name_both_layers);
  tcase_add_loop_test(tests, overrides_reach_blocks, 0, sizeof overrides / sizeof *overrides);
  tcase_add_loop_test(tests, says_what_is_wrong_in_an_override, 0,
                      sizeof wrong_overrides / sizeof *wrong_overrides);
  tcase_add_test(tests, long_blocks_are_not_written_out);
  return suite_main("blocks", tests);
}
