/* Graphs and the passes over them, without any device: what each changes and what it leaves. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/graph/build.h"
#include "core/graph/lower.h"
#include "core/graph/model_graph.h"
#include "tests/common/suite.h"

#define IMAGES "name = \"graph\"; input = [2, 12, 12];\nlayers = (\n"
#define CONV(name)                                                                                 \
  "{ type = \"conv2d\"; name = \"" name "\"; filters = 4; kernel = 3; padding = 1; },\n"
#define NORM(name) "{ type = \"batch_norm\"; name = \"" name "\"; },\n"
#define OUT "{ type = \"flatten\"; },\n{ type = \"linear\"; name = \"out\"; units = 10; }\n);\n"
#define RELU "{ type = \"relu\"; },\n"
#define POOL "{ type = \"maxpool2d\"; kernel = 2; },\n"
#define RESHAPE(dims) "{ type = \"reshape\"; shape = [" dims "]; },\n"
#define DROP "{ type = \"dropout\"; rate = 0.5; },\n"

/* ---- what can be run ---------------------------------------------------- */

static bool everything(const void *user, const dg_op_desc *desc) {
  (void)user, (void)desc;
  return true;
}

static bool nothing(const void *user, const dg_op_desc *desc) {
  (void)user, (void)desc;
  return false;
}

static bool no_pooled_convolution(const void *user, const dg_op_desc *desc) {
  (void)user;
  return desc->kind != DG_OP_CONV2D || desc->conv2d.pool == 0;
}

static bool no_given_statistics(const void *user, const dg_op_desc *desc) {
  (void)user;
  return desc->kind != DG_OP_BATCH_NORM || !desc->batch_norm.statistics;
}

/** Notes what it was asked for last, and how often. */
typedef struct {
  dg_op_desc last;
  int times;
} questions;

static bool note(const void *user, const dg_op_desc *desc) {
  questions *q = *(questions *const *)user;
  q->last = *desc;
  q->times++;
  return true;
}

static const dg_op_predicate all = {everything, NULL}, none = {nothing, NULL};

/* ---- graphs ------------------------------------------------------------- */

typedef struct {
  dg_model *model;
  dg_graph graph;
} subject;

static dg_model *parse(const char *text) {
  dg_error err = {0};
  dg_model *model = dg_model_parse(text, "text", NULL, 0, &err);
  ck_assert_msg(model != NULL, "%s", err.message);
  return model;
}

static subject lower(const char *text) {
  dg_error err = {0};
  subject s = {.model = parse(text)};
  ck_assert_msg(dg_graph_lower(&s.graph, s.model, NULL, &err), "%s", err.message);
  return s;
}

static subject build(const char *text, bool train, const dg_op_predicate *can_run) {
  dg_error err = {0};
  subject s = {.model = parse(text)};
  ck_assert_msg(dg_graph_build(&s.graph, s.model, train, NULL, can_run, &err), "%s", err.message);
  return s;
}

static void drop(subject *s) {
  dg_graph_free(&s->graph);
  dg_model_free(s->model);
}

/** The layers that have a node, in order: "conv out". */
static const char *layers(const dg_graph *graph) {
  static char text[1000];
  text[0] = '\0';
  for (uint32_t i = 0; i < graph->node_count; i++) {
    size_t used = strlen(text);
    snprintf(text + used, sizeof text - used, "%s%s", i ? " " : "", graph->nodes[i].layer->name);
  }
  return text;
}

/** Does each tensor know its producer and its readers, and does every node read what is there? */
static void check_wires(const dg_graph *graph) {
  for (uint32_t t = 0; t < graph->tensor_count; t++) {
    const dg_tensor *tensor = &graph->tensors[t];
    uint32_t readers = 0;
    for (uint32_t i = 0; i < graph->node_count; i++)
      for (uint32_t k = 0; k < graph->nodes[i].inputs; k++) readers += graph->nodes[i].in[k] == t;
    ck_assert_uint_eq(tensor->readers, readers);
    if (tensor->count == 0 || tensor->producer == DG_NO_NODE) continue;
    const dg_node *producer = &graph->nodes[tensor->producer];
    ck_assert(producer->out == t || producer->statistics == t);
  }
}

/* ---- lowering ----------------------------------------------------------- */

START_TEST(lowering_makes_a_node_of_each_layer_with_an_op) {
  subject s = lower(IMAGES CONV("conv") NORM("norm") RELU OUT);
  ck_assert_str_eq(layers(&s.graph), "conv norm relu1 out");
  ck_assert_uint_eq(s.graph.tensor_count,
                    5); /* the input, and what each node writes: flatten writes nothing */
  ck_assert_uint_eq(s.graph.tensors[0].count, 2 * 12 * 12);
  ck_assert_uint_eq(s.graph.tensors[0].producer, DG_NO_NODE);
  ck_assert_uint_eq(s.graph.nodes[3].in[0], s.graph.nodes[2].out);
  ck_assert_uint_eq(s.graph.output, s.graph.nodes[3].out);
  check_wires(&s.graph);
  drop(&s);
}
END_TEST

START_TEST(states_are_listed_behind_all_parameters) {
  static const char *const names[] = {"conv.weight",       "conv.bias",       "norm.weight",
                                      "norm.bias",         "out.weight",      "out.bias",
                                      "norm.running_mean", "norm.running_var"};
  static const uint32_t counts[] = {4 * 2 * 9, 4, 4, 4, 10 * 4 * 144, 10, 4, 4};
  subject s = lower(IMAGES CONV("conv") NORM("norm") OUT);
  ck_assert_uint_eq(s.graph.param_count, 6);
  ck_assert_uint_eq(s.graph.running_count, 2);
  for (uint32_t i = 0; i < 8; i++) {
    ck_assert_str_eq(s.graph.params[i].name, names[i]);
    ck_assert_uint_eq(s.graph.params[i].count, counts[i]);
  }
  ck_assert_uint_eq(s.graph.nodes[1].first_param, 2);
  ck_assert_uint_eq(s.graph.nodes[1].first_running, 6);
  ck_assert_uint_eq(dg_graph_parameters(&s.graph), 72 + 4 + 4 + 4 + 5760 + 10);
  drop(&s);
}
END_TEST

START_TEST(what_does_not_fit_leaves_an_empty_graph) {
  static const char *const texts[][2] = {
      {IMAGES CONV("conv")
           CONV("left") "{ type = \"flatten\"; name = \"flat\"; inputs = [\"conv\"]; "
                        "},\n{ type = \"linear\"; units = 10; }\n);\n",
       "text:4: nothing reads layer \"left\" (conv2d)"},
      {IMAGES "{ type = \"linear\"; name = \"out\"; units = 10; }\n);\n",
       "text:3: the last layer gives [2, 12, 10], but the loss needs [classes]; put a flatten "
       "layer"},
      {IMAGES "{ type = \"flatten\"; }\n);\n", "text: there is nothing to learn"},
      {IMAGES "{ type = \"conv2d\"; filters = 4; kernel = 3; }\n);\n",
       "text:3: the last layer gives [4, 10, 10], but the loss needs [classes]"},
  };
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    dg_error err = {0};
    dg_model *model = parse(texts[i][0]);
    dg_graph graph;
    ck_assert(!dg_graph_build(&graph, model, true, NULL, &all, &err));
    ck_assert_msg(strstr(err.message, texts[i][1]) == err.message, "%s", err.message);
    ck_assert_ptr_null(graph.nodes);
    ck_assert_uint_eq(graph.node_count, 0);
    dg_model_free(model);
  }
}
END_TEST

/* ---- fuse --------------------------------------------------------------- */

START_TEST(an_activation_a_pooling_and_a_dropout_fuse_in_this_order) {
  subject s = lower(IMAGES CONV("conv") RELU POOL DROP OUT);
  dg_graph_fuse(&s.graph, &all);
  ck_assert_str_eq(layers(&s.graph), "conv out");
  const dg_node *conv = &s.graph.nodes[0];
  ck_assert_int_eq(conv->plan.op.conv2d.act.kind, DG_ACT_RELU);
  ck_assert_uint_eq(conv->plan.op.conv2d.pool, 2);
  ck_assert_float_eq(conv->plan.op.conv2d.drop.rate, 0.5f);
  ck_assert_uint_eq(conv->plan.out.dim[1], 6);
  ck_assert_uint_eq(s.graph.tensors[conv->out].count, 4 * 6 * 6);
  ck_assert_uint_eq(s.graph.tensors[1].count, 0); /* what the convolution alone would give */
  dg_error err = {0};
  ck_assert_msg(dg_graph_check_sizes(&s.graph, &err), "%s", err.message);
  check_wires(&s.graph);
  drop(&s);
}
END_TEST

START_TEST(nothing_fuses_that_can_not_be_run) {
  subject s = lower(IMAGES CONV("conv") RELU POOL DROP OUT);
  dg_graph_fuse(&s.graph, &none);
  ck_assert_str_eq(layers(&s.graph), "conv relu1 maxpool2d1 dropout1 out");
  ck_assert_int_eq(s.graph.nodes[0].plan.op.conv2d.act.kind, DG_ACT_NONE);
  check_wires(&s.graph);
  drop(&s);

  const dg_op_predicate no_pool = {no_pooled_convolution, NULL};
  s = lower(IMAGES CONV("conv") RELU POOL DROP OUT);
  dg_graph_fuse(&s.graph, &no_pool);
  ck_assert_str_eq(layers(&s.graph), "conv maxpool2d1 dropout1 out");
  ck_assert_uint_eq(s.graph.nodes[0].plan.op.conv2d.pool, 0);
  check_wires(&s.graph);
  drop(&s);
}
END_TEST

START_TEST(what_a_description_has_no_room_for_is_left) {
  static const char *const texts[][2] = {
      {IMAGES CONV("conv") RELU "{ type = \"tanh\"; },\n" OUT, "conv tanh1 out"},
      {IMAGES CONV("conv") POOL RELU OUT, "conv relu1 out"},
      {IMAGES CONV("conv") DROP RELU OUT, "conv relu1 out"},
      {IMAGES CONV("conv") "{ type = \"maxpool2d\"; kernel = 3; stride = 2; },\n" OUT,
       "conv maxpool2d1 out"},
      {IMAGES CONV("conv") "{ type = \"maxpool2d\"; kernel = 2; padding = 1; },\n" OUT,
       "conv maxpool2d1 out"},
      {IMAGES CONV("conv") "{ type = \"avgpool2d\"; kernel = 2; },\n" OUT, "conv avgpool2d1 out"},
      {IMAGES RELU OUT, "relu1 out"},
      {IMAGES CONV("conv") RELU "{ type = \"add\"; inputs = [\"conv\", \"relu1\"]; },\n" OUT,
       "conv relu1 add1 out"},
      {IMAGES NORM("norm") RELU POOL OUT, "norm maxpool2d1 out"},
      {IMAGES CONV("conv") RESHAPE("16, 6, 6") RELU POOL OUT, "conv maxpool2d1 out"},
  };
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    subject s = lower(texts[i][0]);
    dg_graph_fuse(&s.graph, &all);
    ck_assert_str_eq(layers(&s.graph), texts[i][1]);
    check_wires(&s.graph);
    drop(&s);
  }
}
END_TEST

START_TEST(the_predicate_is_asked_for_what_would_be_run) {
  questions q = {.times = 0}, *user = &q;
  const dg_op_predicate noting = {note, &user};
  subject s = lower(IMAGES CONV("conv") RELU POOL OUT);
  dg_graph_fuse(&s.graph, &noting);
  ck_assert_int_eq(q.times, 2);
  ck_assert_int_eq(q.last.kind, DG_OP_CONV2D);
  ck_assert_int_eq(q.last.conv2d.act.kind, DG_ACT_RELU);
  ck_assert_uint_eq(q.last.conv2d.pool, 2);
  drop(&s);
}
END_TEST

/* ---- fold --------------------------------------------------------------- */

START_TEST(a_network_that_only_tests_folds_its_norms) {
  subject s = build(IMAGES "{ type = \"conv2d\"; name = \"conv\"; filters = 4; kernel = 3; "
                           "bias = false; },\n" NORM("norm") RELU
                    "{ type = \"flatten\"; },\n"
                    "{ type = \"linear\"; name = \"out\"; units = 10; },\n"
                    "{ type = \"batch_norm\"; name = \"last\"; eps = 0.5; }\n);\n",
                    false, &all);
  ck_assert_str_eq(layers(&s.graph), "conv out");
  ck_assert(s.graph.nodes[0].plan.op.conv2d.bias);
  ck_assert_int_eq(s.graph.nodes[0].plan.op.conv2d.act.kind, DG_ACT_RELU);
  ck_assert_uint_eq(s.graph.nodes[0].plan.params, 1); /* the bias is none of its own */
  ck_assert_uint_eq(s.graph.fold_count, 2);
  const dg_fold *conv = &s.graph.folds[0], *out = &s.graph.folds[1];
  ck_assert_uint_eq(conv->node, 0);
  ck_assert_str_eq(s.graph.params[conv->scale].name, "norm.weight");
  ck_assert_str_eq(s.graph.params[conv->running].name, "norm.running_mean");
  ck_assert_uint_eq(out->node, 1);
  ck_assert_str_eq(s.graph.params[out->scale].name, "last.weight");
  ck_assert_str_eq(s.graph.params[out->running + 1].name, "last.running_var");
  ck_assert_float_eq(out->eps, 0.5f);
  ck_assert_uint_eq(s.graph.output, s.graph.nodes[1].out);
  for (uint32_t i = 0; i < s.graph.node_count; i++) ck_assert(!s.graph.nodes[i].wants_backward);
  check_wires(&s.graph);
  drop(&s);
}
END_TEST

START_TEST(norms_stay_that_can_not_be_folded) {
  static const char *const texts[][2] = {
      {IMAGES NORM("norm") OUT, "norm out"},
      {IMAGES CONV("conv") RELU NORM("norm") OUT, "conv norm out"},
      {IMAGES CONV("conv") POOL NORM("norm") OUT, "conv norm out"},
      {IMAGES CONV("conv") NORM("norm") "{ type = \"add\"; inputs = [\"conv\", \"norm\"]; },\n" OUT,
       "conv norm add1 out"},
      {IMAGES CONV("conv") "{ type = \"flatten\"; },\n" NORM("norm") OUT, "conv norm out"},
      /* as many numbers for the norm, but others */
      {IMAGES CONV("conv") RESHAPE("144, 4") NORM("norm") OUT, "conv norm out"},
      {IMAGES "{ type = \"linear\"; name = \"rows\"; units = 2; },\n" NORM("norm") OUT,
       "rows norm out"},
      {IMAGES "{ type = \"reshape\"; shape = [24, 12]; },\n{ type = \"linear\"; name = \"rows\"; "
              "units = 5; },\n" RESHAPE("5, 8, 3") NORM("norm") OUT,
       "rows norm out"},
  };
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    subject s = build(texts[i][0], false, &all);
    ck_assert_str_eq(layers(&s.graph), texts[i][1]);
    ck_assert_uint_eq(s.graph.fold_count, 0);
    drop(&s);
  }
  subject s = build(IMAGES CONV("conv") NORM("norm") OUT, false, &none);
  ck_assert_str_eq(layers(&s.graph), "conv norm out");
  drop(&s);
}
END_TEST

START_TEST(a_product_takes_one_norm_along) {
  subject s = build(IMAGES CONV("conv") NORM("first") NORM("second") OUT, false, &all);
  ck_assert_str_eq(layers(&s.graph), "conv second out");
  ck_assert_uint_eq(s.graph.fold_count, 1);
  ck_assert_str_eq(s.graph.params[s.graph.folds[0].scale].name, "first.weight");
  check_wires(&s.graph);
  drop(&s);
}
END_TEST

/* ---- statistics --------------------------------------------------------- */

START_TEST(a_norm_that_trains_takes_the_statistics_of_its_convolution) {
  subject s = build(IMAGES CONV("conv") NORM("norm") RELU OUT, true, &all);
  ck_assert_str_eq(layers(&s.graph), "conv norm out");
  const dg_node *conv = &s.graph.nodes[0], *norm = &s.graph.nodes[1];
  ck_assert(conv->plan.op.conv2d.statistics && norm->plan.op.batch_norm.statistics);
  ck_assert_uint_eq(norm->inputs, 2);
  ck_assert_uint_eq(norm->in[1], conv->statistics);
  ck_assert_uint_eq(s.graph.tensors[conv->statistics].count, 2 * 4);
  ck_assert(!s.graph.tensors[conv->statistics].wants_grad);
  ck_assert_int_eq(norm->plan.op.d_in[0], DG_GRAD_WRITE);
  ck_assert_int_eq(norm->plan.op.d_in[1], DG_GRAD_NONE);
  ck_assert_uint_eq(s.graph.fold_count, 0);
  check_wires(&s.graph);
  drop(&s);
}
END_TEST

START_TEST(norms_that_can_not_take_statistics_make_them) {
  static const char *const texts[] = {
      IMAGES NORM("norm") OUT,
      IMAGES CONV("conv") "{ type = \"avgpool2d\"; kernel = 2; },\n" NORM("norm") OUT,
      IMAGES CONV("conv") NORM("norm") "{ type = \"add\"; inputs = [\"conv\", \"norm\"]; },\n" OUT,
      IMAGES CONV("conv") "{ type = \"flatten\"; },\n" NORM("norm") OUT,
      IMAGES "{ type = \"flatten\"; },\n{ type = \"linear\"; units = 6; },\n" NORM("norm") OUT,
  };
  const dg_op_predicate not_given = {no_given_statistics, NULL};
  for (size_t i = 0; i <= sizeof texts / sizeof *texts; i++) {
    bool refused = i == sizeof texts / sizeof *texts;
    subject s = refused ? build(IMAGES CONV("conv") NORM("norm") OUT, true, &not_given)
                        : build(texts[i], true, &all);
    for (uint32_t k = 0; k < s.graph.node_count; k++) {
      const dg_op_desc *op = &s.graph.nodes[k].plan.op;
      ck_assert_uint_eq(s.graph.nodes[k].statistics, 0);
      ck_assert(op->kind != DG_OP_CONV2D || !op->conv2d.statistics);
      ck_assert(op->kind != DG_OP_BATCH_NORM || !op->batch_norm.statistics);
    }
    drop(&s);
  }
}
END_TEST

/* ---- gradients ---------------------------------------------------------- */

START_TEST(gradients_end_at_the_first_parameter) {
  subject s = build(IMAGES POOL RELU CONV("conv") RELU OUT, true, &none);
  ck_assert_str_eq(layers(&s.graph), "maxpool2d1 relu1 conv relu2 out");
  static const bool wants[] = {false, false, true, true, true};
  static const dg_grad_mode modes[] = {DG_GRAD_NONE, DG_GRAD_NONE, DG_GRAD_NONE, DG_GRAD_WRITE,
                                       DG_GRAD_WRITE};
  for (uint32_t i = 0; i < 5; i++) {
    const dg_node *node = &s.graph.nodes[i];
    ck_assert(node->wants_backward == wants[i]);
    ck_assert(s.graph.tensors[node->out].wants_grad == wants[i]);
    ck_assert_int_eq(node->plan.op.d_in[0], modes[i]);
  }
  drop(&s);
}
END_TEST

START_TEST(the_last_reader_writes_a_gradient_and_the_others_add) {
  subject s = build(IMAGES CONV("conv") "{ type = \"sigmoid\"; name = \"a\"; },\n"
                                        "{ type = \"tanh\"; name = \"b\"; inputs = [\"conv\"]; },\n"
                                        "{ type = \"add\"; name = \"sum\"; "
                                        "inputs = [\"conv\", \"a\", \"b\"]; },\n" OUT,
                    true, &all);
  ck_assert_str_eq(layers(&s.graph), "conv a b sum out");
  const dg_node *nodes = s.graph.nodes;
  ck_assert_int_eq(nodes[3].plan.op.d_in[0],
                   DG_GRAD_WRITE); /* of conv: backward comes here first */
  ck_assert_int_eq(nodes[3].plan.op.d_in[1], DG_GRAD_WRITE);
  ck_assert_int_eq(nodes[3].plan.op.d_in[2], DG_GRAD_WRITE);
  ck_assert_int_eq(nodes[2].plan.op.d_in[0], DG_GRAD_ADD);
  ck_assert_int_eq(nodes[1].plan.op.d_in[0], DG_GRAD_ADD);
  ck_assert_int_eq(nodes[0].plan.op.d_in[0], DG_GRAD_NONE);
  drop(&s);
}
END_TEST

/* ---- sizes -------------------------------------------------------------- */

START_TEST(ops_must_agree_with_their_tensors) {
  for (int tensor = 0; tensor < 4; tensor++) {
    subject s = build(IMAGES CONV("conv") NORM("norm") OUT, true, &all);
    dg_error err = {0};
    ck_assert(dg_graph_check_sizes(&s.graph, &err));
    uint32_t conv = s.graph.nodes[0].out, statistics = s.graph.nodes[0].statistics;
    const uint32_t bent[] = {0, conv, statistics, s.graph.output};
    s.graph.tensors[bent[tensor]].count++;
    ck_assert(!dg_graph_check_sizes(&s.graph, &err));
    ck_assert_str_eq(err.message, tensor < 3 ? "text:3: layer \"conv\" (conv2d): its sizes "
                                               "contradict those of its op"
                                             : "text:6: layer \"out\" (linear): its sizes "
                                               "contradict those of its op");
    drop(&s);
  }
}
END_TEST

/* ---- the graph -------------------------------------------------------- */

START_TEST(a_model_graph_has_every_op_and_what_rows_are_of) {
  dg_error err = {0};
  dg_model_graph graph;
  dg_model *model = parse(IMAGES CONV("conv") RELU POOL NORM("norm") OUT);
  ck_assert_msg(dg_model_graph_make(&graph, model, &err), "%s", err.message);
  ck_assert_uint_eq(graph.node_count, 5);
  ck_assert_uint_eq(graph.param_count, 8);
  ck_assert_int_eq(graph.nodes[0].op.conv2d.act.kind, DG_ACT_NONE);
  ck_assert_ptr_eq(graph.nodes[0].image, &model->input);
  ck_assert_ptr_eq(graph.nodes[4].image, &graph.nodes[3].shape); /* seen through the flatten */
  ck_assert_uint_eq(graph.output, graph.nodes[4].out);
  dg_model_graph_free(&graph);
  dg_model_free(model);
}
END_TEST

int main(void) {
  TCase *tests = tcase_create("graph");
  tcase_add_test(tests, lowering_makes_a_node_of_each_layer_with_an_op);
  tcase_add_test(tests, states_are_listed_behind_all_parameters);
  tcase_add_test(tests, what_does_not_fit_leaves_an_empty_graph);
  tcase_add_test(tests, an_activation_a_pooling_and_a_dropout_fuse_in_this_order);
  tcase_add_test(tests, nothing_fuses_that_can_not_be_run);
  tcase_add_test(tests, what_a_description_has_no_room_for_is_left);
  tcase_add_test(tests, the_predicate_is_asked_for_what_would_be_run);
  tcase_add_test(tests, a_network_that_only_tests_folds_its_norms);
  tcase_add_test(tests, norms_stay_that_can_not_be_folded);
  tcase_add_test(tests, a_product_takes_one_norm_along);
  tcase_add_test(tests, a_norm_that_trains_takes_the_statistics_of_its_convolution);
  tcase_add_test(tests, norms_that_can_not_take_statistics_make_them);
  tcase_add_test(tests, gradients_end_at_the_first_parameter);
  tcase_add_test(tests, the_last_reader_writes_a_gradient_and_the_others_add);
  tcase_add_test(tests, ops_must_agree_with_their_tensors);
  tcase_add_test(tests, a_model_graph_has_every_op_and_what_rows_are_of);
  return suite_main("graph", tests);
}
