#!/usr/bin/env python3
"""digits-run beside scikit-learn's perceptrons, on the tables that scikit-learn brings along.

Five folds of each table, the same for both: `digits-run table` with --set for the table's columns
and for few samples, and a StandardScaler before an MLPClassifier or MLPRegressor with their
defaults (more iterations for the regression, which else stops early). Prints a table; exit status
1 if digits is worse than the other by more than a standard error of the difference of the folds.
With --floors digits runs alone, on two of the folds, and must only reach what any processor's
rounding allows.
"""
import argparse
import json
import math
import pathlib
import statistics
import subprocess
import sys
import tempfile
import warnings

try:
    import numpy as np
    from sklearn import datasets, model_selection, neural_network, pipeline, preprocessing
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(0)

SEED = 1
# 64 pixels are more columns than `table` is made for
WIDER = {"fc1.units": 256, "fc2.units": 64, "train.label_smoothing": 0.1}
# name: loader, whether it has classes, epochs of digits, other settings, floor of --floors
TABLES = {
    "wine": (datasets.load_wine, True, 100, {}, 0.85),
    "breast_cancer": (datasets.load_breast_cancer, True, 60, {}, 0.90),
    "digits": (datasets.load_digits, True, 60, WIDER, 0.90),
    "diabetes": (datasets.load_diabetes, False, 60, {}, 0.20),
}


def write_table(path, inputs, wanted):
    """A table with the columns c0, c1, ... and wanted, without loss of bits."""
    header = ",".join([f"c{i}" for i in range(inputs.shape[1])] + ["wanted"])
    rows = (",".join([repr(float(x)) for x in row] + [str(t)]) for row, t in zip(inputs, wanted))
    path.write_text(header + "\n" + "\n".join(rows) + "\n", encoding="ascii")


def run_digits(program, folder, name, inputs, wanted, fold):
    """The accuracy, or R2, of digits-run on a fold."""
    _, classes, epochs, others, _ = TABLES[name]
    train, test = fold
    write_table(folder / "train.csv", inputs[train], wanted[train])
    write_table(folder / "test.csv", inputs[test], wanted[test])
    sets = {"input": f"[{inputs.shape[1]}]", "data.validation": 0, "train.keep": "last",
            "train.epochs": epochs, "train.batch": 32, "train.optimizer.weight_decay": 0.01,
            "out.units": len(set(wanted)) if classes else 1} | others
    if not classes:
        sets |= {"loss": "mse", "data.targets": "measure"}
    command = [program, "--backend", "cpu", "--quiet", "--seed", str(SEED),
               "--data", folder / "train.csv", "--test-data", folder / "test.csv",
               "--label" if classes else "--targets", "wanted", "--log", folder / "log.jsonl"]
    for path, value in sets.items():
        command += ["--set", f"{path}={value}"]
    subprocess.run(command + ["table"], check=True, stdout=subprocess.DEVNULL)
    lines = (folder / "log.jsonl").read_text(encoding="utf-8").splitlines()
    tested = [json.loads(line) for line in lines if '"event":"test"' in line]
    return tested[-1]["accuracy" if classes else "r2"]


def run_sklearn(inputs, wanted, fold, classes):
    train, test = fold
    kind = neural_network.MLPClassifier if classes else neural_network.MLPRegressor
    network = kind(random_state=SEED, max_iter=200 if classes else 2000)
    model = pipeline.make_pipeline(preprocessing.StandardScaler(), network)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of iterations that end before the loss does
        return model.fit(inputs[train], wanted[train]).score(inputs[test], wanted[test])


def folds_of(name):
    load, classes, *_ = TABLES[name]
    data = load()
    wanted = data.target if classes else data.target.astype(float)
    split = model_selection.StratifiedKFold if classes else model_selection.KFold
    folds = list(split(5, shuffle=True, random_state=SEED).split(data.data, wanted))
    return data, wanted, folds


def check_floor(program, name, folder):
    _, classes, _, _, floor = TABLES[name]
    data, wanted, folds = folds_of(name)
    reached = np.mean([run_digits(program, folder, name, data.data, wanted, f)
                       for f in folds[:2]])
    print(f"{name:14} {'accuracy' if classes else 'R2':8} {reached:.4f}, at least {floor}")
    return reached >= floor


def compare(program, name, folder):
    _, classes, *_ = TABLES[name]
    data, wanted, folds = folds_of(name)
    ours = [run_digits(program, folder, name, data.data, wanted, f) for f in folds]
    theirs = [run_sklearn(data.data, wanted, f, classes) for f in folds]
    apart = [a - b for a, b in zip(ours, theirs)]
    error = statistics.stdev(apart) / math.sqrt(len(apart))
    worse = statistics.mean(apart) < -max(error, 1e-9)
    print(f"{name:14} {'accuracy' if classes else 'R2':8} digits {np.mean(ours):.4f}  "
          f"scikit-learn {np.mean(theirs):.4f}  difference {np.mean(apart):+.4f} +- {error:.4f}"
          f"{'  WORSE' if worse else ''}")
    return not worse


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program", help="digits-run")
    parser.add_argument("--floors", action="store_true", help="digits alone")
    given = parser.parse_args()
    run = check_floor if given.floors else compare
    with tempfile.TemporaryDirectory() as folder:
        results = [run(given.program, name, pathlib.Path(folder)) for name in TABLES]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
