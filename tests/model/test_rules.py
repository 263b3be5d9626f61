"""A person's regular expressions as a classifier."""

import pytest

from chatkit import make_pipeline
from chatkit.model.rules import RulesClassifier, read_rules
from chatkit.project import InputError

RULES = [("urgent", r"lost .*card"), ("other", r"^[^\n]*hours"), ("urgent", "stolen")]


def test_the_first_match_wins():
    """From top to bottom, without regard to case; none gives the most frequent category."""
    model = RulesClassifier(RULES).fit(["a", "b", "c"], ["urgent", "other", "other"])
    texts = ["I LOST my card", "Opening hours\nlost it", "body\nhours", "Stolen! hours", None]
    assert model.predict(texts).tolist() == ["urgent", "other", "other", "other", "other"]


def test_equal_frequencies_go_by_name():
    """The default never depends on the order of rows."""
    for y in (["b", "a"], ["a", "b"]):
        assert RulesClassifier().fit(["x", "y"], y).default_ == "a"


def test_a_rule_for_no_category_is_refused():
    """A typo in a rule must not invent a category."""
    with pytest.raises(
        InputError, match="rules name the category 'urgent', which no training chat has .*other.*write rules"
    ):
        RulesClassifier(RULES).fit(["a"], ["other"])


def test_rules_have_no_probabilities():
    """None are promised, so none are made up."""
    assert not hasattr(RulesClassifier(), "predict_proba")


def test_the_file_is_read_in_order(tmp_path):
    """Category and pattern, as written."""
    (tmp_path / "rules.yaml").write_text("- {category: urgent, pattern: 'a\\b'}\n- {category: other, pattern: c}\n")
    assert read_rules(tmp_path / "rules.yaml") == [("urgent", r"a\b"), ("other", "c")]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("- {category: urgent}", "Rule 1 of rules.yaml is .*expected `category:` and `pattern:`"),
        ("category: urgent", "Rule 1 of rules.yaml"),
        (
            "- {category: a, pattern: b}\n- {category: a, pattern: '('}",
            r"Rule 2 .*'\(', which is no regular expression",
        ),
        ("- [", "is not valid YAML"),
    ],
)
def test_a_bad_file_gives_one_sentence(tmp_path, content, said):
    """The rule is numbered."""
    (tmp_path / "rules.yaml").write_text(content)
    with pytest.raises(InputError, match=said):
        read_rules(tmp_path / "rules.yaml")


def test_a_missing_file_is_named(tmp_path):
    """The parameter train.rules may point nowhere."""
    with pytest.raises(InputError, match=r"name the file in train\.rules"):
        read_rules(tmp_path / "none.yaml")


def test_subject_and_body_are_two_lines(chats):
    """Whatever stands between them for other classifiers: a pattern may reach from one into the other."""
    rules = [("urgent", r"^lost card\nI lost"), ("other", r"\AHours\sWhen")]
    messages = chats[["subject", "body"]]
    model = make_pipeline("rules", {"rules": rules}).fit(messages, chats["category"])
    assert (model.predict(messages) == chats["category"]).all()
