"""Score every classifier on labelled sets at hand, through the same stages, and write benchmarks/accuracy.md.

Each set is a folder with one CSV or Parquet file (id, subject, body, category, split). It is loaded into a warehouse of
its own, and query, split, train and evaluate run on it with other parameters, nothing else. The anchor is plain
scikit-learn in the same run: TF-IDF of 1-2-grams and LinearSVC, both with their defaults.

    python benchmarks/accuracy.py [FOLDER WITH THE SETS]
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from ruamel.yaml import YAML
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import accuracy_score, f1_score
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

from chatkit import load_model
from chatkit.data.files import read_table
from chatkit.model import pipeline
from chatkit.scores.metrics import expected_calibration_error

DRAWS = 500
ROOT = Path(__file__).resolve().parents[1]
CLASSIFIERS = list(pipeline.CLASSIFIERS)
PROJECT = ("params.yaml", "dvc.yaml", "queries", "notebooks", "chatkit", ".dvc/config", ".dvcignore")


def anchor(train, test):
    """Predict with plain scikit-learn."""
    model = make_pipeline(TfidfVectorizer(ngram_range=(1, 2)), LinearSVC(random_state=0))
    model.fit(train["subject"] + " " + train["body"], train["category"])
    return model.predict(test["subject"] + " " + test["body"])


def compare(project):
    """Set the default beside the anchor on the rows of the stage split: scores, and what the probabilities are worth."""
    train, test = (read_table(project / "data" / f"{side}.parquet") for side in ("train", "test"))
    model, truth = load_model(project / "models" / "chats"), test["category"].to_numpy()
    probabilities = model.predict_proba(test[["subject", "body"]])
    ours, theirs = model.classes_[probabilities.argmax(axis=1)], anchor(train, test)
    rng = np.random.default_rng(0)
    draws = (rng.integers(len(truth), size=len(truth)) for _ in range(DRAWS))
    gains = [macro_f1(truth[rows], ours[rows]) - macro_f1(truth[rows], theirs[rows]) for rows in draws]
    low, high = np.quantile(gains, [0.025, 0.975])
    return {
        "anchor": f"{macro_f1(truth, theirs):.3f} / {accuracy_score(truth, theirs):.3f}",
        "gain": f"{macro_f1(truth, ours) - macro_f1(truth, theirs):+.3f} ({low:+.3f} to {high:+.3f})",
        "ece": f"{expected_calibration_error(truth, probabilities, model.classes_):.3f}",
    }


def macro_f1(truth, predicted):
    """Mean F1 over the categories."""
    return f1_score(truth, predicted, average="macro", zero_division=0)


def stages(name, file, rules):
    """Run the stages on the set in a project of its own; return what evaluate wrote, and `compare`."""
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder) / name
        for part in PROJECT:
            source, target = ROOT / part, project / part
            target.parent.mkdir(parents=True, exist_ok=True)
            copy = shutil.copytree if source.is_dir() else shutil.copy
            copy(source, target)
        (project / "data" / "warehouse").mkdir(parents=True)
        shutil.copy(rules, project / "rules.yaml")
        yaml = YAML()
        params = yaml.load(project / "params.yaml")
        params["split"]["strategy"] = "column"
        params["train"]["classifier"] = CLASSIFIERS[0]
        params["evaluate"]["baselines"] = CLASSIFIERS[1:]
        yaml.dump(params, project / "params.yaml")
        environment = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
        for command in (
            ["dvc", "init", "--no-scm", "-f", "-q"],
            ["chatkit", "load", file],
            ["dvc", "repro", "evaluate"],
        ):
            subprocess.run(command, cwd=project, env=environment, check=True)
        return json.loads((project / "metrics" / "evaluate.json").read_text()), compare(project)


def main(folder):
    """Write the table."""
    rows, more = {}, {}
    for file in sorted([*folder.glob("*/*.csv"), *folder.glob("*/*.parquet")]):
        name = file.parent.name
        rules = ROOT / "benchmarks" / "rules" / f"{name}.yaml"
        metrics, found = stages(name, file.resolve(), rules if rules.is_file() else ROOT / "rules.yaml")
        scores = {CLASSIFIERS[0]: metrics, **metrics["baselines"]}
        cells = {
            key: scores[key].get("not_run") or f"{scores[key]['macro_f1']:.3f} / {scores[key]['accuracy']:.3f}"
            for key in CLASSIFIERS
        }
        rows[name] = {"anchor": found["anchor"], **cells}
        losses = {f"log-loss of {key}": f"{scores[key]['log_loss']:.3f}" for key in CLASSIFIERS[:2]}
        more[name] = {"macro-F1 above the anchor": found["gain"], **losses, "calibration error": found["ece"]}
    if not rows:
        sys.exit(f"No sets in {folder}: expected folders with one CSV or Parquet file each.")
    lines = f"""# Accuracy on real sets

Macro-F1 / accuracy on each set's own test rows, every classifier with its defaults. Written by `make accuracy`.
The anchor is plain scikit-learn: TfidfVectorizer of 1-2-grams and LinearSVC, on subject and body once each.
The rules for each set are in `benchmarks/rules`.

{markdown(rows)}

The default, {CLASSIFIERS[0]}, is the classifier with the best mean macro-F1 over these sets. What it is worth beside the
anchor (95 % interval of a paired bootstrap over the test rows, {DRAWS} draws), and its probabilities: log-loss beside that
of linear_svc, which is LinearSVC with a temperature, and the expected calibration error (15 bins).

{markdown(more)}
"""
    (ROOT / "benchmarks" / "accuracy.md").write_text(lines)
    print(lines)


def markdown(rows):
    """Lay out a dict of dicts as a table."""
    table = pd.DataFrame.from_dict(rows, orient="index")
    head = ["| set | " + " | ".join(table.columns) + " |", "|---" * (len(table.columns) + 1) + "|"]
    return "\n".join([*head, *(f"| {name} | " + " | ".join(row) + " |" for name, row in table.iterrows())])


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT.parent / "shared" / "data")
