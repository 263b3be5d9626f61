"""The scores as a person reads them in the terminal."""

import json

import pytest

from chatkit.project import InputError
from chatkit.scores.table import scores_table


def test_model_first_then_baselines(tmp_path):
    """Three decimals, a dash where there is no log-loss, the reason where nothing ran."""
    metrics = {
        "classifier": "xgboost", "macro_f1": 0.8765, "accuracy": 0.9, "log_loss": 0.5,
        "baselines": {"dummy": {"macro_f1": 0.1, "accuracy": 0.4, "log_loss": None}, "rules": {"not_run": "why"}},
    }  # fmt: skip
    (tmp_path / "evaluate.json").write_text(json.dumps(metrics))
    assert scores_table(tmp_path / "evaluate.json").splitlines() == [
        "test scores      macro-F1  accuracy  log-loss",
        "model (xgboost)     0.876     0.900     0.500",
        "dummy               0.100     0.400         -",
        "rules            not run: why",
    ]


def test_without_an_evaluation_it_says_what_to_run(tmp_path):
    """Before the first run."""
    with pytest.raises(InputError, match=r"evaluate\.json is missing; make it with `dvc repro`"):
        scores_table(tmp_path / "evaluate.json")


def test_a_damaged_evaluation_gives_one_sentence(tmp_path):
    """No traceback of the JSON parser."""
    (tmp_path / "evaluate.json").write_text("<<<<<<<")
    with pytest.raises(InputError, match="is damaged; restore it with"):
        scores_table(tmp_path / "evaluate.json")
