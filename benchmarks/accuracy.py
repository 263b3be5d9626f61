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

import pandas as pd
from ruamel.yaml import YAML
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import accuracy_score, f1_score
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

from chatkit.data.load import read_chats

ROOT = Path(__file__).resolve().parents[1]
CLASSIFIERS = ["linear_svc", "logistic", "xgboost", "rules", "dummy"]
PROJECT = ("params.yaml", "dvc.yaml", "queries", "notebooks", "chatkit", ".dvc/config", ".dvcignore")


def anchor(file):
    """Score plain scikit-learn on the set."""
    chats = read_chats(file)
    text = chats["subject"] + " " + chats["body"]
    train, test = chats["split"] == "train", chats["split"] == "test"
    model = make_pipeline(TfidfVectorizer(ngram_range=(1, 2)), LinearSVC(random_state=0))
    predicted = model.fit(text[train], chats["category"][train]).predict(text[test])
    truth = chats["category"][test]
    return {"macro_f1": f1_score(truth, predicted, average="macro"), "accuracy": accuracy_score(truth, predicted)}


def stages(name, file, rules):
    """Run the stages on the set in a project of its own; return what evaluate wrote."""
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
        return json.loads((project / "metrics" / "evaluate.json").read_text())


def main(folder):
    """Write the table."""
    rows = {}
    for file in sorted([*folder.glob("*/*.csv"), *folder.glob("*/*.parquet")]):
        name = file.parent.name
        rules = ROOT / "benchmarks" / "rules" / f"{name}.yaml"
        metrics = stages(name, file.resolve(), rules if rules.is_file() else ROOT / "rules.yaml")
        scores = {CLASSIFIERS[0]: metrics, **metrics["baselines"]}
        cells = {
            key: scores[key].get("not_run") or f"{scores[key]['macro_f1']:.3f} / {scores[key]['accuracy']:.3f}"
            for key in CLASSIFIERS
        }
        plain = anchor(file)
        rows[name] = {"anchor": f"{plain['macro_f1']:.3f} / {plain['accuracy']:.3f}", **cells}
    if not rows:
        sys.exit(f"No sets in {folder}: expected folders with one CSV or Parquet file each.")
    table = pd.DataFrame.from_dict(rows, orient="index")
    lines = [
        "# Accuracy on real sets",
        "",
        "Macro-F1 / accuracy on each set's own test rows, every classifier with its defaults. Written by `make accuracy`.",
        "The anchor is plain scikit-learn: TfidfVectorizer of 1-2-grams and LinearSVC, on subject and body once each.",
        "The rules for each set are in `benchmarks/rules`.",
        "",
        "| set | " + " | ".join(table.columns) + " |",
        "|---" * (len(table.columns) + 1) + "|",
        *(f"| {name} | " + " | ".join(row) + " |" for name, row in table.iterrows()),
    ]
    (ROOT / "benchmarks" / "accuracy.md").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT.parent / "shared" / "data")
