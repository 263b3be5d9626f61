"""A model as a folder of plain data."""

import hashlib
import json
import os
import subprocess
import sys

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from chatkit import load_model, make_pipeline
from chatkit.model import bundle, pipeline
from chatkit.model.bundle import LARGEST, model_sha256, read_model, save_model
from chatkit.model.pipeline import CLASSIFIERS
from chatkit.project import InputError

MESSAGE = ["subject", "body"]


@pytest.fixture
def fitted(chats):
    """A small boosted model."""
    return make_pipeline("xgboost", {"n_estimators": 5}).fit(chats[MESSAGE], chats["category"])


@pytest.fixture
def folder(fitted, tmp_path):
    """The same, saved."""
    save_model(fitted, tmp_path / "model", {"train_sha256": "0"})
    return tmp_path / "model"


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_what_is_read_says_what_was_saved(chats, tmp_path, name):
    """To the last bit, for every classifier; and a clone of it can be fitted again."""
    choices = {"clean": ["html"], "domain_words": ["harbor"], "min_df": 1, "ngram_range": (1, 1)}
    options = {"rules": [("urgent", "lost")]} if name == "rules" else {}
    model = make_pipeline(name, options, **choices).fit(chats[MESSAGE], chats["category"])
    save_model(model, tmp_path / "model", {})
    loaded = load_model(tmp_path / "model")
    new = chats[MESSAGE].assign(body=[f"{text} w{row}" for row, text in enumerate(chats["body"])])
    assert loaded.predict(new).tolist() == model.predict(new).tolist()
    if name != "rules":
        np.testing.assert_array_equal(loaded.predict_proba(new), model.predict_proba(new))
        assert (loaded[:-1].get_feature_names_out() == model[:-1].get_feature_names_out()).all()
    assert {key: str(value) for key, value in clone(loaded).get_params().items() if "steps" not in key} == {
        key: str(value) for key, value in clone(model).get_params().items() if "steps" not in key
    }


def test_a_model_of_rules_needs_no_file_of_rules(chats, tmp_path, monkeypatch):
    """They are part of the model."""
    model = make_pipeline("rules", {"rules": [("urgent", "lost")]}).fit(chats[MESSAGE], chats["category"])
    save_model(model, tmp_path / "model", {})
    monkeypatch.setattr(pipeline, "read_rules", None)
    assert load_model(tmp_path / "model").predict([("lost", "")]).tolist() == ["urgent"]


def test_none_is_read_as_none(chats, tmp_path):
    """Not as what the parameter is by default."""
    for name, options in (("boosted_linear", {"min_child_weight": None}), ("xgboost", {"learning_rate": None})):
        save_model(make_pipeline(name, options).fit(chats[MESSAGE], chats["category"]), tmp_path / name, {})
        (option,) = options
        assert load_model(tmp_path / name)[-1].get_params()[option] is None


def test_parameters_are_written_as_plain_data(chats, tmp_path):
    """A number of NumPy's is a number; a generator is none, and a sentence says so."""
    for seed in (np.int64(3), 3):
        options = {"n_estimators": type(seed)(5), "reg_lambda": np.float32(1), "min_child_weight": None}
        model = make_pipeline("xgboost", options, seed=seed, min_df=type(seed)(1)).fit(
            chats[MESSAGE], chats["category"]
        )
        save_model(model, tmp_path / type(seed).__name__, {})
    loaded = load_model(tmp_path / "int64")
    assert (loaded["classifier"].random_state, loaded["classifier"].min_child_weight) == (3, None)
    assert (tmp_path / "int64" / "manifest.json").read_text() == (tmp_path / "int" / "manifest.json").read_text()
    model = make_pipeline("xgboost", {"random_state": np.random.RandomState(0)}).fit(chats[MESSAGE], chats["category"])
    with pytest.raises(InputError, match=r"Got RandomState.*expected plain data.*a whole number as random_state"):
        save_model(model, tmp_path / "none", {})
    assert not (tmp_path / "none").exists()


def test_the_same_model_is_the_same_bytes(fitted, folder, tmp_path):
    """A stage's output does not change by making it again; the folder is replaced whole."""
    (folder / "stray.txt").write_text("from an older version")
    before = {file.name: file.read_bytes() for file in folder.iterdir() if file.name != "stray.txt"}
    save_model(fitted, folder, {"train_sha256": "0"})
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before
    assert [file.name for file in tmp_path.iterdir()] == ["model"]


def test_nothing_in_it_is_code(folder):
    """Plain JSON and XGBoost's own format: no pickle anywhere."""
    assert sorted(file.name for file in folder.iterdir()) == [
        "features.json",
        "golden.json",
        "manifest.json",
        "trees.ubj",
    ]
    imported = (
        "import sys; from chatkit import load_model; load_model(sys.argv[1]); "
        "assert not {'dvc', 'papermill', 'matplotlib', 'nltk'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", imported, str(folder)], check=True)


def test_no_customers_words_beyond_the_terms(folder, chats):
    """The golden messages are made of the model's terms, not of chats."""
    golden = (folder / "golden.json").read_text()
    assert not any(body in golden for body in chats["body"])


def test_the_manifest_says_what_it_was_made_from(folder):
    """Hashes, versions, parameters; no time, no revision."""
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["made_from"]["train_sha256"] == "0"
    assert len(manifest["made_from"]["code_sha256"]) == 64
    assert {"numpy", "scikit-learn", "xgboost", "simplemma"} <= set(manifest["libraries"])
    assert set(manifest["files"]) == {"features.json", "golden.json", "trees.ubj"}
    assert (manifest["fit"]["min_df"], manifest["fit"]["classifier_options"]["n_estimators"]) == (2, 5)
    assert "python" not in json.dumps(manifest), "three of them make the same model"


@pytest.mark.parametrize("name", ["features.json", "golden.json", "trees.ubj", "manifest.json"])
def test_a_changed_or_missing_file_is_named(folder, name):
    """One flipped byte, in the manifest one of a file's digest, and the file gone."""
    data = bytearray((folder / name).read_bytes())
    data[data.index(b"trees.ubj") + 20 if name == "manifest.json" else len(data) // 2] ^= 1
    (folder / name).write_bytes(data)
    with pytest.raises(InputError, match=r"restore .*with `dvc checkout"):
        load_model(folder)
    (folder / name).unlink()
    with pytest.raises(InputError, match=f"is no whole model: {name} is missing"):
        load_model(folder)


def test_a_file_outside_the_folder_is_not_read(folder, tmp_path):
    """A manifest cannot point elsewhere."""
    (tmp_path / "secret").write_text("s")
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"]["../secret"] = "0"
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(InputError, match=r"is no whole model: \.\./secret is missing"):
        load_model(folder)


def sign(folder, name, data):
    """Write a file and its new hash."""
    (folder / name).write_bytes(data)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"][name] = hashlib.sha256(data).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest))


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("features.json", b"[]"),
        ("features.json", b'{"classifier": "xgboost"}'),
        ("golden.json", b"{}"),
        ("golden.json", b"nonsense"),
        ("trees.ubj", b"{}"),
    ],
)
def test_a_model_that_cannot_be_read_gives_one_sentence(folder, name, data):
    """Files with the right hash and the wrong content."""
    sign(folder, name, data)
    with pytest.raises(InputError, match=r"cannot be read \(\w+: .*restore it with"):
        load_model(folder)


def test_what_the_manifest_does_not_name_is_refused(folder):
    """A file put beside the others; a file in place of the folder."""
    (folder / "evil.py").write_text("1")
    with pytest.raises(InputError, match=r"evil\.py is not named in the model's manifest"):
        load_model(folder)
    with pytest.raises(InputError, match="expected a folder of plain files"):
        load_model(folder / "evil.py")


def test_a_link_or_a_folder_or_too_much_is_refused_unread(folder, tmp_path, monkeypatch):
    """What is read is what lies there: a link may point anywhere, a pipe may never end, a file may fill the memory."""
    file, kept = folder / "golden.json", tmp_path / "golden.json"
    file.rename(kept)
    for put in (lambda: file.symlink_to(kept), lambda: os.mkfifo(file), file.mkdir):
        put()
        with pytest.raises(InputError, match=r"golden\.json is a link, a folder or a device"):
            load_model(folder)
        file.rmdir() if file.is_dir() else file.unlink()
    kept.rename(file)
    monkeypatch.setitem(LARGEST, "golden.json", 100)
    with pytest.raises(InputError, match=r"golden\.json has more than 100 bytes"):
        load_model(folder)


def test_a_model_has_one_digest(folder):
    """Over format and files, as anybody can compute it: the expected one opens the door, another does not."""
    hashes = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in ("features.json", "trees.ubj")}
    identity = json.dumps({"files": hashes, "format": 5}).replace(" ", "")
    digest = hashlib.sha256(identity.encode()).hexdigest()
    files = read_model(folder, digest.upper())
    assert model_sha256(files) == digest
    assert files == {file.name: file.read_bytes() for file in folder.iterdir()}
    with pytest.raises(InputError, match=f"has the digest {digest}, expected 00"):
        read_model(folder, "0" * 64)


def test_the_digest_is_of_what_determines_the_answers(fitted, folder, tmp_path, monkeypatch):
    """Not of code, data and golden messages; of every file that the classifier has, and of the format."""
    digest = model_sha256(read_model(folder))
    monkeypatch.setattr(bundle, "code_sha256", lambda module: "1" * 64)
    save_model(fitted, tmp_path / "again", {"train_sha256": "1", "parameters": {"min_df": 7}})
    assert (tmp_path / "again" / "manifest.json").read_bytes() != (folder / "manifest.json").read_bytes()
    assert model_sha256(read_model(tmp_path / "again")) == digest
    sign(folder, "golden.json", b"[]")
    assert model_sha256(read_model(folder)) == digest
    for name in ("features.json", "trees.ubj", "weights.npy"):
        files = read_model(folder)
        assert model_sha256(files | {name: files.get(name, b"") + b" "}) != digest
    monkeypatch.setattr(bundle, "FORMAT", 99)
    assert model_sha256(files) != digest


def double_weights(model, other):
    """Change the weights, and nothing else."""
    model["classifier"].coef_ = model["classifier"].coef_ * 2


def change_trees(model, other):
    """Change the trees and not the words that they ask for."""
    trees = model["classifier"].trees_
    model["classifier"].trees_ = type(trees)(other["classifier"].trees_.booster, trees.words)


def double_idf(model, other):
    """Change the weights of the terms."""
    model["tfidf"].idf_ = model["tfidf"].idf_ * 2


@pytest.mark.parametrize(
    ("name", "change", "file"),
    [
        ("linear_svc", double_weights, "weights.npy"),
        ("logistic", double_weights, "weights.npy"),
        ("boosted_linear", double_weights, "weights.npy"),
        ("xgboost", change_trees, "trees.ubj"),
        ("logistic", double_idf, "features.json"),
        ("xgboost", double_idf, "features.json"),
    ],
)
def test_what_answers_otherwise_has_another_digest(chats, tmp_path, name, change, file):
    """Whichever of the three files holds what differs; no other of them does."""
    options = {"n_estimators": 5} if name == "xgboost" else {}
    model = make_pipeline(name, options).fit(chats[MESSAGE], chats["category"])
    other = make_pipeline("xgboost", {"n_estimators": 3}).fit(chats[MESSAGE], chats["category"])
    save_model(model, tmp_path / "model", {})
    before = read_model(tmp_path / "model")
    change(model, other)
    save_model(model, tmp_path / "model", {})
    after = read_model(tmp_path / "model")
    assert {key for key in after if after[key] != before[key]} - {"golden.json", "manifest.json"} == {file}
    assert model_sha256(after) != model_sha256(before)


@pytest.mark.parametrize("name", [name for name in CLASSIFIERS if name != "rules"])
def test_what_counts_for_fitting_changes_no_answer(chats, tmp_path, name):
    """Which is why it stands in the manifest: with all of it changed a loaded model says the same, to the last bit."""
    choices = {"domain_words": ["card"], "min_df": 1, "ngram_range": (1, 1)}
    options = {"strategy": "stratified", "random_state": 3} if name == "dummy" else {}
    other = chats.assign(category=chats["category"].where(chats.index % 3 > 0, "third"))
    for frame in (chats, other):
        model = make_pipeline(name, options, **choices).fit(frame[MESSAGE], frame["category"])
        save_model(model, tmp_path / name, {})
        before, file = load_model(tmp_path / name).predict_proba(chats[MESSAGE]), tmp_path / name / "manifest.json"
        manifest = json.loads(file.read_text())
        changed = {
            option: not value if isinstance(value, bool) else 17 if isinstance(value, int | float) else value
            for option, value in manifest["fit"].get("classifier_options", {}).items()
        }
        if name == "logistic":
            changed |= {"solver": "liblinear"}
        manifest["fit"] = {"min_df": 17} | ({"classifier_options": changed} if changed else {})
        file.write_text(json.dumps(manifest))
        loaded = load_model(tmp_path / name)
        assert loaded["counts"].min_df == 17
        np.testing.assert_array_equal(loaded.predict_proba(chats[MESSAGE]), before)


@pytest.mark.parametrize("manifest", [b"[]", b'{"files": 1}', b'{"files": ["a"]}', b"[" * 100_000, b"\xff"])
def test_a_damaged_manifest_is_one_sentence(folder, manifest):
    """Whatever it holds."""
    (folder / "manifest.json").write_bytes(manifest)
    with pytest.raises(InputError, match="manifest.json is (damaged|missing)"):
        load_model(folder)


def test_a_model_that_answers_otherwise_is_refused(folder):
    """The golden messages catch what hashes cannot: other libraries, other arithmetic."""
    golden = json.loads((folder / "golden.json").read_text())
    golden[0]["probabilities"][0] += 1e-4
    sign(folder, "golden.json", json.dumps(golden).encode())
    with pytest.raises(InputError, match="answers its golden messages otherwise"):
        load_model(folder)


def test_another_format_is_refused(folder):
    """A newer model in an older library."""
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(manifest | {"format": 99}))
    with pytest.raises(InputError, match="has format 99, expected 5"):
        load_model(folder)


def test_a_pipeline_of_ones_own_has_no_folder(fitted, tmp_path):
    """Only what make_pipeline makes has a plain-data form."""
    with pytest.raises(InputError, match="only these have a plain-data form"):
        save_model(Pipeline(fitted.steps[2:]), tmp_path / "model", {})
    assert not (tmp_path / "model").exists()


def test_what_is_no_model_is_not_replaced(fitted, tmp_path):
    """Neither a folder with somebody's files nor a file nor a link; an empty folder and a model are."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years")
    (tmp_path / "file").write_text("")
    (tmp_path / "empty").mkdir()
    (tmp_path / "link").symlink_to("empty")
    for name in ("mine", "file", "link"):
        with pytest.raises(InputError, match=f"{name} is there and is no model"):
            save_model(fitted, tmp_path / name, {})
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "years"
    for _ in range(2):
        save_model(fitted, tmp_path / "empty", {})
        load_model(tmp_path / "empty")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["empty", "file", "link", "mine"], (
        "nothing is left beside"
    )


def test_categories_that_are_no_text_have_no_folder(chats, tmp_path):
    """They would come back as text: other categories than were fitted."""
    model = make_pipeline("linear_svc").fit(chats[["subject", "body"]], (chats["category"] == "urgent").astype(int))
    with pytest.raises(InputError, match=r"Got the category 0, expected text.*fit with y\.astype\(str\)"):
        save_model(model, tmp_path / "model", {})
    assert not (tmp_path / "model").exists()
