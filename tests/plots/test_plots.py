"""Figures: the right object, on the right axes, the same bytes twice, and described by their numbers."""

import base64
import io
import itertools
import struct
from functools import partial

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pandas as pd
import papermill
import pytest
from bs4 import BeautifulSoup
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from sklearn.metrics import ConfusionMatrixDisplay

from chatkit import plots
from chatkit.decisions import triage
from chatkit.plots import style
from chatkit.scores import metrics
from chatkit.site.page import render

ACTUAL = ["urgent"] * 4 + ["other"] * 5 + ["new product"]
PREDICTED = ["urgent", "urgent", "urgent", "other"] + ["other"] * 4 + ["urgent", "other"]


def confusion():
    return metrics.confusion(ACTUAL, PREDICTED)


def per_class():
    return metrics.per_class(ACTUAL, PREDICTED)


def learning_curve():
    rows = [(10, 0, 1.0, 0.3), (10, 1, 1.0, 0.5), (40, 0, 0.9, 0.7), (40, 1, 0.8, 0.9)]
    wide = pd.DataFrame(rows, columns=["rows", "fold", "train", "validation"])
    return wide.melt(["rows", "fold"], var_name="split", value_name="macro_f1")


def complexity():
    losses = {"train": [1.0, 0.5, 0.25], "test": [1.25, 0.75, 1.0]}
    rows = [(number, side, loss) for side, some in losses.items() for number, loss in enumerate(some, start=1)]
    return pd.DataFrame(rows, columns=["round", "split", "log_loss"])


def top_words():
    rows = [("urgent", "lost", 0.5), ("urgent", "stolen", 0.25), ("other", "thanks", 0.125)]
    return pd.DataFrame(rows, columns=["category", "word", "weight"])


def class_shares():
    rows = [("urgent", "train", 0.25), ("other", "train", 0.75), ("urgent", "test", 0.4), ("other", "test", 0.6)]
    return pd.DataFrame(rows, columns=["category", "split", "share"])


def chats_per_week():
    rows = [("2025-01-06", "urgent", 3), ("2025-01-06", "other", 5), ("2025-01-20", "other", 13)]
    return pd.DataFrame(rows, columns=["week", "category", "count"]).astype({"week": "datetime64[us]"})


def chat_map():
    rows = [("urgent", 0.1, 0.9), ("urgent", 0.2, 0.8), ("other", 1.0, 0.0)]
    return pd.DataFrame(rows, columns=["category", "x", "y"])


def confusion_change():
    rows = [
        ("urgent", "urgent", 8, 2),
        ("urgent", "other", 2, -2),
        ("other", "urgent", 3, 1),
        ("other", "other", 9, -1),
    ]
    return pd.DataFrame(rows, columns=["actual", "predicted", "count_a", "change"])


def slice_scores():
    rows = [("all", "all chats", 90, 0.8, 0.7, 0.9), ("channel", "urgent", 50, 0.5, 0.4, 0.6),
            ("channel", "web", 40, 0.85, np.nan, np.nan)]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["slice", "name", "rows", "value", "low", "high"])
    return frame.assign(metric="macro_f1")


def perturbations():
    rows = [
        ("typos", "INV", 0.3, "does not hold"),
        ("urgent", "DIR", 0.02, "holds"),
        ("asap", "MFT", np.nan, "not run"),
    ]
    frame = pd.DataFrame(rows, columns=["name", "kind", "rate", "verdict"])
    return frame.assign(expectation="same category", chats=120, flips=2, tolerance=0.05, low=0.01, high=0.4)


def cost_curve():
    rows = [(policy, ratio, 0.5, 0.8, 0.7, 0.2, 10.0 * ratio, 9.0 * ratio, 12.0 * ratio)
            for policy in ("tuned", "elkan", "as now", "all", "none") for ratio in (1, 10)]  # fmt: skip
    columns = ["policy", "ratio", "threshold", "recall", "precision", "flagged", "cost", "low", "high"]
    return pd.DataFrame(rows, columns=columns)


def coverage_risk():
    rows = [(0.5, 0.9, 0.05, 0.02, 0.1), (1.0, 0.5, 0.2, 0.15, 0.25)]
    return pd.DataFrame(rows, columns=["coverage", "threshold", "error", "low", "high"])


def by_day(**columns):
    """A row for each of three days."""
    return pd.DataFrame({"day": pd.date_range("2026-11-20", periods=3), **columns})


def daily_shares():
    counts = {"rows": 20, "share": [0.2, 0.3, 0.4], "low": 0.1, "high": 0.5}
    days = by_day(category="urgent", count=[4, 6, 8], **counts)
    return pd.concat([days, days.assign(category="other")], ignore_index=True)


def daily_confidence():
    return by_day(rows=[20, 1, 20], mean=[0.8, 0.7, 0.9], low=[0.7, np.nan, 0.8], high=[0.9, np.nan, 1.0])


def daily_latency():
    return by_day(requests=20, p50=[3.0, 4.0, 5.0], p99=[30.0, 40.0, 50.0])


def weekly_corrections():
    rows = [("2026-W47", "urgent", 20, 2, 0.1), ("2026-W47", "other", 10, 2, 0.2), ("2026-W48", "urgent", 20, 6, 0.3)]
    frame = pd.DataFrame(rows, columns=["week", "category", "rows", "corrections", "share"])
    return frame.assign(low=0.05, high=0.4)


def waits():
    rows = itertools.product(triage.POLICIES, [5], ("urgent", "others"), triage.STATISTICS)
    frame = pd.DataFrame(rows, columns=["policy", "agents", "who", "statistic"])
    return frame.assign(value=9.0, low=8.0, high=11.0, difference=-3.0, difference_low=-4.0, difference_high=-1.0)


EXPECTED = pd.DataFrame({"category": ["urgent", "other"], "split": "test", "share": [0.25, 0.75]})
ON_ONE_AX = [
    (plots.confusion_matrix, confusion),
    (plots.confusion_change, confusion_change),
    (plots.per_class, per_class),
    (plots.learning_curve, learning_curve),
    (plots.complexity, complexity),
    (plots.class_shares, class_shares),
    (plots.chats_per_week, chats_per_week),
    (plots.chat_map, chat_map),
    (plots.perturbations, perturbations),
    (plots.coverage_risk, coverage_risk),
    (partial(plots.daily_confidence, expected=0.8), daily_confidence),
    (partial(plots.daily_latency, limit=500), daily_latency),
    (partial(plots.weekly_corrections, expected=pd.Series({"urgent": 0.1})), weekly_corrections),
    (partial(plots.minutes_to_answer, assumptions="Assumed: much."), waits),
]
ON_PANELS = [  # and how many
    (plots.top_words, top_words, 2),
    (plots.slice_scores, slice_scores, 1),
    (plots.cost_curve, cost_curve, 2),
    (partial(plots.daily_shares, expected=EXPECTED), daily_shares, 2),
    (partial(plots.staffing, assumptions="Assumed: much."), waits, 2),
]
DRAWN = [*ON_ONE_AX, *((draw, frame) for draw, frame, _ in ON_PANELS)]
many = pytest.mark.parametrize("k", [5, 25, 77])


pytestmark = pytest.mark.usefixtures("own_figures")


def names(k):
    return ["customer education with a name that is much too long"] + [f"svc_{i}" for i in range(1, k)]


def predictions(k):
    """Labels of 20 chats a category, a fifth of them wrong; the last category is never predicted."""
    generator = np.random.default_rng(0)
    actual = np.repeat(names(k), 20)
    wrong = generator.random(actual.size) < 0.2
    predicted = np.where(wrong, generator.choice(names(k), actual.size), actual)
    return actual, np.where(predicted == names(k)[-1], names(k)[0], predicted)


def texts(ax):
    return [text.get_text() for text in ax.texts]


def ticks(axis):
    return [label.get_text() for label in axis.get_ticklabels()]


# What holds for all


def test_every_plot_is_tested():
    """What is public draws, but for four names: a new plot needs a frame in the tables above."""
    tested = {getattr(draw, "func", draw).__name__ for draw, _ in DRAWN}
    assert tested == {*plots.__all__} - {"alt_text", "describe", "notebook_style", "numbers"}


@pytest.mark.parametrize(("draw", "frame"), ON_ONE_AX)
def test_draws_on_the_axes_given(draw, frame):
    """With axes given, these are drawn on and returned, and pyplot gets no new figure."""
    ax = Figure().add_subplot()
    drawn = draw(frame(), ax=ax)
    assert (drawn.ax_ if isinstance(drawn, ConfusionMatrixDisplay) else drawn) is ax
    assert ax.has_data()
    assert plt.get_fignums() == []


@pytest.mark.parametrize(("draw", "frame", "panels"), ON_PANELS)
def test_draws_on_the_panels_given(draw, frame, panels):
    """Axes given are used from the first on, and returned; too few are named, and how many are needed."""
    given = Figure().subplots(1, 3)
    assert list(draw(frame(), axes=given)) == list(given[:panels])
    assert plt.get_fignums() == []
    with pytest.raises(ValueError, match=f"Got {panels - 1} axes, expected {panels}"):
        draw(frame(), axes=given[: panels - 1])


@pytest.mark.parametrize(("draw", "frame"), DRAWN)
def test_opens_one_figure_by_default(draw, frame):
    """Without axes there is one new figure that pyplot knows, so that a notebook shows it."""
    drawn = draw(frame())
    assert isinstance(drawn, ConfusionMatrixDisplay) or all(isinstance(ax, Axes) for ax in np.ravel(drawn))
    assert len(plt.get_fignums()) == 1
    assert plots.alt_text(plt.gcf())


@pytest.mark.parametrize(("draw", "frame"), DRAWN)
def test_leaves_frame_and_settings_alone(draw, frame):
    """Neither the frame nor matplotlib's settings change."""
    given, settings = frame(), mpl.rcParams.copy()
    draw(given)
    pd.testing.assert_frame_equal(given, frame())
    assert mpl.rcParams == settings


@pytest.mark.parametrize(("draw", "frame"), DRAWN)
def test_same_bytes_twice(draw, frame):
    """The same frame gives the same PNG."""
    plots.notebook_style()
    images = []
    for _ in range(2):
        draw(frame())
        images.append(style.png(plt.gcf())[0])
        plt.close("all")
    assert images[0] == images[1]


@pytest.mark.parametrize(("draw", "frame"), [pair for pair in ON_ONE_AX if "day" not in pair[1]()])
def test_order_of_rows_does_not_matter(draw, frame):
    """A frame with its rows in another order gives the same figure; days are drawn as they come."""
    images = []
    for given in (frame(), frame().sort_values(frame().columns[0], kind="stable", ascending=False)):
        draw(given)
        images.append(style.png(plt.gcf()))
        plt.close("all")
    assert images[0] == images[1]


@pytest.mark.parametrize(("draw", "frame"), DRAWN)
def test_says_what_it_expects(draw, frame):
    """A frame without rows, or without a column, is named along with what was expected."""
    for given in (frame().head(0), frame().iloc[:, 1:]):
        with pytest.raises(ValueError, match=rf"Got {len(given)} rows .* expected at least one row with"):
            draw(given)


@pytest.mark.parametrize(("draw", "frame"), DRAWN)
def test_text_is_at_least_nine_points(draw, frame):
    """In a notebook nothing is written smaller than 9 points."""
    plots.notebook_style()
    draw(frame())
    figure = plt.gcf()
    figure.canvas.draw()
    sizes = {text.get_fontsize() for text in figure.findobj(mpl.text.Text) if text.get_text() and text.get_visible()}
    assert min(sizes) >= 9


@pytest.mark.parametrize(("draw", "frame"), ON_ONE_AX)
def test_dollars_are_not_mathematics(draw, frame):
    """Names with dollars are shown as they are."""
    given = frame()
    given = given.replace({"urgent": "$5 or $10"}) if {"category", "actual", "name"} & {*given} else given
    draw(given)
    plt.gcf().canvas.draw()
    shown = {text.get_text() for text in plt.gcf().findobj(mpl.text.Text)}
    assert not any("$" in text.replace(r"\$", "") for text in shown)


# Names


SCRIPTS = ["退款", "登录 问题", "🙂 ok", "बंद कार्ड", "استرداد", "_x^2\\$a$", "line\nbreak", "bell\x07"]


def renamed(frame, names):
    """The frame with other names, as long as there are any to give."""
    for column in {"category", "actual", "predicted", "name", "word"} & {*frame}:
        known = {} if "slice" in frame else dict(zip(sorted(frame[column].unique()), names, strict=False))
        frame[column] = frame[column].replace(known)
    return frame


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("names", [SCRIPTS[:4], SCRIPTS[4:]])
@pytest.mark.parametrize(("draw", "frame"), [pair for pair in DRAWN if {"category", "actual", "name"} & {*pair[1]()}])
def test_names_of_any_script_draw_without_a_box(draw, frame, names):
    """No warning of a missing glyph, no mathematics, and what is no letter of the font is known by its number."""
    if "expected" in getattr(draw, "keywords", {}) and draw.func is plots.daily_shares:
        draw = partial(plots.daily_shares, expected=renamed(EXPECTED.copy(), names))
    draw(renamed(frame(), names))
    style.png(plt.gcf())
    given = "".join(names)
    assert all(text in given for text in plots.numbers(plt.gcf()).values())
    assert plots.numbers(plt.gcf()) or "slice" in frame() or names is not SCRIPTS[:4]
    assert not any(number in plots.alt_text(plt.gcf()) for number in ("№", "\x07"))


def test_numbers_are_those_of_the_names_in_every_figure():
    """Axis and title have the same number for a name; figures of the same names have, too, whatever their order."""
    figures = [plots.confusion_matrix, plots.per_class]
    actual, predicted = (
        pd.Series(side).replace({"urgent": "退款", "other": "登录 ok"}) for side in (ACTUAL, PREDICTED)
    )
    for draw, compute in zip(figures, (metrics.confusion, metrics.per_class), strict=True):
        draw(compute(actual, predicted))
        ax = plt.gcf().axes[0]
        assert {label.split(" (")[0] for label in ticks(ax.yaxis)} == {"new product", "№1 ok", "№2"}
        assert "№" in ax.get_title(loc="left")
        assert plots.numbers(plt.gcf()) == {1: "登录", 2: "退款"}
    assert "登录 ok taken for 退款" in plots.alt_text(plt.figure(1))


def test_no_two_names_look_alike():
    """Paths of a tree show where they differ; spaces that nobody sees have a number; others stay as they are."""
    path = "Support::Billing::Refunds::"
    region = "Customer onboarding and verification {} region of all retail customers"
    longest = "x" * 60
    names = [f"{path}Partial", f"{path}Full", f"{path}Late", region.format("EU"), region.format("US"), "Bill", "bill",
             "Bill ", "Bi\u200bll", "Login", f"{longest} end", f"{longest}{longest}b{longest}", f"{longest}{longest}c{longest}",
             f"Another {longest}"]  # fmt: skip
    ax = Figure().add_subplot()
    given = style.labels(ax, names)
    assert len(set(given)) == len(names)
    assert max(map(len, given)) <= 28
    assert [label.rsplit("::")[-1] for label in given[:3]] == ["Partial", "Full", "Late"]
    assert [label for label in given[3:5] if "EU" in label] == given[3:4]
    assert [given[6], given[9], given[13]] == ["bill", "Login", f"Another {longest}"[:27] + "…"]
    assert {"Bill", "Bill ", "Bi\u200bll"} == {*style.numbers(ax.figure).values()}
    assert "<bdi>Bill␣</bdi>" in style.key(ax.figure)
    assert style.labels(ax, names[::-1]) == given[::-1]


def test_a_name_that_begins_with_an_underscore_is_in_the_legend():
    """matplotlib would leave it out."""
    ax = plots.chats_per_week(chats_per_week().replace("urgent", "_urgent"))
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["other", "_urgent"]


# Alt text


def test_alt_text_is_required():
    """A figure that nobody described is an error that says how to mend it."""
    with pytest.raises(ValueError, match="without alt text"):
        plots.alt_text(Figure())


def test_figure_with_two_plots_says_both():
    """Two plots on one figure: the alt text has both; describe replaces it."""
    figure = Figure()
    left, right = figure.subplots(1, 2)
    plots.class_shares(class_shares(), ax=left)
    first = plots.alt_text(figure)
    plots.learning_curve(learning_curve(), ax=right)
    assert plots.alt_text(figure).startswith(f"{first} Macro-F1")
    plots.describe(figure, "Two plots.")
    assert plots.alt_text(figure) == "Two plots."


@pytest.mark.parametrize(
    ("draw", "frame", "said"),
    [
        (
            plots.confusion_matrix,
            confusion,
            (
                "Confusion matrix of 3 categories: 70% of 10 chats end up where people put them. Most frequent errors: "
                "new product taken for other (1 chat, 100%); other taken for urgent (1 chat, 20%); "
                "urgent taken for other (1 chat, 25%)."
            ),
        ),
        (
            plots.learning_curve,
            learning_curve,
            (
                "Macro-F1 by chats that the model was fitted on: on chats it was fitted on 1.00 with 10, 0.85 with 40; "
                "on chats it has not seen 0.40 with 10, 0.80 with 40."
            ),
        ),
        (
            plots.complexity,
            complexity,
            (
                "Log-loss by rounds of trees: on chats it was fitted on from 1.00 to 0.25; on chats it has not seen from "
                "1.25 to 1.00, lowest at round 2 with 0.75."
            ),
        ),
        (
            plots.top_words,
            top_words,
            "Words that speak most for each category, the strongest first. urgent: lost, stolen; other: thanks.",
        ),
        (
            plots.class_shares,
            class_shares,
            (
                "Share of 2 categories by side of the split, the largest first: other train 75.0%, test 60.0%; "
                "urgent train 25.0%, test 40.0%. Largest difference: other, 15.0 points."
            ),
        ),
        (
            plots.chats_per_week,
            chats_per_week,
            (
                "Chats per week from 2025-01-06 to 2025-01-20, 7.0 on average, most in the week of 2025-01-20 (13). "
                "By category: other 0 to 13, mean 6.0; urgent 0 to 3, mean 1.0."
            ),
        ),
    ],
)
def test_alt_text_has_the_numbers(draw, frame, said):
    """The sentence is made of the frame's numbers."""
    draw(frame())
    assert plots.alt_text(plt.gcf()) == said


def test_alt_text_of_per_class_has_the_numbers():
    """The best F1 comes first; what is unknown is called so."""
    ax = plots.per_class(per_class())
    text = plots.alt_text(ax.figure)
    assert "the best F1 first: urgent F1 0.75 (" in text
    assert "; other F1 0.73 (" in text
    assert "new product F1 0.00 (0.00 to " in text
    assert "precision unknown, recall 0.00, 1 chat." in text


@pytest.mark.parametrize("draw", [plots.confusion_matrix, plots.per_class])
def test_alt_text_stays_short(draw):
    """With 77 categories the sentence names a few and counts the rest."""
    draw((metrics.confusion if draw is plots.confusion_matrix else metrics.per_class)(*predictions(77)))
    text = plots.alt_text(plt.gcf())
    assert "77 categories" in text
    assert " more" in text
    assert len(text) < 900


# confusion_matrix


def test_confusion_cells_carry_share_and_count():
    """The largest category comes first; a cell says share and count, an empty one nothing."""
    display = plots.confusion_matrix(confusion())
    assert ticks(display.ax_.yaxis) == ticks(display.ax_.xaxis) == ["other", "urgent", "new product"]
    assert texts(display.ax_) == ["80%\n4", "20%\n1", "25%\n1", "75%\n3", "100%\n1"]
    assert display.confusion_matrix[1, 0] == 0.25


@pytest.mark.parametrize(("k", "expected"), [(5, "80%\n16"), (25, "80"), (77, None)])
def test_confusion_text_fits_its_cells(k, expected):
    """With more categories cells carry less: share and count, share, nothing; and no text crosses its cell."""
    actual = np.repeat(names(k), 20)
    predicted = np.where(np.arange(actual.size) % 5 == 0, names(k)[0], actual)
    ax = plots.confusion_matrix(metrics.confusion(actual, predicted)).ax_
    assert expected in texts(ax) if expected else texts(ax) == []
    ax.figure.canvas.draw()
    cell = abs(np.diff(ax.transData.transform([(0, 0), (1, 1)]), axis=0))[0]
    for text in ax.texts:
        box = text.get_window_extent()
        assert box.width < cell[0]
        assert box.height < cell[1]


def test_most_frequent_error_comes_first():
    """Errors are named by the number of chats, not by their share."""
    actual, predicted = ["a"] * 8 + ["b"] + ["c"] * 8, ["a"] * 6 + ["b"] * 2 + ["c"] + ["c"] * 8
    ax = plots.confusion_matrix(metrics.confusion(actual, predicted)).ax_
    title = ax.get_title(loc="left").replace("\n", " ")
    assert title == "82% of 17 chats end up where people put them; most frequent error: a taken for b (2 chats, 25%)"
    assert "a taken for b (2 chats, 25%); b taken for c (1 chat, 100%)." in plots.alt_text(ax.figure)


def test_share_that_rounds_to_nothing():
    """One chat of many is less than 1%, not 0%."""
    actual = ["other"] * 1000 + ["urgent"]
    display = plots.confusion_matrix(metrics.confusion(actual, ["urgent", *actual[1:]]))
    assert "<1%\n1" in texts(display.ax_)


# per_class


def test_per_class_draws_what_is_known():
    """Three metrics a category, the best F1 on top; precision that is unknown is not drawn."""
    ax = plots.per_class(per_class())
    assert ticks(ax.yaxis) == ["urgent (4)", "other (5)", "new product (1)"]
    points = {c.get_label(): c.lines[0].get_xdata() for c in ax.containers}
    assert points["precision"] == pytest.approx([3 / 4, 4 / 6, np.nan], nan_ok=True)
    assert points["recall"] == pytest.approx([3 / 4, 4 / 5, 0])
    assert points["F1"] == pytest.approx([3 / 4, 8 / 11, 0])
    assert ax.yaxis_inverted()


def test_ties_go_by_name():
    """Categories with the same F1 stand in alphabetical order, whatever the frame's."""
    frame = metrics.per_class(["a", "b", "c"], ["a", "b", "c"]).sort_values("category", ascending=False)
    assert ticks(plots.per_class(frame).yaxis) == ["a (1)", "b (1)", "c (1)"]


@pytest.mark.parametrize("draw", [plots.confusion_matrix, plots.per_class, plots.class_shares])
@many
def test_names_do_not_overlap(draw, k):
    """The figure grows with the categories: no name touches the next, however many there are."""
    plots.notebook_style()
    if draw is plots.class_shares:
        share = np.full(2 * k, 1 / k)
        draw(pd.DataFrame({"category": names(k) * 2, "split": ["train"] * k + ["test"] * k, "share": share}))
    else:
        draw((metrics.confusion if draw is plots.confusion_matrix else metrics.per_class)(*predictions(k)))
    figure = plt.gcf()
    figure.canvas.draw()
    boxes = [label.get_window_extent() for label in figure.axes[0].yaxis.get_ticklabels()]
    assert len(boxes) == k
    tops = sorted((box.y0, box.y1) for box in boxes)
    assert all(below[1] <= above[0] for below, above in itertools.pairwise(tops))


# learning_curve


def test_learning_curve_has_mean_and_band():
    """A line is the mean of the folds, its band their range."""
    ax = plots.learning_curve(learning_curve())
    train, validation = (line.get_ydata() for line in ax.lines)
    assert train == pytest.approx([1, 0.85])
    assert validation == pytest.approx([0.4, 0.8])
    band = ax.collections[1].get_paths()[0].vertices
    assert (band[:, 1].min(), band[:, 1].max()) == pytest.approx((0.3, 0.9))
    assert "is 0.80 (+0.40 by the last 30)" in ax.get_title(loc="left")


def test_learning_curve_of_one_size():
    """With a single size there is a point and no claim about growth."""
    frame = learning_curve()
    ax = plots.learning_curve(frame[frame["rows"] == 10])
    assert ax.get_title(loc="left") == "Macro-F1 on unseen chats is 0.40"


# top_words


def test_top_words_has_a_panel_for_each_category():
    """Panels keep the frame's order, bars the words', the strongest on top."""
    axes = plots.top_words(top_words())
    assert [ax.get_title(loc="left") for ax in axes] == ["urgent", "other"]
    assert ticks(axes[0].yaxis) == ["lost", "stolen"]
    assert [bar.get_width() for bar in axes[0].patches] == [0.5, 0.25]
    assert axes[0].yaxis_inverted()
    assert len(plt.gcf().axes) == 2


@many
def test_top_words_shows_twelve_categories_at_most(k):
    """Of many categories the first twelve are shown, and the alt text says so."""
    frame = pd.DataFrame({"category": names(k), "word": "card", "weight": 1.0})
    axes = plots.top_words(frame)
    assert len(axes) == len(plt.gcf().axes) == min(k, 12)
    assert (f"(the first 12 of {k} categories)" in plots.alt_text(plt.gcf())) == (k > 12)


# class_shares


def test_class_shares_draws_every_split():
    """A marker for each split and category, the largest category on top; a missing pair is a share of 0."""
    ax = plots.class_shares(class_shares().iloc[:3])
    points = {line.get_label(): list(line.get_xdata()) for line in ax.lines}
    assert ticks(ax.yaxis) == ["other", "urgent"]
    assert points == {"train": [0.75, 0.25], "test": [0, 0.4]}
    assert "other, train 75.0%, test 0.0%" in ax.get_title(loc="left")


# chat_map


@many
def test_the_map_colours_the_seven_largest_categories(k):
    """And one more colour for all others; every chat is drawn."""
    categories = [name for number, name in enumerate(names(k)) for _ in range(k - number)]
    frame = pd.DataFrame({"category": categories, "x": np.linspace(0, 1, len(categories)), "y": 0.5})
    ax = plots.chat_map(frame)
    shown = [text.get_text() for text in ax.get_legend().get_texts()]
    assert len(shown) == min(k, 8)
    assert (shown[-1] == f"{k - 7} other categories") == (k > 7)
    assert sum(len(line.get_xdata()) for line in ax.lines) == len(frame)


# chats_per_week


def test_week_without_chats_is_zero():
    """A week without a row, for one category or for all, is drawn as 0, not bridged; the last week has its width."""
    ax = plots.chats_per_week(chats_per_week())
    assert [layer.get_label() for layer in ax.collections] == ["urgent", "other"]
    areas = [layer.get_paths()[0] for layer in ax.collections]
    start = mpl.dates.date2num(np.datetime64("2025-01-06"))
    middles = start + np.array([3, 10, 17])
    for area, heights in zip(areas, ([(0, 3), (0, 0), (0, 0)], [(3, 8), (0, 0), (0, 13)]), strict=True):
        for day, (bottom, top) in zip(middles, heights, strict=True):
            inside = [y for y in np.arange(0.5, 14) if area.contains_point((day, y))]
            assert inside == list(np.arange(bottom + 0.5, top))
    assert ax.get_xlim() == (start, start + 21)


def test_single_week_is_visible():
    """One week of chats has a width too."""
    ax = plots.chats_per_week(chats_per_week().head(2))
    assert np.ptp(ax.collections[0].get_paths()[0].vertices[:, 0]) == 7


@many
def test_chats_per_week_draws_seven_categories_and_the_rest(k):
    """Of many categories the seven largest have a colour of their own, and no chat is lost."""
    rows = [(week, name, i + 1) for week in ("2025-01-06", "2025-01-13") for i, name in enumerate(names(k))]
    frame = pd.DataFrame(rows, columns=["week", "category", "count"]).astype({"week": "datetime64[us]"})
    ax = plots.chats_per_week(frame)
    assert len(ax.collections) == min(k, 8)
    assert (f"{k - 7} other categories" in plots.alt_text(ax.figure)) == (k > 7)
    assert max(layer.get_paths()[0].vertices[:, 1].max() for layer in ax.collections) == k * (k + 1) / 2
    colors = {tuple(layer.get_facecolor()[0]) for layer in ax.collections}
    assert len(colors) == len(ax.collections)


def test_weeks_with_a_time_zone():
    """Dates that carry a time zone are drawn as others are."""
    frame = chats_per_week()
    frame["week"] = frame["week"].dt.tz_localize("UTC")
    ax = plots.chats_per_week(frame)
    ax.figure.canvas.draw()
    assert "2025-01-06 to 2025-01-20" in plots.alt_text(ax.figure)


def test_categories_keep_their_colors():
    """A category has the same colour in every figure of the same categories, whatever their order."""
    weeks, words = plots.chats_per_week(chats_per_week()), plots.top_words(top_words())
    by_week = {layer.get_label(): tuple(layer.get_facecolor()[0]) for layer in weeks.collections}
    by_word = {ax.get_title(loc="left"): ax.patches[0].get_facecolor() for ax in words}
    assert by_week == by_word


# In a notebook


def run(tmp_path, *sources):
    """Execute cells through papermill, with notebook_style called in the first."""
    start = (
        "import matplotlib.pyplot as plt, pandas as pd\n"
        "from chatkit import plots\n"
        "plots.notebook_style()\n"
        f"frame = pd.DataFrame({learning_curve().to_dict('list')})"
    )
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in (start, *sources)])
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, tmp_path / "in.ipynb")
    return papermill.execute_notebook(
        tmp_path / "in.ipynb", tmp_path / "out.ipynb", progress_bar=False, kernel_name="python3"
    )


def size(png):
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    return struct.unpack(">II", png[16:24])


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    draw = "plots.learning_curve(frame);"
    own = "figure, ax = plt.subplots()\nax.plot([1, 2])\nplots.describe(figure, 'A line goes from 1 to 2.')"
    two = f"{draw}\n{draw}"
    names = f"plots.class_shares(pd.DataFrame({class_shares().replace('urgent', '退款').to_dict('list')}));"
    return run(tmp_path_factory.mktemp("notebook"), draw, draw, own, two, names)


def test_each_figure_appears_once_with_its_alt_text(executed):
    """A figure is shown at the end of its cell, once, as a PNG whose metadata carries the sentence."""
    outputs = [cell.outputs for cell in executed.cells[:5]]
    assert [len(cell) for cell in outputs] == [0, 1, 1, 1, 2]
    shown = [output for cell in outputs for output in cell]
    assert all(set(output.data) == {"image/png", "text/plain"} for output in shown)
    said = [output.metadata["image/png"]["alt"] for output in shown]
    learning_curve_says = "Macro-F1 by chats that the model was fitted on: on chats it was fitted on 1.00 with 10"
    assert [text.startswith(learning_curve_says) for text in said] == [True, True, False, True, True]
    assert said[2] == "A line goes from 1 to 2."


def test_page_lays_a_figure_out_at_its_size_in_inches(executed):
    """From the executed notebook to the page: 7.5 inches are 720 CSS pixels, with two pixels of the image for each."""
    output = executed.cells[1].outputs[0]
    content, about = base64.b64decode(output.data["image/png"]), output.metadata["image/png"]
    image = BeautifulSoup(render(executed, "evaluate", ["evaluate"]), "html.parser").select_one("figure img")
    assert image["src"].endswith(output.data["image/png"].replace("\n", ""))
    assert (int(image["width"]), int(image["height"])) == (about["width"], about["height"]) == (720, 384)
    assert size(content) == (1440, 768)
    assert len(content) < 60_000


def test_numbers_are_explained_above_the_figure(executed):
    """What the font lacks is a number in the figure, and a name in the notebook and on the page."""
    _, figure = executed.cells[5].outputs
    assert "image/png" in figure.data
    soup = BeautifulSoup(render(executed, "evaluate", ["evaluate"]), "html.parser")
    assert [p.get_text() for p in soup.select("p.aside:has(bdi)")] == ["In the figure: №1 退款"]
    assert (
        soup.select_one("p.aside:has(bdi)").find_next("img")["src"].endswith(figure.data["image/png"].replace("\n", ""))
    )


def test_image_has_the_same_bytes_twice_and_no_other_data(executed):
    """Two cells that draw the same give the same bytes; the PNG names no software and no time."""
    first, second = (executed.cells[i].outputs[0].data["image/png"] for i in (1, 2))
    assert first == second
    assert plt.imread(io.BytesIO(base64.b64decode(first))).ndim == 3
    assert b"tEXt" not in base64.b64decode(first)


def test_nothing_is_cut_off():
    """What is written beside the axes belongs to the image."""
    figure = Figure(figsize=(3, 2))
    figure.add_subplot()
    figure.text(1.5, 0.5, "beside")
    plots.describe(figure, "A word beside the axes.")
    assert style.png(figure)[1]["width"] > 400


def test_figure_without_alt_text_stops_the_notebook(tmp_path):
    """papermill fails on a figure that nobody described, with the sentence that says how to mend it."""
    with pytest.raises(papermill.PapermillExecutionError, match="Got a figure without alt text"):
        run(tmp_path, "plt.plot([1, 2]);")


def test_style_does_not_depend_on_the_fonts_of_the_machine():
    """The only font asked for is the one that comes with matplotlib."""
    plots.notebook_style()
    assert mpl.rcParams["font.family"] == ["DejaVu Sans"]
    assert mpl.font_manager.findfont("DejaVu Sans", fallback_to_default=False).startswith(mpl.get_data_path())
