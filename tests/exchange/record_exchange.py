#!/usr/bin/env python3
"""Writes the weight files that tests/exchange/test_convert.c reads, as other programs write them.

    KERAS_BACKEND=jax python3 tests/exchange/record_exchange.py     (needs keras 3, jax, torch, h5py, safetensors)

For the networks tests/exchange/data/image.cfg and sequence.cfg, */NETWORK.* are the same weights
as Keras, PyTorch, numpy and h5py save them; NETWORK.safetensors is what all must become. The weights
are Keras's. That the network of PyTorch with the weights in NETWORK.safetensors computes the same
as Keras's is checked before anything is written.
"""
import pathlib

import h5py
import keras
import numpy as np
import torch
from keras import layers
from safetensors.torch import save_file
from torch import nn

FOLDER = pathlib.Path(__file__).parent / "data"


def keras_image():
    return keras.Sequential([
        layers.Input((8, 8, 1)),
        layers.Conv2D(2, 3, padding="same", name="conv1"),
        layers.BatchNormalization(name="norm1"),
        layers.ReLU(),
        layers.MaxPooling2D(2),
        layers.Conv2D(3, (3, 2), name="conv2"),
        layers.Flatten(),
        layers.Dropout(0.1),
        layers.Dense(4, activation="tanh", name="fc1"),
        layers.Dense(3, name="out")])


def keras_sequence():
    return keras.Sequential([
        layers.Input((6, 5)),
        layers.Conv1D(4, 3, name="conv1"),
        layers.GRU(3, return_sequences=True, reset_after=True, name="after"),
        layers.GRU(3, return_sequences=True, reset_after=False, name="before"),
        layers.Bidirectional(layers.LSTM(2, return_sequences=True), name="both"),
        layers.LayerNormalization(name="norm"),
        layers.SimpleRNN(3, name="plain"),
        layers.Dense(3, name="out")])


class Image(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.norm1 = nn.Conv2d(1, 2, 3, padding=1), nn.BatchNorm2d(2, eps=1e-3)
        self.conv2 = nn.Conv2d(2, 3, (3, 2))
        self.fc1, self.out = nn.Linear(18, 4), nn.Linear(4, 3)

    def forward(self, x):
        x = torch.max_pool2d(torch.relu(self.norm1(self.conv1(x))), 2)
        return self.out(torch.tanh(self.fc1(self.conv2(x).flatten(1))))


class Before(nn.Module):
    """A GRU that resets the state before its product (arXiv:1406.1078), with one bias a gate."""

    def __init__(self, inputs, units):
        super().__init__()
        self.units = units
        self.weight_ih_l0 = nn.Parameter(torch.empty(3 * units, inputs))
        self.weight_hh_l0 = nn.Parameter(torch.empty(3 * units, units))
        self.bias_ih_l0 = nn.Parameter(torch.empty(3 * units))

    def forward(self, x):
        h, states = x.new_zeros(len(x), self.units), []
        u_r, u_z, u_n = self.weight_hh_l0.chunk(3)
        for step in x.unbind(1):
            r, z, n = (step @ self.weight_ih_l0.T + self.bias_ih_l0).chunk(3, 1)
            r, z = torch.sigmoid(r + h @ u_r.T), torch.sigmoid(z + h @ u_z.T)
            h = (1 - z) * torch.tanh(n + (r * h) @ u_n.T) + z * h
            states.append(h)
        return torch.stack(states, 1)


class Sequence(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.after = nn.Conv1d(5, 4, 3), nn.GRU(4, 3, batch_first=True)
        self.before = Before(3, 3)
        self.both = nn.LSTM(3, 2, batch_first=True, bidirectional=True)
        self.norm, self.plain = nn.LayerNorm(4, eps=1e-3), nn.RNN(4, 3, batch_first=True)
        self.out = nn.Linear(3, 3)

    def forward(self, x):
        x = self.conv1(x.squeeze(1).transpose(1, 2)).transpose(1, 2)
        x = self.norm(self.both(self.before(self.after(x)[0]))[0])
        return self.out(self.plain(x)[0][:, -1])


def gates(x, order):
    """The columns of a Keras array as rows, its gates in another order."""
    parts = np.split(x, len(order), axis=-1)
    return np.concatenate([parts[i] for i in order], axis=-1).T


def image_weights(w):
    rows = w["fc1"][0].reshape(2, 3, 3, 4)  # height, width, channels of what is flattened
    return {"conv1.weight": w["conv1"][0].transpose(3, 2, 0, 1), "conv1.bias": w["conv1"][1],
            "norm1.weight": w["norm1"][0], "norm1.bias": w["norm1"][1],
            "norm1.running_mean": w["norm1"][2], "norm1.running_var": w["norm1"][3],
            "conv2.weight": w["conv2"][0].transpose(3, 2, 0, 1), "conv2.bias": w["conv2"][1],
            "fc1.weight": rows.transpose(3, 2, 0, 1).reshape(4, 18), "fc1.bias": w["fc1"][1],
            "out.weight": w["out"][0].T, "out.bias": w["out"][1]}


def sequence_weights(w):
    gru, lstm = (1, 0, 2), (0, 1, 2, 3)
    both = {}
    for suffix, (kernel, state, bias) in (("", w["both"][:3]), ("_reverse", w["both"][3:])):
        both |= {f"both.weight_ih_l0{suffix}": gates(kernel, lstm),
                 f"both.weight_hh_l0{suffix}": gates(state, lstm),
                 f"both.bias_ih_l0{suffix}": gates(bias, lstm)}
    return {"conv1.weight": w["conv1"][0].transpose(2, 1, 0), "conv1.bias": w["conv1"][1],
            "after.weight_ih_l0": gates(w["after"][0], gru),
            "after.weight_hh_l0": gates(w["after"][1], gru),
            "after.bias_ih_l0": gates(w["after"][2][0], gru),
            "after.bias_hh_l0": gates(w["after"][2][1], gru),
            "before.weight_ih_l0": gates(w["before"][0], gru),
            "before.weight_hh_l0": gates(w["before"][1], gru),
            "before.bias_ih_l0": gates(w["before"][2], gru),
            **both, "norm.weight": w["norm"][0], "norm.bias": w["norm"][1],
            "plain.weight_ih_l0": w["plain"][0].T, "plain.weight_hh_l0": w["plain"][1].T,
            "plain.bias_ih_l0": w["plain"][2],
            "out.weight": w["out"][0].T, "out.bias": w["out"][1]}


def check_twin(model, network, weights, shape):
    """PyTorch's network with our weights computes what Keras's does."""
    state = network.state_dict()
    for name, value in weights.items():
        state[name] = torch.tensor(np.ascontiguousarray(value))
    for name in state:  # second biases, which Keras and our models don't have
        if name not in weights and "bias_hh" in name:
            state[name] = torch.zeros_like(state[name])
    network.load_state_dict(state)
    network.eval()
    x = np.random.default_rng(5).random((7, 1, *shape), dtype=np.float32)
    fed = x.transpose(0, 2, 3, 1) if len(model.input_shape) == 4 else x[:, 0]
    with torch.no_grad():
        ours = network(torch.from_numpy(x)).numpy()
    theirs = np.asarray(model(fed, training=False))
    assert np.abs(ours - theirs).max() < 1e-5 * np.abs(theirs).max(), "the twins differ"


def save_like_keras2(path, model):
    """The layout of tf.keras 2: lists of layers and of weights, names with ":0"."""
    def bytes_of(names):
        return np.array([n.encode() for n in names])
    with h5py.File(path, "w") as f:
        f.attrs["keras_version"], f.attrs["backend"] = b"2.15.0", b"tensorflow"
        f.attrs["layer_names"] = bytes_of([layer.name for layer in model.layers])
        for layer in model.layers:
            group = f.create_group(layer.name)
            names = []
            for variable in layer.weights:
                inner = variable.path.removeprefix("sequential/").removeprefix("sequential_1/")
                names.append(inner + ":0")
                group[inner + ":0"] = np.asarray(variable)
            group.attrs["weight_names"] = bytes_of(names) if names else np.zeros(0, "S1")


def save_pytorch(name, weights):
    """A plain state dict; and one in a checkpoint, in other types, with strides and shared memory."""
    plain = {k: torch.tensor(np.ascontiguousarray(v)) for k, v in weights.items()}
    torch.save(plain, FOLDER / "pytorch" / f"{name}.pth")
    odd, kept = {}, torch.stack([v.flatten()[0] for v in plain.values()])
    for i, (k, v) in enumerate(plain.items()):
        if v.dim() > 1:
            v = v.transpose(0, 1).contiguous().transpose(0, 1)
        odd["module." + k] = nn.Parameter(v.double()) if i % 2 else torch.stack([v, v])[1]
    odd["module.steps.num_batches_tracked"] = torch.tensor(3)
    checkpoint = {"epoch": 3, "loss": [0.5, 0.25], "kept": None, "state_dict": odd,
                  "optimizer": {"state": {}, "param_groups": [{"lr": 0.1, "betas": (0.9, 0.999)}]}}
    torch.save(checkpoint, FOLDER / "pytorch" / f"{name}.checkpoint.pt")
    assert kept.numel() == len(plain)


def save_plain(name, weights):
    np.savez(FOLDER / "numpy" / f"{name}.npz", **weights)
    first = list(weights)[0]
    odd = {k: np.asfortranarray(v.astype(np.float64)) for k, v in weights.items()}
    np.savez_compressed(FOLDER / "numpy" / f"{name}.fortran.npz", **odd)
    np.savez(FOLDER / "numpy" / f"{name}.unnamed.npz", *weights.values())
    with h5py.File(FOLDER / "hdf5" / f"{name}.plain.h5", "w") as f:
        for k, v in weights.items():
            f.create_dataset(k.replace(".", "/"), data=v, compression="gzip" if k == first else None)


def record(name, model, network, weights_of, shape):
    rng = np.random.default_rng(1)
    for variable in model.weights:
        if "seed" not in variable.path:
            values = rng.uniform(0.5, 1.5, variable.shape) * rng.choice((-1, 1), variable.shape)
            variable.assign(np.abs(values) if "variance" in variable.path else values)
    by_layer = {layer.name: [np.asarray(v) for v in layer.weights if "seed" not in v.path]
                for layer in model.layers}
    weights = {k: np.ascontiguousarray(v) for k, v in weights_of(by_layer).items()}
    check_twin(model, network, weights, shape)
    save_file({k: torch.tensor(v) for k, v in weights.items()}, FOLDER / f"{name}.safetensors")
    model.save(FOLDER / "hdf5" / f"{name}.keras3.h5")
    model.save_weights(FOLDER / "hdf5" / f"{name}.weights.h5")
    save_like_keras2(FOLDER / "hdf5" / f"{name}.keras2.h5", model)
    np.savez(FOLDER / "numpy" / f"{name}.get_weights.npz",
             *[v for layer in model.layers for v in by_layer[layer.name]])
    save_pytorch(name, weights)
    save_plain(name, weights)


def save_broken():
    """HDF5 files that don't hold what they say, or what another file holds."""
    with h5py.File(FOLDER / "hdf5" / "missing_layer.h5", "w") as f:
        f.attrs["layer_names"] = np.array([b"conv1"])
    with h5py.File(FOLDER / "hdf5" / "missing_weight.h5", "w") as f:
        f.attrs["layer_names"] = np.array([b"conv1"])
        f.create_group("conv1").attrs["weight_names"] = np.array([b"conv1/kernel:0"])
    with h5py.File(FOLDER / "hdf5" / "elsewhere.h5", "w") as f:
        f.create_dataset("conv1/weight", (2, 1, 3, 3), np.float32,
                         external=[("/etc/passwd", 0, 72)])
    with h5py.File(FOLDER / "hdf5" / "circle.h5", "w") as f:
        f.create_group("a")["b"] = f["/"]


def main():
    record("image", keras_image(), Image(), image_weights, (8, 8))
    record("sequence", keras_sequence(), Sequence(), sequence_weights, (6, 5))
    save_broken()


if __name__ == "__main__":
    main()
