"""The pipeline from chats to categories, every choice a keyword."""

import inspect
from collections.abc import Mapping

import pandas as pd
from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags

from chatkit.model.boosted import BoostedLinearClassifier
from chatkit.model.boosting import XGBoostClassifier
from chatkit.model.linear import CalibratedLinearSVC, LogisticRegression
from chatkit.model.rules import DummyClassifier, RulesClassifier, read_rules
from chatkit.project import InputError, did_you_mean, path
from chatkit.text.counts import TermCounter
from chatkit.text.messages import MessagePreprocessor
from chatkit.text.weights import TermWeights

# Class by name, with what differs from its defaults. A class has `to_plain` and `from_plain`, see `chatkit.model.base`.
CLASSIFIERS = {
    "boosted_linear": (BoostedLinearClassifier, {}),
    "linear_svc": (CalibratedLinearSVC, {}),
    "logistic": (LogisticRegression, {"C": 10.0, "max_iter": 1000}),
    "xgboost": (XGBoostClassifier, {}),
    "rules": (RulesClassifier, {}),
    "dummy": (DummyClassifier, {"strategy": "prior"}),
}


def make_pipeline(
    classifier="boosted_linear",
    classifier_options=None,
    subject_weight=4,
    clean=("html",),
    stop_words=None,
    domain_words=(),
    lemmatizer="simplemma",
    language="en",
    ngram_range=(1, 2),
    min_df=2,
    sublinear_tf=True,
    rules="rules.yaml",
    seed=0,
):
    """Make an unfitted pipeline from subject and body to category names.

    Parameters
    ----------
    classifier : str, default="boosted_linear"
        A name in `CLASSIFIERS`. ``rules`` reads the text itself: it has the steps preprocess and classifier only, and
        no probabilities.
    classifier_options : dict, optional
        Keywords of the classifier, such as ``{"max_depth": 4}``.
    subject_weight : int, default=4
        How often the subject is repeated in front of the body; ``rules`` always sees it once.
    clean : list of str, default=("html",)
        What to cut from the messages first: some of html, tickets, quotes, signatures, disclaimers, see
        `chatkit.text.clean.clean`; ``rules`` sees what is left, too.
    stop_words : {"english", None} or list of str, default=None
        Words to drop. By default none: pairs of words with them improve the scores by more than they cost.
    domain_words, lemmatizer, language
        See `chatkit.text.processor.TextProcessor`.
    ngram_range : (int, int), default=(1, 2)
        Shortest and longest run of words that counts as a term.
    min_df : int or float, default=2
        Chats (or share of chats) that must have a term for it to be kept.
    sublinear_tf : bool, default=True
        Count 1 + log(count) instead of the count.
    rules : str, default="rules.yaml"
        File with the regular expressions of ``rules``, from the project's root.
    seed : int, RandomState or None, default=0
        random_state of the classifier.

    Returns
    -------
    sklearn.pipeline.Pipeline
        Steps preprocess, counts, tfidf, classifier.

    Raises
    ------
    InputError
        When the classifier or one of its options is unknown, or the rules cannot be read. All other choices are checked
        by the steps, when they are fitted.

    Examples
    --------
    >>> import pandas as pd
    >>> chats = pd.DataFrame({"subject": ["Lost card", "Joint accounts"] * 5, "body": ["Help!", "When?"] * 5})
    >>> pipeline = make_pipeline().fit(chats, ["urgent", "new product"] * 5)
    >>> pipeline.predict(pd.DataFrame({"subject": ["lost cards"], "body": [""]})).item()
    'urgent'
    """
    if not isinstance(classifier, str) or classifier not in CLASSIFIERS:
        known = f"{', '.join(CLASSIFIERS)}{did_you_mean(classifier, CLASSIFIERS) or '.'}"
        raise InputError(f"Got classifier={classifier!r}, expected one of {known}")
    if not isinstance(classifier_options, Mapping | None):
        raise InputError(
            f"Got classifier_options={classifier_options!r}, expected a dict of the classifier's keywords, such as "
            "{'max_depth': 4}."
        )
    kind, defaults = CLASSIFIERS[classifier]
    options = defaults | dict(classifier_options or {})
    known = set(inspect.signature(kind).parameters)
    unknown = [name for name in options if name not in known]
    if unknown:
        raise InputError(
            f"Got classifier_options with {unknown[0]!r}, expected for {classifier}: {', '.join(sorted(known))}"
            f"{did_you_mean(unknown[0], known) or '.'}"
        )
    if "random_state" in known:
        options = {"random_state": seed} | options
    if "rules" in known - set(options):
        options["rules"] = read_rules(path(rules))
    model = kind(**options)
    if get_tags(model).input_tags.string:  # it reads the text itself
        return Pipeline([("preprocess", MessagePreprocessor(clean=clean)), ("classifier", model)])
    if isinstance(ngram_range, list):  # as params.yaml has it
        ngram_range = tuple(ngram_range)
    return Pipeline(
        [
            ("preprocess", MessagePreprocessor(subject_weight, clean)),
            ("counts", TermCounter(stop_words, lemmatizer, domain_words, language, ngram_range, min_df)),
            ("tfidf", TermWeights(sublinear_tf)),
            ("classifier", model),
        ]
    )


def describe_steps(pipeline):
    """Lay out a pipeline as a table.

    Parameters
    ----------
    pipeline : sklearn.pipeline.Pipeline

    Returns
    -------
    pandas.DataFrame
        step, class, settings (those that differ from the class's own defaults).
    """
    rows = []
    for name, step in pipeline.steps:
        defaults = {key: value.default for key, value in inspect.signature(type(step)).parameters.items()}
        changed = {key: value for key, value in step.get_params(deep=False).items() if value != defaults.get(key)}
        settings = ", ".join(f"{key}={value!r}" for key, value in changed.items())
        rows.append({"step": name, "class": type(step).__name__, "settings": settings})
    return pd.DataFrame(rows).set_index("step")


def classifier_name(pipeline):
    """Return the name under which `make_pipeline` knows a pipeline's classifier.

    Parameters
    ----------
    pipeline : sklearn.pipeline.Pipeline
        From `make_pipeline` or `load_model`.

    Returns
    -------
    str

    Raises
    ------
    InputError
        When the pipeline is another one.

    Examples
    --------
    >>> classifier_name(make_pipeline("logistic"))
    'logistic'
    """
    model = getattr(pipeline, "named_steps", {}).get("classifier")
    for name, (kind, _) in CLASSIFIERS.items():
        if type(model) is kind:
            return name
    raise InputError(f"Got {type(model).__name__} as classifier, expected one from make_pipeline.")
