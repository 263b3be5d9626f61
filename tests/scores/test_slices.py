"""Scores by slice: every chat in one slice of each slicing, numbers of that slice alone, a figure that says them."""

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from sklearn.metrics import accuracy_score, f1_score

from chatkit import plots
from chatkit.plots import style
from chatkit.scores.slices import few_known_words, slice_scores, sure_of_few_words
from chatkit.statistics import wilson

DRAWS = 100


pytestmark = pytest.mark.usefixtures("own_figures")


def chats(rows=400, days=120, k=3):
    """Chats of some weeks in several languages, a third without subject, and answers of which a fifth are wrong."""
    rng = np.random.default_rng(0)
    names = [f"category {number}" for number in range(k)]
    test = pd.DataFrame(
        {
            "conversation_id": [f"k{number // 2}" for number in range(rows)],
            "created_at": pd.Timestamp("2025-01-01") + pd.to_timedelta(rng.integers(0, days, rows), unit="D"),
            "subject": np.where(rng.random(rows) < 1 / 3, " ", "Card"),
            "body": ["x" * length for length in rng.integers(1, 2000, rows)],
            "language": rng.choice(["en", "es"], rows, p=[0.8, 0.2]),
            "category": rng.choice(names, rows),
        }
    )
    wrong = rng.random(rows) < 0.2
    return test, np.where(wrong, rng.choice(names, rows), test["category"])


def test_each_slice_is_scored_on_its_own_chats():
    """Value and interval are those of the rows of the slice; the slices of a slicing hold all chats."""
    test, said = chats()
    frame = slice_scores(test, said, draws=DRAWS)
    assert list(frame.columns) == ["slice", "name", "rows", "metric", "value", "low", "high"]
    assert (frame.groupby(["slice", "metric"])["rows"].sum() == len(test)).all()
    spanish = (test["language"] == "es").to_numpy()
    found = frame[(frame["slice"] == "language") & (frame["name"] == "es")].set_index("metric")
    truth = test["category"][spanish]
    assert found.loc["macro_f1", "value"] == f1_score(truth, said[spanish], average="macro")
    assert found.loc["accuracy", "value"] == accuracy_score(truth, said[spanish])
    ends = wilson((truth == said[spanish]).sum(), spanish.sum(), 0.95)
    assert found.loc["accuracy", ["value", "low", "high"]].tolist() == [float(end) for end in ends]
    assert found.loc["macro_f1", "low"] < found.loc["macro_f1", "value"] < found.loc["macro_f1", "high"]
    whole = frame[frame["slice"] == "all"].set_index("metric")
    assert whole.loc["accuracy", "value"] == accuracy_score(test["category"], said)


def test_a_slice_where_the_model_fails_stands_out():
    """All wrong without subject, all right with one."""
    test, _ = chats()
    empty = test["subject"] == " "
    said = np.where(empty, "nonsense", test["category"])
    frame = slice_scores(test, said, draws=DRAWS)
    found = frame[(frame["slice"] == "subject") & (frame["metric"] == "accuracy")].set_index("name")
    assert found["value"].to_dict() == {"with a subject": 1, "without subject": 0}
    assert found["rows"].to_dict() == {"with a subject": (~empty).sum(), "without subject": empty.sum()}


@pytest.mark.parametrize(
    ("days", "what", "first"),
    [(28, "week", "2024-12-30"), (200, "week", "2024-12-30"), (500, "month", "2025-01"), (2000, "quarter", "2025Q1"),
     (4000, "year", "2025")],
)  # fmt: skip
def test_time_is_cut_into_at_most_thirty_slices(days, what, first):
    """Weeks, named by their Monday, where there are few enough; else months, quarters, years; in their order."""
    test, said = chats(days=days)
    frame = slice_scores(test, said, draws=2)
    (found,) = {"week", "month", "quarter", "year"} & set(frame["slice"])
    names = frame.loc[(frame["slice"] == what) & (frame["metric"] == "accuracy"), "name"].tolist()
    assert found == what
    assert names[0] == first
    assert 1 < len(names) <= 30
    assert names == sorted(names)


def test_dates_with_a_time_zone_are_those_of_the_zone():
    """Midnight in Madrid is the day before in London."""
    test, said = chats(days=28)
    in_zone = test.assign(created_at=test["created_at"].dt.tz_localize("Europe/Madrid"))
    assert slice_scores(in_zone, said, draws=2).equals(slice_scores(test, said, draws=2))


def test_lengths_are_quarters_with_readable_names():
    """From the shortest to the longest, each with about as many chats."""
    test, said = chats()
    frame = slice_scores(test, said, draws=2)
    found = frame[(frame["slice"] == "length in characters") & (frame["metric"] == "accuracy")]
    ends = np.quantile((test["subject"] + test["body"]).str.len(), [0.25, 0.5, 0.75]).astype(int)
    assert found["name"].tolist() == [
        f"up to {ends[0]:,}", f"{ends[0] + 1:,} to {ends[1]:,}", f"{ends[1] + 1:,} to {ends[2]:,}", f"over {ends[2]:,}",
    ]  # fmt: skip
    assert found["rows"].between(98, 102).all()


def test_many_chats_of_one_length_share_a_slice():
    """No slice is empty, and none holds a part of the chats of one length."""
    test, said = chats(100)
    test = test.assign(subject="", body=["x" * length for length in [3] * 60 + [4] * 30 + [5] * 10])
    frame = slice_scores(test, said, draws=2)
    found = frame[(frame["slice"] == "length in characters") & (frame["metric"] == "accuracy")]
    assert found.set_index("name")["rows"].to_dict() == {"up to 3": 60, "4": 30, "over 4": 10}


def test_what_is_alike_or_not_there_is_no_slice():
    """One language, one length, no dates, subjects everywhere: only the overall scores are left."""
    test, said = chats(50)
    alike = test[["category"]].assign(subject="Card", body="Lost", language="en", created_at=pd.NaT)
    assert set(slice_scores(alike, said, draws=2)["slice"]) == {"all"}


def test_chats_without_a_value_are_a_slice_of_their_own():
    """No date, no language: last, and called so; rare languages are one."""
    test, said = chats()
    language = [f"l{number:02}" for number in range(15) for _ in range(26 - number)] + [None] * 115
    test = test.assign(language=language, created_at=test["created_at"].where(np.arange(400) > 3))
    frame = slice_scores(test, said, draws=2).query("metric == 'accuracy'")
    names = frame.loc[frame["slice"] == "language", "name"].tolist()
    assert names == [*(f"l{number:02}" for number in range(10)), "5 others", "not given"]
    assert frame[frame["slice"] == "week"].iloc[-1][["name", "rows"]].tolist() == ["not given", 4]


def test_few_chats_get_no_interval_of_the_macro_f1():
    """Below 30 chats or 5 for each category, and where every draw is the same; accuracy has one nevertheless."""
    test, said = chats(60, k=3)
    test = test.assign(language=["en"] * 40 + ["es"] * 20)
    ends = slice_scores(test, said, draws=DRAWS).set_index(["slice", "name", "metric"])["low"]
    assert np.isfinite(ends["language", "en", "macro_f1"])
    assert np.isnan(ends["language", "es", "macro_f1"])
    assert np.isfinite(ends["language", "es", "accuracy"])
    right = slice_scores(test, test["category"], draws=DRAWS).set_index(["slice", "name", "metric"])["low"]
    assert np.isnan(right["language", "en", "macro_f1"])
    test, said = chats(60, k=13)
    test = test.assign(language=["en"] * 60)
    assert np.isnan(slice_scores(test, said, draws=DRAWS).set_index(["slice", "metric"])["low"]["all", "macro_f1"])


def test_chats_of_a_conversation_are_drawn_together():
    """With four equal chats a conversation the interval of the macro-F1 is wider than without conversations."""
    test, said = chats()
    rows = np.repeat(np.arange(100), 4)
    test, said = test.iloc[rows].assign(conversation_id=rows), said[rows]
    wide, narrow = (
        frame.set_index(["slice", "metric"]).loc[("all", "macro_f1")]
        for frame in (slice_scores(each, said, draws=400) for each in (test, test.drop(columns="conversation_id")))
    )
    assert wide["high"] - wide["low"] > 1.5 * (narrow["high"] - narrow["low"])


def test_bad_input_is_named():
    """As many predictions as chats, a share as confidence."""
    test, said = chats(10)
    with pytest.raises(ValueError, match="Got 10 rows in y_true and 9 in y_pred"):
        slice_scores(test, said[:9])
    with pytest.raises(ValueError, match="Got confidence=95"):
        slice_scores(test, said, confidence=95)


# The figure


def drawn():
    test, said = chats()
    return slice_scores(test, said, draws=DRAWS)


def test_the_figure_has_a_panel_for_each_slicing():
    """Names with their chats, dots at the scores, the score of all as a line, all of it in the alt text."""
    plots.notebook_style()
    frame = drawn()
    axes = plots.slice_scores(frame)
    f1 = frame[frame["metric"] == "macro_f1"]
    panels = [name for name in f1["slice"].unique() if name != "all"]
    assert len(axes) == len(panels) == 4
    whole = f1.loc[f1["slice"] == "all", "value"].item()
    for ax, what in zip(axes, panels, strict=True):
        rows = f1[f1["slice"] == what]
        assert [label.get_text() for label in ax.get_yticklabels()] == [
            f"{name} ({n:,})" for name, n in zip(rows["name"], rows["rows"], strict=True)
        ]
        dots = [x for line in ax.lines if line.get_marker() == "o" for x in line.get_xdata()]
        assert sorted(dots) == sorted(rows["value"])
        assert ax.lines[0].get_xdata()[0] == whole
        assert ax.yaxis_inverted()
    text = plots.alt_text(axes[0].figure)
    assert text.startswith(f"Macro-F1 is {whole:.2f} on 400 chats; the intervals of ")
    first = f1[f1["slice"] == "language"].iloc[0]
    assert f"By language: en {first['value']:.2f} ({first['low']:.2f} to {first['high']:.2f}), " in text
    axes[0].figure.canvas.draw()
    sizes = {t.get_fontsize() for t in axes[0].figure.findobj(mpl.text.Text) if t.get_text() and t.get_visible()}
    assert min(sizes) >= 9


def test_the_figure_counts_the_intervals_that_leave_out_the_overall_score():
    """Two slices, one far off: one of two."""
    rows = [("all", "all chats", 90, 0.8, 0.7, 0.9), ("channel", "$app$", 50, 0.5, 0.4, 0.6),
            ("channel", "web", 40, 0.85, np.nan, np.nan)]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["slice", "name", "rows", "value", "low", "high"]).assign(metric="accuracy")
    (ax,) = plots.slice_scores(frame, "accuracy")
    said = "Accuracy is 0.80 on 90 chats; the intervals of 1 of 1 slices leave that out"
    assert ax.get_title(loc="left").replace("\n", " ") == said
    assert plots.alt_text(ax.figure) == (
        f"{said}. By channel: $app$ 0.50 (0.40 to 0.60), 50 chats; web 0.85, 40 chats."
    )
    assert "hollow" in ax.get_xlabel()
    assert ax.get_yticklabels()[0].get_text() == r"\$app\$ (50)"


def test_the_figure_is_the_same_twice_and_draws_where_it_is_told():
    """Same bytes; axes given are used, too few are named; the frame stays as it is."""
    frame = drawn()
    before = frame.copy()
    images = []
    for _ in range(2):
        plots.slice_scores(frame)
        images.append(style.png(plt.gcf())[0])
        plt.close("all")
    assert images[0] == images[1]
    pd.testing.assert_frame_equal(frame, before)
    figure = Figure()
    axes = figure.subplots(5)
    assert list(plots.slice_scores(frame, axes=axes)) == list(axes[:4])
    with pytest.raises(ValueError, match="Got 2 axes, expected 4"):
        plots.slice_scores(frame, axes=axes[:2])


def test_the_figure_says_what_it_expects():
    """No rows, a column missing, no slices."""
    frame = drawn()
    for given in (frame.head(0), frame.drop(columns="rows")):
        with pytest.raises(ValueError, match="expected at least one row with"):
            plots.slice_scores(given)
    with pytest.raises(ValueError, match="Got no slices with 'macro_f1'"):
        plots.slice_scores(frame[frame["slice"] == "all"])


def test_how_sure_a_model_is_of_chats_that_say_nothing():
    """Numbers are no known words, nor are words that no training chat has; too few such chats are not spoken of."""
    train = pd.DataFrame({"subject": ["Lost card"], "body": ["I lost it on 3 May 2026 and have no other one, $5 fee"]})
    little = ["12345 999", "$20 and 3/4/2026", "Wo ist meine Karte geblieben?", "I lost the key", ""]
    bodies = little * 8 + ["I lost it and have no card"] * 60
    test = pd.DataFrame({"subject": "", "body": bodies})
    few = few_known_words(train, test)
    assert few.tolist() == [True] * 40 + [False] * 60
    probability, hits = np.where(few, 0.9, 0.5), np.where(few, np.arange(100) < 10, True)
    assert sure_of_few_words(train, test, probability, hits) == (
        "Of 40 test chats with at most 3 different known words the model is right in 25%, and says 90% on average."
    )
    assert sure_of_few_words(train, test[20:], probability[20:], hits[20:]) == (
        "Not run for test chats with at most 3 different known words: there are 20, 30 are needed."
    )
