/* What is told of a model: its layers as a list and in words, and a trainer's parameters. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/data/dataset.h"
#include "tests/common/fixture.h"
#include "tests/common/suite.h"

static const char layers[] =
    "{ type = \"conv2d\"; name = \"a\"; filters = 3; kernel = 5; stride = 4; },"
    "{ type = \"batch_norm\"; name = \"n\"; }, { type = \"relu\"; name = \"r\"; },"
    "{ type = \"add\"; name = \"s\"; inputs = [\"r\", \"a\"]; },"
    "{ type = \"flatten\"; name = \"f\"; },"
    "{ type = \"linear\"; name = \"h\"; units = 12; },"
    "{ type = \"concat\"; name = \"j\"; inputs = [\"h\", \"f\"]; },"
    "{ type = \"linear\"; name = \"out\"; units = 10; bias = false; }";

static const dg_layer_info expected[] = {
    {"input", "input", 0, {0}, 3, {1, 28, 28}, 0},
    {"a", "conv2d", 1, {0}, 3, {3, 6, 6}, 3 * 25 + 3},
    {"n", "batch_norm", 1, {1}, 3, {3, 6, 6}, 6},
    {"r", "relu", 1, {2}, 3, {3, 6, 6}, 0},
    {"s", "add", 2, {3, 1}, 3, {3, 6, 6}, 0},
    {"f", "flatten", 1, {4}, 1, {108}, 0},
    {"h", "linear", 1, {5}, 1, {12}, 12 * 108 + 12},
    {"j", "concat", 2, {6, 5}, 1, {120}, 0},
    {"out", "linear", 1, {7}, 1, {10}, 1200},
};
enum { LISTED = sizeof expected / sizeof *expected, PARAMETERS = 78 + 6 + 1308 + 1200 };

static fixture make(void) {
  const fixture_plan plan = {.layers = layers, .recipe = "train = { batch = 16; };", .train = 30};
  return fixture_new(&plan);
}

static void check_layer(const dg_layer_info *got, const dg_layer_info *e) {
  ck_assert_str_eq(got->name, e->name);
  ck_assert_str_eq(got->type, e->type);
  ck_assert_uint_eq(got->inputs, e->inputs);
  for (uint32_t i = 0; i < e->inputs; i++) ck_assert_uint_eq(got->in[i], e->in[i]);
  ck_assert_uint_eq(got->rank, e->rank);
  for (uint32_t i = 0; i < e->rank; i++) ck_assert_uint_eq(got->dim[i], e->dim[i]);
  ck_assert_uint_eq(got->parameters, e->parameters);
}

/** With a capacity for all, for some and for none. */
START_TEST(layers_are_listed) {
  dg_layer_info list[LISTED + 1];
  fixture f = make();
  for (size_t capacity = 0; capacity <= LISTED + 1; capacity++) {
    size_t count = 77;
    dg_error err = {0};
    memset(list, 0xff, sizeof list);
    ck_assert_msg(dg_model_layers(f.model, list, sizeof(dg_layer_info), capacity, &count, &err),
                  "%s", err.message);
    ck_assert_uint_eq(count, LISTED);
    for (size_t i = 0; i < capacity && i < LISTED; i++) check_layer(&list[i], &expected[i]);
    for (size_t i = capacity; i <= LISTED; i++) ck_assert_uint_eq(list[i].rank, UINT32_MAX);
  }
  fixture_free(&f);
}
END_TEST

static const struct {
  const char *name;
  uint32_t rank, dim[4];
} parameters[] = {
    {"a.weight", 4, {3, 1, 5, 5}}, {"a.bias", 1, {3}},
    {"n.weight", 1, {3}},          {"n.bias", 1, {3}},
    {"h.weight", 2, {12, 108}},    {"h.bias", 1, {12}},
    {"out.weight", 2, {10, 120}},  {"n.running_mean", 1, {3}},
    {"n.running_var", 1, {3}},
};
enum { TENSORS = sizeof parameters / sizeof *parameters };

/** States are behind all that is learned. */
START_TEST(parameters_are_listed) {
  dg_parameter list[TENSORS + 1];
  fixture f = make();
  ck_assert_uint_eq(dg_trainer_parameter_count(f.trainer), PARAMETERS);
  ck_assert_uint_eq(dg_trainer_outputs(f.trainer), 10);
  for (uint32_t capacity = 0; capacity <= TENSORS + 1; capacity++) {
    memset(list, 0xff, sizeof list);
    ck_assert_uint_eq(dg_trainer_list_parameters(f.trainer, list, sizeof(dg_parameter), capacity),
                      TENSORS);
    for (uint32_t i = 0; i < capacity && i < TENSORS; i++) {
      uint64_t count = 1;
      ck_assert_str_eq(list[i].name, parameters[i].name);
      ck_assert_uint_eq(list[i].rank, parameters[i].rank);
      for (uint32_t k = 0; k < list[i].rank; k++) {
        ck_assert_uint_eq(list[i].dim[k], parameters[i].dim[k]);
        count *= list[i].dim[k];
      }
      ck_assert_uint_eq(list[i].count, count);
    }
    for (uint32_t i = capacity; i <= TENSORS; i++) ck_assert_uint_eq(list[i].rank, UINT32_MAX);
  }
  dg_error err = {0};
  float value[3];
  ck_assert(dg_trainer_get_parameter(f.trainer, "n.running_var", value, &err));
  ck_assert_float_eq(value[0] * value[1] * value[2], 1);
  ck_assert(!dg_trainer_get_parameter(f.trainer, "n.running", value, &err));
  ck_assert_ptr_nonnull(strstr(err.message, "the network has no parameter \"n.running\""));
  fixture_free(&f);
}
END_TEST

START_TEST(a_model_is_told_in_words) {
  char text[8000], part[50];
  size_t length, short_length;
  dg_error err = {0};
  fixture f = make();
  ck_assert_msg(dg_model_describe(f.model, f.device, text, sizeof text, &length, &err), "%s",
                err.message);
  ck_assert_uint_eq(length, strlen(text));
  ck_assert(dg_model_describe(f.model, f.device, part, sizeof part, &short_length, &err));
  ck_assert_uint_eq(short_length, length);
  ck_assert_uint_eq(strlen(part), sizeof part - 1);
  ck_assert_int_eq(strncmp(part, text, sizeof part - 1), 0);
  static const char *const says[] = {
      "small: input [1, 28, 28], batch 16, on cpu: ",
      "h              linear                               [12]                     1308           "
      "2592\n",
      "out            linear                               [10]                     1200           "
      "2400\n",
      "in all ",
      "  2592 ",
      "\ntraining, 16 samples a step, on the device\n",
      "\ntesting, 16 samples a step, on the device\n",
      "  gradients  ",
  };
  for (size_t i = 0; i < sizeof says / sizeof *says; i++)
    ck_assert_msg(strstr(text, says[i]) != NULL, "expected \"%s\" in:\n%s", says[i], text);
  const char *testing = strstr(text, "\ntesting, ");
  ck_assert_ptr_null(strstr(testing, "  gradients  "));
  ck_assert_ptr_null(strstr(testing, "linear"));
  fixture_free(&f);
}
END_TEST

/** What is fused to a layer's end is told with it, and what comes out of both. */
START_TEST(fused_layers_are_told_together) {
  const fixture_plan plan = {
      .layers = "{ type = \"conv2d\"; name = \"a\"; filters = 3; kernel = 5; },"
                "{ type = \"relu\"; }, { type = \"maxpool2d\"; kernel = 2; },"
                "{ type = \"flatten\"; }, { type = \"linear\"; name = \"h\"; units = 12; },"
                "{ type = \"relu\"; }, { type = \"dropout\"; },"
                "{ type = \"linear\"; name = \"out\"; units = 10; }"};
  static const char *const says[] = {
      "\na              conv2d + relu + maxpool2d            [3, 12, 12]  ",
      "\nh              linear + relu + dropout              [12]  ",
      "\nout            linear                               [10]  "};
  char text[8000];
  size_t length;
  dg_error err = {0};
  fixture f = fixture_new(&plan);
  ck_assert_msg(dg_model_describe(f.model, f.device, text, sizeof text, &length, &err), "%s",
                err.message);
  for (size_t i = 0; i < sizeof says / sizeof *says; i++)
    ck_assert_msg(strstr(text, says[i]) != NULL, "expected \"%s\" in:\n%s", says[i], text);
  fixture_free(&f);
}
END_TEST

/** 784 x 1000 + 1008 + 1000 x 10 + 16 numbers of four bytes. */
START_TEST(memory_is_told_in_mebibytes) {
  const fixture_plan plan = {
      .layers = "{ type = \"flatten\"; }, { type = \"linear\"; name = \"h\"; units = 1000; },"
                "{ type = \"linear\"; name = \"out\"; units = 10; }"};
  char text[8000];
  size_t length;
  dg_error err = {0};
  fixture f = fixture_new(&plan);
  ck_assert_msg(dg_model_describe(f.model, f.device, text, sizeof text, &length, &err), "%s",
                err.message);
  ck_assert_msg(strstr(text, "\n  parameters                                    3.03 MiB\n") &&
                    strstr(text, "\n  gradients                                     3.03 MiB\n"),
                "%s", text);
  fixture_free(&f);
}
END_TEST

/** Models of a folder, sorted by name; what is wrong with one is told in its place. */
START_TEST(models_of_a_folder_are_listed) {
  char folder[] = "/tmp/digits-models-XXXXXX", path[100];
  static const struct {
    const char *name, *text, *says;
    uint64_t parameters;
  } files[] = {
      {"a", "name = \"a\"; input = [1, 2, 2]; layers = ({ type = \"lost\"; });", "unknown", 0},
      {"b",
       "name = \"b\"; description = \"small\"; input = [1, 2, 2];"
       "layers = ({ type = \"flatten\"; }, { type = \"linear\"; units = 3; });",
       "small", 15},
      {"c", "name = \"c\"; input = [1, 2, 2]; layers = ({ type = \"linear\"; units = 3; });",
       "needs [classes]", 0},
  };
  dg_model_info list[4];
  size_t count;
  dg_error err = {0};
  suite_new_folder(folder);
  for (int i = 0; i < 3; i++) {
    snprintf(path, sizeof path, "%s/%s.cfg", folder, files[i].name);
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fputs(files[i].text, file);
    fclose(file);
  }
  ck_assert_int_eq(setenv("DIGITS_MODELS", folder, 1), 0);
  for (size_t capacity = 0; capacity <= 4; capacity++) {
    memset(list, 0, sizeof list);
    ck_assert_msg(dg_model_list(list, sizeof(dg_model_info), capacity, &count, &err), "%s",
                  err.message);
    ck_assert_uint_eq(count, 3);
    for (size_t i = 0; i < 4; i++)
      if (i >= capacity || i >= 3) ck_assert_str_eq(list[i].name, "");
    for (size_t i = 0; i < capacity && i < 3; i++) {
      ck_assert_str_eq(list[i].name, files[i].name);
      ck_assert_uint_eq(list[i].parameters, files[i].parameters);
      ck_assert_msg(strstr(list[i].description, files[i].says) != NULL, "%s", list[i].description);
    }
  }
  ck_assert_int_eq(unsetenv("DIGITS_MODELS"), 0);
}
END_TEST

/** Images of 14 x 56 fit an input of this shape, or one of as many numbers in a row. */
START_TEST(images_need_not_be_square) {
  static const struct {
    const char *input;
    bool fits;
  } inputs[] = {{"[1, 14, 56]", true},  {"[14, 56]", true},     {"[784]", true},
                {"[1, 56, 14]", false}, {"[1, 28, 28]", false}, {"[2, 14, 28]", false},
                {"[2, 14, 56]", false}, {"[783]", false},       {"[1, 14, 14]", false}};
  fixture f = fixture_new(
      &(fixture_plan){.layers = "{ type = \"flatten\"; }, { type = \"linear\"; units = 10; }"});
  f.data->train.kind = f.data->test.kind = dg_gray_kind(14, 56);
  for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++) {
    char path[] = "/tmp/digits-listing-XXXXXX";
    const dg_override input = {"", "input", inputs[i].input};
    const dg_trainer_options options = {.size = sizeof(dg_trainer_options), .seed = 1};
    dg_error err = {0};
    suite_new_file(path);
    ck_assert_msg(dg_trainer_save(f.trainer, path, &err), "%s", err.message);
    dg_model *model = dg_model_from_weights(path, &input, 1, &err);
    ck_assert_msg(model != NULL, "%s", err.message);
    dg_trainer *t = dg_trainer_new(model, f.device, f.data, &options, &err);
    ck_assert_msg((t != NULL) == inputs[i].fits, "%s: %s", inputs[i].input,
                  t ? "taken" : err.message);
    if (!t) ck_assert_ptr_nonnull(strstr(err.message, "but the images are of 14x56"));
    dg_trainer_free(t);
    dg_model_free(model);
  }
  fixture_free(&f);
}
END_TEST

/** Names of classes travel with the weights, be it one name. */
START_TEST(names_travel_with_the_weights) {
  for (uint32_t count = 0; count <= 3; count++) {
    char path[] = "/tmp/digits-listing-XXXXXX", number[DG_CLASS_SIZE];
    dg_error err = {0};
    fixture f = make();
    suite_new_file(path);
    dg_classes *names = (dg_classes *)dg_dataset_classes(f.data), found; /* they are this test's */
    memset(&found, 0xff, sizeof found);
    names->count = count;
    for (uint32_t i = 0; i < count; i++) snprintf(names->name[i], DG_CLASS_SIZE, "the %u.", i);
    ck_assert_msg(dg_trainer_save(f.trainer, path, &err), "%s", err.message);
    ck_assert_msg(dg_classes_from_weights(&found, path, &err), "%s", err.message);
    ck_assert_uint_eq(found.count, count);
    for (uint32_t i = 0; i < count; i++) ck_assert_str_eq(found.name[i], names->name[i]);
    ck_assert_str_eq(dg_class_name(&found, count, number), number);
    fixture_free(&f);
  }
}
END_TEST

int main(void) {
  TCase *tests = tcase_create("listing");
  tcase_add_test(tests, layers_are_listed);
  tcase_add_test(tests, parameters_are_listed);
  tcase_add_test(tests, a_model_is_told_in_words);
  tcase_add_test(tests, fused_layers_are_told_together);
  tcase_add_test(tests, memory_is_told_in_mebibytes);
  tcase_add_test(tests, models_of_a_folder_are_listed);
  tcase_add_test(tests, images_need_not_be_square);
  tcase_add_test(tests, names_travel_with_the_weights);
  return suite_main("listing", tests);
}
