"""Files as PyTorch, numpy and safetensors write them, without any of these."""
import collections
import io
import json
import pickle
import struct
import sys
import types
import zipfile

# ---- PyTorch's classes, as far as pickles name them ---------------------------


def module(name):
    if name not in sys.modules:
        sys.modules[name] = types.ModuleType(name)
        parent, _, last = name.rpartition(".")
        if parent:
            setattr(module(parent), last, sys.modules[name])
    return sys.modules[name]


def known(where, name):
    """A name that a pickle can contain; calling it would be an error."""
    def never(*_):
        raise AssertionError("a pickle was run")
    thing = type(name, (), {"__init__": never}) if name[0].isupper() else never
    thing.__module__, thing.__name__, thing.__qualname__ = where, name, name
    setattr(module(where), name, thing)
    return thing


UTILS = "torch._utils"
TENSOR = {1: known(UTILS, "_rebuild_tensor"), 2: known(UTILS, "_rebuild_tensor_v2"),
          3: known(UTILS, "_rebuild_tensor_v3")}
PARAMETER = known(UTILS, "_rebuild_parameter")
PARAMETER_WITH_STATE = known(UTILS, "_rebuild_parameter_with_state")
FROM_TYPE = known("torch._tensor", "_rebuild_from_type_v2")
QTENSOR = known(UTILS, "_rebuild_qtensor")
PLAIN, ODD_CLASS = known("torch", "Tensor"), known("somewhere", "Tensor")
FLOAT8, UINT16, FLOAT32 = (known("torch", n) for n in ("float8_e4m3fn", "uint16", "float32"))
DEVICE, SIZE = known("torch", "device"), known("torch", "Size")
SCALAR, DTYPE = known("numpy._core.multiarray", "scalar"), known("numpy", "dtype")
LAMBDA = known("torch.optim.lr_scheduler", "LambdaLR")
NET = known("__main__", "Net")
STORAGES = {n: known("torch", f"{n}Storage") for n in
            ("Float", "Double", "Half", "BFloat16", "Long", "Bool", "ComplexFloat", "QInt8")}
UNTYPED = known("torch.storage", "UntypedStorage")
CODES = {"Float": "f", "Double": "d", "Half": "e", "Long": "q", "Bool": "?", "QInt8": "b"}


class Call:
    """What a pickle would call, what it would set, and items that it would add."""

    def __init__(self, name, *arguments, state=None, items=None):
        self.parts = (name, arguments, state, None, iter(items.items()) if items else None)

    def __reduce_ex__(self, protocol):
        return self.parts


class Storage:
    def __init__(self, kind, numbers, big=False):
        order = ">" if big else "<"
        self.kind, self.key, self.view = kind, None, None
        if isinstance(numbers, bytes):
            self.bytes, self.count = numbers, len(numbers)
            return
        self.count = len(numbers)
        if kind == "BFloat16":
            halves = [struct.unpack("<HH", struct.pack("<f", n))[1] for n in numbers]
            self.bytes = struct.pack(f"{order}{len(halves)}H", *halves)
        elif kind == "ComplexFloat":
            self.bytes = struct.pack(f"{order}{2 * len(numbers)}f", *numbers, *numbers)
        else:
            self.bytes = struct.pack(f"{order}{len(numbers)}{CODES[kind]}", *numbers)


def strides(shape):
    steps = []
    for size in reversed(shape):
        steps.insert(0, steps[0] * last if steps else 1)
        last = size
    return tuple(steps)


def tensor(numbers, shape, kind="Float", version=2, big=False, extra=()):
    storage = Storage(kind, numbers, big)
    common = (storage, 0, tuple(shape), strides(shape))
    if version == 1:
        return Call(TENSOR[1], *common)
    return Call(TENSOR[version], *common, False, collections.OrderedDict(), *extra)


class Python2(dict):
    """An OrderedDict as Python 2 pickles it."""

    def __reduce_ex__(self, protocol):
        return collections.OrderedDict, ([[k, v] for k, v in self.items()],), {"_metadata": {}}


class Writer(pickle.Pickler):
    def __init__(self, to, protocol, legacy):
        super().__init__(to, protocol)
        self.storages, self.legacy = [], legacy

    def persistent_id(self, thing):
        if not isinstance(thing, Storage):
            return None
        if thing.key is None:
            thing.key = str(len(self.storages))
            self.storages.append(thing)
        kind = STORAGES.get(thing.kind, UNTYPED)
        return ("storage", kind, thing.key, "cpu", thing.count) + ((thing.view,) * self.legacy)


def torch_save(path, what, protocol=2, big=False, more=()):
    """As torch.save does since PyTorch 1.6."""
    to = io.BytesIO()
    writer = Writer(to, protocol, 0)
    writer.dump(what)
    with zipfile.ZipFile(path, "w") as z:
        z.writestr("archive/data.pkl", to.getvalue())
        z.writestr("archive/byteorder", "big" if big else "little")
        for storage in writer.storages:
            z.writestr(f"archive/data/{storage.key}", storage.bytes)
        for name in more:
            z.writestr(f"archive/{name}", b"")


def legacy_save(path, what, protocol=2, big=False, cut=0, keys=None, swap=None):
    """As torch.save did before."""
    to = io.BytesIO()
    pickle.dump(0x1950a86a20f9469cfc6c, to, 2)
    pickle.dump(1001, to, 2)
    pickle.dump({"protocol_version": 1001, "little_endian": not big, "type_sizes": {}}, to, 2)
    writer = Writer(to, protocol, 1)
    writer.dump(what)
    pickle.dump(keys or [s.key for s in writer.storages], to, 2)
    sizes = {"Double": 8, "Long": 8, "Half": 2, "BFloat16": 2, "Bool": 1, "ComplexFloat": 8}
    for storage in writer.storages:
        count = len(storage.bytes) // sizes.get(storage.kind, 4)
        to.write(struct.pack(">q" if big else "<q", swap or count) + storage.bytes)
    path.write_bytes(to.getvalue()[:len(to.getvalue()) - cut])


# ---- safetensors and numpy ----------------------------------------------------


def read_safetensors(path):
    """{name: (shape, numbers)}, float32."""
    content = path.read_bytes()
    length, = struct.unpack("<Q", content[:8])
    header = json.loads(content[8:8 + length])
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        begin, end = (8 + length + at for at in entry["data_offsets"])
        tensors[name] = (entry["shape"], struct.unpack(f"<{(end - begin) // 4}f", content[begin:end]))
    return tensors


def write_safetensors(path, tensors, metadata=None, ahead=b"", **others):
    """`others` are raw: (type, shape, bytes)."""
    header, data = {}, ahead
    if metadata != "none":
        header["__metadata__"] = metadata
    if ahead:
        header["aaa.ahead"] = {"dtype": "U8", "shape": [len(ahead)], "data_offsets": [0, len(ahead)]}
    raw = {n: ("F32", s, struct.pack(f"<{len(x)}f", *x)) for n, (s, x) in tensors.items()} | others
    for name, (kind, shape, content) in raw.items():
        header[name] = {"dtype": kind, "shape": list(shape),
                        "data_offsets": [len(data), len(data) + len(content)]}
        data += content
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def npy(kind, shape, content):
    text = f"{{'descr': {kind!r}, 'fortran_order': False, 'shape': {tuple(shape)!r}, }}".encode()
    return b"\x93NUMPY\1\0" + struct.pack("<H", len(text)) + text + content


def write_npz(path, tensors, kind="<f4", **others):
    code = {"4": "f", "8": "d", "2": "e"}[kind[2]]
    with zipfile.ZipFile(path, "w") as z:
        for name, (shape, x) in tensors.items():
            z.writestr(f"{name}.npy", npy(kind, shape, struct.pack(f"{kind[0]}{len(x)}{code}", *x)))
        for name, content in others.items():
            z.writestr(f"{name}.npy", content)
