#!/usr/bin/env python3
"""Records what PyTorch computes for sequences of unequal length, for tests/network/test_lengths.c.

    python3 tests/network/record_lengths.py       (needs torch)

writes tests/network/data/lengths.json: for recurrent layers over packed sequences
(torch.nn.utils.rnn.pack_padded_sequence), whose last states go through a linear layer, the outputs
and the gradients of the mean cross-entropy, in double precision. Inputs and parameters come from a
formula that C repeats exactly, so they are not stored.
"""
import json
import pathlib

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence

STEPS, FEATURES, UNITS, CLASSES = 9, 3, 5, 3
LENGTHS = [9, 1, 4, 7]
LABELS = [0, 2, 1, 0]
INPUT = 1000  # tensor number; parameters count from 0


def uniform(tensor, count):
    """Numbers k * 2^-24 in [0, 1): number i of tensor t is a hash of i + 0x9e3779b9 * (t + 1)."""
    numbers = []
    for i in range(count):
        x = (i + 0x9E3779B9 * (tensor + 1)) & 0xFFFFFFFF
        x = ((x ^ x >> 16) * 0x7FEB352D) & 0xFFFFFFFF
        x = ((x ^ x >> 15) * 0x846CA68B) & 0xFFFFFFFF
        x ^= x >> 16
        numbers.append((x >> 8) * 2.0**-24)
    return torch.tensor(numbers, dtype=torch.float64)


def record(kind, bidirectional):
    width = UNITS * (2 if bidirectional else 1)
    rnn = getattr(nn, kind)(FEATURES, UNITS, batch_first=True, bidirectional=bidirectional).double()
    out = nn.Linear(width, CLASSES).double()
    named = [("rnn." + n, p) for n, p in rnn.named_parameters()]
    named += [("out." + n, p) for n, p in out.named_parameters()]
    with torch.no_grad():
        for number, (_, parameter) in enumerate(named):
            parameter.copy_(uniform(number, parameter.numel()).reshape(parameter.shape) - 0.5)
    x = 2 * uniform(INPUT, len(LENGTHS) * STEPS * FEATURES) - 1
    packed = pack_padded_sequence(x.reshape(len(LENGTHS), STEPS, FEATURES), LENGTHS,
                                  batch_first=True, enforce_sorted=False)
    _, state = rnn(packed)
    state = state[0] if kind == "LSTM" else state
    logits = out(state.transpose(0, 1).reshape(len(LENGTHS), width))
    nn.functional.cross_entropy(logits, torch.tensor(LABELS)).backward()
    return {"type": kind.lower(), "bidirectional": bidirectional, "logits": logits.tolist(),
            "gradients": {name: parameter.grad.flatten().tolist() for name, parameter in named}}


def main():
    networks = [record(kind, both) for kind in ("GRU", "LSTM", "RNN") for both in (False, True)]
    path = pathlib.Path(__file__).parent / "data" / "lengths.json"
    rounded = json.loads(json.dumps(networks), parse_float=lambda text: float(f"{float(text):.10g}"))
    path.write_text(json.dumps({"networks": rounded}, indent=None) + "\n")


main()
