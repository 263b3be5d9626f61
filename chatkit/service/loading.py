"""Load a model: its files are read once and verified, parsed in a child process that may crash, then in this one."""

import io
import subprocess
import sys
import zipfile

import numpy as np

from chatkit.explain.words import top_words_per_message, weighs_words
from chatkit.model.bundle import model_sha256, parse_model, read_model
from chatkit.project import InputError

_PARSE_TIMEOUT = 120  # seconds; a model of 80 MB takes less than ten


class Model:
    """A model in memory.

    Parameters
    ----------
    files : dict of str to bytes
        From `read_verified`.
    folder : path-like
        Where they come from, for error messages.

    Attributes
    ----------
    sha256 : str
        Its digest, see `chatkit.model.bundle.model_sha256`.
    classes : list of str
    """

    def __init__(self, files, folder):
        self._pipeline = parse_model(files, folder)
        self.sha256 = model_sha256(files)
        self.classes = [str(category) for category in self._pipeline.named_steps["classifier"].classes_]
        self.predict([("", "")])  # what is built at the first call is built now

    def predict(self, messages):
        """Predict the categories of messages.

        Parameters
        ----------
        messages : list of (str, str)
            Subject and body; a list, since to make a frame takes longer than to classify one message.

        Returns
        -------
        categories : list of str
        probabilities : list of list of float, or list of None
            In the order of `classes`; None from a classifier that gives none.
        """
        # Step by step: the checks of the pipeline itself before each call take a fifth of the time of one message.
        *transformers, (_, classifier) = self._pipeline.steps
        for _, transformer in transformers:
            messages = transformer.transform(messages)
        if not hasattr(classifier, "predict_proba"):
            categories = [str(category) for category in classifier.predict(messages)]
            return categories, [None] * len(categories)
        probabilities = np.asarray(classifier.predict_proba(messages), dtype=np.float64)
        return [self.classes[index] for index in probabilities.argmax(axis=1)], probabilities.tolist()

    def words(self, messages, categories):
        """Return the words that contributed most to the predicted categories.

        Parameters
        ----------
        messages : list of (str, str)
        categories : list of str
            From `predict`.

        Returns
        -------
        list of list of (str, float), or list of None
            See `chatkit.explain.words.top_words_per_message`; None from a classifier that weighs no words.
        """
        if not weighs_words(self._pipeline):
            return [None] * len(messages)
        return top_words_per_message(self._pipeline, messages, categories)


def read_verified(folder, sha256=None):
    """Read and verify the files of a model, and parse them in a child process first.

    XGBoost's parser is not hardened: a malformed file can crash the process that reads it.

    Parameters
    ----------
    folder : path-like
    sha256 : str, optional
        The digest that the model must have.

    Returns
    -------
    dict of str to bytes
        The very bytes that were parsed, for `Model`.

    Raises
    ------
    InputError
        When the model is not as expected, or parsing it crashes the child process.
    """
    files = read_model(folder, sha256)
    archive = io.BytesIO()
    pack(files, archive)
    try:
        child = subprocess.run(
            [sys.executable, "-m", "chatkit.service.loading", str(folder)],
            input=archive.getvalue(),
            capture_output=True,
            timeout=_PARSE_TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise InputError(
            f"Parsing the model in {folder} took more than {_PARSE_TIMEOUT} seconds; make it again with "
            "`dvc repro train`."
        ) from None
    if child.returncode == 1 and child.stdout:
        raise InputError(child.stdout.decode(errors="replace").strip())
    if child.returncode:
        raise InputError(
            f"The model in {folder} crashed the process that parsed it (exit code {child.returncode}); restore it with "
            f"`dvc checkout {folder}`, or make it again with `dvc repro train`."
        )
    return files


def pack(files, target):
    """Write the files of a model into a binary file object, with checksums."""
    with zipfile.ZipFile(target, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)


def unpack(source):
    """Read what `pack` wrote; `zipfile.BadZipFile` where it is not whole."""
    with zipfile.ZipFile(source) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


if __name__ == "__main__":
    try:
        Model(unpack(io.BytesIO(sys.stdin.buffer.read())), sys.argv[1])
    except InputError as error:
        print(error)
        sys.exit(1)
