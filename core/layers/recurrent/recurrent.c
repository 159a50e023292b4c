/** The layers gru, lstm and rnn: one op, with different keys for each cell. */
#include <stddef.h>

#include "core/layers/layer.h"

typedef struct {
  uint32_t units;
  int output;
  bool bidirectional;
  uint32_t biases;
  int gates, reset;
  int init;
} config;

enum { OUTPUT_LAST, OUTPUT_SEQUENCE };
static const char *const output_names[] = {"last", "sequence", NULL};

enum { GATES_SIGMOID, GATES_HARD_SIGMOID };
static const char *const gates_names[] = {"sigmoid", "hard_sigmoid", NULL};

enum { RESET_AFTER, RESET_BEFORE };
static const char *const reset_names[] = {"after", "before", NULL};

static const config defaults = {.biases = 2};

/** The rnn has the first keys, the lstm one more, the gru all. */
static const dg_key keys[] = {
    {.name = "units",
     .type = DG_KEY_COUNT,
     .offset = offsetof(config, units),
     .low = 1,
     .high = 1 << 20,
     .required = true,
     .help = "size of the state, PyTorch's hidden_size"},
    {.name = "output",
     .type = DG_KEY_CHOICE,
     .offset = offsetof(config, output),
     .choices = output_names,
     .help = "the state after the last step, or after every step"},
    {.name = "bidirectional",
     .type = DG_KEY_BOOL,
     .offset = offsetof(config, bidirectional),
     .help = "a second pass from the last step to the first; outputs are joined"},
    {.name = "biases",
     .type = DG_KEY_COUNT,
     .offset = offsetof(config, biases),
     .high = 2,
     .help = "biases of a gate: none, one, or one for the input and one for the state"},
    {.name = "init",
     .type = DG_KEY_CHOICE,
     .offset = offsetof(config, init),
     .choices = dg_init_names,
     .help = "how the weights start; he and glorot count one gate"},
    {.name = "gates",
     .type = DG_KEY_CHOICE,
     .offset = offsetof(config, gates),
     .choices = gates_names,
     .help = "function of the gates; hard_sigmoid is clip(0.2 x + 0.5, 0, 1)"},
    {.name = "reset",
     .type = DG_KEY_CHOICE,
     .offset = offsetof(config, reset),
     .choices = reset_names,
     .help = "where the reset gate acts: after the product with the state, or before it"},
};
enum { RNN_KEYS = 5, LSTM_KEYS = 6, GRU_KEYS = 7 };
_Static_assert(sizeof keys / sizeof *keys == GRU_KEYS, "the gru has all keys");

/** Adds the weights and biases of one direction, with PyTorch's shapes. */
static void add_direction(dg_layer_plan *plan, const config *c, uint32_t in, uint32_t gates,
                          bool reverse) {
  static const char *const suffixes[2][4] = {
      {"weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"},
      {"weight_ih_l0_reverse", "weight_hh_l0_reverse", "bias_ih_l0_reverse", "bias_hh_l0_reverse"}};
  uint32_t columns[] = {in, c->units};
  for (uint32_t i = 0; i < 2 + c->biases; i++) {
    bool bias = i >= 2;
    /* PyTorch initializes all of them in +-1/sqrt(units) */
    uint32_t fan_in = c->init == DG_INIT_PYTORCH || bias ? c->units : columns[i];
    plan->param[plan->params++] = (dg_param_spec){.suffix = suffixes[reverse][i],
                                                  .rank = bias ? 1 : 2,
                                                  .dim = {gates * c->units, bias ? 0 : columns[i]},
                                                  .init = (dg_init_kind)c->init,
                                                  .bias = bias,
                                                  .fan_in = fan_in,
                                                  .fan_out = c->units};
  }
}

static bool plan_cell(dg_cell_kind cell, const config *c, const dg_layer_site *site,
                      dg_layer_plan *plan, dg_error *err) {
  if (!dg_layer_needs_rank(site, 2, err)) return false;
  uint32_t steps = site->in[0].dim[0], in = site->in[0].dim[1];
  uint32_t width = c->bidirectional ? 2 * c->units : c->units;
  bool sequence = c->output == OUTPUT_SEQUENCE;
  plan->out = sequence ? (dg_shape){2, {steps, width}} : (dg_shape){1, {width}};
  plan->steps.use = DG_STEPS_IN_TURN;
  plan->op = (dg_op_desc){.kind = DG_OP_RECURRENT,
                          .recurrent = {.cell = cell,
                                        .steps = steps,
                                        .in = in,
                                        .hidden = c->units,
                                        .biases = c->biases,
                                        .sequence = sequence,
                                        .bidirectional = c->bidirectional,
                                        .hard_sigmoid = c->gates == GATES_HARD_SIGMOID,
                                        .reset_before = c->reset == RESET_BEFORE}};
  add_direction(plan, c, in, dg_cell_gates(cell), false);
  if (c->bidirectional) add_direction(plan, c, in, dg_cell_gates(cell), true);
  return true;
}

static bool plan_rnn(const void *c, const dg_layer_site *site, dg_layer_plan *plan, dg_error *err) {
  return plan_cell(DG_CELL_RNN, c, site, plan, err);
}

static bool plan_gru(const void *c, const dg_layer_site *site, dg_layer_plan *plan, dg_error *err) {
  return plan_cell(DG_CELL_GRU, c, site, plan, err);
}

static bool plan_lstm(const void *c, const dg_layer_site *site, dg_layer_plan *plan,
                      dg_error *err) {
  return plan_cell(DG_CELL_LSTM, c, site, plan, err);
}

const dg_layer_class dg_layer_rnn = {
    .type = "rnn",
    .help = "Recurrent layer over the steps of a sequence, with tanh.",
    .keys = keys,
    .key_count = RNN_KEYS,
    .defaults = &defaults,
    .config_size = sizeof(config),
    .min_inputs = 1,
    .max_inputs = 1,
    .plan = plan_rnn,
};

const dg_layer_class dg_layer_gru = {
    .type = "gru",
    .help = "Gated recurrent unit over the steps of a sequence.",
    .keys = keys,
    .key_count = GRU_KEYS,
    .defaults = &defaults,
    .config_size = sizeof(config),
    .min_inputs = 1,
    .max_inputs = 1,
    .plan = plan_gru,
};

const dg_layer_class dg_layer_lstm = {
    .type = "lstm",
    .help = "Long short-term memory over the steps of a sequence.",
    .keys = keys,
    .key_count = LSTM_KEYS,
    .defaults = &defaults,
    .config_size = sizeof(config),
    .min_inputs = 1,
    .max_inputs = 1,
    .plan = plan_lstm,
};
