#!/usr/bin/env python3
"""torchvision's networks as our text: their weights fit by name, and give the same answers.

    exchange_torchvision.py DIGITS_RUN DIGITS_CONVERT DIGITS_INFER MODELS [NETWORK...]
                                                    (needs torch, torchvision, safetensors, numpy)

For resnet50, vgg19, densenet121 and squeezenet1_1 with random weights: the state dict, saved by
torch.save, goes through digits-convert without a name mapped, and every backend that has a device
must give the logits of a batch within 1e-4 of the largest. For resnet50 also the gradients of a
training step: one step of SGD moves every parameter by as much as PyTorch's gradient in float64,
within 1e-4 of the largest. There, silu stands for each relu: of so many relus, some have inputs so
near to 0 that rounding decides, and the gradients of PyTorch itself in float32 and in float64 differ
by a tenth of the largest. Without torchvision it exits with 77: skipped.
"""
import pathlib
import re
import subprocess
import sys
import tempfile

import numpy as np
import torch
from safetensors.numpy import load_file

try:
    import torchvision
except ImportError:
    print("no torchvision")
    sys.exit(77)

TOLERANCE = 1e-4
BATCH = 4
NETWORKS = {"resnet50": "resnet50", "vgg19": "vgg19", "densenet121": "densenet121",
            "squeezenet": "squeezenet1_1"}
MEAN = np.float32([0.485, 0.456, 0.406]).reshape(3, 1, 1)
STD = np.float32([0.229, 0.224, 0.225]).reshape(3, 1, 1)


def network_of(name):
    """A network with random weights, and statistics that are not those of no training. Residual
    blocks add little, as in a trained network: rounding is not made larger by each of them."""
    torch.manual_seed(1)
    network = getattr(torchvision.models, NETWORKS[name])(weights=None)
    with torch.no_grad():
        for key, value in network.state_dict().items():
            if key.endswith("running_mean"):
                value.uniform_(-0.2, 0.2)
            if key.endswith("running_var"):
                value.uniform_(0.5, 1.5)
            if key.endswith("bn3.weight"):
                value.fill_(0.25)
    return network


def pictures(count, seed=2):
    """Smooth colours with noise: bytes [count, 3, 224, 224]."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 200, (count, 3, 7, 7)).repeat(32, 2).repeat(32, 3)
    return (coarse + rng.integers(0, 56, coarse.shape)).astype(np.uint8)


def normalized(images):
    return torch.from_numpy((images / np.float32(255) - MEAN) / STD)


def distance(theirs, ours):
    return float(np.abs(theirs - ours).max() / np.abs(theirs).max())


def told(ok, text):
    print(f"{text}{'' if ok else '  WRONG'}", flush=True)
    return ok


class Programs:
    def __init__(self, run, convert, infer, models, folder):
        self.run, self.convert_, self.infer, self.models, self.folder = run, convert, infer, models, folder
        listed = subprocess.run([run, "--list-devices"], capture_output=True, text=True, check=True)
        self.backends = ["cpu"] + ["opencl"] * bool(re.search(r"^opencl", listed.stdout, re.M))

    def convert(self, name, network):
        path, weights = self.folder / f"{name}.pth", self.folder / f"{name}.safetensors"
        torch.save(network.state_dict(), path)
        subprocess.run([self.convert_, "--model", f"{self.models}/{name}.cfg", path, weights],
                       check=True, stdout=subprocess.DEVNULL)
        path.unlink()
        return weights

    def logits(self, backend, weights, images):
        np.save(self.folder / "x.npy", images)
        subprocess.run([self.infer, "--backend", backend, "--batch", str(len(images)), weights,
                        self.folder / "x.npy", self.folder / "y.npy"], check=True,
                       stdout=subprocess.DEVNULL)
        return np.load(self.folder / "y.npy")

    def step(self, backend, model, weights, images, labels, rate):
        """The parameters after one step of SGD over all images."""
        out = self.folder / "stepped.safetensors"
        np.savez(self.folder / "set.npz", x_train=images, y_train=labels, x_test=images,
                 y_test=labels)
        subprocess.run([self.run, "--backend", backend, "--quiet", "--data", self.folder / "set.npz",
                        "--epochs", "1", "--batch", str(len(images)), "--lr", str(rate),
                        "--set", "train.optimizer.type=sgd", "--set", "data.validation=0",
                        "--load", weights, "--save", out, model],
                       check=True, stdout=subprocess.DEVNULL)
        return load_file(out)


def check_answers(programs, name, network):
    images = pictures(BATCH)
    weights = programs.convert(name, network)
    with torch.no_grad():
        theirs = network.eval()(normalized(images)).numpy()
    ok = True
    for backend in programs.backends:
        ours = programs.logits(backend, weights, images)
        far = distance(theirs, ours)
        ok &= told(ours.shape == theirs.shape and far <= TOLERANCE,
                   f"{name}, {backend}: logits differ by {far:.1e} of the largest")
    return ok, weights


def gradient_distance(gradient, before, after, rate):
    """By how much a step differs from a gradient; less the rounding of the weights, which says
    nothing of it."""
    far = np.abs(gradient - (before.astype(np.float64) - after) / rate)
    rounding = np.spacing(np.maximum(np.abs(before), np.abs(after))) / rate
    return float(np.maximum(far - rounding, 0).max() / np.abs(gradient).max())


def smooth(network):
    """Puts silu in place of every relu."""
    for name, module in network.named_children():
        if isinstance(module, torch.nn.ReLU):
            setattr(network, name, torch.nn.SiLU())
        smooth(module)


def check_gradients(programs, name, network, weights, rate=1.0):
    images, labels = pictures(BATCH, 3), np.arange(BATCH, dtype=np.int64) * 7
    model = programs.folder / f"{name}-smooth.cfg"
    model.write_text(pathlib.Path(programs.models, f"{name}.cfg").read_text().replace("relu", "silu"))
    smooth(network)
    network.double().train().zero_grad()
    torch.nn.functional.cross_entropy(network(normalized(images).double()),
                                      torch.from_numpy(labels)).backward()
    before = load_file(weights)
    ok = True
    for backend in programs.backends:
        after = programs.step(backend, model, weights, images, labels, rate)
        far = {key: gradient_distance(p.grad.numpy(), before[key], after[key], rate)
               for key, p in network.named_parameters()}
        worst = max(far, key=far.get)
        ok &= told(far[worst] <= TOLERANCE,
                   f"{name} with silu, {backend}: gradients differ by {far[worst]:.1e} of the largest, "
                   f"most in {worst}")
    return ok


def main():
    if len(sys.argv) < 5:
        sys.exit(__doc__)
    torch.set_num_threads(2)
    names = sys.argv[5:] or list(NETWORKS)
    ok = True
    with tempfile.TemporaryDirectory() as folder:
        programs = Programs(*sys.argv[1:5], pathlib.Path(folder))
        for name in names:
            network = network_of(name)
            right, weights = check_answers(programs, name, network)
            ok &= right
            if name == "resnet50":  # last: it changes the network
                ok &= check_gradients(programs, name, network, weights)
            weights.unlink()
    sys.exit(not ok)


if __name__ == "__main__":
    main()
