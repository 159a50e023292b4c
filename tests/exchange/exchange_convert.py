#!/usr/bin/env python3
"""digits-convert between digits, PyTorch and ONNX Runtime: the same answers everywhere.

    exchange_convert.py DIGITS_RUN DIGITS_CONVERT PREDICT MODELS
                            (needs torch, safetensors, numpy; onnx and onnxruntime; $DIGITS_DATA)

For fcnn, cnn, gru, lstm and m3: PyTorch's state dict with names of its own goes through
digits-convert to digits; what digits trained a little goes to PyTorch as safetensors and as .npz, and
to ONNX Runtime as ONNX. Each time all must give the same predictions for every test image, and logits
within 1e-5 of the largest. A network of all other kinds of layers goes to ONNX Runtime. Of m3 a tenth
of the images is taken, unless --all follows; --every takes
the last network alone. Without $DIGITS_DATA it exits with 77: skipped.
"""
import os
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import torch
from exchange_pytorch import Digits, compare, logits_of, read_set
from record_networks import cnn, fcnn, gru, lstm, m3
from safetensors.torch import load_file

NETWORKS = {"fcnn": (fcnn, 0, 1), "cnn": (cnn, 0, 1), "gru": (gru, 0.5, 0.5),
            "lstm": (lstm, 0.5, 0.5), "m3": (m3, 0.5, 0.5)}
TEST_IMAGES = {"m3": 1000}  # of 10 000: all take minutes

# every kind of layer that the networks above don't have
EVERY = """
name = "every"; input = [1, 28, 28]; data = { mean = 0.25; std = 0.5; };
layers = (
  { type = "conv2d"; name = "c1"; filters = 3; kernel = [3, 5]; stride = [2, 1]; padding = [1, 2]; },
  { type = "leaky_relu"; slope = 0.2; name = "stem"; },
  { type = "avgpool2d"; kernel = 3; stride = 1; padding = 1; name = "a1"; },
  { type = "maxpool2d"; input = "stem"; kernel = 3; stride = 1; padding = 1; name = "m1"; },
  { type = "add"; inputs = ["a1", "m1"]; name = "sum"; },
  { type = "concat"; inputs = ["sum", "stem"]; name = "joined"; },
  { type = "layer_norm"; name = "ln1"; },
  { type = "global_avgpool"; name = "mean"; },
  { type = "rows"; input = "joined"; name = "rows1"; },
  { type = "batch_norm"; name = "bn1"; },
  { type = "conv1d"; name = "c2"; filters = 6; kernel = 3; stride = 2; padding = 1; },
  { type = "sigmoid"; },
  { type = "gru"; name = "g1"; units = 5; bidirectional = true; output = "sequence"; },
  { type = "maxpool1d"; kernel = 2; },
  { type = "lstm"; name = "l1"; units = 4; bidirectional = true; gates = "hard_sigmoid";
    output = "sequence"; biases = 1; },
  { type = "gru"; name = "g2"; units = 4; reset = "before"; gates = "hard_sigmoid"; biases = 0;
    output = "sequence"; },
  { type = "layer_norm"; name = "ln2"; },
  { type = "positions"; name = "p1"; }, { type = "conv1d"; name = "qkv"; filters = 12; kernel = 1; },
  { type = "attention"; heads = 2; causal = true; }, { type = "positions"; kind = "sinusoidal"; },
  { type = "conv1d"; name = "qkv2"; filters = 9; kernel = 1; }, { type = "attention"; heads = 1; },
  { type = "rnn"; name = "r1"; units = 4; bidirectional = true; },
  { type = "tanh"; name = "ends"; },
  { type = "columns"; input = "sum"; name = "columns1"; },
  { type = "flatten"; name = "flat1"; },
  { type = "flatten"; input = "joined"; order = "hwc"; name = "flat2"; },
  { type = "maxpool2d"; input = "sum"; kernel = 4; name = "small"; },
  { type = "upsample2d"; scale = 3; name = "large"; },
  { type = "flatten"; name = "flat3"; },
  { type = "conv2d"; input = "stem"; name = "c3"; filters = 6; groups = 3; kernel = 3; padding = "same"; },
  { type = "conv2d"; name = "c4"; filters = 4; kernel = [2, 3]; stride = [1, 2]; dilation = [2, 1];
    padding = [0, 1, 2, 0]; },
  { type = "flatten"; name = "flat4"; },
  { type = "group_norm"; input = "joined"; groups = 2; }, { type = "lrn"; size = 3; alpha = 0.1; },
  { type = "maxpool2d"; kernel = 3; stride = 2; padding = [1, 0, 0, 1]; dilation = 2; },
  { type = "maxpool2d"; kernel = 2; stride = 1; padding = "same"; dilation = 4; },
  { type = "instance_norm"; }, { type = "lrn"; size = 4; alpha = 0.1; k = 2; },
  { type = "avgpool2d"; kernel = 3; stride = 2; padding = 1; count_include_pad = false; },
  { type = "avgpool2d"; kernel = 3; stride = 3; padding = 1; ceil_mode = true; },
  { type = "global_maxpool"; name = "most"; },
  { type = "group_norm"; input = "rows1"; groups = 2; affine = false; }, { type = "rms_norm"; },
  { type = "avgpool1d"; kernel = 3; stride = 2; padding = 1; }, { type = "global_maxpool"; name = "steps"; },
  { type = "concat"; inputs = ["most", "steps"]; name = "pooled"; },
  { type = "conv_transpose2d"; input = "c3"; name = "c5"; filters = 4; groups = 2; kernel = [3, 2]; stride = [2, 3];
    padding = [1, 0]; output_padding = [1, 2]; dilation = [1, 2]; },
  { type = "maxpool2d"; kernel = 5; },
  { type = "upsample2d"; scale = 3; mode = "bilinear"; },
  { type = "pad2d"; padding = [1, 2, 3, 0]; mode = "reflect"; },
  { type = "pad2d"; padding = [0, 1, 2, 0]; mode = "replicate"; },
  { type = "pad2d"; padding = 1; },
  { type = "flatten"; name = "flat5"; },
  { type = "pad1d"; input = "rows1"; padding = [2, 1]; mode = "reflect"; },
  { type = "pad1d"; padding = [0, 1]; mode = "replicate"; }, { type = "pad1d"; padding = 1; },
  { type = "conv1d"; name = "c6"; filters = 12; groups = 2; dilation = 2; kernel = 3; padding = [4, 0]; },
  { type = "conv1d"; name = "c7"; filters = 12; groups = 12; kernel = 4; padding = "same"; },
  { type = "conv_transpose1d"; name = "c8"; filters = 4; groups = 2; kernel = 3; stride = 2; padding = 1;
    output_padding = 1; },
  { type = "flatten"; name = "flat6"; },
  { type = "gelu"; input = "mean"; }, { type = "gelu"; approximate = "tanh"; }, { type = "silu"; },
  { type = "elu"; alpha = 2; }, { type = "selu"; }, { type = "celu"; alpha = 0.5; },
  { type = "softplus"; }, { type = "softplus"; beta = 2; }, { type = "softsign"; },
  { type = "affine"; scale = -3; shift = 1; }, { type = "mish"; }, { type = "hard_swish"; },
  { type = "clip"; min = -1; max = 2; }, { type = "hard_sigmoid"; name = "functions"; },
  { type = "transpose"; input = "rows1"; }, { type = "linear"; units = 8; }, { type = "glu"; },
  { type = "prelu"; slopes = "channels"; }, { type = "linear"; units = 6; bias = false; },
  { type = "softmax"; dim = 0; }, { type = "log_softmax"; }, { type = "mean"; dim = 0; name = "m2"; },
  { type = "pixel_unshuffle"; input = "c3"; scale = 2; }, { type = "prelu"; },
  { type = "channel_shuffle"; groups = 4; }, { type = "pixel_shuffle"; scale = 2; name = "larger"; },
  { type = "slice"; from = 1; length = 3; }, { type = "max"; dim = [1, 2]; name = "m3"; },
  { type = "slice"; input = "larger"; dim = 2; parts = 3; part = 1; }, { type = "sum"; dim = -1; },
  { type = "reshape"; shape = -1; name = "m4"; },
  { type = "concat"; name = "shapes"; inputs = ["m2", "m3", "m4"]; },
  { type = "linear"; input = "functions"; units = 3; }, { type = "hard_sigmoid"; name = "gate"; },
  { type = "multiply"; inputs = ["stem", "gate"]; name = "gated"; },
  { type = "subtract"; inputs = ["gate", "gated"]; name = "rest"; },
  { type = "global_avgpool"; name = "planes"; }, { type = "affine"; shift = 2; name = "divisor"; },
  { type = "divide"; inputs = ["rest", "divisor"]; name = "shares"; },
  { type = "rows"; input = "stem"; name = "rows2"; },
  { type = "linear"; input = "mean"; units = 84; name = "row"; },
  { type = "add"; inputs = ["row", "rows2"]; }, { type = "global_avgpool"; name = "sums"; },
  { type = "flatten"; input = "shares"; name = "flat7"; },
  { type = "concat"; inputs = ["ends", "mean", "flat1", "flat2", "flat3", "flat4", "flat5", "flat6", "flat7",
    "functions", "shapes", "pooled", "sums"]; },
  { type = "dropout"; rate = 0.5; },
  { type = "linear"; name = "out"; units = 10; bias = false; },
  { type = "batch_norm"; name = "bn2"; }
);
loss = "cross_entropy";
train = { epochs = 1; batch = 100; steps = 20; optimizer = { type = "adam"; lr = 0.01; }; };
"""


def convert(program, *words):
    subprocess.run([program, "--quiet", *map(str, words)], check=True)


def renamed(network):
    """The state dict with names that say nothing, in PyTorch's order of making."""
    names = {}
    return {f"net.{names.setdefault(k.rsplit('.', 1)[0], len(names))}.{k.rsplit('.', 1)[1]}": v
            for k, v in network.state_dict().items()}


def onnx_logits(path, images):
    import onnx
    import onnxruntime
    onnx.checker.check_model(onnx.load(path), full_check=True)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return np.concatenate([session.run(["logits"], {"image": part.numpy()})[0]
                           for part in images.split(1000)])


def randomize(network):
    torch.manual_seed(1)
    for name, value in network.state_dict().items():
        if name.endswith("running_mean"):
            value.uniform_(-0.1, 0.1)
        elif name.endswith("running_var"):
            value.uniform_(0.5, 1.5)
    return network.eval()


def exchange(digits, program, name, tests):
    make, mean, std = NETWORKS[name]
    count = len(tests) if "--all" in sys.argv else TEST_IMAGES.get(name, len(tests))
    tests, scratch = tests[:count], digits.scratch
    seen = (tests - mean) / std
    network = randomize(make())
    torch.save({"epoch": 1, "model": renamed(network)}, scratch / "theirs.pth")
    convert(program, "--model", digits.model, scratch / "theirs.pth", scratch / "ours.safetensors")
    ok = compare(f"{name}, PyTorch to digits", logits_of(network, seen),
                    digits.logits(scratch / "ours.safetensors")[:count])
    trained = digits.trained()
    answers = digits.logits(trained)[:count]
    convert(program, trained, scratch / "w.npz")
    convert(program, scratch / "w.npz", scratch / "back.safetensors")
    convert(program, trained, scratch / "w.onnx")
    loaded = make()
    loaded.load_state_dict(load_file(scratch / "back.safetensors"), strict=True)
    ok &= compare(f"{name}, digits to PyTorch", logits_of(loaded.eval(), seen), answers)
    with np.load(scratch / "w.npz") as arrays:
        state = {k: torch.from_numpy(arrays[k]) for k in arrays}
        loaded.load_state_dict(state, strict=True)
    ok &= compare(f"{name}, digits to numpy to PyTorch", logits_of(loaded, seen), answers)
    return compare(f"{name}, digits to ONNX Runtime", onnx_logits(scratch / "w.onnx", tests),
                   answers) and ok


def every_layer(digits, program, tests):
    model = digits.scratch / "every.cfg"
    model.write_text(EVERY)
    digits.model = str(model)
    trained = digits.trained()
    convert(program, trained, digits.scratch / "every.onnx")
    return compare("every kind of layer, digits to ONNX Runtime",
                   onnx_logits(digits.scratch / "every.onnx", tests), digits.logits(trained))


def main():
    run, program, predict, models = sys.argv[1:5]
    if "DIGITS_DATA" not in os.environ:
        print("skipped: DIGITS_DATA names no folder")
        return 77
    data = pathlib.Path(os.environ["DIGITS_DATA"])
    tests, _ = read_set(data, "t10k")
    torch.set_num_threads(2)
    ok = True
    with tempfile.TemporaryDirectory() as scratch:
        for name in NETWORKS:
            digits = Digits(run, predict, "cpu", f"{models}/{name}.cfg", data,
                            pathlib.Path(scratch))
            digits.options = ["--set", "train.steps=20"]
            if "--every" not in sys.argv:
                ok &= exchange(digits, program, name, tests)
        ok &= every_layer(digits, program, tests)
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
