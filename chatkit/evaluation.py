"""A fitted model and labelled test chats, with the scores, errors and figures of both in one object."""

from functools import cached_property
from html import escape

import pandas as pd
from sklearn.pipeline import Pipeline

from chatkit import plots
from chatkit.project import InputError
from chatkit.scores.baselines import score_models, scores_frame
from chatkit.scores.errors import largest_confusions, missed_urgent
from chatkit.scores.intervals import paired_differences, score_intervals
from chatkit.scores.metrics import confusion, per_class
from chatkit.scores.predictions import Predictions
from chatkit.scores.slices import slice_scores
from chatkit.statistics import check_confidence
from chatkit.text.messages import MESSAGE
from chatkit.text.validation import as_frame


class Evaluation:
    """A fitted model and labelled chats that it was not fitted on.

    The model predicts once, when something is first asked for. In a notebook, the object by itself is a table of its
    scores.

    Parameters
    ----------
    model : sklearn.pipeline.Pipeline
        Fitted on subject and body, such as from `make_pipeline` or `load_model`.
    test : pandas.DataFrame, or a table of polars or pyarrow
        With subject, body and category. conversation_id (for the intervals), created_at, language and channel (for the
        slices) are used when they are there; without id, errors are named by the index.
    confidence : float, default=0.95
        Of all intervals.
    seed : int, default=0
        Of the bootstrap.

    Attributes
    ----------
    predictions : chatkit.scores.predictions.Predictions
    plot : EvaluationPlots
        The same frames as figures.

    Raises
    ------
    InputError
        When the model is no fitted classifier or predicts from something else than subject and body, the chats lack a
        column or a category, or have a category of which the model gives no probability.
    ValueError
        When `confidence` is not between 0 and 1.

    Examples
    --------
    >>> import pandas as pd
    >>> from chatkit import Evaluation, make_pipeline
    >>> chats = pd.DataFrame({"subject": ["Lost card", "Hours"] * 10, "body": ["Please block it", "When?"] * 10})
    >>> chats["category"] = ["urgent", "other"] * 10
    >>> model = make_pipeline("linear_svc").fit(chats[["subject", "body"]], chats["category"])
    >>> evaluation = Evaluation(model, chats.assign(category=["urgent", "other"] * 9 + ["other", "other"]))
    >>> evaluation.confusions().query("count > 0")
       actual predicted  count     share
    0   other     other     10  0.909091
    1   other    urgent      1  0.090909
    3  urgent    urgent      9  1.000000
    >>> evaluation
    Evaluation of CalibratedLinearSVC on 20 chats in 2 categories, with 95 % intervals
    macro-F1       0.950 (0.832 to 1.000)
    accuracy       0.950 (0.848 to 0.998)
    log-loss       ...
    """

    def __init__(self, model, test, confidence=0.95, seed=0):
        if not hasattr(model, "predict") or not hasattr(model, "classes_"):
            raise InputError(
                f"Got {type(model).__name__} as model, expected a fitted classifier; call fit, or load_model(folder)."
            )
        kind, test = type(test).__name__, as_frame(test)
        missing = {*MESSAGE, "category"} - set(getattr(test, "columns", ()))
        if missing or test.empty:
            raise InputError(
                f"Got {kind} without {', '.join(sorted(missing)) or 'rows'} as test chats, expected a "
                "DataFrame with subject, body and category in each row."
            )
        if unlabelled := int(test["category"].isna().sum()):
            raise InputError(f"Got {unlabelled:,} test chats without a category, expected one each; leave them out.")
        if "created_at" in test and not pd.api.types.is_datetime64_any_dtype(test["created_at"]):
            raise InputError(
                f"Got created_at as {test['created_at'].dtype}, expected times; convert it with pandas.to_datetime."
            )
        unknown = set(test["category"]) - set(model.classes_)
        if unknown and hasattr(model, "predict_proba"):
            raise InputError(
                f"Got test chats of category {min(unknown, key=str)!r}, of which the model gives no probability; leave "
                "them out, or fit on chats of this category too."
            )
        self.model, self.confidence, self.seed = model, check_confidence(confidence), seed
        self.test = test if "id" in test else test.assign(id=test.index)
        self.plot = EvaluationPlots(self)

    @cached_property
    def predictions(self):
        """Predictions for the test chats."""
        predictions = Predictions.of(self.model, self.test)
        if len(predictions.predicted) != len(self.test):
            raise InputError(
                f"Got {len(predictions.predicted)} predictions for {len(self.test)} chats, expected a model that takes "
                "a DataFrame with subject and body, such as one from make_pipeline."
            )
        return predictions

    def scores(self):
        """Compute macro-F1, accuracy, balanced accuracy and, from probabilities, log-loss and Brier score.

        Returns
        -------
        pandas.DataFrame
            metric, value, low, high: see `chatkit.scores.intervals.score_intervals`.
        """
        given, groups = self.predictions, self.test.get("conversation_id")
        actual, confidence = self.test["category"], self.confidence
        return score_intervals(
            actual, given.predicted, given.probabilities, given.classes, groups, confidence, seed=self.seed
        )

    def to_metrics(self, baselines=None):
        """Score the model and baselines, ready for JSON.

        Parameters
        ----------
        baselines : dict, optional
            From `chatkit.scores.baselines.fit_baselines`.

        Returns
        -------
        dict
            As `chatkit.scores.baselines.score_models`.
        """
        return score_models(self.predictions, self.test, baselines, self.confidence, self.seed)

    def minus(self, other):
        """Compare with another model on the same chats: its scores taken from these, with intervals.

        Parameters
        ----------
        other : Evaluation
            On the same test chats.

        Returns
        -------
        pandas.DataFrame
            metric, value, low, high: see `chatkit.scores.intervals.paired_differences`. An interval that leaves out 0
            is more than chance.

        Raises
        ------
        InputError
            When the chats are not the same, or the categories of the models.
        """
        one, two = self.predictions, other.predictions
        same = [list(self.test[name]) == list(other.test[name]) for name in ("id", "category")]
        if not all(same) or list(one.classes) != list(two.classes):
            raise InputError(
                f"Got an evaluation on {len(other.test):,} chats beside one on {len(self.test):,}, expected the same "
                "chats and categories for both models."
            )
        given = [(each.predicted, each.probabilities) for each in (one, two)]
        groups = self.test.get("conversation_id")
        return paired_differences(self.test["category"], *given, one.classes, groups, self.confidence, seed=self.seed)

    def per_category(self):
        """Compute precision, recall and F1 of each category.

        Returns
        -------
        pandas.DataFrame
            category, metric, value, low, high, support: see `chatkit.scores.metrics.per_class`.
        """
        return per_class(self.test["category"], self.predictions.predicted, self.confidence)

    def confusions(self):
        """Count each pair of actual and predicted category.

        Returns
        -------
        pandas.DataFrame
            actual, predicted, count, share: see `chatkit.scores.metrics.confusion`.
        """
        return confusion(self.test["category"], self.predictions.predicted)

    def slices(self):
        """Score slices of the chats: by time, length, language, channel, and with and without subject.

        Returns
        -------
        pandas.DataFrame
            slice, name, rows, metric, value, low, high: see `chatkit.scores.slices.slice_scores`.
        """
        return slice_scores(self.test, self.predictions.predicted, self.confidence, seed=self.seed)

    def errors(self, n=3):
        """List the most frequent confusions as messages, masked.

        Parameters
        ----------
        n : int, default=3
            Errors of each pair whose label may be wrong, and errors without.

        Returns
        -------
        pandas.DataFrame
            See `chatkit.scores.errors.largest_confusions`.
        """
        return largest_confusions(self.predictions, self.test, n=n)

    def missed(self, category):
        """List every chat of a category that was predicted to be of another one, as messages, masked.

        Parameters
        ----------
        category : str

        Returns
        -------
        pandas.DataFrame
            See `chatkit.scores.errors.missed_urgent`.

        Raises
        ------
        InputError
            When the model does not know the category.
        """
        return missed_urgent(self.predictions, self.test, category)

    def __repr__(self):
        title, scores = self._summary
        return f"Evaluation of {title}, with {100 * self.confidence:g} % intervals\n{scores.to_string()}"

    def _repr_html_(self):
        title, scores = self._summary
        rows = "".join(f"<tr><th scope='row'>{name}</th><td>{value}</td></tr>" for name, value in scores.items())
        interval = f"{100 * self.confidence:g} % interval"
        return (
            f"<table class='evaluation'><caption>{escape(title)}</caption><thead><tr><th scope='col'>score</th>"
            f"<th scope='col'>value ({interval})</th></tr></thead><tbody>{rows}</tbody></table>"
        )

    @cached_property
    def _summary(self):
        """What is evaluated, and the scores as text by name."""
        classifier = self.model[-1] if isinstance(self.model, Pipeline) else self.model
        count = self.test["category"].nunique()
        categories = "one category" if count == 1 else f"{count} categories"
        title = f"{type(classifier).__name__} on {len(self.test):,} chats in {categories}"
        return title, scores_frame({title: self.to_metrics()}).loc[title]


class EvaluationPlots:
    """Figures of an evaluation, drawn by `chatkit.plots`, which is imported when the first one is drawn.

    Parameters
    ----------
    evaluation : Evaluation
    """

    def __init__(self, evaluation):
        self._evaluation = evaluation

    def confusions(self, ax=None):
        """Draw the confusion matrix: see `chatkit.plots.confusion_matrix`.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; by default a new figure.

        Returns
        -------
        sklearn.metrics.ConfusionMatrixDisplay
        """
        return plots.confusion_matrix(self._evaluation.confusions(), ax)

    def per_category(self, ax=None):
        """Draw precision, recall and F1 of each category: see `chatkit.plots.per_class`.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; by default a new figure.

        Returns
        -------
        matplotlib.axes.Axes
        """
        return plots.per_class(self._evaluation.per_category(), ax)

    def slices(self, metric="macro_f1", axes=None):
        """Draw a score of each slice: see `chatkit.plots.slice_scores`.

        Parameters
        ----------
        metric : {"macro_f1", "accuracy"}, default="macro_f1"
        axes : array-like of matplotlib.axes.Axes, optional
            Where to draw; by default a new figure.

        Returns
        -------
        ndarray of matplotlib.axes.Axes
        """
        return plots.slice_scores(self._evaluation.slices(), metric, axes)
