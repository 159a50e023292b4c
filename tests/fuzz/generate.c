#include "tests/fuzz/generate.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

enum { MAX_LAYERS = 24 };

/** The bytes that are left, and the text so far. */
typedef struct {
  const uint8_t *at, *end;
  FILE *out;
  uint32_t rank; /**< of what the last layer gives, as far as is known */
  bool huge;     /**< a model for its sizes alone: joins of what is large */
} generator;

/** A number below `count`; 0 where the bytes have ended. */
static uint32_t pick(generator *g, uint32_t count) {
  return g->at < g->end ? *g->at++ % count : 0;
}

/** As large as a key may be, or such that sums and products wrap. */
static uint32_t large_size(generator *g) {
  static const uint32_t large[] = {100,       255,       256,        1000,      4095,
                                   4096,      46341,     65535,      65536,     65537,
                                   600000,    1 << 20,   1 << 24,    134217729, 536870912,
                                   536870928, 715827883, 1073741824, INT32_MAX};
  return large[pick(g, sizeof large / sizeof *large)];
}

/** Small, as networks have them; seldom not. */
static uint32_t size(generator *g) {
  uint32_t kind = pick(g, 16);
  if (kind == 15) return large_size(g);
  if (kind >= 12) return 16 + pick(g, 33);
  return 1 + kind;
}

/** Of a window: mostly 1 to 5, at times the largest. */
static uint32_t side(generator *g) {
  uint32_t kind = pick(g, 32);
  return kind == 31 ? 4096 : kind == 30 ? size(g) : 1 + kind % 5;
}

static void put_pair(generator *g, const char *key, uint32_t least) {
  uint32_t a = side(g) - 1 + least;
  if (pick(g, 4))
    fprintf(g->out, "%s = %u; ", key, a);
  else
    fprintf(g->out, "%s = [%u, %u]; ", key, a, side(g) - 1 + least);
}

static void put_flag(generator *g, const char *key) {
  if (pick(g, 3) == 1) fprintf(g->out, "%s = %s; ", key, pick(g, 2) ? "true" : "false");
}

static void put_init(generator *g) {
  static const char *const inits[] = {"pytorch", "he", "glorot"};
  if (pick(g, 4) == 1) fprintf(g->out, "init = \"%s\"; ", inits[pick(g, 3)]);
}

static void put_linear(generator *g) {
  fprintf(g->out, "units = %u; ", size(g));
  put_flag(g, "bias");
  put_init(g);
  g->rank = 1;
}

/** Now and then vectors of filters, for which there are faster ways. */
static void put_filters(generator *g) {
  fprintf(g->out, "filters = %u; ", pick(g, 3) == 1 ? 16 * (1 + pick(g, 3)) : size(g));
}

static void put_conv2d(generator *g) {
  put_filters(g);
  put_pair(g, "kernel", 1);
  if (pick(g, 3) == 1) put_pair(g, "stride", 1);
  const uint32_t padding = pick(g, 8);
  if (padding < 4) put_pair(g, "padding", 0);
  if (padding == 4) fputs("padding = \"same\"; ", g->out);
  if (padding == 5)
    fprintf(g->out, "padding = [%u, %u, %u, %u]; ", pick(g, 3), pick(g, 3), pick(g, 3), pick(g, 3));
  if (pick(g, 4) == 1) put_pair(g, "dilation", 1);
  if (pick(g, 6) == 1) fprintf(g->out, "groups = %u; ", 1 + pick(g, 3));
  put_flag(g, "bias");
  put_init(g);
}

static void put_step_padding(generator *g) {
  const uint32_t padding = pick(g, 6);
  if (padding < 3) fprintf(g->out, "padding = %u; ", side(g) - 1);
  if (padding == 3) fputs("padding = \"same\"; ", g->out);
  if (padding == 4) fprintf(g->out, "padding = [%u, %u]; ", pick(g, 4), pick(g, 4));
}

static void put_conv1d(generator *g) {
  put_filters(g);
  fprintf(g->out, "kernel = %u; ", side(g));
  if (pick(g, 3) == 1) fprintf(g->out, "stride = %u; ", side(g));
  put_step_padding(g);
  if (pick(g, 4) == 1) fprintf(g->out, "dilation = %u; ", side(g));
  if (pick(g, 6) == 1) fprintf(g->out, "groups = %u; ", 1 + pick(g, 3));
  put_flag(g, "bias");
  put_init(g);
}

static void put_transpose2d(generator *g) {
  put_conv2d(g);
  if (pick(g, 3) == 1) fprintf(g->out, "output_padding = %u; ", pick(g, 3));
}

static void put_transpose1d(generator *g) {
  put_conv1d(g);
  if (pick(g, 3) == 1) fprintf(g->out, "output_padding = %u; ", pick(g, 3));
}

static void put_pad_mode(generator *g) {
  static const char *const modes[] = {"zeros", "reflect", "replicate"};
  if (pick(g, 4)) fprintf(g->out, "mode = \"%s\"; ", modes[pick(g, 3)]);
}

static void put_pad2d(generator *g) {
  if (pick(g, 2))
    put_pair(g, "padding", 0);
  else
    fprintf(g->out, "padding = [%u, %u, %u, %u]; ", pick(g, 4), pick(g, 4), pick(g, 4), side(g));
  put_pad_mode(g);
}

static void put_pad1d(generator *g) {
  fprintf(g->out, "padding = [%u, %u]; ", side(g) - 1, pick(g, 5));
  put_pad_mode(g);
}

static void put_pool2d(generator *g) {
  put_pair(g, "kernel", 1);
  if (pick(g, 2) == 1) put_pair(g, "stride", 1);
  if (pick(g, 4) == 1) put_pair(g, "padding", 0);
}

static void put_scale(generator *g) {
  fprintf(g->out, "scale = %u; ", side(g));
  if (pick(g, 2)) fputs("mode = \"bilinear\"; ", g->out);
}

static void put_pool1d(generator *g) {
  fprintf(g->out, "kernel = %u; ", side(g));
  if (pick(g, 2) == 1) fprintf(g->out, "stride = %u; ", side(g));
  if (pick(g, 4) == 1) fprintf(g->out, "padding = %u; ", side(g) - 1);
}

static void put_cell(generator *g) {
  fprintf(g->out, "units = %u; ", size(g));
  bool sequence = pick(g, 2);
  fprintf(g->out, "output = \"%s\"; ", sequence ? "sequence" : "last");
  put_flag(g, "bidirectional");
  if (pick(g, 3) == 1) fprintf(g->out, "biases = %u; ", pick(g, 3));
  put_init(g);
  g->rank = sequence ? 2 : 1;
}

static void put_gru(generator *g) {
  put_cell(g);
  if (pick(g, 3) == 1) fputs("reset = \"before\"; ", g->out);
  if (pick(g, 3) == 1) fputs("gates = \"hard_sigmoid\"; ", g->out);
}

static void put_lstm(generator *g) {
  put_cell(g);
  if (pick(g, 3) == 1) fputs("gates = \"hard_sigmoid\"; ", g->out);
}

static void put_leaky(generator *g) {
  fprintf(g->out, "slope = 0.%u; ", 1 + pick(g, 9));
}

static void put_gelu(generator *g) {
  if (pick(g, 2)) fputs("approximate = \"tanh\"; ", g->out);
}

static void put_alpha(generator *g) {
  fprintf(g->out, "alpha = %u.5; ", pick(g, 3));
}

static void put_beta(generator *g) {
  fprintf(g->out, "beta = %u.5; ", pick(g, 3));
}

static void put_bounds(generator *g) {
  fprintf(g->out, "min = -%u; max = %u; ", pick(g, 4), pick(g, 4));
}

static void put_constants(generator *g) {
  fprintf(g->out, "scale = %u.25; shift = -%u; ", pick(g, 3), pick(g, 4));
}

static void put_dropout(generator *g) {
  fprintf(g->out, "rate = 0.%u; ", pick(g, 10));
}

static void put_flatten(generator *g) {
  if (g->rank == 3 && pick(g, 3) == 1) fputs("order = \"hwc\"; ", g->out);
  g->rank = 1;
}

static void put_steps(generator *g) {
  g->rank = 2;
}

static void put_average(generator *g) {
  g->rank = 1;
}

/** A kind of layer: the ranks that it reads, a bit each, and its keys. */
typedef struct {
  const char *type;
  unsigned ranks;
  void (*put)(generator *g); /**< NULL: no keys, and the rank stays */
} kind;

enum { VECTOR = 1, STEPS = 2, IMAGE = 4, ANY = 7 };

static const kind kinds[] = {
    {"linear", VECTOR, put_linear},
    {"conv2d", IMAGE, put_conv2d},
    {"maxpool2d", IMAGE, put_pool2d},
    {"avgpool2d", IMAGE, put_pool2d},
    {"upsample2d", IMAGE, put_scale},
    {"conv1d", STEPS, put_conv1d},
    {"conv_transpose2d", IMAGE, put_transpose2d},
    {"conv_transpose1d", STEPS, put_transpose1d},
    {"pad2d", IMAGE, put_pad2d},
    {"pad1d", STEPS, put_pad1d},
    {"maxpool1d", STEPS, put_pool1d},
    {"gru", STEPS, put_gru},
    {"lstm", STEPS, put_lstm},
    {"rnn", STEPS, put_cell},
    {"rows", IMAGE, put_steps},
    {"columns", IMAGE, put_steps},
    {"flatten", ANY, put_flatten},
    {"global_avgpool", STEPS | IMAGE, put_average},
    {"relu", ANY, NULL},
    {"leaky_relu", ANY, put_leaky},
    {"sigmoid", ANY, NULL},
    {"tanh", ANY, NULL},
    {"gelu", ANY, put_gelu},
    {"silu", ANY, NULL},
    {"elu", ANY, put_alpha},
    {"selu", ANY, NULL},
    {"celu", ANY, put_alpha},
    {"softplus", ANY, put_beta},
    {"softsign", ANY, NULL},
    {"mish", ANY, NULL},
    {"hard_sigmoid", ANY, NULL},
    {"hard_swish", ANY, NULL},
    {"clip", ANY, put_bounds},
    {"affine", ANY, put_constants},
    {"batch_norm", ANY, NULL},
    {"layer_norm", ANY, NULL},
    {"dropout", ANY, put_dropout},
};

/** One that reads what there is, but for one time in 32. */
static const kind *pick_kind(generator *g) {
  enum { KINDS = sizeof kinds / sizeof *kinds };
  uint32_t at = pick(g, KINDS);
  if (pick(g, 32) == 31) return &kinds[at];
  while (!(kinds[at].ranks & 1u << (g->rank - 1))) at = (at + 1) % KINDS;
  return &kinds[at];
}

/** The layer before and others, which mostly are itself or what it was made of by a small step. */
static void put_join(generator *g, uint32_t index) {
  uint32_t inputs = 2 + pick(g, 7);
  fprintf(g->out, "type = \"%s\"; inputs = [\"l%u\"", pick(g, 2) ? "concat" : "add", index - 1);
  for (uint32_t i = 1; i < inputs; i++)
    fprintf(g->out, ", \"l%u\"", index - 1 - (pick(g, 3) == 1 ? pick(g, index) : 0));
  fputs("]; ", g->out);
}

static void put_layer(generator *g, uint32_t index) {
  fputs("  { ", g->out);
  if (index > 0 && pick(g, g->huge ? 2 : 6) == 1) {
    put_join(g, index);
  } else {
    const kind *k = pick_kind(g);
    fprintf(g->out, "type = \"%s\"; ", k->type);
    if (k->put) k->put(g);
  }
  fprintf(g->out, "name = \"l%u\"; },\n", index);
}

static void put_input(generator *g) {
  g->huge = pick(g, 8) == 7;
  g->rank = 3 - pick(g, 3);
  fputs("name = \"generated\";\ninput = [", g->out);
  if (g->huge) {
    static const char *const ones[] = {"", "", "1, ", "1, 1, "};
    fprintf(g->out, "%s%u];\n", ones[g->rank], large_size(g));
    return;
  }
  if (g->rank == 3) fprintf(g->out, "%u, ", pick(g, 2) ? size(g) : 1);
  if (g->rank >= 2) fprintf(g->out, "%u, ", size(g) + pick(g, 16));
  fprintf(g->out, "%u];\n", size(g) + pick(g, 16));
  if (g->rank == 2) put_flag(g, "lengths");
}

static void put_recipe(generator *g) {
  static const char *const optimizers[] = {"adam", "sgd", "adadelta", "adamw", "rmsprop"};
  static const char *const losses[] = {"cross_entropy", "mse", "mae", "huber", "bce"};
  static const char *const extras[] = {"", "clip_norm = 1.0; ", "label_smoothing = 0.1; ",
                                       "average = 0.9; "};
  const uint32_t loss = pick(g, 5), extra = pick(g, 4);
  if (loss) fprintf(g->out, "loss = \"%s\";\n", losses[loss]);
  if (pick(g, 4) == 3) fputs("data = { augment = { rotate = 10.0; shift = 0.1; }; };\n", g->out);
  fprintf(g->out, "train = { optimizer = { type = \"%s\"; lr = 0.001; }; %s};\n",
          optimizers[pick(g, 5)], extras[loss && extra == 2 ? 0 : extra]);
}

char *fuzz_generate(const uint8_t *bytes, size_t count) {
  char *text = NULL;
  size_t length = 0;
  generator g = {.at = bytes, .end = bytes + count, .out = open_memstream(&text, &length)};
  if (!g.out) return NULL;
  put_input(&g);
  put_recipe(&g);
  fputs("layers = (\n", g.out);
  uint32_t layers = 1 + pick(&g, MAX_LAYERS);
  for (uint32_t i = 0; i < layers; i++) put_layer(&g, i);
  if (g.rank > 1) fputs("  { type = \"flatten\"; },\n", g.out);
  fputs("  { type = \"linear\"; units = 5; }\n);\n", g.out);
  return fclose(g.out) == 0 ? text : NULL;
}
