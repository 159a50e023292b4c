#!/usr/bin/env python3
"""Weights as people bring them: checkpoints, odd types, transposed matrices, pipes.

    exchange_foreign.py DIGITS_CONVERT DIGITS_RUN DATA_FOLDER

Writes files as PyTorch, numpy and others write them, needing none of these, from the weights in
DATA_FOLDER/image.safetensors and others that are made here. digits-convert must read each of them
to the same numbers, or must say what is wrong with it.
"""
import argparse
import collections
import datetime
import decimal
import enum
import functools
import os
import pathlib
import pickle
import subprocess
import sys
import tempfile
import threading
import uuid

import idx
from foreign import (Call, DEVICE, DTYPE, FLOAT32, FLOAT8, FROM_TYPE, LAMBDA, legacy_save, NET,
                     npy, ODD_CLASS, PARAMETER, PARAMETER_WITH_STATE, PLAIN, Python2, QTENSOR,
                     read_safetensors, SCALAR, SIZE, Storage, tensor, TENSOR, torch_save, UINT16,
                     write_npz, write_safetensors)

# ---- what a checkpoint holds besides ------------------------------------------


class Color(enum.Enum):
    RED = 1


def everything():
    """What no weight comes from."""
    scalar = Call(SCALAR, Call(DTYPE, "f8", False, True, state=(3, "<", None, None, None, -1, -1, 0)),
                  b"\0" * 8)
    return {
        "epoch": 3, "arch": "resnet", "best_acc1": tensor([97.5], ()), "loss": 0.5,
        "optimizer": {"state": {0: {"step": tensor([3], ()), "exp_avg": tensor([1, 2], (2,))}},
                      "param_groups": [{"lr": 0.1, "betas": (0.9, 0.999), "params": [0, 1]}]},
        "lr_schedulers": [{"milestones": collections.Counter({30: 1, 60: 2}), "base_lrs": [0.1],
                           "lr_lambdas": [None, functools.partial(int, base=2)],
                           "_get_lr_called_within_step": False}],
        "scheduler": Call(LAMBDA, state={"last_epoch": 3}, items={"a": 1}),
        "args": argparse.Namespace(lr=0.1, device=Call(DEVICE, "cuda", 0), path=pathlib.PurePosixPath("/x")),
        "when": datetime.datetime(2026, 1, 2), "took": datetime.timedelta(seconds=3),
        "big": 1 << 100, "negative": -(1 << 70), "long": 1 << 3000, "edge": (1 << 63, -(1 << 63)),
        "set": {1, 2, "x"}, "frozen": frozenset({3, (4, 5)}), "complex": 1 + 2j,
        "default": collections.defaultdict(list, {"a": [1]}), "deque": collections.deque([1, 2]),
        "ordered": collections.OrderedDict(a=1), "size": Call(SIZE, (1, 2)), "dtype": FLOAT32,
        "scalar": scalar, "bytes": b"\0\xff" * 300, "array": bytearray(b"abc"),
        "decimal": decimal.Decimal("0.1"), "uuid": uuid.UUID(int=5), "enum": Color.RED,
        "range": range(3), "slice": slice(1, 2), "error": ValueError("x"), "class": collections.Counter,
        "nested": argparse.ArgumentParser.parse_args, "dots": ..., "none": None,
        "system": Call(os.system, "touch was_run"), 7: "seven", (1, 2): "tuple", "text": "é\n\x1b[31m"}


# ---- running ------------------------------------------------------------------


class Trial:
    def __init__(self, convert, run, data, folder):
        self.convert, self.run, self.folder = convert, run, folder
        self.image = str(data / "image.cfg")
        self.count = self.failed = 0
        source = data / "image.safetensors"
        self.call(source, folder / "want.safetensors", [], None)
        self.want = (folder / "want.safetensors").read_bytes()
        self.weights = read_safetensors(folder / "want.safetensors")

    def call(self, source, target, options, model, **how):
        return subprocess.run([self.convert, "--model", model or self.image, *options, str(source),
                               str(target)], capture_output=True, text=True, timeout=60,
                              cwd=self.folder, **how)

    def fail(self, name, what):
        print(f"{name}: {what}")
        self.failed += 1

    def same(self, name, source, *options, model=None, want=None, told=None, **how):
        """It is read to the same weights."""
        self.count += 1
        target = self.folder / "got.safetensors"
        target.unlink(missing_ok=True)
        done = self.call(source, target, options, model, **how)
        if done.returncode or not target.exists():
            self.fail(name, f"exit status {done.returncode}: {done.stderr.strip()}")
        elif target.read_bytes() != (want or self.want):
            self.fail(name, "other weights")
        elif told and told not in done.stdout:
            self.fail(name, f'expected "{told}" in: {done.stdout}')

    def refused(self, name, says, source, *options, model=None):
        self.count += 1
        done = self.call(source, self.folder / "no.safetensors", options, model)
        if done.returncode != 2 or says not in done.stderr:
            self.fail(name, f'expected status 2 and "{says}", not {done.returncode}: {done.stderr}')
        if (self.folder / "no.safetensors").exists():
            self.fail(name, "it was written")
            (self.folder / "no.safetensors").unlink()


# ---- checkpoints --------------------------------------------------------------


def state_of(weights, prefix="", wrong=0, **how):
    return collections.OrderedDict((prefix + n, tensor([v + wrong for v in x], s, **how))
                                   for n, (s, x) in weights.items())


def checkpoints(t):
    w, pth = t.weights, t.folder / "w.pth"
    good = functools.partial(state_of, w)
    wrong = functools.partial(state_of, w, wrong=1)
    for protocol in (2, 3, 4, 5):
        torch_save(pth, {"state_dict": good(), **everything()}, protocol)
        t.same(f"a checkpoint with everything, protocol {protocol}", pth)
        torch_save(pth, everything() | {"best_model": good()}, protocol)
        t.same(f"a name of one's own, protocol {protocol}", pth)
        legacy_save(pth, {"state_dict": good(), **everything()}, protocol)
        t.same(f"before PyTorch 1.6, protocol {protocol}", pth)
    for name in ("state_dict", "model_state_dict", "model", "module", "net", "network", "params",
                 "weights", "model_state"):
        torch_save(pth, {"best_acc1": tensor([1], ()), name: good(), f"{name}_ema": wrong()})
        t.same(f"under {name}", pth)
    for name in ("ema", "state_dict_ema", "model_ema", "averaged_model", "swa_model", "ema_state"):
        torch_save(pth, {"model": good(), name: wrong()})
        t.same(f"beside {name}", pth)
        torch_save(pth, {"model": wrong(), name: good()})
        t.same(f"{name} by its key", pth, "--key", name)
        torch_save(pth, {name: good(), "epoch": 1})
        t.refused(f"only {name}", f'there are "{name}", "epoch"', pth)
    torch_save(pth, {"model": {"state_dict": good(), "steps": 3}, "x": tensor([1], (1,))})
    t.same("one in the other", pth)
    torch_save(pth, {"a": {"b": {"state_dict": good()}, "c": wrong()}, "model": wrong()})
    t.same("a key of two names", pth, "--key", "a.b")
    t.same("a key of all names", pth, "--key", "a.b.state_dict")
    torch_save(pth, {"model": wrong(), "a.b": good()})
    t.same("a name with a point", pth, "--key", "a.b")
    torch_save(pth, {"state_dict": good("ema_model.module.") | wrong("model.")})
    t.same("names in one state dict", pth, "--key", "state_dict.ema_model")
    t.refused("names in one state dict, which", "could be any of", pth)
    torch_save(pth, {"generator": good(), "optimizer": {"x": tensor([1], (1,))}})
    t.same("the only dictionary with tensors", pth)
    torch_save(pth, {"generator": good(), "discriminator": wrong()})
    t.refused("two dictionaries", 'both "generator" and "discriminator" have weights, and it has to '
              "be said which ones are meant; --key NAME", pth)
    t.same("one of two dictionaries", pth, "--key", "generator")
    shared = good()
    torch_save(pth, {"model": shared, "net": shared})
    t.same("the same under two names", pth)
    torch_save(pth, {"model": good(), "net": wrong()})
    t.refused("two usual names", 'both "model" and "net" have weights', pth)
    torch_save(pth, good() | {"model": wrong()})
    t.refused("at the top and under a name", 'both the top and "model" have weights', pth)
    torch_save(pth, {"model": good(), "\x1b[31m": 1})
    t.refused("an unknown key", 'has no "emma"; there are "model", "?[31m"; --key', pth, "--key", "emma")
    t.refused("a key too many", 'has no "x"; there are "conv1.weight", ', pth, "--key", "model.x")
    torch_save(pth, {"model": good() | {"note": {"y": 1}}})
    t.refused("a key without weights", "no state dict was found", pth, "--key", "model.note")
    t.refused("a key of a tensor", "is no dictionary of tensors", pth, "--key", "model.conv1.weight")
    torch_save(pth, {"model": Call(NET, state={"x": 1}), "epoch": 1})
    t.refused("a whole model", "an object of __main__.Net, not a state dict of tensors, and nothing was run", pth)
    if (t.folder / "was_run").exists():
        t.fail("a checkpoint", "it was run")


def in_state_dicts(t):
    w, pth = t.weights, t.folder / "w.pth"
    for kind in ("Float", "Double", "Half", "BFloat16"):
        exact = {n: (s, [float(round(v * 4)) / 4 for v in x]) for n, (s, x) in w.items()}
        write_safetensors(t.folder / "exact.safetensors", exact, "none")
        t.call(t.folder / "exact.safetensors", t.folder / "exact.out.safetensors", [], None)
        want = (t.folder / "exact.out.safetensors").read_bytes()
        for big in (False, True):
            torch_save(pth, state_of(exact, kind=kind, big=big), big=big)
            t.same(f"{kind}, big-endian {big}", pth, want=want)
            legacy_save(pth, state_of(exact, kind=kind, big=big), big=big)
            t.same(f"{kind}, before PyTorch 1.6, big-endian {big}", pth, want=want)
    for kind in ("Long", "Float", "Half", "BFloat16", "Bool"):
        torch_save(pth, state_of(w, "module.") | {"module.norm1.num_batches_tracked":
                                                  tensor([1], (), kind=kind)})
        t.same(f"num_batches_tracked as {kind}", pth)
    odd = {"norm1.mask": tensor([True, False], (2,), "Bool"), "pe.ids": tensor([1, 2], (1, 2), "Long"),
           "freqs": tensor([1, 2], (2,), "ComplexFloat"), "rope.f": tensor([1], (1,), "ComplexFloat"),
           "fp8.w": tensor(b"\1\2", (2,), "Untyped", 3, extra=(FLOAT8,)),
           "u.w": tensor(b"\1\2", (1,), "Untyped", 3, extra=(UINT16,)),
           "fc1.packed": Call(QTENSOR, Storage("QInt8", [1, 2]), 0, (2,), (1,), ("x", 1.0, 0), False,
                              collections.OrderedDict()),
           "fc1._extra_state": Call(SIZE, (1,)), "version": 3, "fc1.names": ["a"]}
    torch_save(pth, state_of(w) | odd)
    t.same("buffers that are no weights", pth, told="<- rope.f")
    t.same("buffers that are dropped", pth, *(f"--map={n}=" for n in
                                              ("freqs", "rope", "fp8", "fc1.packed", "norm1.mask")))
    torch_save(pth, state_of(w) | {"a": Call(SIZE, (1,)), "scale": tensor([1], (1,)), "mean.value": tensor([1], (1,))})
    t.refused("a tensor too many", 'has no place for "scale"; scale= leaves it out', pth)
    t.refused("a layer too many", 'has no place for "mean"; mean= leaves it out', pth, "--map=scale=")
    t.same("both dropped", pth, "--map=scale=", "--map=mean.value=")
    for name, value, says in (
            ("fc1.weight", odd["rope.f"], '"fc1.weight" has the type ComplexFloat'),
            ("fc1.weight", tensor(b"\1" * 72, (4, 18), "Untyped", 3, extra=(FLOAT8,)),
             '"fc1.weight" has the type torch.float8_e4m3fn, which is not read: save it as float32'),
            ("fc1.weight", odd["fc1.packed"], "is no dense tensor but made by torch._utils._rebuild_q"),
            ("fc1.weight", tensor([0] * 72, (4, 18), extra=({"neg": True},)), "negated or conjugated"),
            ("fc1.bias", Call(FROM_TYPE, TENSOR[2], ODD_CLASS, (), {}), "is no dense tensor")):
        torch_save(pth, state_of(w) | {name: value})
        t.refused(f"{name}: {says}", says, pth)
    made = {}
    for i, (name, (shape, x)) in enumerate(w.items()):
        plain = tensor(x, shape)
        made[name] = [plain, Call(PARAMETER, plain, True, collections.OrderedDict()),
                      Call(PARAMETER_WITH_STATE, plain, True, collections.OrderedDict(), {"a": 1}),
                      Call(FROM_TYPE, TENSOR[2], PLAIN, plain.parts[1], {"note": 3}),
                      tensor(x, shape, version=1), tensor(x, shape, extra=({},))][i % 6]
    torch_save(pth, made)
    t.same("every way to make a tensor", pth)
    torch_save(pth, state_of(w), more=["constants.pkl", "code/x.py"])
    t.refused("TorchScript", "it is a TorchScript archive of torch.jit.save; save its weights", pth)


def damaged_legacy(t):
    pth = t.folder / "w.pth"
    legacy_save(pth, {"state_dict": Python2(state_of(t.weights)), "epoch": 3})
    t.same("a file of Python 2", pth)
    legacy_save(pth, state_of(t.weights), cut=1)
    t.refused("a cut file", "it is cut; load it with PyTorch and save it again with torch 1.6", pth)
    legacy_save(pth, state_of(t.weights), swap=1 << 62)
    t.refused("a storage of 2^62", "it is cut", pth)
    legacy_save(pth, state_of(t.weights), swap=-1)
    t.refused("a storage of -1", "it is cut", pth)
    legacy_save(pth, state_of(t.weights), keys=["0", "0"])
    t.refused("a storage twice", "its list of storages is not that of its tensors", pth)
    legacy_save(pth, state_of(t.weights), keys=["0"])
    t.refused("a storage that is missing", "has fewer numbers in the file", pth)
    pth.write_bytes(b"\0" * 257 + b"ustar  \0" + b"\0" * 1000)
    t.refused("a tar archive", "it is a tar archive, as PyTorch 0.1 wrote them", pth)


# ---- other formats ------------------------------------------------------------


def other_formats(t):
    w, npz, st = t.weights, t.folder / "w.npz", t.folder / "w.safetensors"
    text, thing = npy("<U3", (2,), b"\0" * 24), npy("|O", (1,), pickle.dumps([1]))
    for kind in ("<f4", ">f4", "<f8", ">f8"):
        write_npz(npz, w, kind, labels=text, info=thing)
        t.same(f"npz of {kind} with text and objects", npz)
    write_npz(npz, w, labels=text, **{"extra.info": thing, "conv1.note": text})
    t.same("npz with text in layers", npz, told="which is no number")
    t.same("npz whose text is dropped", npz, "--map=labels=", "--map=extra=", "--map=conv1.note=")
    layers = list(dict.fromkeys(n.split(".")[0] for n in w))
    by_layer = sorted(w, key=lambda n: layers.index(n.split(".")[0]))
    plain = {f"arr_{i}": w[n] for i, n in enumerate(by_layer)}
    write_npz(npz, plain, labels=text)
    t.same("npz without names and with text", npz)
    write_npz(npz, {n: v for n, v in w.items() if n != "fc1.bias"}, **{"fc1.bias": text})
    t.refused("npz with text where weights belong", '"fc1.bias" has the type <U3, which is no number',
              npz)
    fp8 = {"fp8.weight": ("F8_E4M3", (3,), b"\0\1\2"), "fp4": ("F4", (4,), b"\0\1")}
    for ahead in (b"", b"\1", b"\1\2\3"):
        for metadata in (None, "none", {"format": "pt"}):
            write_safetensors(st, w, metadata, ahead, **fp8)
            t.same(f"safetensors, {len(ahead)} bytes ahead, metadata {metadata}", st)
    t.same("safetensors whose odd types are dropped", st, "--map=fp8=", "--map=fp4=")
    few = {n: v for n, v in w.items() if n != "out.weight"}
    write_safetensors(st, few, **{"out.weight": ("F8_E5M2", (3, 4), b"\0" * 12)})
    t.refused("safetensors of fp8", '"out.weight" has the type F8_E5M2, which is not read: save', st)
    for form, write in (("npz", write_npz), ("safetensors", write_safetensors)):
        path = t.folder / f"w.{form}"
        both = {f"ema.{n}": v for n, v in w.items()} | {f"model.{n}": (s, [v + 1 for v in x])
                                                        for n, (s, x) in w.items()}
        write(path, both)
        t.same(f"{form} by a key", path, "--key", "ema")
        t.refused(f"{form} by an unknown key", 'has nothing under "emma"; its names begin with "ema", '
                  '"model"', path, "--key", "emma")


# ---- transposed matrices and sums ---------------------------------------------


def turned(entry):
    (rows, columns), x = entry
    return ([columns, rows], [x[r * columns + c] for c in range(columns) for r in range(rows)])


def numbered(shape, begin):
    count = 1
    for size in shape:
        count *= size
    return (list(shape), [float(begin + i) for i in range(count)])


MODEL = """name = "m"; input = [1, 6, 5]; layers = ( %s );
loss = "cross_entropy"; train = { epochs = 1; batch = 50; optimizer = { type = "sgd"; lr = 0.1; }; };
"""
GRU = """{ type = "rows"; }, { type = "gru"; name = "gru"; units = 4; },
{ type = "linear"; name = "out"; units = 3; }"""


def gru_weights():
    shapes = {"gru.weight_ih_l0": (12, 5), "gru.weight_hh_l0": (12, 4), "gru.bias_ih_l0": (12,),
              "gru.bias_hh_l0": (12,), "out.weight": (3, 4), "out.bias": (3,)}
    return {n: numbered(s, 100 * i) for i, (n, s) in enumerate(shapes.items())}


def matrices(t):
    cfg, npz, st = t.folder / "m.cfg", t.folder / "m.npz", t.folder / "m.safetensors"
    cfg.write_text(MODEL % GRU)
    weights = gru_weights()
    write_safetensors(st, weights, "none")
    t.call(st, t.folder / "gru.safetensors", [], str(cfg))
    want = (t.folder / "gru.safetensors").read_bytes()
    theirs = {"gru/weight_x/0": turned(weights["gru.weight_ih_l0"]),
              "gru/weight_h/0": turned(weights["gru.weight_hh_l0"]),
              "gru/bias_x/0": weights["gru.bias_ih_l0"], "gru/bias_h/0": weights["gru.bias_hh_l0"],
              "linear/weight": turned(weights["out.weight"]), "linear/bias": weights["out.bias"]}
    names = ["--map=gru/bias_x/0=gru.bias_ih_l0", "--map=gru/bias_h/0=gru.bias_hh_l0"]
    plain = ["--map=gru/weight_x/0=gru.weight_ih_l0", "--map=gru/weight_h/0=gru.weight_hh_l0"]
    marked = [f"{m}^T" for m in plain]
    for path, write in ((npz, write_npz), (st, write_safetensors)):
        write(path, theirs)
        t.same(f"a GRU of [in, out], {path.suffix}", path, *names, *plain, model=str(cfg), want=want,
               told="transposed")
        t.same(f"a GRU told to be transposed, {path.suffix}", path, *names, *marked,
               "--map=linear=out^T", model=str(cfg), want=want)
        t.same(f"^T on the other side, {path.suffix}", path, *names, *marked, "--map=linear^T=out",
               model=str(cfg), want=want)
    renamed = dict(zip(weights, (turned(v) if len(v[0]) == 2 else v for v in weights.values())))
    write_safetensors(st, renamed)
    t.refused("the gates of a transposed GRU", "whether its gates are r z n, as in PyTorch, or z r h",
              st, model=str(cfg))
    t.refused("^T in the layout keras", "is transposed already by the layout keras", st, "--layout",
              "keras", "--map=out=out^T", model=str(cfg))
    t.refused("^T without a matrix", '"out.bias" has no matrix to transpose', st,
              "--map=out.bias=out.bias^T", model=str(cfg))
    squares(t, cfg, st)
    sums(t, cfg, npz)
    images(t, cfg, st)


def squares(t, cfg, st):
    """Which way a square matrix lies is not guessed."""
    cfg.write_text(MODEL % '{ type = "flatten"; }, { type = "linear"; name = "a"; units = 4; },'
                   '{ type = "linear"; name = "b"; units = 4; }, { type = "linear"; name = "c"; units = 3; }')
    w = {"a.weight": numbered((4, 30), 0), "a.bias": numbered((4,), 1), "b.weight": numbered((4, 4), 2),
         "b.bias": numbered((4,), 3), "c.weight": numbered((3, 4), 4), "c.bias": numbered((3,), 5)}
    write_safetensors(st, w)
    t.call(st, t.folder / "square.safetensors", [], str(cfg))
    want = (t.folder / "square.safetensors").read_bytes()
    lying = {n: turned(v) if len(v[0]) == 2 else v for n, v in w.items()}
    write_safetensors(st, lying)
    t.refused("a square matrix", '"b.weight" is square, so its shape does not tell whether it is '
              'transposed as "a.weight" is: say b.weight=b.weight^T', st, model=str(cfg))
    t.same("a square matrix told", st, "--map=b.weight=b.weight^T", model=str(cfg), want=want)
    half = lying | {"b.weight": w["b.weight"]}
    write_safetensors(st, half)
    t.same("a square matrix that is not transposed", st, "--map=a.weight=a.weight^T",
           "--map=c.weight=c.weight^T", model=str(cfg), want=want)
    mixed = lying | {"b.weight": w["b.weight"], "c.weight": w["c.weight"]}
    write_safetensors(st, mixed)
    t.refused("some transposed, some not", "", st, model=str(cfg))
    t.same("one transposed and told", st, "--map=a.weight=a.weight^T", model=str(cfg), want=want)


def sums(t, cfg, npz):
    """Two biases of a framework become our one, where that is the same."""
    for kind, right in (("lstm", True), ("gru", False)):
        units = 16 if kind == "lstm" else 12
        cfg.write_text(MODEL % GRU.replace('"gru"; name', f'"{kind}"; name')
                       .replace("units = 4;", "units = 4; biases = 1;"))
        w = {"gru.weight_ih_l0": numbered((units, 5), 0), "gru.weight_hh_l0": numbered((units, 4), 9),
             "gru.bias_ih_l0": ([units], [float(3 * i + 7) for i in range(units)]),
             "out.weight": numbered((3, 4), 1), "out.bias": numbered((3,), 2)}
        write_npz(npz, w)
        t.call(npz, t.folder / "sum.safetensors", [], str(cfg))
        want = (t.folder / "sum.safetensors").read_bytes()
        parts = {f"gru.b{k}": ([units], [float(i * k + k) for i in range(units)]) for k in (1, 2)}
        parts |= {"gru.b3": ([units], [4.0] * units)}
        del w["gru.bias_ih_l0"]
        write_npz(npz, w | parts)
        told = "--map=gru.b1+gru.b2+gru.b3=gru.bias_ih_l0"
        if right:
            t.same("the sum of three biases", npz, told, model=str(cfg), want=want, told="added up")
        else:
            t.refused("the sum of a GRU's biases", "multiplies only its second bias", npz, told,
                      model=str(cfg))
        t.refused("a sum of what is not there", 'no tensor or layer "gru.b4"', npz,
                  "--map=gru.b1+gru.b4=gru.bias_ih_l0", model=str(cfg))
        t.refused("a sum with itself", "would be added to itself", npz,
                  "--map=gru.b1+gru.b1=gru.bias_ih_l0", model=str(cfg))
        t.refused("a sum of two shapes", "they can't be added", npz,
                  "--map=gru.b1+out.bias=gru.bias_ih_l0", model=str(cfg))


def images(t, cfg, st):
    """A flattened image of several channels may have its numbers in another order too."""
    cfg.write_text(MODEL % '{ type = "conv2d"; name = "conv"; filters = 2; kernel = 3; }, '
                   '{ type = "flatten"; }, { type = "linear"; name = "out"; units = 3; }')
    w = {"conv.weight": numbered((2, 1, 3, 3), 0), "conv.bias": numbered((2,), 1),
         "out.weight": numbered((3, 24), 2), "out.bias": numbered((3,), 3)}
    write_safetensors(st, w)
    t.call(st, t.folder / "flat.safetensors", [], str(cfg))
    want = (t.folder / "flat.safetensors").read_bytes()
    write_safetensors(st, w | {"out.weight": turned(w["out.weight"])})
    t.refused("the columns of a transposed matrix", "channels of pixels, as in PyTorch, or pixels of "
              "channels", st, model=str(cfg))
    t.same("columns told", st, "--map=out.weight=out.weight^T", model=str(cfg), want=want)


# ---- pipes --------------------------------------------------------------------


def feed(path, content):
    """Writes into a FIFO, as another program would."""
    os.mkfifo(path)
    thread = threading.Thread(target=path.write_bytes, args=(content,))
    thread.start()
    return thread


def pipes(t, data):
    forms = {"pytorch": "pytorch/image.pth", "npz": "numpy/image.npz",
             "safetensors": "image.safetensors", "hdf5": "hdf5/image.keras3.h5"}
    for form, name in forms.items():
        content = (data / name).read_bytes()
        fifo = t.folder / f"fifo.{form}"
        thread = feed(fifo, content)
        t.same(f"{form} from a FIFO", fifo, "--from", form)
        thread.join()
        for command in (f"cat '{data / name}' | $C /dev/stdin got.safetensors",
                        f"$C <(cat '{data / name}') got.safetensors",
                        f"cat '{data / name}' | $C /proc/self/fd/0 got.safetensors",
                        f"$C --model <(cat '{t.image}') <(cat '{data / name}') got.safetensors"):
            t.count += 1
            (t.folder / "got.safetensors").unlink(missing_ok=True)
            own = "" if "--model" in command else f"--model '{t.image}'"
            full = command.replace("$C", f"'{t.convert}' {own} --from {form}")
            done = subprocess.run(["bash", "-c", full], cwd=t.folder, capture_output=True, timeout=60)
            got = t.folder / "got.safetensors"
            if done.returncode or got.read_bytes() != t.want:
                t.fail(command, done.stderr.decode() or "other weights")
    run_from_pipes(t)


def write_set(folder):
    """A hundred images, of which nothing is to be learnt, as IDX files."""
    for part in ("train", "t10k"):
        idx.write(folder, part, (100, 28, 28), bytes(i % 10 for i in range(100 * 28 * 28)),
                  bytes(i % 10 for i in range(100)))


def run_from_pipes(t):
    """Programs that read a model, its weights and its classes from one pipe."""
    write_set(t.folder)
    cfg = t.folder / "tiny.cfg"
    cfg.write_text(MODEL.replace("[1, 6, 5]", "[1, 28, 28]") %
                   '{ type = "flatten"; }, { type = "linear"; name = "out"; units = 10; }')
    stroke = bytes(255 * (5 < i // 28 < 23 and 12 < i % 28 < 16) for i in range(28 * 28))
    (t.folder / "one.pgm").write_bytes(b"P5 28 28 255\n" + stroke)
    tiny = {"out.weight": numbered((10, 784), 0), "out.bias": numbered((10,), 0)}
    write_safetensors(t.folder / "half.safetensors", tiny, None,
                      **{"x.num_batches_tracked": ("F16", (), b"\0<")})
    tools = os.path.dirname(t.run)
    base = f"'{t.run}' --quiet --backend cpu --data . --set train.batch=10 "
    for what, command in (
            ("a model", f"{base} --save w.safetensors <(cat tiny.cfg)"),
            ("a model at stdin", f"{base} --save v.safetensors /dev/stdin < <(cat tiny.cfg)"),
            ("the same", "cmp w.safetensors v.safetensors"),
            ("weights", f"cat w.safetensors | {base} --test --load /dev/stdin"),
            ("counts of batches in half", f"{base} --test --load half.safetensors ./tiny.cfg"),
            ("weights and a model", f"{base} --test --load <(cat w.safetensors) <(cat tiny.cfg)"),
            ("weights to predict with", f"'{tools}/digits-predict' <(cat w.safetensors) one.pgm"),
            ("weights and a model to predict with", f"cat w.safetensors | '{tools}/digits-predict' "
             "--model <(cat tiny.cfg) /dev/stdin one.pgm"),
            ("a recipe", f"'{tools}/digits-data' --data . --augment <(cat tiny.cfg) sheet sheet.png"),
            ("a model to measure", f"'{tools}/digits-bench' --backend cpu --measure losses --steps 2 "
             "<(cat tiny.cfg)"),
            ("a model in weights", f"'{t.convert}' --model <(cat w.safetensors) <(cat half.safetensors) "
             "--from safetensors m.safetensors && cp w.safetensors w.bin && "
             f"'{t.convert}' --model ./w.bin half.safetensors n.safetensors && "
             "cmp m.safetensors n.safetensors"),
            ("a writer that takes its time", f"mkfifo slow; {{ exec 3>slow; sleep 6; cat tiny.cfg >&3; }} "
             f"& {base} --save s.safetensors ./slow && cmp s.safetensors v.safetensors"),
            ("an empty pipe", f"! {base} --test --load <(true)")):
        t.count += 1
        done = subprocess.run(["bash", "-c", command], cwd=t.folder, capture_output=True, text=True,
                              timeout=120)
        if done.returncode:
            t.fail(f"{what} through a pipe", f"{done.returncode}: {done.stdout}{done.stderr}")


def main():
    convert, run = (os.path.abspath(p) for p in sys.argv[1:3])
    data = pathlib.Path(sys.argv[3]).absolute()
    with tempfile.TemporaryDirectory() as folder:
        t = Trial(convert, run, data, pathlib.Path(folder))
        for part in (checkpoints, in_state_dicts, damaged_legacy, other_formats, matrices):
            part(t)
        pipes(t, data)
    print(f"{t.count} files, {t.failed} failures")
    return 1 if t.failed else 0


if __name__ == "__main__":
    sys.exit(main())
