"""The one door a model comes in by: read once, checked, parsed in a process that may die of it, then in this one."""

import json
import subprocess
import sys

import numpy as np

from chatkit.explain.words import top_words_per_message, weighs_words
from chatkit.model.bundle import model_sha256, parse_model, read_model
from chatkit.project import InputError

_SECONDS = 120  # for the first parse; a model of 80 MB takes less than ten


class Model:
    """A model at work.

    Parameters
    ----------
    files : dict of str to bytes
        From `admit`.
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
        self.predict([("", "")])  # what is made at the first call is made now

    def predict(self, messages):
        """Sort messages.

        Parameters
        ----------
        messages : list of (str, str)
            Subject and body; a list, since to make a frame takes longer than to sort one message.

        Returns
        -------
        categories : list of str
        probabilities : list of list of float, or list of None
            In the order of `classes`; None from a classifier that gives none.
        """
        # Step by step: what the pipeline itself looks at before each call takes a fifth of the time of one message.
        *before, (_, classifier) = self._pipeline.steps
        for _, step in before:
            messages = step.transform(messages)
        if not hasattr(classifier, "predict_proba"):
            categories = [str(category) for category in classifier.predict(messages)]
            return categories, [None] * len(categories)
        probabilities = np.asarray(classifier.predict_proba(messages), dtype=np.float64)
        best = probabilities.argmax(axis=1)
        return [self.classes[place] for place in best], probabilities.tolist()

    def words(self, messages, categories):
        """Say which words spoke for what was said.

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


def admit(folder, sha256=None):
    """Read and check a model, and let another process parse it first.

    XGBoost's parser is not made for hostile bytes: a bad file can end the process that reads it.

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
        When the model is not what it must be, or parsing it ends the other process.
    """
    files = read_model(folder, sha256)
    head = json.dumps({"folder": str(folder), "sizes": {name: len(data) for name, data in files.items()}}).encode()
    try:
        done = subprocess.run(
            [sys.executable, "-m", "chatkit.service.loading"],
            input=b"\n".join([head, b"".join(files.values())]),
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise InputError(
            f"To parse the model in {folder} took more than {_SECONDS} seconds; make it again with `dvc repro train`."
        ) from None
    if done.returncode == 1 and done.stdout:
        raise InputError(done.stdout.decode(errors="replace").strip())
    if done.returncode:
        raise InputError(
            f"The model in {folder} ended the process that parsed it (exit code {done.returncode}); restore it with "
            f"`dvc checkout {folder}`, or make it again with `dvc repro train`."
        )
    return files


def main():
    """Parse what comes in on standard input; returns the exit code."""
    head = json.loads(sys.stdin.buffer.readline())
    files = {name: sys.stdin.buffer.read(size) for name, size in head["sizes"].items()}
    try:
        Model(files, head["folder"])
    except InputError as error:
        print(error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
