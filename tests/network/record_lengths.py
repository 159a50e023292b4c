#!/usr/bin/env python3
"""Records what PyTorch computes for sequences of unequal length, for tests/network/test_lengths.c.

    python3 tests/network/record_lengths.py       (needs torch)

writes tests/network/data/lengths.json: for recurrent layers over packed sequences
(torch.nn.utils.rnn.pack_padded_sequence), whose last states go through a linear layer, the outputs
and the gradients of the mean cross-entropy, in double precision; and data/attention.json: the same
for attention (torch.nn.MultiheadAttention with a key_padding_mask), averaged over the steps that are
there. Inputs and parameters come from a formula that C repeats exactly, so they are not stored.
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


def sinusoids(width):
    """PE[step, 2 i] = sin(step / 10000^(2 i / width)), PE[step, 2 i + 1] = its cosine."""
    steps = torch.arange(STEPS, dtype=torch.float64)[:, None]
    angles = steps / 10000 ** (torch.arange(0, width, 2, dtype=torch.float64) / width)
    return torch.stack([angles.sin(), angles.cos()], 2).flatten(1)


class Attending(nn.Module):
    """`words`: the input is of words, not of features; 0: it is not."""

    def __init__(self, words, width, heads, learned):
        super().__init__()
        self.words = words
        self.first = nn.Embedding(words, width) if words else nn.Linear(FEATURES, width)
        self.pos = nn.Parameter(torch.empty(STEPS, width)) if learned else None
        self.attn = nn.MultiheadAttention(width, heads, batch_first=True)
        self.out = nn.Linear(width, CLASSES)

    def named(self):
        """The parameters by our names, in the order of the layers."""
        pairs = [("first." + n, p) for n, p in self.first.named_parameters()]
        pairs += [("pos.weight", self.pos)] if self.pos is not None else []
        pairs += [("in_proj.weight", self.attn.in_proj_weight), ("in_proj.bias", self.attn.in_proj_bias)]
        pairs += [("out_proj." + n, p) for n, p in self.attn.out_proj.named_parameters()]
        return pairs + [("out." + n, p) for n, p in self.out.named_parameters()]

    def forward(self, x, causal):
        missing = torch.arange(STEPS)[None] >= torch.tensor(LENGTHS)[:, None]
        x = self.first(x)
        x = x + (sinusoids(x.shape[2]) if self.pos is None else self.pos)
        later = torch.ones(STEPS, STEPS, dtype=torch.bool).triu(1) if causal else None
        y, _ = self.attn(x, x, x, key_padding_mask=missing, attn_mask=later, need_weights=False)
        y = (x + y).masked_fill(missing[:, :, None], 0)
        return self.out(y.sum(1) / torch.tensor(LENGTHS)[:, None])


def record_attention(words, width, heads, learned, causal):
    network = Attending(words, width, heads, learned).double()
    with torch.no_grad():
        for number, (_, parameter) in enumerate(network.named()):
            parameter.copy_(uniform(number, parameter.numel()).reshape(parameter.shape) - 0.5)
    if words:
        x = (uniform(INPUT, len(LENGTHS) * STEPS) * words).long().reshape(len(LENGTHS), STEPS)
    else:
        x = 2 * uniform(INPUT, len(LENGTHS) * STEPS * FEATURES) - 1
        x = x.reshape(len(LENGTHS), STEPS, FEATURES)
    logits = network(x, causal)
    nn.functional.cross_entropy(logits, torch.tensor(LABELS)).backward()
    first = f'embedding"; words = {words}; width' if words else 'conv1d"; kernel = 1; filters'
    kind = "learned" if learned else "sinusoidal"
    layers = (f'{{ type = "{first} = {width}; name = "first"; }}, '
              f'{{ type = "positions"; name = "pos"; kind = "{kind}"; }}, '
              f'{{ type = "conv1d"; kernel = 1; filters = {3 * width}; name = "in_proj"; }}, '
              f'{{ type = "attention"; heads = {heads}; causal = {str(causal).lower()}; }}, '
              f'{{ type = "conv1d"; kernel = 1; filters = {width}; name = "out_proj"; }}, '
              '{ type = "add"; inputs = ["pos", "out_proj"]; }, { type = "global_avgpool"; }')
    return {"layers": layers, "words": words, "logits": logits.tolist(),
            "gradients": {n: p.grad.flatten().tolist() for n, p in network.named()}}


def write(name, networks):
    path = pathlib.Path(__file__).parent / "data" / name
    rounded = json.loads(json.dumps(networks), parse_float=lambda text: float(f"{float(text):.10g}"))
    path.write_text(json.dumps({"networks": rounded}, indent=None) + "\n")


def main():
    write("lengths.json",
          [record(kind, both) for kind in ("GRU", "LSTM", "RNN") for both in (False, True)])
    write("attention.json", [record_attention(*a) for a in (
        (11, 12, 3, True, False), (0, 8, 2, False, True), (5, 6, 1, False, False))])


main()
