#!/usr/bin/env python3
"""The networks of models/ in every form in which PyTorch saves weights: the same answers?

    exchange_table.py DIGITS_CONVERT PREDICT MODELS [MODEL …]       (needs torch, numpy; 77: it has none)

Builds each network in PyTorch from its model file, gives it weights, and saves them in many forms.
Each goes through digits-convert to digits, whose answers for some images must be PyTorch's with the
same, perhaps rounded, weights; or digits-convert must refuse the file and say why. Prints a table,
with each reason once; what is neither is WRONG.
"""
import argparse
import collections
import copy
import functools
import pathlib
import re
import subprocess
import sys
import tempfile
import zipfile

import idx

try:
    import numpy as np
    import torch
    from torch import nn
    from torch.nn.utils import prune
except ImportError as missing:
    print(f"skipped: Python has no {missing.name}; -DDIGITS_TEST_PYTHON names one that has it")
    sys.exit(77)

NETWORKS = ("vanilla", "fcnn", "cnn", "cnn-leaky", "numpy-cnn", "gru", "lstm", "conv1d-gru", "m3", "m5",
            "m7", "residual")
IMAGES, TOLERANCE = 200, 1e-5

# ---- networks -----------------------------------------------------------------


def parse(text):
    """The layers of a model file, and the mean and deviation of its data."""
    text = re.sub(r"#.*", "", text)
    body = re.search(r"layers = \((.*?)\n\);", text, re.S).group(1)
    layers = []
    for group in re.findall(r"\{(.*?)\}", body, re.S):
        found = re.findall(r'(\w+) = (\[[^]]*\]|"[^"]*"|[^;]+);', group)
        layers.append({k: eval(v, {"true": True, "false": False}) for k, v in found})
    def number(key, default):
        found = re.search(rf"data = .*?\b{key} = ([\d.]+);", text)
        return float(found.group(1)) if found else default
    return layers, number("mean", 0.0), number("std", 1.0)


class ResetBefore(nn.Module):
    """A GRU that resets the state before its product, one bias a gate, with hard sigmoids."""

    def __init__(self, inputs, units):
        super().__init__()
        self.units = units
        self.weight_ih_l0 = nn.Parameter(torch.empty(3 * units, inputs))
        self.weight_hh_l0 = nn.Parameter(torch.empty(3 * units, units))
        self.bias_ih_l0 = nn.Parameter(torch.empty(3 * units))
        for p in self.parameters():
            nn.init.uniform_(p, -0.3, 0.3)

    def forward(self, x):
        h, states = x.new_zeros(len(x), self.units), []
        u_r, u_z, u_n = self.weight_hh_l0.chunk(3)
        for step in x.unbind(1):
            r, z, n = (step @ self.weight_ih_l0.T + self.bias_ih_l0).chunk(3, 1)
            r = torch.clamp(0.2 * (r + h @ u_r.T) + 0.5, 0, 1)
            z = torch.clamp(0.2 * (z + h @ u_z.T) + 0.5, 0, 1)
            h = (1 - z) * torch.tanh(n + (r * h) @ u_n.T) + z * h
            states.append(h)
        return torch.stack(states, 1), None


def make_module(layer, shape):
    """The module of a layer that has weights, or None."""
    kind, n = layer["type"], shape[1]
    if kind == "conv2d":
        return nn.Conv2d(n, layer["filters"], layer["kernel"], layer.get("stride", 1),
                         layer.get("padding", 0), bias=layer.get("bias", True))
    if kind == "conv1d":
        return nn.Conv1d(shape[2], layer["filters"], layer["kernel"])
    if kind == "linear":
        return nn.Linear(n, layer["units"], bias=layer.get("bias", True))
    if kind == "batch_norm":
        return (nn.BatchNorm2d if len(shape) == 4 else nn.BatchNorm1d)(n)
    if kind == "gru" and layer.get("reset") == "before":
        return ResetBefore(shape[2], layer["units"])
    if kind in ("gru", "lstm"):
        return getattr(nn, kind.upper())(shape[2], layer["units"], batch_first=True)
    return None


class Network(nn.Module):
    def __init__(self, text):
        super().__init__()
        self.layers, self.mean, self.std = parse(text)
        with torch.no_grad():
            self.run(torch.zeros(2, 1, 28, 28), build=True)
            for name, value in self.state_dict().items():
                if name.endswith("running_mean"):
                    value.uniform_(-0.1, 0.1)
                elif name.endswith("running_var"):
                    value.uniform_(0.5, 1.5)

    def apply_layer(self, layer, x, saved):
        kind, module = layer["type"], self._modules.get(layer.get("name"))
        if kind in ("gru", "lstm"):
            states = module(x)[0]
            return states if layer.get("output") == "sequence" else states[:, -1]
        if kind == "conv1d":
            return module(x.transpose(1, 2)).transpose(1, 2)
        if module is not None:
            return module(x)
        if kind == "flatten":
            return (x.permute(0, 2, 3, 1) if layer.get("order") == "hwc" else x).flatten(1)
        plain = {"relu": torch.relu, "leaky_relu": functools.partial(nn.functional.leaky_relu),
                 "maxpool2d": lambda v: torch.max_pool2d(v, layer["kernel"]),
                 "maxpool1d": lambda v: torch.max_pool1d(v.transpose(1, 2), layer["kernel"]).transpose(1, 2),
                 "rows": lambda v: v.squeeze(1), "dropout": lambda v: v,
                 "global_avgpool": lambda v: v.mean((2, 3)),
                 "add": lambda v: sum(saved[n] for n in layer["inputs"])}
        return plain[kind](x)

    def run(self, x, build=False):
        x, saved = (x - self.mean) / self.std, {}
        for layer in self.layers:
            x = saved[layer["input"]] if "input" in layer else x
            if build:
                module = make_module(layer, x.shape)
                if module is not None:
                    self.add_module(layer["name"], module)
            x = saved[layer.get("name")] = self.apply_layer(layer, x, saved)
        return x

    forward = run


# ---- forms --------------------------------------------------------------------


def big_endian(network, path):
    """What a big-endian machine writes: every storage is swapped."""
    plain = path.with_suffix(".little")
    torch.save(network.state_dict(), plain)
    sizes = [v.element_size() for v in network.state_dict().values()]
    with zipfile.ZipFile(plain) as z, zipfile.ZipFile(path, "w") as out:
        for name in z.namelist():
            content, storage = z.read(name), re.search(r"/data/(\d+)$", name)
            if storage:
                size = sizes[int(storage.group(1))]
                content = np.frombuffer(content, f"<u{size}").astype(f">u{size}").tobytes()
            out.writestr(name, b"big" if name.endswith("byteorder") else content)


def trained_state(network):
    """Optimizer and schedulers after a step."""
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    schedulers = [torch.optim.lr_scheduler.MultiStepLR(optimizer, [1, 5]),
                  torch.optim.lr_scheduler.LambdaLR(optimizer, lambda epoch: 0.9),
                  torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 10)]
    before = {k: v.clone() for k, v in network.state_dict().items()}
    network(torch.rand(4, 1, 28, 28)).square().sum().backward()
    optimizer.step()
    network.load_state_dict(before)
    return {"optimizer": optimizer.state_dict(), "schedulers": [s.state_dict() for s in schedulers],
            "scheduler": schedulers[0], "grads": [p.grad for p in network.parameters()]}


def checkpoint(network, path):
    torch.save({"state_dict": network.state_dict(), "best_acc1": torch.tensor(97.5), "epoch": 3,
                "args": argparse.Namespace(lr=0.1, device=torch.device("cpu"), where=path),
                "rng": torch.get_rng_state(), "dtype": torch.float32, "size": torch.Size([1, 2]),
                "loss": np.float64(0.5), "seen": {1, 2}, "counts": collections.Counter("abc"),
                **trained_state(network)}, path)


def lightning(network, path):
    torch.save({"epoch": 1, "global_step": 10, "pytorch-lightning_version": "2.2.0",
                "state_dict": {f"model.{k}": v for k, v in network.state_dict().items()},
                "loops": {"fit_loop": {"state_dict": {}, "epoch_progress": {"current": {"ready": 1}}}},
                "callbacks": {"ModelCheckpoint{'mode': 'min'}": {"best_model_score": torch.tensor(0.1),
                                                                 "dirpath": pathlib.Path("/x")}},
                "optimizer_states": [trained_state(network)["optimizer"]], "lr_schedulers": [],
                "hparams_name": "kwargs", "hyper_parameters": argparse.Namespace(lr=0.1)}, path)


def averaged(network, path):
    """The weights are the averaged ones; those of the last step are others."""
    average = torch.optim.swa_utils.AveragedModel(network)
    last = {k: v + 1 for k, v in network.state_dict().items()}
    torch.save({"model": last, "model_ema": average.state_dict()}, path)


def renamed(network, path):
    names = {}
    torch.save({f"net.{names.setdefault(k.rsplit('.', 1)[0], len(names))}.{k.rsplit('.', 1)[1]}": v
                for k, v in network.state_dict().items()}, path)


def save(change, **how):
    return lambda network, path: torch.save(change(network), path, **how)


def cast(kind):
    return save(lambda n: {k: v.to(kind) for k, v in n.state_dict().items()})


def wrapped(make):
    return save(lambda n: make(n).state_dict())


def transposed(network, path):
    torch.save({k: v.T.contiguous() if v.dim() == 2 else v for k, v in network.state_dict().items()},
               path)


def channels_last(value):
    return value.contiguous(memory_format=torch.channels_last) if value.dim() == 4 else value


def one_storage(network):
    """Every parameter is a view of one vector, as some optimizers make them."""
    state, at = network.state_dict(), 0
    whole = torch.cat([v.flatten().float() for v in state.values()])
    for name, value in state.items():
        state[name] = whole[at:at + value.numel()].view(value.shape)
        at += value.numel()
    return state


def with_weight_norm(network):
    network = copy.deepcopy(network)
    for module in list(network.children()):
        if isinstance(module, (nn.Linear, nn.Conv2d)):
            nn.utils.parametrizations.weight_norm(module)
    return network.state_dict()


def pruned(network):
    network = copy.deepcopy(network)
    prune.l1_unstructured(last(network), "weight", 0.5)
    return network.state_dict()


def last(network):
    return [m for m in network.children() if isinstance(m, nn.Linear)][-1]


def quantized(network):
    state = network.state_dict()
    name = next(n for n, m in network.named_children() if m is last(network))
    value = state[f"{name}.weight"]
    return state | {f"{name}.weight": torch.quantize_per_tensor(value, 0.01, 0, torch.qint8)}


def negated(network):
    """A tensor whose numbers are stored with the other sign."""
    state = network.state_dict()
    name = next(iter(state))
    return state | {name: torch.complex(state[name], -state[name]).conj().imag}


def with_head(network):
    return network.state_dict() | {"head.weight": torch.zeros(3, 7)}


def without_last(network):
    state = network.state_dict()
    del state[list(state)[0]]
    return state


def script(network, path):
    torch.jit.save(torch.jit.script(nn.Linear(2, 2)), path)


def complex_weights(network, path):
    state = network.state_dict()
    name = next(iter(state))
    torch.save(state | {name: state[name].to(torch.complex64)}, path)


SAME, ERROR, EITHER = "same", "error", "same or error"
FORMS = {
    "plain": (save(lambda n: n.state_dict()), SAME),
    "parameters": (save(lambda n: dict(n.named_parameters()) | dict(n.named_buffers())), SAME),
    "protocol 4": (save(lambda n: n.state_dict(), pickle_protocol=4), SAME),
    "before 1.6": (save(lambda n: n.state_dict(), _use_new_zipfile_serialization=False), SAME),
    "DataParallel": (wrapped(nn.DataParallel), SAME),
    "compiled": (wrapped(torch.compile), SAME),
    "both": (wrapped(lambda n: nn.DataParallel(torch.compile(n))), SAME),
    "Lightning": (lightning, SAME),
    "checkpoint": (checkpoint, SAME),
    "averaged, --key": (averaged, SAME),
    "other names": (renamed, SAME),
    "big-endian": (big_endian, SAME),
    "double": (cast(torch.float64), SAME),
    "half": (cast(torch.float16), SAME),
    "bf16": (cast(torch.bfloat16), SAME),
    "channels last": (save(lambda n: {k: channels_last(v) for k, v in n.state_dict().items()}), SAME),
    "one storage": (save(one_storage), SAME),
    "fp8": (cast(torch.float8_e4m3fn), ERROR),
    "quantized": (save(quantized), ERROR),
    "negated": (save(negated), ERROR),
    "weight norm": (save(with_weight_norm), ERROR),
    "pruned": (save(pruned), ERROR),
    "numpy arrays": (save(lambda n: {k: v.numpy() for k, v in n.state_dict().items()}), ERROR),
    "a list": (save(lambda n: list(n.state_dict().values())), ERROR),
    "two networks": (save(lambda n: {"model": n.state_dict(), "net": n.state_dict()}), ERROR),
    "one layer more": (save(with_head), ERROR),
    "one tensor less": (save(without_last), ERROR),
    "complex": (complex_weights, ERROR),
    "transposed": (transposed, EITHER),
    "whole model": (save(lambda n: n), ERROR),
    "TorchScript": (script, ERROR),
    "other network": (save(lambda n: nn.Linear(3, 4).state_dict()), ERROR),
}

# ---- trying -------------------------------------------------------------------


def write_set(folder):
    """A small data set of random images."""
    rng = np.random.default_rng(1)
    for part, count in (("train", 100), ("t10k", IMAGES)):
        images = rng.integers(0, 256, (count, 28, 28), np.uint8) * (rng.random((count, 28, 28)) < 0.3)
        labels = np.arange(count, dtype=np.uint8) % 10
        idx.write(folder, part, images.shape, images.astype(np.uint8).tobytes(), labels.tobytes())
    return torch.from_numpy(images.astype(np.float32) / 255).unsqueeze(1)


ROUNDED = {"half": torch.float16, "bf16": torch.bfloat16}


def rounded(network, form):
    if form not in ROUNDED:
        return network
    network = copy.deepcopy(network)
    network.load_state_dict({k: v.to(ROUNDED[form]).to(v.dtype)
                             for k, v in network.state_dict().items()})
    return network


class Table:
    def __init__(self, convert, predict, folder):
        self.convert, self.predict, self.folder = convert, predict, folder
        self.tests, self.answers, self.reasons = write_set(folder), {}, {}

    def digits(self, model, weights):
        """digits' answers, once for the same bytes."""
        content = (model, weights.read_bytes())
        if content not in self.answers:
            out = self.folder / "logits"
            subprocess.run([self.predict, "cpu", model, weights, self.folder, out], check=True)
            self.answers[content] = np.fromfile(out, np.float32).reshape(IMAGES, -1)
        return self.answers[content]

    def try_one(self, network, model, form):
        write, expected = FORMS[form]
        path, target = self.folder / "w.pth", self.folder / "w.safetensors"
        target.unlink(missing_ok=True)
        write(network, path)
        key = ["--key", "model_ema"] if "--key" in form else []
        done = subprocess.run([self.convert, "--quiet", "--model", model, *key, path, target],
                              capture_output=True, text=True)
        if done.returncode:
            named = done.returncode == 2 and str(path) in done.stderr
            reason = done.stderr.strip().replace(str(path), "FILE")
            self.reasons.setdefault(form, reason)
            return "error" if named and expected in (ERROR, EITHER) else f"WRONG: {reason}"
        with torch.no_grad():
            theirs = rounded(network, form)(self.tests).numpy()
        apart = np.abs(theirs - self.digits(model, target)).max() / np.abs(theirs).max()
        right = apart <= TOLERANCE and expected in (SAME, EITHER)
        return "same" if right else f"WRONG by {apart:.1e}"


def main():
    convert, predict, models = sys.argv[1:4]
    chosen, wrong = sys.argv[4:] or NETWORKS, 0
    torch.set_num_threads(2)
    with tempfile.TemporaryDirectory() as folder:
        table = Table(convert, predict, pathlib.Path(folder))
        for name in chosen:
            torch.manual_seed(1)
            model = f"{models}/{name}.cfg"
            network = Network(pathlib.Path(model).read_text()).eval()
            for form in FORMS:
                result = table.try_one(network, model, form)
                wrong += "WRONG" in result
                print(f"{name:12} {form:16} {result}", flush=True)
            table.answers.clear()
    for form, reason in table.reasons.items():
        print(f"{form}: {reason}")
    print(f"{len(chosen)} networks in {len(FORMS)} forms, {wrong} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
