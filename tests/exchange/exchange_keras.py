#!/usr/bin/env python3
"""Weights of Keras 3 in digits: prints what became of each network in each form of file.

    KERAS_BACKEND=torch python3 exchange_keras.py DIGITS-CONVERT PREDICT

Networks are made by Keras with random weights, saved as .keras, .h5, .weights.h5 and .npz
(get_weights), converted with a model of ours, and both answer the same images. "same": so are the
answers. "refused": digits-convert says why it can't. "warned": answers differ, and digits-convert
said so. "WRONG": answers differ, and nobody was told. Then settings of the files are contradicted
one by one, which must be told, and must be an error with --strict.

Exit status: 0 nothing is wrong; 1 something is; 77 there is no Keras.
"""
import os
import pathlib
import subprocess
import sys
import tempfile
import warnings

import idx

os.environ.setdefault("KERAS_BACKEND", "torch")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
try:
    import keras
    import numpy as np
    from keras import layers as L
except ImportError as missing:
    print(f"skipped: needs Python with Keras 3 ({missing})")
    sys.exit(77)

IMAGES, SIDE = 64, 28
FORMS = (".keras", ".h5", ".weights.h5", ".npz")


def image():
    return L.Input((SIDE, SIDE, 1))


def rows():
    return L.Input((SIDE, SIDE))


# ---- the networks: Keras's and ours ---------------------------------------

def dense():
    return keras.Sequential([
        image(), L.Flatten(), L.Dense(20, activation="relu", name="a"),
        L.Dense(20, activation="tanh", use_bias=False, name="b"),
        L.Dense(10, activation="softmax", name="out")])


def cnn():
    return keras.Sequential([
        image(), L.Conv2D(4, 3, padding="same", activation="relu", name="c1"), L.MaxPooling2D(2),
        L.Dropout(0.2), L.Conv2D(4, 3, name="c2"), L.Activation("sigmoid"), L.Flatten(),
        L.Dense(10, name="out")])


def scale():
    return keras.Sequential([
        image(), L.Conv2D(4, 3, use_bias=False, name="c1"),
        L.BatchNormalization(scale=False, name="n1"), L.ReLU(), L.Flatten(),
        L.Dense(8, name="d"), L.LayerNormalization(scale=False, name="n2"), L.Dense(10, name="out")])


def center():
    return keras.Sequential([
        image(), L.Conv2D(4, 3, name="c1"), L.BatchNormalization(center=False, name="n1"),
        L.Flatten(), L.Dense(8, name="d"), L.LayerNormalization(center=False, name="n2"),
        L.BatchNormalization(scale=False, center=False, name="n3"), L.Dense(10, name="out")])


def nested():
    deep = keras.Sequential([L.Conv2D(4, 3, name="c3"), L.LeakyReLU(0.3)], name="deep")
    inner = keras.Sequential([
        L.Input((SIDE, SIDE, 4)), L.Conv2D(4, 3, padding="same", activation="relu", name="c2"),
        L.BatchNormalization(name="n2"), deep], name="inner")
    x = given = image()
    x = inner(L.Conv2D(4, 3, padding="same", name="c1")(x))
    return keras.Model(given, L.Dense(10, name="out")(L.Flatten()(x)))


def frozen():
    """A model in the model whose first layer is not trained: its weights stand last in .h5."""
    inner = keras.Sequential([L.Input((8,)), L.Dense(8, name="p"), L.Dense(8, name="q")],
                             name="inner")
    inner.layers[0].trainable = False
    return keras.Sequential([image(), L.Flatten(), L.Dense(8, name="first"), inner,
                             L.Dense(10, name="last")])


def bidirectional():
    return keras.Sequential([
        rows(), L.Bidirectional(L.GRU(5, return_sequences=True), name="a"),
        L.Bidirectional(L.LSTM(4), name="b"), L.Dense(10, name="out")])


def recurrent():
    return keras.Sequential([
        rows(), L.GRU(6, reset_after=False, return_sequences=True, name="a"),
        L.GRU(6, use_bias=False, return_sequences=True, name="b"),
        L.SimpleRNN(5, return_sequences=True, name="c"), L.LSTM(5, use_bias=False, name="d"),
        L.Dense(10, name="out")])


def first(flatten):
    return keras.Sequential([
        L.Input((1, SIDE, SIDE)), L.Conv2D(4, 3, data_format="channels_first", name="c1"),
        L.BatchNormalization(axis=1, name="n1"), L.MaxPooling2D(2, data_format="channels_first"),
        L.Conv2D(3, 3, data_format="channels_first", name="c2"), flatten,
        L.BatchNormalization(name="n2"), L.Dense(10, name="out")])


def channels_first():
    return first(L.Flatten(data_format="channels_first"))


def channels_mixed():
    return first(L.Flatten(data_format="channels_last"))


def conv1d():
    return keras.Sequential([
        rows(), L.Conv1D(6, 3, activation="relu", name="c1"), L.MaxPooling1D(2),
        L.Conv1D(6, 3, strides=2, padding="same", name="c2"), L.GRU(7, name="g"),
        L.Dense(10, name="out")])


def residual():
    given = image()
    x = L.Conv2D(4, 3, padding="same", name="stem")(given)
    left = L.Conv2D(4, 3, padding="same", activation="relu", name="left")(x)
    right = L.Conv2D(4, 3, padding="same", activation="tanh", name="right")(x)
    x = L.Add()([right, left])
    x = L.Concatenate()([x, L.Conv2D(2, 1, name="small")(x)])
    return keras.Model(given, L.Dense(10, name="out")(L.GlobalAveragePooling2D()(x)))


def edges():
    return keras.Sequential([
        image(), L.Rescaling(2.0, offset=-1.0), L.ZeroPadding2D(2),
        L.Conv2D(4, 5, strides=2, name="c1"), L.LeakyReLU(negative_slope=0.2),
        L.AveragePooling2D(2), L.UpSampling2D(2), L.Conv2D(4, 3, name="c2"), L.Flatten(),
        L.BatchNormalization(epsilon=0.01, name="n"), L.Dense(10, name="out")])


CONV = '{ type = "conv2d"; name = "%s"; filters = %d; kernel = 3; %s}'
LINEAR = '{ type = "linear"; name = "%s"; units = %d; %s}'
FLATTEN, ROWS, RELU = '{ type = "flatten"; }', '{ type = "rows"; }', '{ type = "relu"; }'
BATCH = '{ type = "batch_norm"; name = "%s"; eps = 0.001; }'
LAYER = '{ type = "layer_norm"; name = "%s"; eps = 0.001; }'
OUT = LINEAR % ("out", 10, "")


def typed(kind, name="", rest=""):
    named = f'name = "{name}"; ' if name else ""
    return f'{{ type = "{kind}"; {named}{rest} }}'


FIRST = [CONV % ("c1", 4, ""), BATCH % "n1", typed("maxpool2d", rest="kernel = 2;"),
         CONV % ("c2", 3, ""), FLATTEN, BATCH % "n2", OUT]

NETWORKS = {
    dense: [FLATTEN, LINEAR % ("a", 20, ""), RELU, LINEAR % ("b", 20, "bias = false; "),
            typed("tanh"), OUT],
    cnn: [CONV % ("c1", 4, "padding = 1; "), RELU, typed("maxpool2d", rest="kernel = 2;"),
          typed("dropout", rest="rate = 0.2;"), CONV % ("c2", 4, ""), typed("sigmoid"), FLATTEN,
          OUT],
    scale: [CONV % ("c1", 4, "bias = false; "), BATCH % "n1", RELU, FLATTEN, LINEAR % ("d", 8, ""),
            LAYER % "n2", OUT],
    center: [CONV % ("c1", 4, ""), BATCH % "n1", FLATTEN, LINEAR % ("d", 8, ""), LAYER % "n2",
             BATCH % "n3", OUT],
    nested: [CONV % ("c1", 4, "padding = 1; "), CONV % ("c2", 4, "padding = 1; "), RELU,
             BATCH % "n2", CONV % ("c3", 4, ""), typed("leaky_relu", rest="slope = 0.3;"), FLATTEN,
             OUT],
    frozen: [FLATTEN, LINEAR % ("a", 8, ""), LINEAR % ("b", 8, ""), LINEAR % ("c", 8, ""), OUT],
    bidirectional: [ROWS, typed("gru", "a", 'units = 5; output = "sequence"; bidirectional = true;'),
                    typed("lstm", "b", "units = 4; biases = 1; bidirectional = true;"), OUT],
    recurrent: [ROWS, typed("gru", "a", 'units = 6; output = "sequence"; biases = 1; '
                                        'reset = "before";'),
                typed("gru", "b", 'units = 6; output = "sequence"; biases = 0;'),
                typed("rnn", "c", 'units = 5; output = "sequence"; biases = 1;'),
                typed("lstm", "d", "units = 5; biases = 0;"), OUT],
    channels_first: FIRST,
    channels_mixed: FIRST,
    conv1d: [ROWS, typed("conv1d", "c1", "filters = 6; kernel = 3;"), RELU,
             typed("maxpool1d", rest="kernel = 2;"),
             typed("conv1d", "c2", "filters = 6; kernel = 3; stride = 2; padding = 1;"),
             typed("gru", "g", "units = 7;"), OUT],
    residual: [CONV % ("stem", 4, "padding = 1; "), CONV % ("left", 4, "padding = 1; "),
               typed("relu", "l"), CONV % ("right", 4, 'padding = 1; input = "stem"; '),
               typed("tanh", "r"), typed("add", "sum", 'inputs = ["l", "r"];'),
               typed("conv2d", "small", "filters = 2; kernel = 1;"),
               typed("concat", "all", 'inputs = ["sum", "small"];'), typed("global_avgpool"), OUT],
    edges: [typed("conv2d", "c1", "filters = 4; kernel = 5; stride = 2; padding = 2;"),
            typed("leaky_relu", rest="slope = 0.2;"), typed("avgpool2d", rest="kernel = 2;"),
            typed("upsample2d", rest="scale = 2;"), CONV % ("c2", 4, ""), FLATTEN,
            typed("batch_norm", "n", "eps = 0.01;"), OUT],
}
DATA = {edges: "mean = 0.5; std = 0.5;"}

# What the model may contradict: a network, and what is replaced in ours.
CONTRADICTIONS = [
    (scale, "eps = 0.001", "eps = 0.00001"),
    (edges, "slope = 0.2", "slope = 0.01"),
    (edges, "stride = 2; padding = 2", "stride = 2; padding = 1"),
    (edges, 'avgpool2d', 'maxpool2d'),
    (edges, "mean = 0.5", "mean = 0.0"),
    (edges, "eps = 0.01", "eps = 0.001"),
    (dense, '"tanh"', '"sigmoid"'),
    (dense, ' { type = "tanh";  },', ""),
    (cnn, "padding = 1", "padding = 0"),
    (cnn, '"sigmoid"', '"relu"'),
    (recurrent, '"sequence"; biases = 0;', '"sequence"; biases = 0; reset = "before";'),
    (recurrent, "units = 5; biases = 0;", 'units = 5; biases = 0; gates = "hard_sigmoid";'),
    (conv1d, "stride = 2", "stride = 1"),
    (residual, '"tanh"; name = "r"', '"relu"; name = "r"'),
    (residual, '["sum", "small"]', '["small", "sum"]'),
]

# Settings that the model beside the network has not: none of ours has them, but for the dilation.
ODD = {
    "dilation": (lambda: keras.Sequential([
        image(), L.Conv2D(4, 3, dilation_rate=2, name="c1"), L.Flatten(), L.Dense(10, name="out")]),
        [typed("conv2d", "c1", "filters = 4; kernel = 3; padding = 0;"),
         typed("maxpool2d", rest="kernel = 3; stride = 1;"), FLATTEN, OUT]),
    "go_backwards": (lambda: keras.Sequential([
        rows(), L.LSTM(5, go_backwards=True, name="a"), L.Dense(10, name="out")]),
        [ROWS, typed("lstm", "a", "units = 5; biases = 1;"), OUT]),
    "hard_sigmoid": (lambda: keras.Sequential([
        rows(), L.GRU(5, recurrent_activation="hard_sigmoid", name="a"), L.Dense(10, name="out")]),
        [ROWS, typed("gru", "a", 'units = 5; gates = "hard_sigmoid";'), OUT]),
    "relu in a cell": (lambda: keras.Sequential([
        rows(), L.SimpleRNN(5, activation="relu", name="a"), L.Dense(10, name="out")]),
        [ROWS, typed("rnn", "a", "units = 5; biases = 1;"), OUT]),
    "sum of directions": (lambda: keras.Sequential([
        rows(), L.Bidirectional(L.LSTM(5), merge_mode="sum", name="a"), L.Dense(10, name="out")]),
        [ROWS, typed("lstm", "a", "units = 5; biases = 1; bidirectional = true;"), OUT]),
    "gelu": (lambda: keras.Sequential([
        image(), L.Flatten(), L.Dense(9, activation="gelu", name="a"), L.Dense(10, name="out")]),
        [FLATTEN, LINEAR % ("a", 9, ""), OUT]),
    "group norm": (lambda: keras.Sequential([
        image(), L.Flatten(), L.Dense(8, name="a"), L.GroupNormalization(2, name="n"),
        L.Dense(10, name="out")]),
        [FLATTEN, LINEAR % ("a", 8, ""), LAYER % "n", OUT]),
    "shared layer": (lambda: shared(), [FLATTEN, LINEAR % ("a", 8, ""), LINEAR % ("b", 8, ""), OUT]),
    "uneven padding": (lambda: keras.Sequential([
        image(), L.Conv2D(4, 3, strides=2, padding="same", name="c1"), L.Flatten(),
        L.Dense(10, name="out")]),
        [CONV % ("c1", 4, "stride = 2; padding = 1; "), FLATTEN, OUT]),
}


def shared():
    given = image()
    twice = L.Dense(8, name="b")
    x = twice(twice(L.Dense(8, name="a")(L.Flatten()(given))))
    return keras.Model(given, L.Dense(10, name="out")(x))


# ---- running ---------------------------------------------------------------

def make_data(folder, rng):
    images = rng.integers(0, 256, (IMAGES, SIDE, SIDE), np.uint8)
    labels = np.arange(IMAGES, dtype=np.uint8) % 10
    for part in ("train", "t10k"):
        idx.write(folder, part, images.shape, images.tobytes(), labels.tobytes())
    return images.astype(np.float32) / 255


def fill(network, rng):
    for variable in network.variables:
        if "seed" in variable.path:
            continue
        values = rng.uniform(-1, 1, variable.shape) / np.sqrt(max(variable.shape[0], 4) / 4)
        variable.assign(np.abs(values) + 0.1 if "variance" in variable.path else values)


def model_text(name, layers, data=""):
    return (f'name = "{name}"; input = [1, {SIDE}, {SIDE}]; data = {{ validation = 10; {data} }};\n'
            f"layers = (\n  " + ",\n  ".join(layers) + "\n);\n"
            'loss = "cross_entropy"; train = { epochs = 1; batch = 4; '
            'optimizer = { type = "sgd"; lr = 0.1; }; };\n')


def softmax(x):
    e = np.exp(x - x.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


class Digits:
    def __init__(self, convert, predict, folder, images):
        self.convert, self.predict, self.folder, self.images = convert, predict, folder, images

    def answers(self, network):
        shape = network.input_shape[1:]
        return np.asarray(network.predict(self.images.reshape(-1, *shape), verbose=0))

    def run(self, file, model, *options):
        """What digits-convert says, and the answers with what it wrote; None: it refused."""
        weights, out = self.folder / "w.safetensors", self.folder / "logits"
        weights.unlink(missing_ok=True)
        done = subprocess.run([self.convert, "--quiet", *options, "--model", model, file, weights],
                              capture_output=True, text=True)
        if done.returncode:
            return done.stderr.strip(), None
        subprocess.run([self.predict, "cpu", model, weights, self.folder, out], check=True)
        return done.stderr.strip(), np.fromfile(out, np.float32).reshape(IMAGES, -1)

    def verdict(self, file, model, expected, options=()):
        said, logits = self.run(file, model, *options)
        if logits is None:
            return "refused", said
        ends_in_softmax = np.allclose(expected.sum(1), 1, atol=1e-4)
        ours = softmax(logits) if ends_in_softmax else logits
        close = np.abs(ours - expected).max() <= 2e-4 * np.abs(expected).max()
        return "same" if close else "warned" if said else "WRONG", said


def save(network, folder, stem):
    """All forms of a network's weights."""
    network.save(folder / f"{stem}.keras")
    network.save(folder / f"{stem}.h5")
    network.save_weights(folder / f"{stem}.weights.h5")
    values = [np.asarray(v) for v in network.get_weights() if v.dtype == np.float32]
    np.savez(folder / f"{stem}.npz", *values)
    return {form: folder / f"{stem}{form}" for form in FORMS}


def options_of(form):
    return ["--layout", "keras"] if form == ".npz" else []


def try_networks(digits, rng):
    wrong, notes = 0, []
    print(f"{'network':<18}" + "".join(f"{form:<14}" for form in FORMS))
    for make, layers in NETWORKS.items():
        name = make.__name__
        network = make()
        fill(network, rng)
        model = digits.folder / f"{name}.cfg"
        model.write_text(model_text(name, layers, DATA.get(make, "")))
        expected, row = digits.answers(network), []
        for form, file in save(network, digits.folder, name).items():
            result, said = digits.verdict(file, model, expected, options_of(form))
            row.append(result)
            wrong += result == "WRONG"
            if result in ("refused", "warned"):
                notes.append(f"  {name}{form}: {said.splitlines()[0]}")
        print(f"{name:<18}" + "".join(f"{result:<14}" for result in row))
    print("\n".join(notes))
    return wrong


def told(digits, file, model, what):
    """Is a contradiction a warning, and an error with --strict? Prints a line, counts faults."""
    said, logits = digits.run(file, model)
    strict, refused = digits.run(file, model, "--strict")
    fine = (logits is None or said) and refused is None
    first_line = (said or "nothing was said").splitlines()[0].removeprefix("digits-convert: ")
    print(f"{what:<50}{'told' if fine else 'WRONG':<7}{first_line}")
    return 0 if fine else 1


def try_contradictions(digits, rng):
    wrong = 0
    for make, ours, other in CONTRADICTIONS:
        network = make()
        fill(network, rng)
        text = model_text(make.__name__, NETWORKS[make], DATA.get(make, ""))
        assert ours in text, (make.__name__, ours)
        model = digits.folder / "other.cfg"
        model.write_text(text.replace(ours, other))
        files = save(network, digits.folder, "other")
        for form in (".keras", ".h5"):
            wrong += told(digits, files[form], model, f"{make.__name__}{form}: {ours.strip()}")
    for name, (make, layers) in ODD.items():
        network = make()
        fill(network, rng)
        model = digits.folder / "odd.cfg"
        model.write_text(model_text("odd", layers))
        files = save(network, digits.folder, "odd")
        for form in (".keras", ".h5"):
            wrong += told(digits, files[form], model, f"{name}{form}")
    return wrong


def main():
    if len(sys.argv) != 3:
        print(__doc__)
        return 2
    warnings.filterwarnings("ignore")
    rng = np.random.default_rng(1)
    keras.utils.set_random_seed(1)
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        digits = Digits(*sys.argv[1:], folder, make_data(folder, rng))
        print(f"Keras {keras.__version__} on {keras.backend.backend()}")
        wrong = try_networks(digits, rng)
        print()
        wrong += try_contradictions(digits, rng)
    print(f"\n{wrong} wrong" if wrong else "\nnothing is wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
