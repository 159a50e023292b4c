/*
 * Zip files of numpy and PyTorch, and the mapping of what they hold onto a small network. The first
 * byte says which reader, network and layout; the second how the rest becomes tensors: as the file,
 * as the entries of one, or as names and shapes that go to the mapping straight.
 */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "core/exchange/files.h"
#include "core/exchange/map/map.h"
#include "core/model/model.h"
#include "tests/fuzz/file.h"
#include "tests/fuzz/input.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* ---- networks ----------------------------------------------------------- */

#define MODEL(input, layers)                                                                       \
  "name = \"m\"; input = " input "; layers = (" layers "); loss = \"cross_entropy\"; "             \
  "train = { epochs = 1; batch = 4; optimizer = { type = \"sgd\"; lr = 0.1; }; };"

static const char *const texts[] = {
    MODEL("[1, 2, 3]", "{ type = \"flatten\"; }, { type = \"linear\"; name = \"fc1\"; units = 6; },"
                       "{ type = \"layer_norm\"; name = \"n1\"; },"
                       "{ type = \"linear\"; name = \"fc2\"; units = 6; },"
                       "{ type = \"layer_norm\"; name = \"n2\"; },"
                       "{ type = \"linear\"; name = \"fc10\"; units = 6; }"),
    MODEL("[1, 4, 4]",
          "{ type = \"conv2d\"; name = \"conv1\"; filters = 2; kernel = 3; },"
          "{ type = \"batch_norm\"; name = \"norm\"; }, { type = \"relu\"; },"
          "{ type = \"flatten\"; }, { type = \"linear\"; name = \"out\"; units = 3; }"),
    MODEL("[1, 4, 3]",
          "{ type = \"rows\"; }, { type = \"conv1d\"; name = \"conv1\"; filters = 2; kernel = 2; },"
          "{ type = \"gru\"; name = \"a\"; units = 2; output = \"sequence\"; },"
          "{ type = \"lstm\"; name = \"b\"; units = 2; biases = 1; bidirectional = true; },"
          "{ type = \"linear\"; name = \"out\"; units = 3; }"),
};
enum { NETWORKS = sizeof texts / sizeof *texts };

/** The network that a byte says; made once. */
static const dg_model_graph *model_graph_for(uint8_t which) {
  static dg_model *models[NETWORKS];
  static dg_model_graph graphs[NETWORKS];
  which %= NETWORKS;
  if (models[which]) return &graphs[which];
  models[which] = dg_model_parse(texts[which], "fuzz", NULL, 0, NULL);
  if (!models[which] || !dg_model_graph_make(&graphs[which], models[which], NULL)) abort();
  return &graphs[which];
}

/* ---- a zip file of entries ---------------------------------------------- */

enum { MAX_ENTRIES = 24, CAPACITY = 1 << 16 };

/** A file on its way. */
typedef struct {
  uint8_t bytes[CAPACITY];
  size_t size;
} built;

static void put(built *to, const void *bytes, size_t size) {
  if (size > CAPACITY - to->size) size = CAPACITY - to->size;
  memcpy(to->bytes + to->size, bytes, size);
  to->size += size;
}

static void put_number(built *to, uint32_t number, size_t size) {
  put(to, &number, size);
}

/** What an entry has both before its bytes and in the list at the end. */
typedef struct {
  const uint8_t *name;
  size_t name_size, packed, size;
  uint32_t sum, offset;
  uint16_t method;
} entry;

static void put_entry(built *to, const entry *e) {
  put_number(to, 20, 2);
  put_number(to, 0, 2);
  put_number(to, e->method, 2);
  put_number(to, 0x210000, 4);
  put_number(to, e->sum, 4);
  put_number(to, (uint32_t)e->packed, 4);
  put_number(to, (uint32_t)e->size, 4);
  put_number(to, (uint32_t)e->name_size, 2);
  put_number(to, 0, 2);
}

/** Adds an entry as it is, or packed. */
static void add_entry(built *to, entry *e, const uint8_t *bytes, size_t size, bool pack) {
  static uint8_t packed[CAPACITY];
  e->offset = (uint32_t)to->size;
  e->size = e->packed = size;
  e->sum = (uint32_t)crc32(0, bytes, (uInt)size);
  z_stream z = {.next_in = (Bytef *)bytes,
                .avail_in = (uInt)size,
                .next_out = packed,
                .avail_out = sizeof packed};
  if (pack && deflateInit2(&z, 1, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) == Z_OK) {
    if (deflate(&z, Z_FINISH) == Z_STREAM_END) e->packed = z.total_out, e->method = 8;
    deflateEnd(&z);
  }
  put(to, "PK\3\4", 4);
  put_entry(to, e);
  put(to, e->name, e->name_size);
  put(to, e->method ? packed : bytes, e->packed);
}

static void add_list(built *to, const entry *entries, uint32_t count) {
  size_t begin = to->size;
  for (uint32_t i = 0; i < count; i++) {
    put(to, "PK\1\2", 4);
    put_number(to, 20, 2);
    put_entry(to, &entries[i]);
    put_number(to, 0, 4);
    put_number(to, 0, 2);
    put_number(to, 0, 4);
    put_number(to, entries[i].offset, 4);
    put(to, entries[i].name, entries[i].name_size);
  }
  size_t size = to->size - begin;
  put(to, "PK\5\6\0\0\0", 8);
  put_number(to, count, 2);
  put_number(to, count, 2);
  put_number(to, (uint32_t)size, 4);
  put_number(to, (uint32_t)begin, 4);
  put_number(to, 0, 2);
}

/** Entries: a byte for the name's length (its highest bit: packed), the name, two for the bytes'.
 */
static const char *build_file(input *in) {
  static built file;
  entry entries[MAX_ENTRIES] = {0};
  uint32_t count = 0;
  file.size = 0;
  while (in->left > 0 && count < MAX_ENTRIES) {
    uint8_t head = input_byte(in);
    size_t name_size = head & 0x7f, size;
    entry *e = &entries[count++];
    e->name = input_bytes(in, &name_size);
    e->name_size = name_size;
    size = input_byte(in);
    size |= (size_t)input_byte(in) << 8;
    const uint8_t *bytes = input_bytes(in, &size);
    add_entry(&file, e, bytes, size, head >> 7);
  }
  add_list(&file, entries, count);
  return fuzz_file(file.bytes, file.size);
}

/* ---- tensors straight to the mapping ------------------------------------ */

/** The shape of one of the network's parameters, as it is or turned round. */
static void add_tensor(dg_arrays *arrays, const dg_model_graph *graph, input *in) {
  char name[100];
  uint64_t dim[DG_TENSOR_RANK] = {0};
  const dg_param *param = &graph->params[input_byte(in) % graph->param_count];
  uint8_t form = input_byte(in);
  uint32_t rank = param->spec.rank;
  for (uint32_t i = 0; i < rank; i++) dim[i] = param->spec.dim[form & 1 ? rank - 1 - i : i];
  if (form & 2 && rank < DG_TENSOR_RANK) dim[rank++] = 2;
  if (form & 4 && rank > 0) rank--;
  input_name(in, name, sizeof name);
  dg_array *array = dg_arrays_add(arrays, name, rank, dim, form & 8, NULL);
  for (uint64_t i = 0; array && i < array->count; i++) array->data[i] = (float)i;
}

/* ---- the target --------------------------------------------------------- */

/** Every number of ours must be there, and every parameter once. */
static void look_at(const dg_model_graph *graph, const dg_arrays *ours) {
  if (ours->count != graph->param_count) abort();
  for (uint32_t i = 0; i < graph->param_count; i++) {
    if (ours->items[i].count != graph->params[i].count ||
        strcmp(ours->items[i].name, graph->params[i].name) != 0)
      abort();
    fuzz_touch(ours->items[i].data, ours->items[i].count * sizeof(float));
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  input in = {bytes, size};
  uint8_t what = input_byte(&in), pairs = input_byte(&in);
  const dg_model_graph *graph = model_graph_for(what >> 4);
  dg_arrays arrays = {.path = "fuzz"}, ours = {.path = "ours"};
  dg_error err = {0};
  char texts_of[4][2][40];
  dg_name_pair names[4];
  dg_convert_options options = {
      .size = sizeof(dg_convert_options), .names = names, .name_count = pairs & 3};
  for (size_t i = 0; i < options.name_count; i++) {
    input_name(&in, texts_of[i][0], sizeof texts_of[i][0]);
    input_name(&in, texts_of[i][1], sizeof texts_of[i][1]);
    names[i] = (dg_name_pair){texts_of[i][0], texts_of[i][1]};
  }
  bool ok = true;
  if ((what & 3) == 3) {
    while (in.left > 0) add_tensor(&arrays, graph, &in);
    arrays.ordered = pairs >> 7;
  } else {
    arrays.path = (what & 3) == 2 ? fuzz_file(in.at, in.left) : build_file(&in);
    ok = pairs & 4 ? dg_read_npz(&arrays, &err) : dg_read_pytorch(&arrays, &err);
  }
  if (what & 4) arrays.layout = DG_LAYOUT_KERAS;
  if (ok != (err.kind == DG_OK)) abort();
  if (ok) ok = dg_map_arrays(graph, &arrays, &options, &ours, &err);
  if (ok != (err.kind == DG_OK)) abort();
  if (ok) look_at(graph, &ours);
  dg_arrays_free(&arrays);
  dg_arrays_free(&ours);
  return 0;
}
