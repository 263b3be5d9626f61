"""Loading a model: bytes that crash the parser do not crash the service."""

import hashlib
import json
import signal

import numpy as np
import pytest

from chatkit import load_model
from chatkit.explain.words import top_words_per_message
from chatkit.model.bundle import model_sha256
from chatkit.model.pipeline import CLASSIFIERS
from chatkit.project import InputError
from chatkit.service import loading
from chatkit.service.loading import Model, read_verified
from tests.service.conftest import save

TEXTS = [("Lost card", "I lost my card"), ("", ""), ("Hours", "open?"), ("😟", "share an account"), ("a", "b")]


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_it_says_what_the_pipeline_says(tmp_path, name):
    """One message or several, every classifier."""
    options = {"classifier_options": {"rules": [("urgent", "lost")]}} if name == "rules" else {}
    save(tmp_path / "model", name, **options)
    pipeline, model = load_model(tmp_path / "model"), Model(loading.read_model(tmp_path / "model"), "model")
    for texts in (TEXTS, TEXTS[:1]):
        categories, probabilities = model.predict(texts)
        assert categories == pipeline.predict(texts).tolist()
        if name == "rules":
            assert probabilities == [None] * len(texts)
        else:
            np.testing.assert_array_equal(probabilities, pipeline.predict_proba(texts))
        if name in {"rules", "dummy"}:
            assert model.words(texts, categories) == [None] * len(texts)
        else:
            assert model.words(texts, categories) == top_words_per_message(pipeline, texts, categories)


def test_what_is_admitted_are_the_bytes_that_lie_there(model_folder):
    """And the digest is theirs."""
    files = read_verified(model_folder)
    assert files == {file.name: file.read_bytes() for file in model_folder.iterdir()}
    assert Model(files, model_folder).sha256 == model_sha256(files)


def test_a_parser_that_dies_takes_nobody_with_it(tmp_path):
    """XGBoost's own parser, and a tree whose children lie far outside of it."""
    folder = tmp_path / "model"
    save(folder, "xgboost", classifier_options={"n_estimators": 2})
    import xgboost

    booster = xgboost.Booster(model_file=bytearray((folder / "trees.ubj").read_bytes()))
    content = json.loads(booster.save_raw("json"))
    tree = content["learner"]["gradient_booster"]["model"]["trees"][0]
    tree["left_children"][0] = 100_000_000
    manifest = json.loads((folder / "manifest.json").read_text())
    data = json.dumps(content).encode()
    (folder / "trees.ubj").write_bytes(data)
    manifest["files"]["trees.ubj"] = hashlib.sha256(data).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(InputError, match="crashed the process that parsed it|cannot be read") as error:
        read_verified(folder)
    assert "\n" not in str(error.value)


def test_a_parser_that_does_not_end_is_ended(model_folder, monkeypatch):
    """After some time."""
    monkeypatch.setattr(loading, "_PARSE_TIMEOUT", 0.05)
    with pytest.raises(InputError, match="took more than 0.05 seconds"):
        read_verified(model_folder)


def test_an_end_by_signal_is_one_sentence(model_folder, monkeypatch):
    """As a crash of the parser gives it."""

    def run(*_arguments, **_options):
        return loading.subprocess.CompletedProcess([], -signal.SIGSEGV, b"", b"")

    monkeypatch.setattr(loading.subprocess, "run", run)
    with pytest.raises(InputError, match=r"crashed the process that parsed it \(exit code -11\)"):
        read_verified(model_folder)
