/* Model files: what is read from good ones, and what is said of bad ones. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/model/model.h"
#include "tests/common/suite.h"

static char path[] = "/tmp/digits-model-XXXXXX";

static void write_model(const char *text) {
  FILE *file = fopen(path, "w");
  ck_assert_ptr_nonnull(file);
  fputs(text, file);
  ck_assert_int_eq(fclose(file), 0);
}

#define HEAD "name = \"t\";\ninput = [1, 8, 8];\n"
#define SEQUENCE "name = \"t\";\ninput = [30, 2];\n"
#define ROW "name = \"t\";\ninput = [13];\n"
#define LAYERS "layers = ( { type = \"flatten\"; },\n { type = \"linear\"; units = 10; } );\n"

START_TEST(reads_every_key) {
  write_model("name = \"net-1\"; input = [1, 28, 28];\n"
              "data = { mean = 1; std = 0.5; validation = 100; };\n"
              "layers = (\n"
              " { type = \"conv2d\"; name = \"c\"; filters = 4; kernel = [3, 5]; stride = 2;\n"
              "   padding = [1, 0]; bias = false; init = \"glorot\"; },\n"
              " { type = \"leaky_relu\"; slope = 0.2; },\n"
              " { type = \"flatten\"; order = \"hwc\"; input = \"c\"; },\n"
              " { type = \"linear\"; units = 3L; }\n"
              ");\n"
              "loss = \"mse\";\n"
              "train = { epochs = 3; batch = 7; steps = 5; clip_norm = 1; keep = \"best\";\n"
              "  optimizer = { type = \"sgd\"; lr = 1; momentum = 0.9; nesterov = true; };\n"
              "  schedule = { type = \"one_cycle\"; warmup = 0.2; }; };\n");
  dg_error err = {0};
  dg_model *m = dg_model_load(path, NULL, 0, &err);
  ck_assert_msg(m != NULL, "%s", err.message);
  ck_assert_str_eq(m->name, "net-1");
  ck_assert_uint_eq(m->input.rank, 3);
  ck_assert_uint_eq(m->input.dim[2], 28);
  ck_assert_double_eq(dg_number_of(&m->data.mean, 0, 0), 1.0);
  ck_assert_uint_eq(m->data.validation, 100);
  ck_assert_int_eq(m->loss, DG_LOSS_MSE);
  ck_assert_uint_eq(m->layer_count, 4);
  ck_assert_str_eq(m->layers[0].name, "c");
  ck_assert_str_eq(m->layers[1].name, "leaky_relu1");
  ck_assert_int_eq(m->layers[0].in[0], DG_MODEL_INPUT);
  ck_assert_int_eq(m->layers[2].in[0], 0);
  ck_assert_int_eq(m->layers[3].in[0], 2);
  ck_assert_uint_eq(m->train.epochs, 3);
  ck_assert_uint_eq(m->train.steps, 5);
  ck_assert_int_eq(m->train.keep, DG_KEEP_BEST);
  ck_assert_double_eq(m->train.clip_norm, 1.0);
  ck_assert_int_eq(m->train.optimizer.kind, DG_SGD);
  ck_assert_double_eq(m->train.optimizer.lr, 1.0);
  ck_assert(m->train.optimizer.nesterov);
  ck_assert_int_eq(m->train.schedule.kind, DG_SCHEDULE_ONE_CYCLE);
  ck_assert_double_eq(m->train.schedule.warmup, 0.2);
  ck_assert_double_eq(m->train.schedule.div, 25.0);
  dg_model_free(m);
}
END_TEST

/** What suits an input is read, and so is what is off. */
START_TEST(reads_augmentation) {
  static const char *const texts[] = {
      HEAD LAYERS
      "data = { augment = { rotate = 5; shear = 2; shift = 0.1; scale = 0.2; flip = 0.5;"
      " crop = 4; cutout = 7; brightness = 0.3; contrast = 0.4; gain = 0.6;"
      " noise = 0.7; }; };",
      SEQUENCE LAYERS "data = { augment = { rotate = 0; shift = 0.1; scale = 0.2; crop = 4;"
                      " cutout = 7; gain = 0.6; noise = 0.7; flip = 0.0; }; };",
      ROW LAYERS "data = { augment = { shift = 0; gain = 0.6; noise = 0.7; }; };"};
  static const dg_augment_recipe expected[] = {
      {5, 2, 0.1, 0.2, 0.5, 0.3, 0.4, 0.6, 0.7, 4, 7},
      {.shift = 0.1, .scale = 0.2, .crop = 4, .cutout = 7, .gain = 0.6, .noise = 0.7},
      {.gain = 0.6, .noise = 0.7}};
  write_model(texts[_i]);
  dg_error err = {0};
  dg_model *m = dg_model_load(path, NULL, 0, &err);
  ck_assert_msg(m != NULL, "%s", err.message);
  ck_assert_mem_eq(&m->data.augment, &expected[_i], sizeof expected[_i]);
  dg_model_free(m);
}
END_TEST

START_TEST(fills_in_defaults) {
  write_model(HEAD LAYERS);
  dg_error err = {0};
  dg_model *m = dg_model_load(path, NULL, 0, &err);
  ck_assert_msg(m != NULL, "%s", err.message);
  ck_assert_double_eq(dg_number_of(&m->data.std, 0, 1), 1.0);
  ck_assert_uint_eq(m->train.batch, 64);
  ck_assert_int_eq(m->train.optimizer.kind, DG_ADAM);
  ck_assert_double_eq(m->train.optimizer.beta2, 0.999);
  ck_assert_int_eq(m->train.schedule.kind, DG_SCHEDULE_CONSTANT);
  ck_assert_int_eq(m->loss, DG_LOSS_CROSS_ENTROPY);
  dg_model_free(m);
}
END_TEST

/** The effective text of a model reads as the same model. */
START_TEST(text_reads_again) {
  write_model(HEAD LAYERS);
  const dg_override overrides[] = {{"--lr", "train.optimizer.lr", "0.25"},
                                   {"--set", "train.optimizer.type", "sgd"},
                                   {"--set", "data.mean", "-1"}};
  dg_error err = {0};
  dg_model *m = dg_model_load(path, overrides, 3, &err);
  ck_assert_msg(m != NULL, "%s", err.message);
  ck_assert_int_eq(m->train.optimizer.kind, DG_SGD);
  write_model(dg_model_text(m));
  dg_model *again = dg_model_load(path, NULL, 0, &err);
  ck_assert_msg(again != NULL, "%s", err.message);
  ck_assert_mem_eq(&again->train, &m->train, sizeof m->train);
  ck_assert_double_eq(dg_number_of(&again->data.mean, 0, 0), -1.0);
  ck_assert_uint_eq(again->layer_count, m->layer_count);
  dg_model_free(again);
  dg_model_free(m);
}
END_TEST

START_TEST(text_keeps_every_bit) {
  static const char *const numbers[] = {"0.0012345678901234567", "0.1", "1e-8", "3.0",
                                        "1.7976931348623157e-30"};
  const double expected[] = {0.0012345678901234567, 0.1, 1e-8, 3.0, 1.7976931348623157e-30};
  write_model("description = \"\\\"\\\\ \xc3\xa4\";" HEAD LAYERS);
  const dg_override override = {"--lr", "train.optimizer.lr", numbers[_i]};
  dg_error err = {0};
  dg_model *m = dg_model_load(path, &override, 1, &err);
  ck_assert_msg(m != NULL, "%s", err.message);
  write_model(dg_model_text(m));
  dg_model *again = dg_model_load(path, NULL, 0, &err);
  ck_assert_msg(again != NULL, "%s", err.message);
  ck_assert_mem_eq(&again->train.optimizer.lr, &expected[_i], sizeof expected[_i]);
  ck_assert_str_eq(again->description, "\"\\ \xc3\xa4");
  ck_assert_str_eq(dg_model_text(again), dg_model_text(m));
  dg_model_free(again);
  dg_model_free(m);
}
END_TEST

START_TEST(reads_losses) {
  static const struct {
    const char *text;
    int loss;
    double delta;
  } losses[] = {{"loss = \"mae\";", DG_LOSS_MAE, 1},
                {"loss = \"huber\";", DG_LOSS_HUBER, 1},
                {"loss = \"huber\"; huber_delta = 0.25;", DG_LOSS_HUBER, 0.25},
                {"loss = \"bce\";", DG_LOSS_BCE, 1}};
  char text[400];
  snprintf(text, sizeof text, "%s%s%s", HEAD, LAYERS, losses[_i].text);
  dg_error err = {0};
  dg_model *m = dg_model_parse(text, "here", NULL, 0, &err);
  ck_assert_msg(m != NULL, "%s", err.message);
  ck_assert_int_eq(m->loss, losses[_i].loss);
  ck_assert_double_eq(m->huber_delta, losses[_i].delta);
  dg_model_free(m);
}
END_TEST

/** Class weights from an override, and again from the effective text; whole and other numbers may
   be mixed. */
START_TEST(reads_class_weights) {
  static const struct {
    const char *value, *text;
    uint32_t count;
    double values[3];
    int word;
  } weights[] = {
      {"[1,2]", "class_weights = [1, 2]", 2, {1, 2}, 0},
      {"[1, 2.5, 0]", "class_weights = (1, 2.5, 0)", 3, {1, 2.5, 0}, 0},
      {"(0.25, 1e-3)", "class_weights = (0.25, 0.001)", 2, {0.25, 0.001}, 0},
      {"2", "class_weights = 2", 1, {2}, 0},
      {"balanced", "class_weights = \"balanced\"", 0, {0}, DG_CLASS_WEIGHTS_BALANCED},
      {"\"balanced\"", "class_weights = \"balanced\"", 0, {0}, DG_CLASS_WEIGHTS_BALANCED},
  };
  const dg_override override = {"--set", "train.class_weights", weights[_i].value};
  dg_error err = {0};
  dg_model *m = dg_model_parse(HEAD LAYERS, "here", &override, 1, &err);
  ck_assert_msg(m != NULL, "%s", err.message);
  ck_assert_ptr_nonnull(strstr(dg_model_text(m), weights[_i].text));
  dg_model *again = dg_model_parse(dg_model_text(m), "again", NULL, 0, &err);
  ck_assert_msg(again != NULL, "%s", err.message);
  ck_assert_str_eq(dg_model_text(again), dg_model_text(m));
  for (int k = 0; k < 2; k++) {
    const dg_number_list *got = &(k ? again : m)->train.class_weights;
    ck_assert_uint_eq(got->count, weights[_i].count);
    ck_assert_int_eq(got->word, weights[_i].word);
    for (uint32_t i = 0; i < got->count; i++)
      ck_assert_double_eq(got->values[i], weights[_i].values[i]);
  }
  dg_model_free(again);
  dg_model_free(m);
}
END_TEST

/** Lists of any length up to the most. */
START_TEST(bounds_lists) {
  char text[2000] = HEAD LAYERS "train = { class_weights = [";
  for (uint32_t i = 0; i < DG_MODEL_CLASSES; i++) strcat(text, i ? ",1" : "1");
  size_t full = strlen(text);
  strcat(text, "]; };");
  dg_error err = {0};
  dg_model *m = dg_model_parse(text, "here", NULL, 0, &err);
  ck_assert_msg(m != NULL, "%s", err.message);
  ck_assert_uint_eq(m->train.class_weights.count, DG_MODEL_CLASSES);
  dg_model_free(m);
  strcpy(text + full, ",1]; };");
  ck_assert_ptr_null(dg_model_parse(text, "here", NULL, 0, &err));
  ck_assert_msg(strstr(err.message, "here:5: class_weights must be a number >= 0 and <= 1000000, a "
                                    "list of at most 256 of them, [a, b, ...], or \"balanced\""),
                "%s", err.message);
}
END_TEST

/** A model that is wrong, and what the message must say after the file's name. */
static const struct {
  const char *text, *says;
} wrong[] = {
    {HEAD "layers = ( { type = \"conv3d\"; } );", ":3: unknown layer type \"conv3d\"; did you mean "
                                                  "\"conv2d\"?"},
    {HEAD "layers = ( { type = \"position\"; } );", "did you mean \"positions\"?"},
    {HEAD "layers = ( { type = \"zzzzzzzz\"; } );",
     ":3: unknown layer type \"zzzzzzzz\"; there are"},
    {HEAD "layers = ( { type = \"linear\"; unit = 10; } );",
     ":3: unknown key \"unit\" in layer \"linear1\" (linear); did you mean \"units\"?"},
    {HEAD "layers = ( { type = \"relu\"; units = 10; } );", ":3: unknown key \"units\""},
    {HEAD "layers = ( { type = \"linear\"; } );", "needs the key \"units\""},
    {HEAD "layers = ( { name = \"x\"; } );", ":3: a layer needs the key \"type\""},
    {HEAD "layers = ( 3 );", ":3: a layer is a group"},
    {HEAD "layers = ( );", ":3: the model needs layers"},
    {HEAD, "the model needs layers"},
    {"input = [1, 8, 8];" LAYERS, "needs the key \"name\""},
    {"name = \"t\";" LAYERS, "needs the key \"input\""},
    {"name = \"t\"; input = [0, 8, 8];" LAYERS, ":1: input must be"},
    {"name = \"t\"; input = [1, 2, 3, 4];" LAYERS, ":1: input must be"},
    {"name = \"t\"; input = [100000, 100000, 1];" LAYERS, ":1: input is too large"},
    {"name = \"a b\"; input = [1, 8, 8];" LAYERS, ":1: name must be a name of letters"},
    {HEAD LAYERS "train = { epochs = 0; };", ":5: epochs must be a whole number >= 1"},
    {HEAD LAYERS "train = { epochs = -1; };", ":5: epochs must be"},
    {HEAD LAYERS "train = { epochs = 1.5; };", ":5: epochs must be"},
    {HEAD LAYERS "train = { epochs = 4294967297; };", ":5: the number 4294967297 is too large"},
    {HEAD LAYERS "train = { epochs = \"three\"; };", ":5: epochs must be"},
    {HEAD LAYERS "train = { epoch = 3; };",
     ":5: unknown key \"epoch\" in train; did you mean \"epochs\"?"},
    {HEAD LAYERS "train = { optimizer = { type = \"adm\"; }; };",
     ":5: unknown optimizer \"adm\"; did you mean \"adam\"?"},
    {HEAD LAYERS "train = { optimizer = { type = \"adam\"; momentum = 0.9; }; };",
     ":5: unknown key \"momentum\" in optimizer \"adam\""},
    {HEAD LAYERS "train = { optimizer = { type = \"sgd\"; nesterov = true; }; };",
     ":5: nesterov needs a momentum"},
    {HEAD LAYERS "train = { optimizer = { lr = 0; }; };", ":5: lr must be a number > 0"},
    {HEAD LAYERS "train = { optimizer = { beta1 = 1.0; }; };", ":5: beta1 must be"},
    {HEAD LAYERS "train = { optimizer = 3; };", ":5: optimizer must be a group"},
    {HEAD LAYERS "train = { schedule = { type = \"cosin\"; }; };", "did you mean \"cosine\"?"},
    {HEAD LAYERS "train = { optimizer = { type = \"rmsprob\"; }; };",
     ":5: unknown optimizer \"rmsprob\"; did you mean \"rmsprop\"?"},
    {HEAD LAYERS "train = { optimizer = { type = \"rmsprop\";\n centred = true; }; };",
     ":6: unknown key \"centred\" in optimizer \"rmsprop\"; did you mean \"centered\"?"},
    {HEAD LAYERS "train = { optimizer = { type = \"rmsprop\"; alpha = 1.0; }; };",
     ":5: alpha must be a number >= 0 and < 1"},
    {HEAD LAYERS "train = { optimizer = { type = \"rmsprop\"; beta1 = 0.9; }; };",
     ":5: unknown key \"beta1\" in optimizer \"rmsprop\""},
    {HEAD LAYERS "train = {\n early_stop = 2; };", ":6: early_stop needs validation samples"},
    {HEAD LAYERS "train = { early_stop = -1; };", ":5: early_stop must be a whole number >= 0"},
    {HEAD LAYERS "train = { erly_stop = 2; };", "did you mean \"early_stop\"?"},
    {HEAD LAYERS "train = {\n keep_by = \"loss\"; };", ":6: keep_by needs validation samples"},
    {HEAD LAYERS "data = { validation = 5; }; train = { keep_by = \"f1macro\"; };",
     ":5: unknown keep_by \"f1macro\"; did you mean \"f1_macro\"?"},
    {HEAD LAYERS "data = { split = \"stratifed\"; };",
     ":5: unknown split \"stratifed\"; did you mean \"stratified\"?"},
    {HEAD LAYERS "data = {\n split = \"stratified\"; };",
     ":6: split = \"stratified\" needs validation samples"},
    {HEAD LAYERS "data = { splt = \"random\"; };", "did you mean \"split\"?"},
    {HEAD LAYERS "train = { keep = \"best\"; };", ":5: keep = \"best\" needs validation samples"},
    {HEAD LAYERS "loss = \"mse\"; train = { label_smoothing = 0.1; };",
     ":5: label_smoothing needs loss = \"cross_entropy\""},
    {HEAD LAYERS "loss = \"bce\"; train = { label_smoothing = 0.1; };",
     ":5: label_smoothing needs loss = \"cross_entropy\""},
    {HEAD LAYERS "huber_delta = 0.5;", ":5: huber_delta needs loss = \"huber\""},
    {HEAD LAYERS "loss = \"huber\"; huber_delta = 0;", ":5: huber_delta must be a number > 0"},
    {HEAD LAYERS "loss = \"hubert\";", "did you mean \"huber\"?"},
    {HEAD LAYERS "train = {\n class_weights = [1, -1]; };",
     ":6: number 2 of class_weights must be a number >= 0 and <= 1000000"},
    {HEAD LAYERS "train = { class_weights = [\"a\"]; };", ":5: number 1 of class_weights must be"},
    {HEAD LAYERS "train = { class_weights = []; };", ":5: class_weights must be a number >= 0"},
    {HEAD LAYERS "train = { class_weights = {}; };", ":5: class_weights must be a number >= 0"},
    {HEAD LAYERS "train = { class_weights = true; };", ":5: class_weights must be a number >= 0"},
    {HEAD LAYERS "train = { class_weights = ( [1], 2 ); };", ":5: number 1 of class_weights must"},
    {HEAD LAYERS "train = { class_weights = [0, 0]; };", ":5: class_weights are all 0"},
    {HEAD LAYERS "train = { class_weights = [1, 2.5]; };",
     ":5: mismatched element type in array; write all numbers of a list alike: [1.0, 2.5]"},
    {HEAD LAYERS "train = { class_weights = \"1, 2\"; };", ":5: class_weights must be a number"},
    {HEAD LAYERS "train = { class_weights = \"balancd\"; };",
     ":5: unknown class_weights \"balancd\"; did you mean \"balanced\"?"},
    {HEAD LAYERS "train = { keep = \"bst\"; };",
     ":5: unknown keep \"bst\"; did you mean \"best\"?"},
    {HEAD LAYERS "train = 3;", ":5: train must be a group"},
    {HEAD LAYERS "data = { std = 0.0; };", ":5: std must be a number > 0"},
    {HEAD LAYERS "data = { augment = { cutout = 4; }; };",
     ":5: cutout must be odd, so that its square has a middle: 3 or 5"},
    {HEAD LAYERS "data = { augment = { flip = 2; }; };", ":5: flip must be a number >= 0 and <= 1"},
    {HEAD LAYERS "data = { augment = { crop = 1.5; }; };", ":5: crop must be a whole number"},
    {HEAD LAYERS "data = { augment = { gain = 1.0; }; };", ":5: gain must be"},
    {HEAD LAYERS "data = { augment = { nois = 1.0; }; };", "did you mean \"noise\"?"},
    {SEQUENCE LAYERS "data = { augment = { rotate = 5; }; };",
     ":5: rotate changes pictures, whose input is [channels, height, width]; for a sequence there "
     "are shift, scale, crop, cutout, gain and noise"},
    {SEQUENCE LAYERS "data = { augment = { flip = 0.5; }; };", ":5: flip changes pictures"},
    {SEQUENCE LAYERS "data = { augment = { contrast = 0.5; }; };", ":5: contrast changes pictures"},
    {ROW LAYERS "data = { augment = { shift = 0.1; }; };",
     ":5: shift changes pictures and sequences; for a row of numbers there are gain and noise"},
    {ROW LAYERS "data = { augment = { crop = 1; }; };", ":5: crop changes pictures and sequences"},
    {ROW LAYERS "data = { augment = { shear = 1; }; };", ":5: shear changes pictures"},
    {HEAD LAYERS "# \xe4", ":5: the text is not UTF-8; save it as UTF-8"},
    {HEAD LAYERS "# \xed\xa0\x80", ":5: the text is not UTF-8"},
    {HEAD LAYERS "# \xc0\xaf", ":5: the text is not UTF-8"},
    {HEAD LAYERS "# \xf4\x90\x80\x80", ":5: the text is not UTF-8"},
    {HEAD LAYERS "description = \"\\xe4\";", ":5: description must be a line of UTF-8"},
    {HEAD LAYERS "loss = \"crossentropy\";", "did you mean \"cross_entropy\"?"},
    {HEAD LAYERS "loss = 3;", ":5: loss must be"},
    {HEAD LAYERS "colour = 3;", ":5: unknown key \"colour\""},
    {HEAD LAYERS "loss = ", ":5: syntax error"},
    {HEAD LAYERS HEAD, ":5: duplicate setting name"},
    {HEAD LAYERS "@include \"other.cfg\"", ":5: @include is not allowed"},
    {HEAD "layers = ( { type = \"relu\"; name = \"a\"; },\n { type = \"relu\"; name = \"a\"; } );",
     ":4: the name \"a\" is used twice"},
    {HEAD "layers = ( { type = \"relu\"; name = \"input\"; } );", ":3: \"input\" is the name"},
    {HEAD "layers = ( { type = \"relu\"; name = \"a\"; input = \"b\"; },\n"
          " { type = \"relu\"; name = \"b\"; } );",
     ":3: layer \"a\" reads \"b\", but no layer before it has that name"},
    {HEAD "layers = ( { type = \"relu\"; name = \"a\"; input = \"a\"; } );",
     ":3: layer \"a\" reads \"a\", but no layer before it"},
    {HEAD "layers = ( { type = \"add\"; } );",
     ":3: layer \"add1\" (add) reads 2 to 32 layers, not 1"},
    {HEAD "layers = ( { type = \"relu\"; inputs = [\"input\", \"input\"]; } );",
     ":3: layer \"relu1\" (relu) reads 1 to 1 layers, not 2"},
    {HEAD "layers = ( { type = \"maxpool2d\"; kernel = [1, 2, 3]; } );", ":3: kernel must be n or"},
    {HEAD "layers = ( { type = \"dropout\"; rate = 1; } );",
     ":3: rate must be a number >= 0 and < 1"},
};

START_TEST(says_what_is_wrong) {
  write_model(wrong[_i].text);
  dg_error err = {0};
  dg_model *m = dg_model_load(path, NULL, 0, &err);
  ck_assert_msg(m == NULL, "taken: %s", wrong[_i].text);
  ck_assert_int_eq(err.kind, DG_ERR_INPUT);
  ck_assert_msg(strncmp(err.message, path, strlen(path)) == 0, "no file in: %s", err.message);
  ck_assert_msg(strstr(err.message, wrong[_i].says) != NULL, "expected \"%s\" in: %s",
                wrong[_i].says, err.message);
}
END_TEST

static const struct {
  dg_override override;
  const char *says;
} wrong_overrides[] = {
    {{"--epochs", "train.epochs", "-1"}, "--epochs (train.epochs = -1): epochs must be"},
    {{"--batch", "train.batch", "0"}, "--batch (train.batch = 0): batch must be"},
    {{"--lr", "train.optimizer.lr", "nan"}, "--lr (train.optimizer.lr = nan): lr must be"},
    {{"--lr", "train.optimizer.lr", "inf"}, "lr must be"},
    {{"--set", "linear1.units", "3"}, "is neither a group (data, train) nor a named layer"},
    {{"--set", "fc.unit", "3"}, "did you mean \"units\"?"},
    {{"--set", "trai.epochs", "3"}, "did you mean \"train\"?"},
    {{"--set", "fc.units", "99999999999"}, "the number 99999999999 is too large"},
    {{"--set", "fc.units", "3; x = 4"}, "is no value"},
    {{"--set", "fc.units", ""}, "is no value"},
    {{"--set", "name.x", "3"}, "names no key"},
    {{"--set", "..", "3"}, "names no key"},
    {{"--set", "description", "\xe4"}, "--set: the text is not UTF-8"},
};

START_TEST(says_what_is_wrong_in_an_override) {
  write_model(HEAD "layers = ( { type = \"flatten\"; },"
                   " { type = \"linear\"; name = \"fc\"; units = 10; } );");
  dg_error err = {0};
  dg_model *m = dg_model_load(path, &wrong_overrides[_i].override, 1, &err);
  ck_assert_ptr_null(m);
  ck_assert_int_eq(err.kind, DG_ERR_INPUT);
  ck_assert_msg(strstr(err.message, wrong_overrides[_i].says) != NULL, "expected \"%s\" in: %s",
                wrong_overrides[_i].says, err.message);
}
END_TEST

START_TEST(refuses_what_is_no_text) {
  dg_error err = {0};
  ck_assert_ptr_null(dg_model_load(DIGITS_BINARY_DIR "/no/model.cfg", NULL, 0, &err));
  ck_assert_ptr_nonnull(strstr(err.message, "No such file"));
  ck_assert_ptr_null(dg_model_load("/tmp", NULL, 0, &err));
  ck_assert_ptr_nonnull(strstr(err.message, "/tmp: "));
  FILE *file = fopen(path, "wb");
  fwrite("a\0b", 1, 3, file);
  fclose(file);
  ck_assert_ptr_null(dg_model_load(path, NULL, 0, &err));
  ck_assert_ptr_nonnull(strstr(err.message, "binary"));
}
END_TEST

START_TEST(zoo_is_read) {
  static const char *const zoo[17] = {
      "fcnn",     "cnn",      "cnn-leaky", "conv1d-gru",  "gru",       "lstm",
      "m3",       "m5",       "m7",        "numpy-cnn",   "vanilla",   "lenet5",
      "resnet20", "resnet50", "vgg19",     "densenet121", "squeezenet"};
  char file[500];
  snprintf(file, sizeof file, "%s/models/%s.cfg", DIGITS_SOURCE_DIR, zoo[_i]);
  dg_error err = {0};
  dg_model *m = dg_model_load(file, NULL, 0, &err);
  ck_assert_msg(m != NULL, "%s", err.message);
  ck_assert_str_eq(m->name, zoo[_i]);
  dg_model_free(m);
}
END_TEST

int main(void) {
  suite_new_file(path);
  TCase *tests = tcase_create("files");
  tcase_add_test(tests, reads_every_key);
  tcase_add_loop_test(tests, reads_augmentation, 0, 3);
  tcase_add_test(tests, fills_in_defaults);
  tcase_add_test(tests, text_reads_again);
  tcase_add_loop_test(tests, text_keeps_every_bit, 0, 5);
  tcase_add_loop_test(tests, reads_losses, 0, 4);
  tcase_add_loop_test(tests, reads_class_weights, 0, 6);
  tcase_add_test(tests, bounds_lists);
  tcase_add_loop_test(tests, says_what_is_wrong, 0, sizeof wrong / sizeof *wrong);
  tcase_add_loop_test(tests, says_what_is_wrong_in_an_override, 0,
                      sizeof wrong_overrides / sizeof *wrong_overrides);
  tcase_add_test(tests, refuses_what_is_no_text);
  tcase_add_loop_test(tests, zoo_is_read, 0, 17);
  return suite_main("model", tests);
}
