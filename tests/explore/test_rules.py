"""Rules that a person writes, tries and keeps."""

import pytest

from chatkit.explore.chats import Chats
from chatkit.explore.rules import rule_field
from chatkit.model.rules import read_rules
from chatkit.project import InputError

PATTERN = r"lost (my )?card: '\d' # no comment"


@pytest.fixture
def rule(chats):
    return Chats(chats.assign(category=["urgent", "other", "other", "other"] * 6)).rule("lost", "urgent")


def test_precision_and_recall(rule):
    """Of what is caught, and of the category; the wrong chats come first."""
    assert (rule.precision[0], rule.recall[0]) == (0.5, 1)
    assert rule.precision[1] < 0.5 < rule.precision[2]
    assert repr(rule).startswith("Catches 12 chats, 6 of them urgent: precision 0.50 (0.25 to 0.75), recall 1.00 (")
    messages = repr(rule).split("message\n")[1].splitlines()
    assert ["other" in line for line in messages] == [True] * 6 + [False] * 4


def test_a_rule_that_catches_nothing_says_so(rule):
    """And has no precision."""
    assert repr(rule.chats.rule("zzz", "urgent")) == "Catches no chat."
    assert rule.chats.rule("zzz", "urgent").recall[0] == 0


def test_an_unknown_category_is_refused(rule):
    """By name, with those that there are."""
    with pytest.raises(InputError, match="^Got the category 'late', expected one of the chats': other, urgent"):
        rule.chats.rule("lost", "late")


@pytest.mark.parametrize("position", [None, 1, 4, 9])
def test_a_saved_rule_is_the_only_change(project, rule, position):
    """One line more, at the place that was named; every other byte stays, comments and quotes too."""
    file = project / "rules.yaml"
    source, before = file.read_text(), read_rules(file)
    saved = rule.chats.rule(PATTERN, "urgent").save(position)
    assert saved == (position or 9)
    after = read_rules(file)
    assert after.pop(saved - 1) == ("urgent", PATTERN)
    assert after == before
    lines, old = file.read_text().splitlines(), source.splitlines()
    (added,) = [line for line in lines if line not in old]
    lines.remove(added)
    assert lines == old
    with pytest.raises(InputError, match=f"^rules.yaml has this rule already, as number {saved};"):
        rule.chats.rule(PATTERN, "urgent").save()


@pytest.mark.parametrize(
    ("source", "position", "expected"),
    [
        ("", None, "{new}\n"),
        ("# Only a comment", None, "# Only a comment\n{new}\n"),
        ("# Head\n- {category: a, pattern: b}", None, "# Head\n- {category: a, pattern: b}\n{new}\n"),
        ("# Head\n- {category: a, pattern: b}\n", 1, "# Head\n{new}\n- {category: a, pattern: b}\n"),
        ("- category: a\n  pattern: b\n\n# On c\n- category: c\n  pattern: d\n", 2,
         "- category: a\n  pattern: b\n{new}\n\n# On c\n- category: c\n  pattern: d\n"),
        ("  - {category: a, pattern: b} # é\r\n", None, "  - {category: a, pattern: b} # é\r\n  {new}\r\n"),
        ("- category: a\n  pattern: |-\n    # b\n- {category: c, pattern: d}\n", 1,
         "{new}\n- category: a\n  pattern: |-\n    # b\n- {category: c, pattern: d}\n"),
    ],
)  # fmt: skip
def test_rules_written_in_other_ways_are_kept(project, rule, source, position, expected):
    """Blocks, indents, comments, line ends of Windows, no line end, no rule at all."""
    (project / "rules.yaml").write_bytes(source.encode())
    rule.save(position)
    new = "- {category: urgent, pattern: 'lost'}"
    assert (project / "rules.yaml").read_bytes().decode() == expected.replace("{new}", new)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("[{category: a, pattern: b}]\n", "is not a list with one rule a line; write the rule there: - {category"),
        (
            "- category: a\n  pattern: |-\n    b\n    # c\n- {category: c, pattern: d}\n",
            "is not a list with one rule a line",
        ),
        ("- {category: a, pattern: '('}\n", "no regular expression"),
        ("- {category: a\n", "is not valid YAML"),
        ("a: b\n", "expected `category:` and `pattern:`"),
    ],
)
def test_a_file_that_cannot_be_added_to_stays_as_it_is(project, rule, source, said):
    """One sentence, and nothing is written."""
    file = project / "rules.yaml"
    file.write_text(source)
    with pytest.raises(InputError, match=said):
        rule.save(2 if "- category" in source else None)
    assert file.read_text() == source
    assert [one.name for one in project.glob(".*.part")] == []


@pytest.mark.parametrize("position", [0, 10, "last", 1.5])
def test_another_position_is_refused(project, rule, position):
    """With those that there are."""
    with pytest.raises(InputError, match=f"^Got the position {position!r}, expected 1 to 9: rules.yaml has 8 rules"):
        rule.save(position)


def test_the_field_shows_what_is_caught_at_each_stroke(project, rule):
    """An error is one sentence in place of the table, and the button saves nothing then."""
    before = (project / "rules.yaml").read_bytes()
    pattern, category, position, button, said, shown = rule_field(rule.chats).children
    category.value, pattern.value = "urgent", "los"
    assert shown.value.startswith("<p>Catches 12 chats, 6 of them urgent")
    category.value = "other"
    assert "6 of them other" in shown.value
    pattern.value = "los("
    assert (shown.value, said.value.split(",")[0]) == ("", "Got the pattern 'los('")
    button.click()
    position.value, pattern.value = "first", "lost"
    button.click()
    assert said.value.startswith("Got the position 'first'")
    assert (project / "rules.yaml").read_bytes() == before
    position.value = "2"
    button.click()
    assert said.value.startswith("Saved as rule 2 of rules.yaml")
    assert read_rules(project / "rules.yaml")[1] == ("other", "lost")
