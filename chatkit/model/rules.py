"""A person's regular expressions as a classifier: what to try before machine learning, and the bar to clear."""

import re
from collections import Counter

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_consistent_length, check_is_fitted, column_or_1d

from chatkit.model.codes import check_names
from chatkit.project import InputError, read_yaml
from chatkit.text.validation import TextInputMixin, as_texts


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
    rules = []
    for number, entry in enumerate(entries if isinstance(entries, list) else [entries], start=1):
        if not isinstance(entry, dict) or set(entry) != {"category", "pattern"}:
            raise InputError(
                f"Rule {number} of {file.name} is {entry!r}, expected `category:` and `pattern:`; write one of each."
            )
        try:
            re.compile(str(entry["pattern"]))
        except re.error as error:
            raise InputError(
                f"Rule {number} of {file.name} has the pattern {entry['pattern']!r}, which is no regular expression "
                f"({error}); mend it."
            ) from None
        rules.append((str(entry["category"]), str(entry["pattern"])))
    return rules


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

    def __init__(self, rules=()):
        self.rules = rules

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
        check_names(y)
        self.classes_ = np.unique(y)
        unknown = sorted({category for category, _ in self.rules} - set(self.classes_))
        if unknown:
            some = ", ".join(map(str, self.classes_[:3])) + (" ..." if len(self.classes_) > 3 else "")
            raise InputError(
                f"The rules name the category {unknown[0]!r}, which no training chat has (they have {some}); write "
                "rules for these categories."
            )
        counts = Counter(y.tolist())
        self.default_ = max(sorted(counts), key=counts.__getitem__)
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
        rules = [(category, re.compile(pattern, re.IGNORECASE)) for category, pattern in self.rules]
        return np.array(
            [next((name for name, rule in rules if rule.search(text)), self.default_) for text in as_texts(X)],
            dtype=object,
        )
