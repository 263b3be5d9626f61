"""One object for a model and its test chats: one prediction, the frames of chatkit.scores, figures, a summary."""

import subprocess
import sys

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline as plain_pipeline

from chatkit import Evaluation, make_pipeline, plots
from chatkit.project import InputError
from chatkit.scores import metrics
from chatkit.scores.baselines import fit_baselines, score_models
from chatkit.scores.errors import largest_confusions, missed_urgent
from chatkit.scores.intervals import paired_differences, score_intervals
from chatkit.scores.predictions import Predictions
from chatkit.scores.slices import slice_scores

MESSAGE = ["subject", "body"]


class Counting:
    """A fitted classifier that is right but for every fifth chat, and counts how often it is asked."""

    classes_ = np.array(["other", "urgent"], dtype=object)
    calls = 0

    def predict(self, X):
        self.calls += 1
        return self.classes_[self._probabilities(X).argmax(axis=1)]

    def predict_proba(self, X):
        self.calls += 1
        return self._probabilities(X)

    @staticmethod
    def _probabilities(X):
        urgent = np.where(X["subject"] == "Lost card", 0.8, 0.3)
        urgent[::5] = 1 - urgent[::5]
        return np.column_stack([1 - urgent, urgent])


@pytest.fixture
def evaluation(chats):
    """With some errors of both kinds."""
    return Evaluation(Counting(), chats, confidence=0.9, seed=3)


def test_a_difference_is_paired(evaluation, chats):
    """Against itself nothing; against a model that errs more, the same as from the predictions; other chats are refused."""
    assert not evaluation.minus(evaluation)[["value", "low", "high"]].to_numpy().any()
    worse = Evaluation(Counting(), chats.assign(subject=np.roll(chats["subject"], 1)), confidence=0.9, seed=3)
    found = evaluation.minus(worse)
    given = [(one.predictions.predicted, one.predictions.probabilities) for one in (evaluation, worse)]
    expected = paired_differences(
        chats["category"], *given, Counting.classes_, chats["conversation_id"], confidence=0.9, seed=3
    )
    pd.testing.assert_frame_equal(found, expected)
    assert found.set_index("metric").loc["accuracy", "low"] > 0
    with pytest.raises(InputError, match="23 chats beside one on 24"):
        evaluation.minus(Evaluation(Counting(), chats.head(23)))


def test_the_model_predicts_once_and_only_when_asked(evaluation, own_figures):
    """Nothing at construction; all frames, figures and texts share the predictions."""
    assert evaluation.model.calls == 0
    evaluation.scores()
    assert evaluation.model.calls == 2  # categories and probabilities
    for ask in (evaluation.to_metrics, evaluation.per_category, evaluation.confusions, evaluation.errors):
        ask()
    evaluation.missed("urgent")
    evaluation.plot.confusions()
    repr(evaluation)
    evaluation._repr_html_()
    assert evaluation.model.calls == 2


def test_frames_are_those_of_the_library(evaluation, chats):
    """With the confidence and the seed of the evaluation."""
    given = Predictions.of(Counting(), chats)
    actual = chats["category"]
    expected = {
        "scores": score_intervals(
            actual, given.predicted, given.probabilities, given.classes, chats["conversation_id"], 0.9, seed=3
        ),
        "per_category": metrics.per_class(actual, given.predicted, 0.9),
        "confusions": metrics.confusion(actual, given.predicted),
        "slices": slice_scores(chats, given.predicted, 0.9, seed=3),
        "errors": largest_confusions(given, chats),
    }
    for name, frame in expected.items():
        pd.testing.assert_frame_equal(getattr(evaluation, name)(), frame)
    assert len(evaluation.errors(n=1)) < len(evaluation.errors())
    pd.testing.assert_frame_equal(evaluation.missed("other"), missed_urgent(given, chats, "other"))
    assert len(evaluation.missed("other")) > 0


def test_metrics_for_json_are_beside_the_baselines(evaluation, chats):
    """Those of `score_models`; without baselines only the model's own."""
    baselines = fit_baselines(["dummy"], chats)
    found = evaluation.to_metrics(baselines)
    assert found == score_models(evaluation.predictions, chats, baselines, 0.9, 3)
    assert evaluation.to_metrics() == found | {"baselines": {}}


def test_figures_are_those_of_the_frames(evaluation, own_figures):
    """Each with its alt text; drawn where asked."""
    _, axes = plt.subplots(1, 2)
    assert evaluation.plot.per_category(axes[0]) is axes[0]
    assert evaluation.plot.confusions(axes[1]).ax_ is axes[1]
    text = plots.alt_text(axes[0].figure)
    assert text.startswith("Precision, recall and F1 of 2 categories")
    assert "Confusion matrix of 2 categories" in text
    (ax, *_) = evaluation.plot.slices("accuracy")
    assert plots.alt_text(ax.figure).startswith("Accuracy is ")


def test_nothing_is_drawn_before_it_is_asked_for():
    """The library of figures takes a second to import."""
    code = "import sys, chatkit; chatkit.Evaluation; assert 'matplotlib' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_text_names_model_chats_and_scores(evaluation, chats):
    """Macro-F1 first; as many chats, categories and digits as there are."""
    first, *lines = repr(evaluation).splitlines()
    assert first == "Evaluation of Counting on 24 chats in 2 categories, with 90 % intervals"
    assert [line.split("  ")[0] for line in lines] == ["macro-F1", "accuracy", "log-loss", "Brier score"]
    row = evaluation.scores().iloc[0]
    assert lines[0].endswith(f" {row['value']:.3f} ({row['low']:.3f} to {row['high']:.3f})")
    linear = make_pipeline("linear_svc").fit(chats[MESSAGE], chats["category"])
    assert repr(Evaluation(linear, chats)).startswith("Evaluation of CalibratedLinearSVC on 24 chats")


def test_the_table_is_accessible_html(chats):
    """A caption, headers with their scope, text escaped, nothing from elsewhere and no style of its own."""
    html = Evaluation(type("Odd<b>&", (Counting,), {})(), chats)._repr_html_()
    soup = BeautifulSoup(html, "html.parser")
    assert str(soup).replace('"', "'") == html  # nothing had to be mended
    assert soup.table.caption.get_text() == "Odd<b>& on 24 chats in 2 categories"
    assert [cell["scope"] for cell in soup("th")] == ["col", "col", "row", "row", "row", "row"]
    assert soup.select("thead th")[1].get_text() == "value (95 % interval)"
    assert [len(row(["th", "td"])) for row in soup("tr")] == [2] * 5
    assert {tag.name for tag in soup(True)} == {"table", "caption", "thead", "tbody", "tr", "th", "td"}
    assert {name for tag in soup(True) for name in tag.attrs} == {"class", "scope"}


def test_without_ids_errors_are_named_by_the_index(chats):
    """The frame that was given stays as it is; neither conversations nor dates are needed."""
    plain = chats[[*MESSAGE, "category"]].set_index(chats.index + 100)
    evaluation = Evaluation(Counting(), plain)
    assert evaluation.missed("urgent").index.tolist() == [100, 110, 120]
    assert evaluation.missed("other").index.tolist() == [105, 115]
    assert list(plain) == [*MESSAGE, "category"]


def test_a_model_without_probabilities(chats):
    """No log-loss is made up, and a category that it does not know is an error like others."""
    rules = make_pipeline("rules", {"rules": [("urgent", "lost")]}).fit(chats[MESSAGE], chats["category"])
    evaluation = Evaluation(rules, chats.replace({"category": {"other": "incident"}}))
    assert evaluation.scores()["metric"].tolist() == ["macro_f1", "accuracy", "balanced_accuracy"]
    assert repr(evaluation).splitlines()[1].startswith("macro-F1")
    assert "log-loss" not in evaluation._repr_html_()


@pytest.mark.parametrize(
    ("model", "change", "message"),
    [
        (make_pipeline("dummy"), lambda chats: chats, "Got Pipeline as model, expected a fitted classifier"),
        ("boosted_linear", lambda chats: chats, "Got str as model, expected a fitted classifier"),
        (Counting(), lambda chats: chats.drop(columns=["body", "category"]), "Got DataFrame without body, category as"),
        (Counting(), lambda chats: chats.head(0), "Got DataFrame without rows as test chats"),
        (Counting(), lambda chats: chats.to_dict("records"), "Got list without body, category, subject as test chats"),
        (Counting(), lambda chats: chats.assign(category="refund"), "Got test chats of category 'refund', of which"),
        (Counting(), lambda chats: chats.assign(created_at=chats["created_at"].astype(str)), "Got created_at as str"),
        (Counting(), lambda chats: chats.assign(category=[None] * 24), "Got 24 test chats without a category"),
    ],
)
def test_wrong_input_is_refused_in_one_sentence(chats, model, change, message):
    """What was received, what was expected, before anything is computed."""
    with pytest.raises(InputError, match=message) as error:
        Evaluation(model, change(chats))
    assert str(error.value).count(". ") == 0
    with pytest.raises(ValueError, match="Got confidence=95, expected a number between 0 and 1"):
        Evaluation(Counting(), chats, confidence=95)


def test_a_model_of_single_strings_is_refused(chats):
    """It would take the names of the two columns for the chats."""
    strings = plain_pipeline(TfidfVectorizer(), LogisticRegression()).fit(chats["body"], chats["category"])
    with pytest.raises(InputError, match="Got 2 predictions for 24 chats, expected a model that takes a DataFrame"):
        Evaluation(strings, chats).scores()
