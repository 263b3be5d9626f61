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
import xgboost
from sklearn.pipeline import Pipeline

from chatkit.fingerprint import code_sha256
from chatkit.model.base import PlainData
from chatkit.model.pipeline import CLASSIFIERS, classifier_name
from chatkit.project import InputError
from chatkit.text.counts import TermCounter
from chatkit.text.messages import MessagePreprocessor
from chatkit.text.vocabulary import Vocabulary
from chatkit.text.weights import TermWeights

FORMAT = 5
GOLDEN_MESSAGES = 20
GOLDEN_DECIMALS = 6  # of the probabilities that are written
GOLDEN_TOLERANCE = 1.5e-6  # half of the last of these, and how far another processor's float32 may be off
LIBRARIES = ("numpy", "pandas", "scikit-learn", "scipy", "simplemma", "nltk")
# What determines the predictions. The golden messages only check them; the manifest says where they come from.
ANSWERS = ("features.json", "trees.ubj", "weights.npy")
MEGABYTE = 2**20
LARGEST = {
    "manifest.json": MEGABYTE, "golden.json": 16 * MEGABYTE, "features.json": 512 * MEGABYTE,
    "trees.ubj": 512 * MEGABYTE, "weights.npy": 2048 * MEGABYTE,
}  # fmt: skip
UNREADABLE = (
    ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError, xgboost.core.XGBoostError,
)  # fmt: skip


def save_model(pipeline, folder, made_from):
    """Write a fitted pipeline into a folder of plain data.

    ``features.json`` holds the text settings, the terms and their weights; ``trees.ubj`` and ``weights.npy`` the
    classifier; ``golden.json`` twenty messages made of the model's own terms with its predictions; ``manifest.json``
    the SHA-256 of each, the versions, what the model was made from, and the settings that count only when its pipeline
    is fitted again. The same pipeline gives the same bytes.

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
        When the pipeline was not made by `make_pipeline`, has a parameter or categories that are no plain data, or
        something else than a model is in the way.
    """
    folder, before = Path(folder), None
    if folder.is_symlink() or (folder.exists() and not _is_replaceable(folder)):
        raise InputError(
            f"{folder} is there and is no model, so that it is not replaced; name another folder, or remove it."
        )
    files, fit = _to_files(pipeline)
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
            before = folder.rename(f"{beside}.before")  # whatever happens from here on, one of both is whole
        beside.rename(folder)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    if before:
        shutil.rmtree(before)
    return manifest


def _is_replaceable(folder):
    """Whether saving may replace a folder: a model, or an empty one."""
    return folder.is_dir() and ((folder / "manifest.json").is_file() or not any(folder.iterdir()))


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
        When a file is missing, was changed, or the predictions are not those that were saved.
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
    try:
        names = {file.name for file in folder.iterdir()}
    except FileNotFoundError:
        raise _broken(folder, f"There is no model in {folder}") from None
    except OSError as error:
        raise _broken(folder, f"{folder} cannot be read ({error.strerror}): expected a folder of plain files") from None
    files = {name: _bytes(folder / name) for name in sorted(names & set(LARGEST))}
    try:
        manifest = json.loads(files["manifest.json"])
        hashes = dict(manifest["files"])
        expected = {"features.json", "golden.json", *hashes}
    except (KeyError, ValueError, TypeError, RecursionError):
        raise _broken(folder, f"{folder} is no whole model: manifest.json is missing or damaged") from None
    if missing := sorted(expected - set(files)):
        raise _broken(folder, f"{folder} is no whole model: {missing[0]} is missing")
    if manifest.get("format") != FORMAT:
        raise _broken(folder, f"The model in {folder} has format {manifest.get('format')!r}, expected {FORMAT}")
    if unknown := sorted(names - expected - {"manifest.json"}):
        raise _broken(folder, f"{folder / unknown[0]} is not named in the model's manifest")
    if changed := [name for name in sorted(expected) if hashlib.sha256(files[name]).hexdigest() != hashes.get(name)]:
        raise _broken(folder, f"{folder / changed[0]} is not the file that its manifest names")
    if sha256 and model_sha256(files) != sha256.lower():
        raise _broken(folder, f"The model in {folder} has the digest {model_sha256(files)}, expected {sha256}")
    return files


def made_from(files):
    """Return what a model was made from, see `save_model`.

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
    """Return the digest that identifies a model: it covers what determines the predictions, and nothing else.

    Code, data and versions are in the manifest: models with the same predictions have the same digest.

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
    """Make a fitted pipeline of a model's bytes, and check its predictions for the golden messages.

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
        When they cannot be parsed, or the predictions are not those that were saved.
    """
    try:
        pipeline = _from_files(files)
        same = _predicts(pipeline, json.loads(files["golden.json"]))
    except UNREADABLE as error:
        reason = (str(error).splitlines() or [""])[0][:100]
        raise _broken(folder, f"The model in {folder} cannot be read ({type(error).__name__}: {reason})") from error
    if not same:
        raise InputError(
            f"The model in {folder} answers its golden messages otherwise than when it was saved; install the "
            "libraries that its manifest.json names, or make it again with `dvc repro`."
        )
    return pipeline


def _to_files(pipeline):
    """Return a pipeline as files, all but the manifest, and the settings that count for fitting only."""
    steps, name = pipeline.named_steps, classifier_name(pipeline)
    if list(steps) not in (["preprocess", "classifier"], ["preprocess", "counts", "tfidf", "classifier"]):
        raise InputError(
            f"Got a pipeline with the steps {', '.join(steps)}, expected one from make_pipeline; only these have a "
            "plain-data form."
        )
    model = steps["classifier"]
    if not all(isinstance(category, str) for category in model.classes_):
        raise InputError(
            f"Got the category {model.classes_.tolist()[0]!r}, expected text, since a model's folder holds names; fit "
            "with y.astype(str)."
        )
    plain = model.to_plain()
    fit = {"classifier_options": plain.options} if plain.options else {}
    features = {
        "format": FORMAT,
        "classifier": name,
        "classes": model.classes_.tolist(),
        "subject_weight": int(steps["preprocess"].subject_weight),
        "clean": sorted(steps["preprocess"].clean),
        **plain.learned,
    }
    if counts := steps.get("counts"):
        words = counts.stop_words
        features |= {
            "stop_words": words if words is None or isinstance(words, str) else sorted(words),
            "domain_words": sorted(counts.domain_words),
            "lemmatizer": counts.lemmatizer,
            "language": counts.language if isinstance(counts.language, str) else list(counts.language),
            "ngram_range": list(counts.ngram_range),
            "terms": counts.get_feature_names_out().tolist(),
            "sublinear_tf": bool(steps["tfidf"].sublinear_tf),
            "idf": steps["tfidf"].idf_.tolist(),
        }
        fit["min_df"] = counts.min_df
    files = {"features.json": _json(features), "golden.json": _json(_golden(pipeline, features.get("terms", [])))}
    if plain.trees is not None:
        files["trees.ubj"] = plain.trees
    if plain.weights is not None:
        weights = io.BytesIO()
        np.save(weights, plain.weights, allow_pickle=False)
        files["weights.npy"] = weights.getvalue()
    return files, fit


def _from_files(files):
    """Return the fitted pipeline that `_to_files` was given."""
    features, fit = json.loads(files["features.json"]), json.loads(files["manifest.json"])["fit"]
    plain = PlainData(features, fit.get("classifier_options", {}), trees=files.get("trees.ubj"))
    if "weights.npy" in files:
        plain.weights = np.load(io.BytesIO(files["weights.npy"]), allow_pickle=False)
    kind, _ = CLASSIFIERS[features["classifier"]]
    preprocess = MessagePreprocessor(features["subject_weight"], features["clean"]).fit([("", "")])
    steps = [("preprocess", preprocess), ("classifier", kind.from_plain(plain))]
    if "terms" in features:
        choices = {name: features[name] for name in ("stop_words", "lemmatizer", "domain_words", "language")}
        counts = TermCounter(**choices, ngram_range=tuple(features["ngram_range"]), min_df=fit["min_df"])
        counts.vocabulary_ = Vocabulary.read(features["terms"])
        tfidf = TermWeights(features["sublinear_tf"])
        tfidf.idf_, tfidf.n_features_in_ = np.array(features["idf"]), len(features["terms"])
        steps[1:1] = [("counts", counts), ("tfidf", tfidf)]
    return Pipeline(steps)


def _predictions(pipeline, messages):
    """What golden messages record: the name and the values, a row for each message."""
    if hasattr(pipeline, "predict_proba"):
        return "probabilities", np.asarray(pipeline.predict_proba(messages), dtype=float)
    return "category", pipeline.predict(messages).astype(str)


def _predicts(pipeline, golden):
    """Whether a pipeline's predictions for the golden messages are the recorded ones."""
    name, values = _predictions(pipeline, [(row["subject"], row["body"]) for row in golden])
    recorded = np.array([row[name] for row in golden])
    if name == "category":
        return (values == recorded).all()
    return np.abs(values - recorded).max() <= GOLDEN_TOLERANCE


def _golden(pipeline, terms):
    """Messages made of the model's own terms, so that no customer's words leave the training data, and predictions.

    And three that another tokenizer could split differently: the digest of a model cannot see that, loading it can.
    """
    step = max(1, len(terms) // (GOLDEN_MESSAGES * 6))
    picked = [terms[start::step][:6] for start in range(GOLDEN_MESSAGES - 3)]
    entities = (
        "They’ve charged $20.50 and £5 on 3/4 at 10:30, 1,250 in all. Don`t! 2nd card AB4921, see "
        "https://bank.example/a?b=1, www.bank.example or bank.example/a, write to ME@bank.example, me%40bank.example, "
        "me @ bank.example or @me; GB82 WEST 1234 5698 7654 32, BIC: COBADEFFXXX, X1234567L, ❶"
    )
    messages = [(" ".join(words[:2]), " ".join(words[2:])) for words in picked] + [
        ("", ""),
        ("Lost card", "I lost my card! 😟"),
        ("Can’t pay: naïve ½", entities),
    ]
    name, values = _predictions(pipeline, messages)
    if name == "probabilities":
        values = values.round(GOLDEN_DECIMALS)
    return [
        {"subject": subject, "body": body, name: value}
        for (subject, body), value in zip(messages, values.tolist(), strict=True)
    ]


def _broken(folder, what):
    """The error for a model that is not there or not whole."""
    return InputError(
        f"{what}; restore it with `dvc checkout {folder}`, make it with `dvc repro train`, or name another folder."
    )


def _bytes(file):
    """Read a plain file: no link, no folder, no device, and no larger than `LARGEST` says."""
    try:
        # Opened first and checked then, so that the file cannot be replaced in between.
        with os.fdopen(os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as stream:
            plain = stat.S_ISREG(os.fstat(stream.fileno()).st_mode)
            data = stream.read(LARGEST[file.name] + 1) if plain else b""
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
        raise _broken(file.parent, f"{file} has more than {LARGEST[file.name]:,} bytes")
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
