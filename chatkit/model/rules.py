"""Classifiers to compare a model with: a person's regular expressions, and the shares of the categories."""

import re
from dataclasses import dataclass

import numpy as np
from sklearn import dummy
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_consistent_length, check_is_fitted, column_or_1d

from chatkit.model.base import PlainData, PlainDataMixin, encode
from chatkit.project import InputError, read_yaml
from chatkit.text.messages import JOINT
from chatkit.text.validation import TextInputMixin, as_texts


class DummyClassifier(PlainDataMixin, dummy.DummyClassifier):
    """scikit-learn's classifier that does not look at the rows, with a plain-data form."""

    def to_plain(self):
        """Return what was learned as plain data; the options are part of it, since they determine the predictions."""
        return PlainData({"prior": self.class_prior_.tolist(), "options": self.get_params()})

    @classmethod
    def from_plain(cls, plain):
        """Rebuild a fitted classifier, see `chatkit.model.base.PlainDataMixin.from_plain`."""
        classes = np.array(plain.learned["classes"], dtype=object)
        model = cls(**plain.learned["options"]).fit(np.zeros((len(classes), 1)), classes)
        model.class_prior_ = np.array(plain.learned["prior"])
        return model


def read_rules(file):
    """Read rules from a YAML file: a list of ``{category, pattern}``, tried from top to bottom.

    Parameters
    ----------
    file : pathlib.Path

    Returns
    -------
    list of (str, str)
        Category and pattern.

    Raises
    ------
    InputError
        When an entry is something else, or a pattern is no regular expression.
    """
    if not file.is_file():
        raise InputError(f"The rules {file} do not exist; name the file in train.rules of params.yaml.")
    entries = read_yaml(file)
    if not entries:
        raise InputError(f"{file.name} has no rule; write some, or take `rules` out of evaluate.baselines.")
    rules = []
    for number, entry in enumerate(entries if isinstance(entries, list) else [entries], start=1):
        if not isinstance(entry, dict) or set(entry) != {"category", "pattern"}:
            raise InputError(
                f"Rule {number} of {file.name} is {entry!r}, expected `category:` and `pattern:`; write one of each."
            )
        if entry["pattern"] in ("", None):
            raise InputError(f"Rule {number} of {file.name} has no pattern, which every chat would match; write one.")
        try:
            re.compile(str(entry["pattern"]))
        except re.error as error:
            raise InputError(
                f"Rule {number} of {file.name} has the pattern {entry['pattern']!r}, which is no regular expression "
                f"({error}); mend it."
            ) from None
        rules.append((str(entry["category"]), str(entry["pattern"])))
    return rules


def matching_rule(rules, text):
    """Return the first rule whose pattern is found in a text.

    Parameters
    ----------
    rules : list of (str, str)
        Category and pattern.
    text : str
        The subject in the first line.

    Returns
    -------
    (str, str) or None

    Examples
    --------
    >>> matching_rule([("urgent", "lost .*card"), ("other", "thank")], "Thanks")
    ('other', 'thank')
    """
    text = text.replace(JOINT, "\n")
    return next((rule for rule in rules if re.search(rule[1], text, re.IGNORECASE)), None)


@dataclass(eq=False, repr=False)
class RulesClassifier(TextInputMixin, ClassifierMixin, BaseEstimator):
    """The category of the first rule whose pattern is found in the text, else the most frequent category.

    Parameters
    ----------
    rules : list of (str, str), default=()
        Category and regular expression, tried in order, without regard to case. `read_rules` reads them.

    Attributes
    ----------
    classes_ : ndarray of shape (k,)
        Category names, sorted.
    default_ : str
        Most frequent category in training.

    Examples
    --------
    >>> model = RulesClassifier([("urgent", r"lost .*card"), ("other", "thank")])
    >>> model.fit(["Hi", "Hello"], ["other", "urgent"]).predict(["I lost my card", "?"])
    array(['urgent', 'other'], dtype=object)
    """

    rules: list | tuple = ()

    def fit(self, X, y):
        """Learn the categories' names and which one is the most frequent.

        Parameters
        ----------
        X : iterable of str of shape (n,)
        y : array-like of shape (n,)
            Categories.

        Returns
        -------
        RulesClassifier
        """
        texts = as_texts(X)
        y = column_or_1d(y)
        check_consistent_length(texts, y)
        self.classes_, codes = encode(y)
        if {type(category) for category, _ in self.rules} == {str} and not isinstance(self.classes_[0], str):
            raise InputError(
                f"Got the category {self.classes_[0]} beside rules that name {self.rules[0][0]!r}, expected names; "
                "VotingClassifier, StackingClassifier and others put numbers in their place, so that rules cannot be a "
                "part of them: compare the predictions of both."
            )
        unknown = sorted({category for category, _ in self.rules} - set(self.classes_))
        if unknown:
            some = ", ".join(map(str, self.classes_[:3])) + (" ..." if len(self.classes_) > 3 else "")
            raise InputError(
                f"The rules name the category {unknown[0]!r}, which no training chat has (they have {some}); write "
                "rules for these categories."
            )
        self.default_ = self.classes_.tolist()[np.bincount(codes).argmax()]
        return self

    def predict(self, X):
        """Category of the first rule that matches.

        Parameters
        ----------
        X : iterable of str of shape (n,)

        Returns
        -------
        ndarray of shape (n,)
        """
        check_is_fitted(self)
        found = (matching_rule(self.rules, text) for text in as_texts(X))
        return np.array([rule[0] if rule else self.default_ for rule in found], dtype=object)

    def to_plain(self):
        """Return the rules and what was learned as plain data.

        Returns
        -------
        chatkit.model.base.PlainData
        """
        return PlainData({"rules": [list(rule) for rule in self.rules], "default": str(self.default_)})

    @classmethod
    def from_plain(cls, plain):
        """Rebuild a fitted classifier.

        Parameters
        ----------
        plain : chatkit.model.base.PlainData

        Returns
        -------
        RulesClassifier
        """
        model = cls([tuple(rule) for rule in plain.learned["rules"]])
        model.classes_, model.default_ = np.array(plain.learned["classes"], dtype=object), plain.learned["default"]
        return model
