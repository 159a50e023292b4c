#!/usr/bin/env python3
"""Measures networks of the zoo in PyTorch, in each of the ways in which it can run them.

    python3 tests/bench/torch_zoo.py [--model mobile,resnet20] [--mode train|test]
                                     [--batch 64] [--threads 2] [--seconds 2] [--rounds 3]

prints samples a second, one row a network: the medians of the rounds, the fastest with a star. A step
of training is what digits-bench measures: the gradients of the mean cross-entropy of one batch and an
update. Needs torch; "compiled" also needs a C++ compiler.
"""
import argparse
import statistics
import sys
import time

import torch
from torch import nn
from torch.nn import functional


class LeNet5(nn.Module):
    """LeCun et al., Gradient-based learning applied to document recognition, 1998, with softmax."""

    shape = (1, 28, 28)

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 5, padding=2)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(400, 120)
        self.fc2 = nn.Linear(120, 84)
        self.out = nn.Linear(84, 10)

    def forward(self, x):
        x = functional.avg_pool2d(torch.tanh(self.conv1(x)), 2)
        x = functional.avg_pool2d(torch.tanh(self.conv2(x)), 2).flatten(1)
        return self.out(torch.tanh(self.fc2(torch.tanh(self.fc1(x)))))


class Residual(nn.Module):
    """Two 3x3 convolutions beside their input, or beside a 1x1 convolution of it."""

    def __init__(self, channels, filters, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, filters, 3, stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(filters)
        self.conv2 = nn.Conv2d(filters, filters, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(filters)
        self.beside = nn.Sequential()
        if channels != filters:
            self.beside = nn.Sequential(nn.Conv2d(channels, filters, 1, stride, bias=False),
                                        nn.BatchNorm2d(filters))

    def forward(self, x):
        y = self.norm2(self.conv2(functional.relu(self.norm1(self.conv1(x)))))
        return functional.relu(y + self.beside(x))


class ResNet20(nn.Module):
    """He et al., arXiv:1512.03385, section 4.2, with projections: 272 474 parameters."""

    shape = (3, 32, 32)

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(16)
        widths = [(16, 16, 1)] * 3 + [(16, 32, 2)] + [(32, 32, 1)] * 2 + [(32, 64, 2)] + [(64, 64, 1)] * 2
        self.blocks = nn.Sequential(*[Residual(*width) for width in widths])
        self.out = nn.Linear(64, 10)

    def forward(self, x):
        x = self.blocks(functional.relu(self.norm(self.conv(x))))
        return self.out(x.mean((2, 3)))


class Inverted(nn.Module):
    """A block of MobileNetV3 (Howard et al., arXiv:1905.02244): wide, depthwise, gate, narrow."""

    def __init__(self, channels, wide, filters, kernel, stride, act):
        super().__init__()
        self.wide = nn.Conv2d(channels, wide, 1, bias=False)
        self.wide_norm = nn.BatchNorm2d(wide)
        self.depth = nn.Conv2d(wide, wide, kernel, stride, kernel // 2, groups=wide, bias=False)
        self.depth_norm = nn.BatchNorm2d(wide)
        self.squeeze = nn.Linear(wide, wide // 4)
        self.excite = nn.Linear(wide // 4, wide)
        self.narrow = nn.Conv2d(wide, filters, 1, bias=False)
        self.narrow_norm = nn.BatchNorm2d(filters)
        self.act, self.adds = act, channels == filters

    def forward(self, x):
        y = self.act(self.wide_norm(self.wide(x)))
        y = self.act(self.depth_norm(self.depth(y)))
        gate = self.excite(functional.relu(self.squeeze(y.mean((2, 3)))))
        y = y * functional.hardsigmoid(gate)[:, :, None, None]
        y = self.narrow_norm(self.narrow(y))
        return x + y if self.adds else y


class Mobile(nn.Module):
    """models/mobile.cfg."""

    shape = (1, 28, 28)

    def __init__(self):
        super().__init__()
        self.stem, self.stem_norm = nn.Conv2d(1, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16)
        self.blocks = nn.Sequential(Inverted(16, 48, 32, 3, 2, functional.relu),
                                    Inverted(32, 96, 32, 3, 1, functional.relu),
                                    Inverted(32, 128, 48, 5, 2, functional.hardswish),
                                    Inverted(48, 160, 48, 3, 1, functional.hardswish))
        self.last, self.last_norm = nn.Conv2d(48, 160, 1, bias=False), nn.BatchNorm2d(160)
        self.out = nn.Linear(160, 10)

    def forward(self, x):
        x = self.blocks(functional.relu(self.stem_norm(self.stem(x))))
        return self.out(functional.hardswish(self.last_norm(self.last(x))).mean((2, 3)))


NETWORKS = {"lenet5": LeNet5, "mobile": Mobile, "resnet20": ResNet20}

# Whether the network is compiled, and whether channels are last in memory.
WAYS = {"eager": (False, False), "channels_last": (False, True),
        "compiled": (True, False), "compiled, channels_last": (True, True)}


def step_of(make, mode, batch, compiled, last):
    """A function that processes one batch."""
    torch.manual_seed(1)
    network, images = make(), torch.rand(batch, *make.shape)
    labels = torch.randint(10, (batch,))
    if last:
        network, images = (thing.to(memory_format=torch.channels_last) for thing in (network, images))
    network.train(mode == "train")
    run = torch.compile(network) if compiled else network
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-4)

    def train():
        optimizer.zero_grad(set_to_none=True)
        functional.cross_entropy(run(images), labels).backward()
        optimizer.step()

    @torch.inference_mode()
    def test():
        return (run(images).argmax(1) == labels).sum()

    return train if mode == "train" else test


def rate(step, batch, seconds):
    """Samples a second."""
    start, steps = time.perf_counter(), 0
    while time.perf_counter() - start < seconds:
        step()
        steps += 1
    return steps * batch / (time.perf_counter() - start)


def measure(name, args):
    """The median rate of each way; the rounds take the ways in turn."""
    steps = {}
    for way, (compiled, last) in WAYS.items():
        steps[way] = step_of(NETWORKS[name], args.mode, args.batch, compiled, last)
        for _ in range(3):
            steps[way]()
    rates = {way: [] for way in WAYS}
    for _ in range(args.rounds):
        for way, step in steps.items():
            rates[way].append(rate(step, args.batch, args.seconds))
    return {way: statistics.median(values) for way, values in rates.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--model", default=",".join(NETWORKS), help="names, separated by commas")
    parser.add_argument("--mode", choices=("train", "test"), default="train")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--seconds", type=float, default=2, help="of a measurement")
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    unknown = set(args.model.split(",")) - set(NETWORKS)
    if unknown:
        parser.error(f"unknown network {', '.join(sorted(unknown))}; there are {', '.join(NETWORKS)}")
    if min(args.batch, args.threads, args.seconds, args.rounds) <= 0:
        parser.error("--batch, --threads, --seconds and --rounds must be above 0")
    torch.set_num_threads(args.threads)
    print(f"torch {torch.__version__}, {args.threads} threads, {args.mode}, batch {args.batch}: "
          "samples a second")
    for name in args.model.split(","):
        rates = measure(name, args)
        best = max(rates, key=rates.get)
        print(f"{name:<10}" + "".join(f"  {way} {value:.0f}{'*' if way == best else ''}"
                                      for way, value in rates.items()), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
