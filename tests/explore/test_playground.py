"""What models make of a message as one types it."""

import pytest

from chatkit import make_pipeline
from chatkit.explore.playground import Playground
from chatkit.project import InputError

RULES = [("urgent", "lost .*card"), ("other", "open")]


@pytest.fixture(scope="module")
def model():
    import pandas as pd

    chats = pd.DataFrame({"subject": ["Lost", "Hours"] * 9, "body": ["my card", "open when"] * 9})
    return make_pipeline("linear_svc", clean=[]).fit(chats, ["urgent", "other"] * 9)


def fields(playground):
    """The fields for subject and body, the buttons, and the HTML below them."""
    subject, body, buttons, output = playground._widget.children
    return subject, body, buttons.children, output


def test_the_answer_follows_each_key(model, chats):
    """Probabilities, marked words, the rule and the nearest chats are those of what stands in the fields."""
    playground = Playground(model, chats, RULES)
    subject, _, _, output = fields(playground)
    subject.value = "When do you open?"
    asked = playground.answer("When do you open?", "")
    assert output.value == asked._repr_html_()
    assert asked.probabilities["model"].idxmax() == "other"
    assert asked.rule == "Rules: other, by open"
    assert asked.nearest["category"].tolist() == ["other"] * 3
    assert asked.nearest["similarity"].is_monotonic_decreasing
    assert "[open +" in repr(asked)


def test_a_button_edits_both_fields(model):
    """Whole words, their case kept."""
    playground = Playground(model, edits={"lost": "found"}, subject="LOST card", body="I lost it, almost lostt")
    subject, body, (button,), _ = fields(playground)
    button.click()
    assert (subject.value, body.value) == ("FOUND card", "I found it, almost lostt")


def test_two_models_have_a_column_each(model, chats):
    """A category that one of them does not know has no probability there."""
    small = make_pipeline("linear_svc").fit(chats[["subject", "body"]], chats["category"].replace("other", "hours"))
    probabilities = Playground({"a": model, "b": small}).answer("Hours", "").probabilities
    assert probabilities.index.tolist() == ["hours", "other", "urgent"]
    assert (probabilities.loc["hours", "a"], probabilities.loc["other", "b"]) == (0.0, 0.0)
    assert probabilities.sum().tolist() == pytest.approx([1, 1])


def test_what_is_typed_is_text(model):
    """Markup in a message, or in a training chat, is shown and not obeyed."""
    evil = "<script>alert(1)</script> lost"
    playground = Playground({"<b>": model}, None, [("urgent", "lost")], subject=evil, body=evil)
    assert "<script>" not in fields(playground)[-1].value
    assert "&lt;script&gt;" in fields(playground)[-1].value


def test_without_a_browser_the_last_answer_stands_there(model):
    """A page that cannot show the widget has the same answer as HTML and as text."""
    shown = Playground(model, subject="Lost card")._repr_mimebundle_()
    assert "urgent" in shown["text/html"]
    assert "urgent" in shown["text/plain"]
    assert shown["application/vnd.jupyter.widget-view+json"]["model_id"]


def test_a_model_without_probabilities_is_refused(chats):
    """In one sentence."""
    rules = make_pipeline("rules", {"rules": RULES}).fit(chats[["subject", "body"]], chats["category"])
    with pytest.raises(InputError, match="without probabilities"):
        Playground(rules)
