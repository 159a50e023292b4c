#!/usr/bin/env python3
"""Records what PyTorch computes for the networks of the zoo, for tests/network/test_networks.c.

    python3 tests/network/record_networks.py       (needs torch and numpy)

writes tests/network/data/NETWORK.json: logits, loss and gradients of one small batch, and the parameters
and states after three steps of each optimizer, with the logits of a test then, all in double
precision. Inputs, labels and initial parameters come from a formula that C repeats exactly, so they
are not stored. Dropout is left out. Of a large tensor sums and a few elements are stored, see
`summary`.
"""
import json
import math
import pathlib
import re

import numpy as np
import torch
from torch import nn

STEPS = 3
SAMPLES = 16
INPUTS, LABELS = 1000, 2000  # tensor numbers; parameters count from 0, the step is added


def uniform(tensor, count):
    """Numbers k * 2^-24 in [0, 1): number i of tensor t is a hash of i + 0x9e3779b9 * (t + 1)."""
    x = np.arange(count, dtype=np.uint64) + 0x9E3779B9 * (tensor + 1)
    x &= 0xFFFFFFFF
    for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B)):
        x ^= x >> np.uint64(shift)
        x = x * np.uint64(factor) & np.uint64(0xFFFFFFFF)
    x ^= x >> np.uint64(16)
    return (x >> np.uint64(8)).astype(np.float64) * 2.0**-24


def batch_of(step, size):
    images = uniform(INPUTS + step, size * 784).reshape(size, 1, 28, 28)
    labels = (uniform(LABELS + step, size) * 10).astype(np.int64)
    return torch.from_numpy(images), torch.from_numpy(labels)


class Network(nn.Module):
    """Layers by name in the order of the forward pass; None: a layer without a name."""

    def __init__(self, *layers):
        super().__init__()
        self.order = [layer for _, layer in layers]
        for name, layer in layers:
            if name:
                self.add_module(name, layer)

    def forward(self, x):
        for layer in self.order:
            x = layer(x)
        return x


class Rows(nn.Module):
    """An image [n, 1, height, width] as a sequence of its rows."""

    def forward(self, x):
        return x.squeeze(1)


class Gru(nn.GRU):
    """The last state alone."""

    def forward(self, x):
        return super().forward(x)[0][:, -1]


class Lstm(nn.LSTM):
    """The last state alone."""

    def forward(self, x):
        return super().forward(x)[0][:, -1]


class FlattenHwc(nn.Module):
    def forward(self, x):
        return x.permute(0, 2, 3, 1).flatten(1)


def fcnn():
    return Network((None, nn.Flatten()), ("fc1", nn.Linear(784, 512)), (None, nn.ReLU()),
                   ("fc2", nn.Linear(512, 256)), (None, nn.ReLU()), ("out", nn.Linear(256, 10)))


def cnn():
    return Network(("conv1", nn.Conv2d(1, 16, 3, padding=1)), (None, nn.ReLU()),
                   (None, nn.MaxPool2d(2)), ("conv2", nn.Conv2d(16, 32, 3, padding=1)),
                   (None, nn.ReLU()), (None, nn.MaxPool2d(2)), (None, nn.Flatten()),
                   ("fc1", nn.Linear(1568, 128)), (None, nn.ReLU()),
                   ("fc2", nn.Linear(128, 64)), (None, nn.ReLU()), ("out", nn.Linear(64, 10)))


def cnn_leaky():
    return Network(("conv1", nn.Conv2d(1, 32, 5, padding=2)), (None, nn.LeakyReLU()),
                   (None, nn.MaxPool2d(2)), ("conv2", nn.Conv2d(32, 32, 5, padding=2)),
                   (None, nn.LeakyReLU()), (None, nn.MaxPool2d(2)), (None, nn.Flatten()),
                   ("linear1", nn.Linear(1568, 512)), (None, nn.LeakyReLU()),
                   ("linear2", nn.Linear(512, 10)), (None, nn.LeakyReLU()))


def numpy_cnn():
    return Network(("conv", nn.Conv2d(1, 28, 3)), (None, nn.ReLU()), (None, nn.MaxPool2d(2)),
                   (None, nn.Flatten()), ("fc1", nn.Linear(4732, 128)), (None, nn.ReLU()),
                   ("fc2", nn.Linear(128, 10)))


def vanilla():
    return Network((None, nn.Flatten()), ("fc1", nn.Linear(784, 100)), (None, nn.ReLU()),
                   ("out", nn.Linear(100, 10)))


def normalized(kernel, channels):
    """M3, M5 and M7 of arXiv:2008.10400: convolutions without pooling, each batch-normalized."""
    layers, before, size = [], 1, 28
    for number, filters in enumerate(channels, 1):
        layers += [(f"conv{number}", nn.Conv2d(before, filters, kernel, bias=False)),
                   (f"norm{number}", nn.BatchNorm2d(filters)), (None, nn.ReLU())]
        before, size = filters, size - kernel + 1
    return Network(*layers, (None, FlattenHwc()),
                   ("fc", nn.Linear(before * size * size, 10, bias=False)),
                   ("fc_norm", nn.BatchNorm1d(10)))


def m3():
    return normalized(3, range(32, 177, 16))


def m5():
    return normalized(5, range(32, 161, 32))


def m7():
    return normalized(7, range(48, 193, 48))


class ResettingGru(nn.Module):
    """A GRU with one bias a gate that resets the state before its product; hard sigmoid gates."""

    def __init__(self, inputs, units, sequence):
        super().__init__()
        self.units, self.sequence = units, sequence
        self.weight_ih_l0 = nn.Parameter(torch.empty(3 * units, inputs))
        self.weight_hh_l0 = nn.Parameter(torch.empty(3 * units, units))
        self.bias_ih_l0 = nn.Parameter(torch.empty(3 * units))

    def gate(self, x):
        return torch.clamp(0.2 * x + 0.5, 0, 1)

    def forward(self, x):
        h, states = x.new_zeros(len(x), self.units), []
        u_r, u_z, u_n = self.weight_hh_l0.chunk(3)
        for step in x.unbind(1):
            r, z, n = (step @ self.weight_ih_l0.T + self.bias_ih_l0).chunk(3, 1)
            r, z = self.gate(r + h @ u_r.T), self.gate(z + h @ u_z.T)
            h = (1 - z) * torch.tanh(n + (r * h) @ u_n.T) + z * h
            states.append(h)
        return torch.stack(states, 1) if self.sequence else h


class AlongSteps(nn.Module):
    """PyTorch's convolutions read [n, features, steps], ours [n, steps, features]."""

    def forward(self, x):
        return x.transpose(1, 2)


def conv1d_gru():
    return Network((None, Rows()), (None, AlongSteps()), ("conv1", nn.Conv1d(28, 32, 3)),
                   (None, nn.ReLU()), ("conv2", nn.Conv1d(32, 32, 3)), (None, nn.ReLU()),
                   (None, nn.MaxPool1d(2)), (None, AlongSteps()),
                   ("gru1", ResettingGru(32, 64, True)), ("gru2", ResettingGru(64, 16, False)),
                   ("out", nn.Linear(16, 10)))


def gru():
    return Network((None, Rows()), ("rnn", Gru(28, 128, batch_first=True)),
                   ("out", nn.Linear(128, 10)))


def lstm():
    return Network((None, Rows()), ("rnn", Lstm(28, 128, batch_first=True)),
                   ("out", nn.Linear(128, 10)))


def resize():
    """Transposed, dilated and grouped convolutions, padding and bilinear upsampling."""
    return Network((None, nn.ReflectionPad2d((2, 1, 1, 2))), ("c1", nn.Conv2d(1, 4, 3, stride=2)),
                   ("t1", nn.ConvTranspose2d(4, 6, 3, stride=2, padding=1, output_padding=1,
                                             groups=2)), (None, nn.Tanh()),
                   (None, nn.AvgPool2d(3)), (None, nn.Upsample(scale_factor=2, mode="bilinear")),
                   ("t2", nn.ConvTranspose2d(6, 1, (2, 3), dilation=(1, 2))), (None, Rows()),
                   (None, AlongSteps()), (None, nn.ConstantPad1d((4, 0), 0)),
                   ("c2", nn.Conv1d(24, 24, 3, groups=24, dilation=2)), (None, nn.Tanh()),
                   ("t3", nn.ConvTranspose1d(24, 8, 4, stride=2, padding=1, groups=2)),
                   (None, nn.ReplicationPad1d((1, 2))),
                   ("c3", nn.Conv1d(8, 6, 3, groups=2, dilation=3, padding="same")),
                   (None, AlongSteps()), (None, nn.Flatten()), ("out", nn.Linear(270, 10)))


ADAM = {"type": "adam", "lr": 1e-3}
SGD = {"type": "sgd", "lr": 0.001, "momentum": 0.9}
ADADELTA = {"type": "adadelta", "lr": 1.0, "rho": 0.9, "eps": 1e-8}
NETWORKS = {
    "fcnn": (fcnn, 5, "cross_entropy", [ADAM]),
    "cnn": (cnn, 5, "cross_entropy", [ADAM]),
    "cnn-leaky": (cnn_leaky, 3, "mse", [ADADELTA]),
    "conv1d-gru": (conv1d_gru, 5, "cross_entropy", [ADAM]),
    "gru": (gru, 5, "cross_entropy", [ADAM | {"clip_norm": 0.5}, ADADELTA]),
    "lstm": (lstm, 5, "cross_entropy", [ADAM | {"clip_norm": 0.5}]),
    "m3": (m3, 4, "cross_entropy", [SGD]),
    "m5": (m5, 4, "cross_entropy", [SGD]),
    "m7": (m7, 4, "cross_entropy", [SGD]),
    "numpy-cnn": (numpy_cnn, 3, "cross_entropy", [ADAM]),
    "resize": (resize, 4, "cross_entropy", [SGD]),
    "vanilla": (vanilla, 5, "cross_entropy", [
        {"type": "sgd", "lr": 0.3},
        {"type": "sgd", "lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01},
        {"type": "adam", "lr": 1e-3, "weight_decay": 0.1},
        {"type": "adamw", "lr": 1e-3, "weight_decay": 0.1},
        {"type": "sgd", "lr": 0.3, "clip_norm": 0.25},
        {"type": "rmsprop", "lr": 1e-3, "weight_decay": 0.01},
        {"type": "rmsprop", "lr": 1e-3, "alpha": 0.9, "eps": 1e-6, "momentum": 0.5,
         "centered": True},
    ]),
}


def scale_of(parameter):
    """The power of two nearest to PyTorch's own initial range, 1 / sqrt(fan_in)."""
    fan_in = parameter[0].numel() if parameter.dim() > 1 else 256
    return 2.0 ** -round(math.log2(fan_in) / 2)


def centre_of(name):
    """The weight of a norm lies around 1, all others around 0."""
    return float("norm" in name and name.endswith(".weight"))


def away_of(name):
    """The bias of a norm lies around -2.5 and 2.5, so that hardly any number lies near 0, where a
    ReLU bends and rounding decides about a gradient."""
    return 2.5 if "norm" in name and name.endswith(".bias") else 0.0


def initialize(network):
    network.double()
    for number, (name, parameter) in enumerate(network.named_parameters()):
        values = scale_of(parameter) * (2 * uniform(number, parameter.numel()) - 1)
        values += centre_of(name) + away_of(name) * np.where(values < 0, -1, 1)
        values = values.astype(np.float32).astype(np.float64)
        parameter.data = torch.from_numpy(values).reshape(parameter.shape)


def loss_of(kind, logits, labels):
    if kind == "mse":
        targets = nn.functional.one_hot(labels, logits.shape[1]).to(logits.dtype)
        return nn.functional.mse_loss(logits, targets)
    return nn.functional.cross_entropy(logits, labels)


def optimizer_of(recipe, parameters):
    options = {k: v for k, v in recipe.items() if k not in ("type", "clip_norm")}
    kinds = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam, "adamw": torch.optim.AdamW,
             "adadelta": torch.optim.Adadelta, "rmsprop": torch.optim.RMSprop}
    return kinds[recipe["type"]](parameters, **options)


def summary(tensor):
    """Sums of the elements, of their sizes and squares, the largest size, and some elements:
    number (2 k + 1) * count / (2 * SAMPLES), rounded down, for each k."""
    x = tensor.detach().numpy().ravel()
    places = [(2 * k + 1) * x.size // (2 * SAMPLES) for k in range(SAMPLES)]
    return {"sum": x.sum(), "abs": np.abs(x).sum(), "squares": (x * x).sum(),
            "max": np.abs(x).max(), "samples": [x[i] for i in places]}


def gradients_of(make, size, loss_kind):
    network = make()
    initialize(network)
    images, labels = batch_of(0, size)
    logits = network(images)
    loss = loss_of(loss_kind, logits, labels)
    loss.backward()
    parameters = [{"name": name, "shape": list(p.shape), "scale": scale_of(p),
                   "centre": centre_of(name), "away": away_of(name), "gradient": summary(p.grad)}
                  for name, p in network.named_parameters()]
    return {"batch": size, "loss_kind": loss_kind, "logits": logits.flatten().tolist(),
            "loss": loss.item(), "parameters": parameters}


def run_of(make, size, loss_kind, recipe):
    network = make()
    initialize(network)
    optimizer = optimizer_of(recipe, network.parameters())
    losses = []
    for step in range(STEPS):
        images, labels = batch_of(step, size)
        optimizer.zero_grad()
        loss = loss_of(loss_kind, network(images), labels)
        loss.backward()
        if "clip_norm" in recipe:
            nn.utils.clip_grad_norm_(network.parameters(), recipe["clip_norm"])
        optimizer.step()
        losses.append(loss.item())
    network.eval()
    states = [(name, x) for name, x in network.named_buffers() if x.dim() > 0]
    return {"optimizer": recipe, "losses": losses,
            "tested": network(batch_of(0, size)[0]).flatten().tolist(),
            "parameters": {name: summary(p) for name, p in [*network.named_parameters(), *states]}}


def main():
    folder = pathlib.Path(__file__).parent / "data"
    folder.mkdir(exist_ok=True)
    for name, (make, size, loss_kind, recipes) in NETWORKS.items():
        recorded = {"network": name, "recorded_with": "torch " + torch.__version__.split("+")[0]}
        recorded |= gradients_of(make, size, loss_kind)
        recorded["runs"] = [run_of(make, size, loss_kind, recipe) for recipe in recipes]
        rounded = json.loads(json.dumps(recorded), parse_float=lambda s: float(f"{float(s):.10g}"))
        text = json.dumps(rounded, indent=1)
        lists_of_numbers = r"\[[-\s\d.,e]+\]"
        text = re.sub(lists_of_numbers, lambda m: " ".join(m[0].split()), text)
        (folder / f"{name}.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
