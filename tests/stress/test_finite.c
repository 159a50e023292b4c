/* Weights that are not finite, and finite ones that overflow, are errors and no answers. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/data/dataset.h"
#include "core/weights/weights.h"
#include "digits/data.h"
#include "digits/device.h"
#include "digits/model.h"
#include "digits/picture.h"
#include "digits/predict.h"
#include "digits/train.h"
#include "tests/common/canvas.h"
#include "tests/common/http.h"
#include "tests/common/shell.h"
#include "tests/common/suite.h"

#define PREDICT PROGRAM("digits-predict")
#define SERVE PROGRAM("digits-serve")
#define REPORT PROGRAM("digits-report")
#define ON_CPU "--backend cpu "

enum { PIXELS = 784, UNITS = 4, CLASSES = 10, TENSORS = 8 };

static const char network[] =
    "name = \"net\"; input = [1, 28, 28]; layers = ({ type = \"flatten\"; }, "
    "{ type = \"linear\"; name = \"fc\"; units = 4; }, { type = \"batch_norm\"; name = \"bn\"; }, "
    "{ type = \"relu\"; }, { type = \"linear\"; name = \"out\"; units = 10; }); "
    "loss = \"cross_entropy\"; train = { epochs = 1; batch = 50; "
    "optimizer = { type = \"sgd\"; lr = 0.1; }; };";

/* ---- weight files ------------------------------------------------------- */

/** The numbers of the network's tensors. */
typedef struct {
  float fc[UNITS * PIXELS], fc_bias[UNITS], scale[UNITS], shift[UNITS], mean[UNITS], var[UNITS],
      out[CLASSES * UNITS], out_bias[CLASSES];
} numbers;

static numbers sound;

static void write_weights(const char *name, const numbers *n) {
  const dg_stored_tensor tensors[TENSORS] = {
      {.name = "fc.weight", .rank = 2, .dim = {UNITS, PIXELS}, .data = n->fc},
      {.name = "fc.bias", .rank = 1, .dim = {UNITS}, .data = n->fc_bias},
      {.name = "bn.weight", .rank = 1, .dim = {UNITS}, .data = n->scale},
      {.name = "bn.bias", .rank = 1, .dim = {UNITS}, .data = n->shift},
      {.name = "bn.running_mean", .rank = 1, .dim = {UNITS}, .data = n->mean},
      {.name = "bn.running_var", .rank = 1, .dim = {UNITS}, .data = n->var},
      {.name = "out.weight", .rank = 2, .dim = {CLASSES, UNITS}, .data = n->out},
      {.name = "out.bias", .rank = 1, .dim = {CLASSES}, .data = n->out_bias}};
  const dg_stored_text texts[] = {{DG_MODEL_KEY, network}};
  dg_error err = {0};
  ck_assert_msg(dg_safetensors_write(shell_path(name), tensors, TENSORS, texts, 1, &err), "%s",
                err.message);
}

/** One number of sound weights, and what must be said of it. */
static const struct {
  const char *says;
  float *number;
  float value;
} bad[] = {
    {"\"fc.weight\" is not finite: it is nan at [1, 2]", &sound.fc[PIXELS + 2], NAN},
    {"\"fc.bias\" is not finite: it is inf at [3]", &sound.fc_bias[3], INFINITY},
    {"\"bn.weight\" is not finite: it is -inf at [0]", &sound.scale[0], -INFINITY},
    {"\"bn.running_mean\" is not finite: it is nan at [2]", &sound.mean[2], NAN},
    {"\"bn.running_var\" is not finite: it is inf at [1]", &sound.var[1], INFINITY},
    {"\"bn.running_var\" is a variance and can't be negative: it is -2 at [3]", &sound.var[3], -2},
    {"\"out.weight\" is not finite: it is nan at [9, 3]", &sound.out[CLASSES * UNITS - 1], NAN},
};

/** Finite weights: of the image, the first layer makes more than a float32 holds; then those whose
    class 7 gets -inf, and nothing else is not finite. */
static void write_overflowing(void) {
  numbers n = sound;
  for (int i = 0; i < UNITS * PIXELS; i++) n.fc[i] = 1e38f;
  for (int i = 0; i < CLASSES * UNITS; i++) n.out[i] = 1e38f;
  write_weights("over.safetensors", &n);
  n = sound;
  for (int i = 0; i < UNITS; i++) n.scale[i] = 0, n.shift[i] = 1e20f, n.out[7 * UNITS + i] = -1e20f;
  write_weights("below.safetensors", &n);
}

static void draw_one(void) {
  canvas one = canvas_new(100, 100);
  uint8_t stroke[PIXELS] = {0};
  for (int y = 4; y < 24; y++) stroke[28 * y + 14] = stroke[28 * y + 15] = 255;
  canvas_paint(&one, stroke, 28, 3, 0, 8, 8);
  dg_picture p = canvas_picture(&one, &(canvas_light){255, 255, 0, 0, 0});
  canvas_write_png(&p, shell_path("one.png"));
  dg_picture_free(&p);
  canvas_free(&one);
}

/** A table of two images. */
static void write_table(void) {
  FILE *file = fopen(shell_path("table.csv"), "w");
  for (int line = 0; line < 3; line++)
    for (int i = 0; i < PIXELS; i++)
      fprintf(file, line ? "%.0s%d%s" : "%s%d%s", line ? "" : "pixel", line ? i % 256 : i,
              i + 1 < PIXELS ? "," : "\n");
  ck_assert_int_eq(fclose(file), 0);
}

static void open_all(void) {
  for (int i = 0; i < UNITS * PIXELS; i++) sound.fc[i] = (float)(i % 7 - 3) / 100;
  for (int i = 0; i < CLASSES * UNITS; i++) sound.out[i] = (float)(i % 5 - 2) / 4;
  for (int i = 0; i < UNITS; i++) sound.scale[i] = sound.var[i] = 1;
  write_weights("good.safetensors", &sound);
  write_overflowing();
  draw_one();
  write_table();
}

/* ---- programs ----------------------------------------------------------- */

/** Commands with the weights w.safetensors; none may leave the file `out`. */
static const char *const commands[] = {
    RUN ON_CPU "--data . --test --load w.safetensors",
    RUN ON_CPU "--data . --load w.safetensors --save out",
    RUN ON_CPU "--data . --test --load w.safetensors --report page",
    PREDICT ON_CPU "./w.safetensors one.png",
    PREDICT ON_CPU "--json ./w.safetensors one.png",
    PREDICT ON_CPU "--submission out ./w.safetensors table.csv",
    CONVERT "w.safetensors --to npz out",
    CONVERT "w.safetensors --to onnx out",
    CONVERT "w.safetensors --to safetensors out",
    SERVE ON_CPU "--port 0 ./w.safetensors",
};
enum { COMMANDS = sizeof commands / sizeof *commands, CONVERTS = 6, CONVERTS_END = 9 };

/** Nothing that looks like an answer. */
static void check_no_answer(const char *command) {
  static const char *const answers[] = {"nan", "accuracy", "one.png: 0", "\"digits\"", "answers"};
  char *said = strdup(shell_printed()), *at;
  if ((at = strstr(said, "it is nan"))) memset(at, ' ', strlen("it is nan"));
  for (size_t i = 0; i < sizeof answers / sizeof *answers; i++)
    ck_assert_msg(!strstr(said, answers[i]), "%s: an answer: %s", command, said);
  free(said);
  ck_assert_msg(access(shell_path("out"), F_OK) != 0, "%s: it wrote a file", command);
}

START_TEST(sound_weights_are_taken) {
  shell_check("cp good.safetensors w.safetensors", 0, "");
  for (int i = 0; i < COMMANDS - 1; i++) shell_check(commands[i], 0, "");
  shell_check("rm -rf out page", 0, "");
}
END_TEST

START_TEST(weights_are_refused) {
  float kept = *bad[_i].number;
  *bad[_i].number = bad[_i].value;
  write_weights("w.safetensors", &sound);
  *bad[_i].number = kept;
  for (int i = 0; i < COMMANDS; i++) {
    bool converts = i >= CONVERTS && i < CONVERTS_END, variance = bad[_i].value == -2;
    if (converts)
      shell_check(commands[i], variance ? 2 : 1, variance ? "\"bn.running_var\"" : "is not finite");
    else
      shell_check(commands[i], 1, bad[_i].says);
    ck_assert_ptr_nonnull(strstr(shell_printed(), "w.safetensors: "));
    check_no_answer(commands[i]);
  }
}
END_TEST

START_TEST(overflow_is_no_answer) {
  static const char says[] = "gives numbers that are not finite";
  shell_check("cp over.safetensors w.safetensors", 0, "");
  for (int i = 0; i < CONVERTS; i++) {
    if (strstr(commands[i], "--save")) continue; /* training is told of by its losses */
    shell_check(commands[i], 1, says);
    check_no_answer(commands[i]);
  }
  shell_check(commands[3], 1, "one.png: sample 0 (the first is 0) gives");
  shell_check(commands[5], 1, "table.csv: sample 0 (the first is 0) gives");
  shell_check("cp below.safetensors w.safetensors", 0, "");
  shell_check(commands[0], 1, says);
  shell_check(commands[3], 1, says);
  shell_check(commands[5], 1, says);
  check_no_answer(commands[5]);
}
END_TEST

/** Numbers of float64 that float32 doesn't hold. */
START_TEST(large_numbers_are_not_converted) {
  static const char header[] =
      "{\"out.weight\":{\"dtype\":\"F64\",\"shape\":[10,784],"
      "\"data_offsets\":[0,62720]},\"out.bias\":{\"dtype\":\"F64\",\"shape\":[10]"
      ",\"data_offsets\":[62720,62800]}}";
  uint64_t length = strlen(header);
  double value = 1e-3, large = -1e300;
  FILE *file = fopen(shell_path("large.safetensors"), "wb");
  fwrite(&length, sizeof length, 1, file);
  fwrite(header, 1, length, file);
  for (int i = 0; i < 7850; i++) fwrite(i == 1573 ? &large : &value, sizeof value, 1, file);
  ck_assert_int_eq(fclose(file), 0);
  shell_check(
      "printf 'name = \"one\"; input = [1, 28, 28]; layers = ({ type = \"flatten\"; }, { type = "
      "\"linear\"; units "
      "= 10; });' > one.cfg && " CONVERT "--model one.cfg large.safetensors out.safetensors",
      1,
      "large.safetensors: \"out.weight\" is not finite, or too large for float32: it is -inf at "
      "[2, 5]");
  shell_check("ls out.safetensors", 2, "");
}
END_TEST

START_TEST(a_server_answers_with_an_error) {
  shell("cat > start.sh <<'end'\n" SERVE ON_CPU
        "--port 0 ./over.safetensors > log 2>&1 & echo $! > pid\n"
        "while kill -0 $! && ! grep -q page log; do sleep 0.05; done\nend\nsh ./start.sh; cat log");
  const char *page = strstr(shell_printed(), "page      http://");
  unsigned port = 0;
  ck_assert_msg(page && sscanf(page, "page      http://%*[0-9.]:%u/", &port) == 1, "no server: %s",
                shell_printed());
  size_t size;
  char head[200], picture[1 << 16];
  FILE *file = fopen(shell_path("one.png"), "rb");
  size = fread(picture, 1, sizeof picture, file);
  fclose(file);
  int connection = http_connect("127.0.0.1", port);
  int length = snprintf(head, sizeof head,
                        "POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: %zu\r\n"
                        "Connection: close\r\n\r\n",
                        size);
  bool sent = connection >= 0 && http_send(connection, head, (size_t)length) &&
              http_send(connection, picture, size);
  const char *answer = sent ? http_receive(connection) : "nothing was sent";
  shell("kill $(cat pid)");
  ck_assert_msg(strstr(answer, " 500 ") &&
                    strstr(answer, "{\"error\":\"over: sample 0 (the first is 0) gives"),
                "%s", answer);
}
END_TEST

/** Numbers of a log that JSON's reader or a drawing can't take make no page with nan in it. */
START_TEST(logs_of_large_numbers) {
  static const char run[] = "{\"event\":\"start\",\"model\":\"m\"}\\n"
                            "{\"event\":\"step\",\"step\":0,\"loss\":%s}\\n"
                            "{\"event\":\"step\",\"step\":1,\"loss\":%s}\\n"
                            "{\"event\":\"epoch\",\"epoch\":1,\"train_loss\":1,\"seconds\":%s}\\n"
                            "{\"event\":\"test\",\"loss\":%s,\"accuracy\":1}\\n";
  char line[1000], text[600];
  snprintf(text, sizeof text, run, "1e308", "-1e308", "1e308", "1e308");
  snprintf(line, sizeof line, "printf '%s' > log.jsonl && " REPORT "large log.jsonl", text);
  shell_check(line, 0, "1 run");
  shell_check("! grep -aiE '[^a-z](nan|inf)[^a-z]' large/*", 0, "");
  snprintf(text, sizeof text, run, "1e999", "1", "1", "1");
  snprintf(line, sizeof line, "printf '%s' > log.jsonl && " REPORT "larger log.jsonl", text);
  shell_check(line, 2, "log.jsonl:2: no JSON");
}
END_TEST

/* ---- the library -------------------------------------------------------- */

static dg_model *model_of(const char *weights) {
  dg_error err = {0};
  dg_model *model = dg_model_from_weights(shell_path(weights), NULL, 0, &err);
  ck_assert_msg(model != NULL, "%s", err.message);
  return model;
}

static const char *backend_name(int i) {
  return i ? "opencl" : "cpu";
}

static void check_error(const dg_error *err, const char *says) {
  ck_assert_msg(err->kind == DG_ERR_RUNTIME && strstr(err->message, says), "kind %d: %s", err->kind,
                err->message);
}

START_TEST(the_library_names_the_image) {
  if (!suite_has_backend(backend_name(_i))) return;
  static const char says[] = "gives numbers that are not finite";
  const dg_trainer_options options = {
      .size = sizeof(dg_trainer_options), .seed = 1, .test_only = true};
  dg_error err = {0};
  dg_device *device = dg_open(backend_name(_i), NULL, 0, &err);
  dg_dataset *data = dg_dataset_draw(10, 120, 1, 1, &err);
  dg_part_view test = dg_dataset_part(data, DG_PART_TEST);
  float *logits = calloc(120 * CLASSES, sizeof *logits);
  uint32_t seven = 0;
  while (test.labels[seven] != 7) seven++;
  dg_model *model = model_of("below.safetensors");
  dg_predictor *p =
      dg_predictor_new(model, device,
                       &(dg_predictor_options){.size = sizeof(dg_predictor_options),
                                               .weights = shell_path("below.safetensors"),
                                               .batch = 16},
                       &err);
  dg_trainer *t = dg_trainer_new(model, device, data, &options, &err);
  ck_assert_msg(p && t && dg_trainer_load(t, shell_path("below.safetensors"), &err), "%s",
                err.message);
  dg_score score;
  ck_assert(!dg_predictor_run(p, test.images, 120, logits, &err));
  check_error(&err, says);
  ck_assert(!dg_trainer_predict(t, NULL, logits, &err));
  check_error(&err, says);
  ck_assert(!dg_trainer_test(t, NULL, &score, &err));
  check_error(&err, says);
  ck_assert(dg_trainer_load(t, shell_path("good.safetensors"), &err) &&
            dg_trainer_test(t, NULL, &score, &err));
  ck_assert_double_finite(score.loss);
  dg_predictor_free(p);
  dg_trainer_free(t);
  dg_model_free(model);
  free(logits);
  dg_dataset_close(data);
  dg_close(device);
}
END_TEST

/** Of several batches the image is named whose numbers are to blame: the one that is not black. */
START_TEST(the_right_image_is_named) {
  if (!suite_has_backend(backend_name(_i))) return;
  enum { IMAGES = 77, ONE = 61 };
  dg_error err = {0};
  numbers n = sound;
  for (int i = 0; i < UNITS * PIXELS; i++) n.fc[i] = 3e38f;
  write_weights("one.safetensors", &n);
  dg_device *device = dg_open(backend_name(_i), NULL, 0, &err);
  dg_model *model = model_of("one.safetensors");
  dg_predictor *p =
      dg_predictor_new(model, device,
                       &(dg_predictor_options){.size = sizeof(dg_predictor_options),
                                               .weights = shell_path("one.safetensors"),
                                               .batch = 16},
                       &err);
  ck_assert_msg(p != NULL, "%s", err.message);
  uint8_t *images = calloc(IMAGES, PIXELS);
  float logits[IMAGES * CLASSES];
  ck_assert_msg(dg_predictor_run(p, images, IMAGES, logits, &err), "%s", err.message);
  memset(images + ONE * PIXELS, 255, PIXELS);
  ck_assert(!dg_predictor_run(p, images, IMAGES, logits, &err));
  check_error(&err, "sample 61 (the first is 0)");
  free(images);
  dg_predictor_free(p);
  dg_model_free(model);
  dg_close(device);
}
END_TEST

/** What the last step made is looked at, though no loss tells of it; and is not saved. */
START_TEST(training_does_not_end_with_it) {
  if (!suite_has_backend(backend_name(_i))) return;
  static const dg_override one_step[] = {{"", "train.epochs", "1"},
                                         {"", "train.steps", "1"},
                                         {"", "train.optimizer.lr", "3e38"},
                                         {"", "data.mean", "-1000000"}};
  const dg_trainer_options options = {.size = sizeof(dg_trainer_options), .seed = 1};
  dg_error err = {0};
  dg_device *device = dg_open(backend_name(_i), NULL, 0, &err);
  dg_dataset *data = dg_dataset_draw(100, 10, 1, 1, &err);
  dg_model *model = dg_model_load(DIGITS_SOURCE_DIR "/models/vanilla.cfg", one_step, 4, &err);
  dg_trainer *t = model ? dg_trainer_new(model, device, data, &options, &err) : NULL;
  ck_assert_msg(t != NULL, "%s", err.message);
  ck_assert(!dg_trainer_train(t, &err));
  check_error(&err, "training diverged");
  check_error(&err, "is not finite: it is");
  ck_assert(!dg_trainer_save(t, shell_path("saved"), &err));
  check_error(&err, "saved is not written: \"");
  ck_assert_int_ne(access(shell_path("saved"), F_OK), 0);
  dg_trainer_free(t);
  dg_model_free(model);
  dg_dataset_close(data);
  dg_close(device);
}
END_TEST

/* ---- states ------------------------------------------------------------- */

static bool stop_at_once(void *user, const dg_progress *progress) {
  (void)user;
  return progress->epoch < 2;
}

/** Writes over the first number of a tensor of a file. */
static void poison(const char *name, const char *tensor, float value) {
  dg_safetensors file;
  dg_error err = {0};
  uint64_t length;
  ck_assert_msg(dg_safetensors_read(&file, shell_path(name), &err), "%s", err.message);
  const dg_stored_tensor *found = dg_safetensors_find(&file, tensor);
  ck_assert_msg(found != NULL, "no %s", tensor);
  long place = (long)((const char *)found->data - (const char *)file.tensors[0].data);
  dg_safetensors_free(&file);
  FILE *stream = fopen(shell_path(name), "r+b");
  ck_assert(fread(&length, sizeof length, 1, stream) == 1 &&
            fseek(stream, (long)(sizeof length + length) + place, SEEK_SET) == 0 &&
            fwrite(&value, sizeof value, 1, stream) == 1);
  ck_assert_int_eq(fclose(stream), 0);
}

START_TEST(states_are_refused) {
  static const dg_override sets[] = {{"", "train.epochs", "50"},
                                     {"", "train.average", "0.9"},
                                     {"", "train.keep", "best"},
                                     {"", "train.optimizer.type", "adam"},
                                     {"", "data.validation", "20"}};
  static const char *const tensors[] = {"now/fc.weight", "best/bn.running_mean", "average/out.bias",
                                        "optimizer.0/fc.weight", "optimizer.1/out.weight"};
  dg_error err = {0};
  char state[300], says[100];
  snprintf(state, sizeof state, "%s", shell_path("state"));
  dg_trainer_options options = {
      .size = sizeof(dg_trainer_options),
      .seed = 1,
      .checkpoint = state,
      .listener = &(dg_listener){.size = sizeof(dg_listener), .progress = stop_at_once}};
  dg_device *device = dg_open("cpu", NULL, 1, &err);
  dg_dataset *data = dg_dataset_draw(100, 10, 1, 1, &err);
  dg_model *model = dg_model_from_weights(shell_path("good.safetensors"), sets, 5, &err);
  dg_trainer *t = model ? dg_trainer_new(model, device, data, &options, &err) : NULL;
  ck_assert_msg(t != NULL, "%s", err.message);
  ck_assert(!dg_trainer_train(t, &err));
  ck_assert_msg(err.kind == DG_ERR_INTERRUPTED, "%s", err.message);
  dg_trainer_free(t);
  options.resume = true;
  for (size_t i = 0; i < sizeof tensors / sizeof *tensors; i++) {
    shell("cp state kept");
    poison("state", tensors[i], NAN);
    ck_assert_ptr_null(dg_trainer_new(model, device, data, &options, &err));
    snprintf(says, sizeof says, "state: \"%s\" is not finite: it is nan at [0", tensors[i]);
    check_error(&err, says);
    shell("mv kept state");
  }
  t = dg_trainer_new(model, device, data, &options, &err);
  ck_assert_msg(t != NULL, "%s", err.message);
  dg_trainer_free(t);
  dg_model_free(model);
  dg_dataset_close(data);
  dg_close(device);
}
END_TEST

/* ---- probabilities ------------------------------------------------------ */

START_TEST(extremes_have_probabilities) {
  static const float extremes[][3] = {
      {3e38f, 3e38f, -3e38f}, {-3e38f, -3e38f, -3e38f}, {3e38f, 3e38f, 3e38f}, {0, 0, 0}};
  static const float softmax[][3] = {{.5f, .5f, 0},
                                     {1 / 3.f, 1 / 3.f, 1 / 3.f},
                                     {1 / 3.f, 1 / 3.f, 1 / 3.f},
                                     {1 / 3.f, 1 / 3.f, 1 / 3.f}};
  const dg_override sets[] = {{"", "out.units", "3"}, {"", "loss", _i ? "mse" : "cross_entropy"}};
  dg_error err = {0};
  float p[3];
  dg_device *device = dg_open("cpu", NULL, 1, &err);
  dg_model *model = dg_model_from_weights(shell_path("good.safetensors"), sets, 2, &err);
  dg_predictor *predictor =
      model ? dg_predictor_new(
                  model, device,
                  &(dg_predictor_options){.size = sizeof(dg_predictor_options), .batch = 1}, &err)
            : NULL;
  ck_assert_msg(predictor != NULL, "%s", err.message);
  for (int e = 0; e < 4; e++) {
    dg_predictor_probabilities(predictor, extremes[e], 1, p);
    for (int c = 0; c < 3; c++) ck_assert_float_eq_tol(p[c], softmax[e][c], 1e-6f);
  }
  dg_predictor_free(predictor);
  dg_model_free(model);
  dg_close(device);
}
END_TEST

int main(void) {
  if (!shell_open()) return 1;
  unsetenv("DIGITS_WEIGHTS");
  TCase *tests = tcase_create("finite");
  tcase_set_timeout(tests, 120);
  tcase_add_unchecked_fixture(tests, open_all, NULL);
  tcase_add_test(tests, sound_weights_are_taken);
  tcase_add_loop_test(tests, weights_are_refused, 0, sizeof bad / sizeof *bad);
  tcase_add_test(tests, overflow_is_no_answer);
  tcase_add_test(tests, large_numbers_are_not_converted);
  tcase_add_test(tests, a_server_answers_with_an_error);
  tcase_add_test(tests, logs_of_large_numbers);
  tcase_add_loop_test(tests, the_library_names_the_image, 0, 2);
  tcase_add_loop_test(tests, the_right_image_is_named, 0, 2);
  tcase_add_loop_test(tests, training_does_not_end_with_it, 0, 2);
  tcase_add_test(tests, states_are_refused);
  tcase_add_loop_test(tests, extremes_have_probabilities, 0, 2);
  int status = suite_main("finite", tests);
  shell_close();
  return status;
}
