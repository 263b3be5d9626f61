"""Which chats come first."""

import numpy as np
import pandas as pd
import pytest

from chatkit import make_pipeline
from chatkit.data.simulate import simulate
from chatkit.explore.queue import ORDERS, label_queue, unlabelled
from chatkit.project import InputError

MESSAGE = ["subject", "body"]


@pytest.fixture(scope="module")
def bank():
    """A model, the chats it learned from, and others."""
    chats = simulate(700)[0]
    chats.loc[400:405, "subject"] = ""
    model = make_pipeline("linear_svc").fit(chats[MESSAGE][:300], chats["category"][:300])
    return model, chats[:300], chats[300:].reset_index(drop=True)


@pytest.mark.parametrize("order", ORDERS)
def test_a_queue_is_part_of_the_chats_and_the_same_each_time(bank, order):
    """No chat twice, none invented; none is left where there are none."""
    model, labelled, chats = bank
    queue = label_queue(chats, order, model, labelled, 40)
    assert len(queue) == queue["id"].nunique() == 40
    pd.testing.assert_frame_equal(
        queue[chats.columns], chats.set_index("id").loc[queue["id"]].reset_index()[chats.columns]
    )
    pd.testing.assert_frame_equal(label_queue(chats, order, model, labelled, 40), queue)
    assert len(label_queue(chats[:0], order, model, labelled)) == 0


def test_doubt_begins_where_the_two_likeliest_categories_are_nearest(bank):
    """By the model's probabilities."""
    model, _, chats = bank
    two = np.sort(model.predict_proba(label_queue(chats, "doubt", model, n=400)[MESSAGE]), axis=1)[:, -2:]
    assert (np.diff(two[:, 1] - two[:, 0]) > -1e-8).all()


def test_disagreement_begins_where_the_nearest_label_differs(bank):
    """And goes on with the others."""
    model, labelled, chats = bank
    known = labelled.assign(category=model.predict(chats[MESSAGE])[0])
    queue = label_queue(chats, "disagreement", model, known, 400)
    differs = (queue["guess"] != known["category"][0]).to_numpy()
    assert differs[: differs.sum()].all()
    assert 0 < differs.sum() < 400


def test_diversity_leaves_no_group_out():
    """Of two hundred chats of one text and five of others, without a model."""
    others = ["where is the office", "my pin is wrong", "new savings account", "app crashes daily", "thanks a lot"]
    chats = pd.DataFrame({"subject": "", "body": ["I lost my card today"] * 200 + others})
    queue = label_queue(chats, "diversity", n=6)
    assert set(queue["body"]) == {"I lost my card today", *others}
    assert len(label_queue(chats.assign(body="!!!"), "diversity", n=6)) == 6


def test_suspected_finds_planted_errors():
    """Most of the first are wrong, and the guess is what they were."""
    chats = pd.DataFrame([("card", f"I lost my {word} card", "urgent") for word in "abcdefghij" * 6]
                         + [("hours", f"when do you open {word}", "other") for word in "abcdefghij" * 6],
                         columns=["subject", "body", "category"])  # fmt: skip
    chats.loc[[3, 50, 77], "category"] = ["other", "other", "urgent"]
    queue = label_queue(chats, "suspected")
    assert sorted(zip(queue["category"][:3], queue["guess"][:3], strict=True)) == [("other", "urgent")] * 2 + [
        ("urgent", "other")
    ]
    assert len(label_queue(chats.assign(category="other"), "suspected")) == 0


def test_what_an_order_lacks_is_said_in_a_sentence(bank):
    """Received, expected, what to do."""
    model, _, chats = bank
    for order, given, said in (
        ("doubt", {}, "no model with probabilities .* `dvc repro`"),
        ("disagreement", {"model": model}, "no labelled chats"),
        ("best", {}, "order='best', expected one of doubt"),
    ):
        with pytest.raises(InputError, match=said):
            label_queue(chats, order, **given)
    with pytest.raises(InputError, match="chats without a category for the order 'suspected'"):
        label_queue(chats.drop(columns="category"), "suspected")


def test_chats_of_a_file_without_ids_are_known_by_their_text(tmp_path):
    """Whatever their row; what says nothing is no chat."""
    for name, rows in (("a", ["Lost,my card", ",", "Hours,open?"]), ("b", ["Hours,open?", "Hours,open?"])):
        (tmp_path / f"{name}.csv").write_text("\n".join(["subject,body", *rows]))
    a, b = (unlabelled(tmp_path / f"{name}.csv") for name in "ab")
    assert (len(a), len(b)) == (2, 1)
    assert a["id"][1] == b["id"][0] != a["id"][0]
    (tmp_path / "c.csv").write_text("id,subject,body\nx1,Lost,my card\n,Hours,open?\n")
    assert unlabelled(tmp_path / "c.csv")["id"].tolist() == ["x1", b["id"][0]]
