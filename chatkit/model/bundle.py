"""A model as a folder of plain data: written, checked and read back without running anything in it."""

import errno
import hashlib
import io
import json
import os
import shutil
import stat
import tempfile
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
import xgboost

from chatkit.fingerprint import code_sha256
from chatkit.model.pipeline import classifier_name, make_pipeline
from chatkit.model.trees import Trees
from chatkit.project import InputError
from chatkit.text.vocabulary import Vocabulary

FORMAT = 4
GOLDEN_MESSAGES = 20
GOLDEN_DECIMALS = 6  # of the probabilities that are written
GOLDEN_TOLERANCE = 1.5e-6  # half of the last of these, and what another processor may make of a float32
LIBRARIES = ("numpy", "pandas", "scikit-learn", "scipy", "simplemma", "nltk")
# What determines the answers. The golden messages only check them, and the manifest says where they come from.
ANSWERS = ("features.json", "trees.ubj", "weights.npy")
MEGABYTE = 2**20
LARGEST = {
    "manifest.json": MEGABYTE, "golden.json": 16 * MEGABYTE, "features.json": 512 * MEGABYTE,
    "trees.ubj": 512 * MEGABYTE, "weights.npy": 2048 * MEGABYTE,
}  # fmt: skip
UNREADABLE = (
    ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError, xgboost.core.XGBoostError,
)  # fmt: skip
_CHOICES = (
    "classifier", "subject_weight", "stop_words", "domain_words", "lemmatizer", "ngram_range", "sublinear_tf",
)  # fmt: skip


def save_model(pipeline, folder, made_from):
    """Write a fitted pipeline into a folder of plain data.

    ``features.json`` holds the text settings, the terms and their weights; ``trees.ubj`` and ``weights.npy``
    the classifier; ``golden.json`` twenty messages made of the model's own terms with what it says of them;
    ``manifest.json`` the SHA-256 of each, the versions, what the model was made from, and the settings that count
    only when its pipeline is fitted again. The same pipeline gives the same bytes.

    Parameters
    ----------
    pipeline : sklearn.pipeline.Pipeline
        From `make_pipeline`, fitted.
    folder : path-like
        Replaced as a whole if it exists.
    made_from : dict
        Parameters and hashes for the manifest; nothing that differs from run to run.

    Returns
    -------
    dict
        The manifest.

    Raises
    ------
    InputError
        When the pipeline was not made by `make_pipeline`, or has a parameter that is no plain data.
    """
    folder = Path(folder)
    features, files, fit = _describe(pipeline)
    files["features.json"] = _json(features)
    files["golden.json"] = _json(_golden(pipeline, features.get("terms", [])))
    manifest = {
        "format": FORMAT,
        "files": {name: hashlib.sha256(data).hexdigest() for name, data in sorted(files.items())},
        "fit": fit,
        "made_from": {**made_from, "code_sha256": code_sha256(__name__)},
        "libraries": {name: version(name) for name in LIBRARIES} | {"xgboost": xgboost.__version__},
    }
    files["manifest.json"] = _json(manifest)
    folder.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        for name, data in files.items():
            (beside / name).write_bytes(data)
        beside.chmod(0o755)
        if folder.exists():
            shutil.rmtree(folder)
        beside.rename(folder)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return manifest


def load_model(folder):
    """Read a model back as a fitted pipeline.

    Parameters
    ----------
    folder : path-like
        Written by `save_model`.

    Returns
    -------
    sklearn.pipeline.Pipeline

    Raises
    ------
    InputError
        When a file is missing, was changed, or the model says something else than when it was saved.
    """
    return parse_model(read_model(folder), folder)


def read_model(folder, sha256=None):
    """Read the files of a model, each once, and check them; nothing in them is parsed but the manifest.

    Parameters
    ----------
    folder : path-like
        Written by `save_model`. Nothing else may lie in it, no file may be a link, none larger than `LARGEST` says.
    sha256 : str, optional
        The digest that the model must have, see `model_sha256`.

    Returns
    -------
    dict of str to bytes
        What `parse_model` takes.

    Raises
    ------
    InputError
        When a file is missing, too large, a link, not named in the manifest, or not the one that it names.
    """
    folder = Path(folder)
    files = _read(folder)
    if sha256 and model_sha256(files) != sha256.lower():
        raise InputError(
            f"The model in {folder} has the digest {model_sha256(files)}, expected {sha256}; restore the expected one, "
            "or name the digest of this one."
        )
    return files


def made_from(files):
    """Return what a model says it was made from, see `save_model`.

    Parameters
    ----------
    files : dict of str to bytes
        From `read_model`.

    Returns
    -------
    dict
    """
    return json.loads(files["manifest.json"]).get("made_from", {})


def model_sha256(files):
    """Return the digest of a model, by which it is known: it covers what determines the answers, and nothing else.

    The same answers from other code, data or versions have the same digest; these stand in the manifest.

    Parameters
    ----------
    files : dict of str to bytes
        From `read_model`.

    Returns
    -------
    str
        SHA-256, hexadecimal, over the format and the SHA-256 of the files that are there of `ANSWERS`.
    """
    hashes = {name: hashlib.sha256(files[name]).hexdigest() for name in ANSWERS if name in files}
    identity = json.dumps({"format": FORMAT, "files": hashes}, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(identity.encode()).hexdigest()


def parse_model(files, folder):
    """Make a fitted pipeline of a model's bytes; then its golden messages must come out as recorded.

    Parameters
    ----------
    files : dict of str to bytes
        From `read_model`.
    folder : path-like
        Where they come from, for error messages.

    Returns
    -------
    sklearn.pipeline.Pipeline

    Raises
    ------
    InputError
        When they cannot be parsed, or the model says something else than when it was saved.
    """
    try:
        pipeline = _rebuild(json.loads(files["features.json"]), json.loads(files["manifest.json"])["fit"], files)
        same = _answers(pipeline, json.loads(files["golden.json"]))
    except UNREADABLE as error:
        reason = (str(error).splitlines() or [""])[0][:100]
        raise InputError(
            f"The model in {folder} cannot be read ({type(error).__name__}: {reason}); restore it with `dvc checkout "
            f"{folder}`, or make it again with `dvc repro train`."
        ) from error
    if not same:
        raise InputError(
            f"The model in {folder} answers its golden messages otherwise than when it was saved; it was made with the "
            f"libraries in its manifest.json, install these, or make it again with `dvc repro`."
        )
    return pipeline


def _describe(pipeline):
    """Return features.json as a dict, the classifier's own files, and the settings that count for fitting only."""
    steps = pipeline.named_steps
    model, name = steps.get("classifier"), classifier_name(pipeline)
    expected = ["preprocess", "classifier"] if name == "rules" else ["preprocess", "counts", "tfidf", "classifier"]
    if list(steps) != expected:
        raise InputError(
            f"Got a pipeline with the steps {', '.join(steps)}, expected one from make_pipeline; only these have a "
            "plain-data form."
        )
    features = {
        "format": FORMAT,
        "classifier": name,
        "classes": [str(category) for category in model.classes_],
        "subject_weight": int(steps["preprocess"].subject_weight),
    }
    if name == "rules":
        return features | {"rules": [list(rule) for rule in model.rules], "default": str(model.default_)}, {}, {}
    counts, tfidf = steps["counts"], steps["tfidf"]
    words = counts.stop_words
    features |= {
        "stop_words": words if words is None or isinstance(words, str) else sorted(words),
        "domain_words": sorted(counts.domain_words),
        "lemmatizer": counts.lemmatizer,
        "ngram_range": list(counts.ngram_range),
        "sublinear_tf": bool(tfidf.sublinear_tf),
        "terms": counts.get_feature_names_out().tolist(),
        "idf": tfidf.idf_.tolist(),
    }
    fit = {"min_df": counts.min_df, "classifier_options": model.get_params()}
    trees, files = getattr(model, "trees_", None), {}
    if trees is not None:
        features["tree_words"] = trees.words.tolist()
        files["trees.ubj"] = bytes(trees.booster.save_raw("ubj"))
    if name == "xgboost":
        return features, files, fit
    if name == "dummy":  # it learns next to nothing: its options say what it answers
        return features | {"prior": model.class_prior_.tolist(), "options": fit.pop("classifier_options")}, {}, fit
    features["intercept"] = model.intercept_.tolist()
    weights = io.BytesIO()
    np.save(weights, model.coef_, allow_pickle=False)
    files["weights.npy"] = weights.getvalue()
    if name == "linear_svc":
        features["temperature"] = model.temperature_
    elif name == "boosted_linear":
        features |= {
            "temperature": model.temperature_, "calibration": model.calibration_, "rounds": model.n_rounds_,
        }  # fmt: skip
    return features, files, fit


def _rebuild(features, fit, files):
    name, classes = features["classifier"], np.array(features["classes"], dtype=object)
    if name == "rules":
        options = {"rules": [tuple(rule) for rule in features["rules"]]}
        pipeline = make_pipeline("rules", options)
        pipeline.named_steps["classifier"].__dict__.update(classes_=classes, default_=features["default"])
        return pipeline
    options = features["options"] if name == "dummy" else fit["classifier_options"]
    choices = {choice: features[choice] for choice in _CHOICES}
    pipeline = make_pipeline(**choices, classifier_options=options, min_df=fit["min_df"])
    steps, terms = pipeline.named_steps, features["terms"]
    steps["counts"].vocabulary_ = Vocabulary.read(terms, features["ngram_range"][0])
    steps["tfidf"].idf_, steps["tfidf"].n_features_in_ = np.array(features["idf"]), len(terms)
    model = steps["classifier"]
    if name == "dummy":
        model.fit(np.zeros((len(classes), 1)), classes)
        model.class_prior_ = np.array(features["prior"])
        return pipeline
    model.classes_, model.n_features_in_ = classes, len(terms)
    if "trees.ubj" in files:
        booster = xgboost.Booster({"nthread": 1}, model_file=bytearray(files["trees.ubj"]))
        model.trees_ = Trees(booster, np.array(features["tree_words"]))
    if name == "xgboost":
        return pipeline
    model.coef_ = np.load(io.BytesIO(files["weights.npy"]), allow_pickle=False)
    model.intercept_ = np.array(features["intercept"])
    if name == "linear_svc":
        model.temperature_ = features["temperature"]
    elif name == "boosted_linear":
        model.temperature_, model.calibration_ = features["temperature"], tuple(features["calibration"])
        model.n_rounds_ = features["rounds"]
        if not model.n_rounds_:
            model.trees_ = None
    return pipeline


def _answers(pipeline, golden):
    """Whether a pipeline says of the golden messages what was recorded."""
    messages = pd.DataFrame([(row["subject"], row["body"]) for row in golden], columns=["subject", "body"])
    if not hasattr(pipeline, "predict_proba"):
        return list(pipeline.predict(messages)) == [row["category"] for row in golden]
    expected = np.array([row["probabilities"] for row in golden])
    return np.abs(pipeline.predict_proba(messages) - expected).max() <= GOLDEN_TOLERANCE


def _golden(pipeline, terms):
    """Messages made of the model's own terms, so that no customer's words leave the training data.

    And three that a tokenizer could read otherwise: what the digest of a model cannot see is refused when it is loaded.
    """
    step = max(1, len(terms) // (GOLDEN_MESSAGES * 6))
    picked = [terms[start::step][:6] for start in range(GOLDEN_MESSAGES - 3)]
    entities = (
        "They’ve charged $20.50 and £5 on 3/4 at 10:30, 1,250 in all. Don`t! 2nd card AB4921, see "
        "https://bank.example/a?b=1 or www.bank.example, write to ME@bank.example"
    )
    rows = [(" ".join(words[:2]), " ".join(words[2:])) for words in picked] + [
        ("", ""),
        ("Lost card", "I lost my card! 😟"),
        ("Can’t pay: naïve ½", entities),
    ]
    messages = pd.DataFrame(rows, columns=["subject", "body"])
    golden = messages.to_dict("records")
    if hasattr(pipeline, "predict_proba"):
        given = np.asarray(pipeline.predict_proba(messages), dtype=float).round(GOLDEN_DECIMALS)
        for row, probabilities in zip(golden, given.tolist(), strict=True):
            row["probabilities"] = probabilities
    else:
        for row, category in zip(golden, pipeline.predict(messages), strict=True):
            row["category"] = str(category)
    return golden


def _read(folder):
    """Read every file of the folder once and check it against the manifest."""
    try:
        found = {file.name for file in folder.iterdir()}
    except FileNotFoundError:
        raise InputError(
            f"There is no model in {folder}; make it with `dvc repro train`, or name another folder."
        ) from None
    except OSError as error:
        raise InputError(
            f"{folder} cannot be read ({error.strerror}): expected a folder of plain files; make one with `dvc repro "
            "train`, or name another folder."
        ) from None
    there = {name: _bytes(folder / name) for name in sorted(found & set(LARGEST))}
    try:
        manifest = json.loads(there["manifest.json"])
        hashes = dict(manifest["files"])
        names = {"features.json", "golden.json", *hashes}
    except KeyError:
        raise InputError(
            f"{folder} is no whole model: manifest.json is missing, or names no files; make it with `dvc repro train`, "
            "or name another folder."
        ) from None
    except (ValueError, TypeError, RecursionError):
        raise InputError(
            f"{folder / 'manifest.json'} is damaged; restore the model with `dvc checkout {folder}`."
        ) from None
    if missing := sorted(names - set(there)):
        raise InputError(
            f"{folder} is no whole model: {missing[0]} is missing; make it with `dvc repro train`, or name another "
            "folder."
        )
    if manifest.get("format") != FORMAT:
        raise InputError(
            f"The model in {folder} has format {manifest.get('format')!r}, expected {FORMAT}; make it again with "
            "`dvc repro train`."
        )
    if unknown := sorted(found - names - {"manifest.json"}):
        raise InputError(
            f"{folder / unknown[0]} is not named in the model's manifest; take it away, or restore the model with `dvc "
            f"checkout {folder}`."
        )
    changed = [name for name in sorted(names) if hashlib.sha256(there[name]).hexdigest() != hashes.get(name)]
    if changed:
        raise InputError(
            f"{folder / changed[0]} is not the file that its manifest names; restore it with `dvc checkout {folder}`."
        )
    return there


def _bytes(file):
    """Read a plain file: no link, no folder, no device, and no more than a model has there."""
    try:
        # Opened first and looked at then, so that nothing can be put in its place in between.
        with os.fdopen(os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as stream:
            plain, data = stat.S_ISREG(os.fstat(stream.fileno()).st_mode), b""
            if plain:
                data = stream.read(LARGEST[file.name] + 1)
    except OSError as error:
        if error.errno not in (errno.ELOOP, errno.EISDIR, errno.ENXIO):
            raise InputError(f"{file} cannot be read ({error.strerror}); see that this user may read it.") from None
        plain = False
    if not plain:
        raise InputError(
            f"{file} is a link, a folder or a device: expected a folder of plain files; copy the model there, or tell "
            "DVC to do so with `dvc config cache.type copy` and `dvc checkout --relink`."
        )
    if len(data) > LARGEST[file.name]:
        raise InputError(
            f"{file} has more than {LARGEST[file.name]:,} bytes, more than a model has there; restore it with `dvc "
            f"checkout {file.parent}`."
        )
    return data


def _json(content):
    return (json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False, default=_plain) + "\n").encode()


def _plain(value):
    if isinstance(value, np.generic):
        return value.item()
    raise InputError(
        f"Got {value!r:.60} as a parameter of the pipeline, expected plain data such as numbers and text; a model's "
        "folder holds nothing else, so give a whole number as random_state."
    )
