#include "core/exchange/pytorch/globals.h"

const char *const dg_pytorch_globals[] = {
    /* in the order of `types` */
    "torch HalfStorage",
    "torch BFloat16Storage",
    "torch FloatStorage",
    "torch DoubleStorage",
    "torch CharStorage",
    "torch ShortStorage",
    "torch IntStorage",
    "torch LongStorage",
    "torch ByteStorage",
    "torch BoolStorage",
    "torch ComplexFloatStorage",
    "torch ComplexDoubleStorage",
    "torch QInt8Storage",
    "torch QUInt8Storage",
    "torch QInt32Storage",
    "torch QUInt4x2Storage",
    "torch QUInt2x4Storage",
    "torch UntypedStorage",
    "torch.storage UntypedStorage",
    /* in the order of DG_PYTORCH_… */
    "torch._utils _rebuild_parameter",
    "torch._utils _rebuild_parameter_with_state",
    "torch._tensor _rebuild_from_type_v2",
    "torch._utils _rebuild_tensor",
    "torch._utils _rebuild_tensor_v2",
    "torch._utils _rebuild_tensor_v3",
    "torch Tensor",
    "torch.nn.parameter Parameter",
    /* dictionaries */
    "collections OrderedDict",
    "collections defaultdict",
    NULL,
};

static const dg_storage_type types[DG_PYTORCH_STORAGES] = {
    {"Half", 2, true, DG_ELEMENT_F16},
    {"BFloat16", 2, true, DG_ELEMENT_BF16},
    {"Float", 4, true, DG_ELEMENT_F32},
    {"Double", 8, true, DG_ELEMENT_F64},
    {"Char", 1, true, DG_ELEMENT_I8},
    {"Short", 2, true, DG_ELEMENT_I16},
    {"Int", 4, true, DG_ELEMENT_I32},
    {"Long", 8, true, DG_ELEMENT_I64},
    {"Byte", 1, true, DG_ELEMENT_U8},
    {"Bool", 1, true, DG_ELEMENT_U8},
    {"ComplexFloat", 8, false, 0},
    {"ComplexDouble", 16, false, 0},
    {"QInt8", 1, false, 0},
    {"QUInt8", 1, false, 0},
    {"QInt32", 4, false, 0},
    {"QUInt4x2", 1, false, 0},
    {"QUInt2x4", 1, false, 0},
    {"Untyped", 1, false, 0},
    {"Untyped", 1, false, 0},
};

const dg_storage_type *dg_storage_type_of(const dg_pickle_value *value) {
  return value && value->kind == DG_PICKLE_GLOBAL && value->integer < DG_PYTORCH_STORAGES
             ? &types[value->integer]
             : NULL;
}
