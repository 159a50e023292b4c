#!/usr/bin/env python3
"""Weights move both ways between digits and PyTorch, and give the same answers.

    exchange_pytorch.py DIGITS_RUN PREDICT MODELS    (needs torch, safetensors, numpy; $DIGITS_DATA)

For fcnn and cnn and every backend that has a device: PyTorch trains a little and saves its state
dict, digits loads it; digits trains an epoch and saves, PyTorch loads it with strict=True. Each
time both must give the same predictions for every test image, and logits within 1e-5 of the
largest. Without $DIGITS_DATA it exits with 77: skipped.
"""
import gzip
import os
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import torch
from record_networks import cnn, fcnn
from safetensors.torch import load_file, save_file

TOLERANCE = 1e-5


def read_idx(folder, name):
    plain = folder / name
    content = plain.read_bytes() if plain.exists() else gzip.open(f"{plain}.gz").read()
    sizes = np.frombuffer(content, ">u4", content[3], 4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * len(sizes)).reshape(sizes)


def read_set(folder, part):
    images = read_idx(folder, f"{part}-images-idx3-ubyte") / np.float32(255)
    labels = read_idx(folder, f"{part}-labels-idx1-ubyte").astype(np.int64)
    return torch.from_numpy(images).unsqueeze(1), torch.from_numpy(labels)


def train(network, images, labels, steps=300, batch=64):
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    for step in range(steps):
        part = slice(step * batch, (step + 1) * batch)
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(network(images[part]), labels[part]).backward()
        optimizer.step()


def logits_of(network, images):
    with torch.no_grad():
        return torch.cat([network(part) for part in images.split(1000)]).numpy()


def compare(what, theirs, ours):
    differing = int((theirs.argmax(1) != ours.argmax(1)).sum())
    distance = np.abs(theirs - ours).max() / np.abs(theirs).max()
    ok = differing == 0 and distance <= TOLERANCE
    print(f"{what}: {differing} of {len(theirs)} predictions differ, logits by {distance:.1e} of "
          f"the largest{'' if ok else '  WRONG'}", flush=True)
    return ok


class Digits:
    """digits-run and predict, on one backend, with one model."""

    def __init__(self, run, predict, backend, model, data, scratch):
        self.run, self.predict, self.backend, self.model = run, predict, backend, model
        self.data, self.scratch, self.options = data, scratch, []

    def trained(self):
        """Weights after an epoch."""
        weights = self.scratch / "digits.safetensors"
        subprocess.run([self.run, "--backend", self.backend, "--quiet", "--epochs", "1", "--data",
                        self.data, *self.options, "--save", weights, self.model],
                       check=True, stdout=subprocess.DEVNULL)
        return weights

    def logits(self, weights, outputs=10):
        out = self.scratch / "logits"
        subprocess.run([self.predict, self.backend, self.model, weights, self.data, out],
                       check=True)
        return np.fromfile(out, np.float32).reshape(-1, outputs)


def exchange(digits, make, network, tests):
    """Both ways, for one backend; `network` is trained already."""
    name = pathlib.Path(digits.model).stem
    weights = digits.scratch / "pytorch.safetensors"
    save_file(network.state_dict(), weights)
    ok = compare(f"{name}, PyTorch to {digits.backend}", logits_of(network, tests),
                    digits.logits(weights))
    weights = digits.trained()
    loaded = make()
    loaded.load_state_dict(load_file(weights), strict=True)
    return compare(f"{name}, {digits.backend} to PyTorch", logits_of(loaded, tests),
                   digits.logits(weights)) and ok


def main():
    run, predict, models = sys.argv[1:]
    if "DIGITS_DATA" not in os.environ:
        print("skipped: DIGITS_DATA names no folder")
        return 77
    data = pathlib.Path(os.environ["DIGITS_DATA"])
    images, labels = read_set(data, "train")
    tests, _ = read_set(data, "t10k")
    listed = subprocess.run([run, "--list-devices"], check=True, capture_output=True, text=True)
    backends = [b for b in ("cpu", "opencl") if f"{b} 0:" in listed.stdout]
    ok = True
    with tempfile.TemporaryDirectory() as scratch:
        for name, make in (("fcnn", fcnn), ("cnn", cnn)):
            torch.manual_seed(1)
            network = make()
            train(network, images, labels)
            for backend in backends:
                digits = Digits(run, predict, backend, f"{models}/{name}.cfg", data,
                                pathlib.Path(scratch))
                ok &= exchange(digits, make, network, tests)
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
