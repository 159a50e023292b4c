/**
 * A parsed model file: the network and its training recipe. Independent of a device; shapes are not
 * inferred yet.
 */
#ifndef DG_MODEL_H
#define DG_MODEL_H

#include "core/layers/layer.h"
#include "core/op/op.h"
#include "digits/model.h"

enum { DG_MODEL_INPUT = -1 };    /**< in dg_model_layer.in: the input of the model */
enum { DG_MODEL_LAYERS = 1024 }; /**< most layers of a model */

typedef struct {
  const dg_layer_class *kind;
  char name[DG_NAME_SIZE];
  char location[300]; /**< file:line, for messages */
  uint32_t inputs;
  int in[DG_MAX_IN]; /**< index of an earlier layer, or DG_MODEL_INPUT */
  void *config;      /**< filled by the kind's keys; owned */
} dg_model_layer;

/** Largest changes of training samples; as in dg_augment, but for angles. */
typedef struct {
  double rotate, shear; /**< degrees */
  double shift, scale;  /**< as fractions of the sample's size */
  double flip, brightness, contrast, gain, noise;
  uint32_t crop, cutout;
} dg_augment_recipe;

/** A word of the numbers in dg_data_recipe: they are measured in the training part. */
enum { DG_DATA_MEASURE = 1 };

/** How the validation samples are chosen among those to train. */
typedef enum { DG_SPLIT_RANDOM, DG_SPLIT_STRATIFIED } dg_split;

/** How samples become numbers, (v - mean) / std, where v is a float or byte / 255; and the same for
    targets. Each has one number for all channels, one for each, or the word above. */
typedef struct {
  dg_number_list mean, std;               /**< none: 0 and 1 */
  int targets;                            /**< the word: target_mean and target_std are measured */
  dg_number_list target_mean, target_std; /**< none: 0 and 1 */
  uint32_t validation;                    /**< training samples held out */
  bool validation_given;                  /**< an override says so, not the recipe */
  int split;                              /**< dg_split */
  uint32_t shuffle_block; /**< samples of a block of the order; 0: all are shuffled together */
  dg_augment_recipe augment;
} dg_data_recipe;

/** Keys of every optimizer; each uses its own. */
typedef struct {
  dg_optimizer_kind kind;
  bool decoupled;
  double lr, momentum, weight_decay, beta1, beta2, rho, alpha, eps;
  bool nesterov, centered;
} dg_optimizer_recipe;

typedef enum {
  DG_SCHEDULE_CONSTANT,
  DG_SCHEDULE_STEP,
  DG_SCHEDULE_EXPONENTIAL,
  DG_SCHEDULE_COSINE,
  DG_SCHEDULE_ONE_CYCLE,
} dg_schedule_kind;

/** Keys of every schedule; each uses its own. */
typedef struct {
  dg_schedule_kind kind;
  double gamma;                  /**< step, exponential */
  uint32_t every;                /**< step: epochs */
  double min;                    /**< cosine: last learning rate */
  double warmup, div, final_div; /**< one_cycle */
} dg_schedule_recipe;

typedef enum { DG_KEEP_LAST, DG_KEEP_BEST } dg_keep;

/** The metric that tells the best validation. */
typedef enum {
  DG_KEEP_BY_TASK, /**< accuracy, or loss where there are no answers to count */
  DG_KEEP_BY_ACCURACY,
  DG_KEEP_BY_LOSS,
  DG_KEEP_BY_TOP5,
  DG_KEEP_BY_PRECISION,
  DG_KEEP_BY_RECALL,
  DG_KEEP_BY_F1,
  DG_KEEP_BY_MAE,
  DG_KEEP_BY_RMSE,
  DG_KEEP_BY_R2,
} dg_keep_by;

/** Their names in model files and logs, ended by NULL. */
extern const char *const dg_keep_by_names[];

typedef struct {
  uint32_t epochs;
  uint32_t steps; /**< per epoch; 0: until every sample was seen */
  uint32_t batch;
  uint32_t accumulate;    /**< batches per step */
  uint32_t slices;        /**< slices of a batch; 0: it is not cut */
  double clip_norm;       /**< 0: none */
  double label_smoothing; /**< 0: none */
  double average;         /**< decay of the moving average of the weights; 0: none */
  int keep;               /**< dg_keep */
  int keep_by;            /**< dg_keep_by */
  uint32_t early_stop;    /**< epochs without a better validation; 0: all epochs are run */
  /** A sample's loss is multiplied by the weight of its class; none: all are 1. */
  dg_number_list class_weights;
  bool exact; /**< see dg_op_desc */
  dg_optimizer_recipe optimizer;
  dg_schedule_recipe schedule;
} dg_train_recipe;

/** What the outputs shall be like. */
typedef enum {
  DG_TARGET_GIVEN, /**< the labels or targets of the data set */
  DG_TARGET_INPUT, /**< the input, normalized */
} dg_model_target;

/** A word of dg_train_recipe.class_weights: samples / (classes * samples of the class), counted in
   the training part. */
enum { DG_CLASS_WEIGHTS_BALANCED = 1 };

/** Most classes, and so most weights of them; most channels or columns with numbers of their own.
 */
enum { DG_MODEL_CLASSES = 256, DG_MODEL_COLUMNS = 4096 };

struct dg_model {
  char name[DG_NAME_SIZE];
  char description[DG_LINE_SIZE]; /**< empty if the file has none */
  char path[256];
  dg_shape input;
  dg_data_recipe data;
  int loss;           /**< dg_loss_kind */
  int target;         /**< dg_model_target */
  double huber_delta; /**< of DG_LOSS_HUBER */
  bool lengths;       /**< samples are sequences of unequal length */
  dg_train_recipe train;
  uint32_t layer_count;
  dg_model_layer *layers;
  char *text; /**< the effective model file, overrides included */
};

/** Number i of a list that has one for all, or of an empty list, which has `none` for all. */
static inline double dg_number_of(const dg_number_list *numbers, uint32_t i, double none) {
  return numbers->count == 0 ? none : numbers->values[numbers->count == 1 ? 0 : i];
}

/** Do outputs for classes estimate their probabilities directly, not as logits? */
static inline bool dg_model_estimates(const dg_model *model) {
  return model->loss == DG_LOSS_MSE || model->loss == DG_LOSS_MAE || model->loss == DG_LOSS_HUBER;
}

/** dg_model_load from the text of a model file; messages name `where`. */
dg_model *dg_model_parse(const char *text, const char *where, const dg_override *overrides,
                         size_t count, dg_error *err);

/** The group `augment` for an input of this shape (augment.c). */
bool dg_read_augment(const struct config_setting_t *group, const dg_shape *input,
                     dg_augment_recipe *out, dg_error *err);

/** The list `layers`, with its blocks (read_layers.c). */
bool dg_read_layers(const struct config_setting_t *root, dg_model *model, dg_error *err);

/** Recipe tables (recipe.c): `optimizer` and `schedule` by their `type`. */
bool dg_read_optimizer(const struct config_setting_t *group, dg_optimizer_recipe *out,
                       dg_error *err);
bool dg_read_schedule(const struct config_setting_t *group, dg_schedule_recipe *out, dg_error *err);

#endif
