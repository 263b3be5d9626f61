"""What if the words change: the edits, what an entry may say, and the verdicts."""

import re

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure

from chatkit import plots
from chatkit.data.simulate import simulate
from chatkit.explain import perturbations
from chatkit.explain.perturbations import VERDICTS, read_perturbations, run_perturbations, verdicts
from chatkit.model.pipeline import make_pipeline
from chatkit.project import InputError
from tests.conftest import ROOT

GREETING = "{name: greeting, kind: INV, where: body, prefix: 'Hello, '}"
texts = st.text(max_size=80) | st.from_regex(r"([A-Za-z]{1,9}[ ,.!]{1,2}|[0-9$]{1,4} ){0,12}", fullmatch=True)
seeds = st.integers(0, 2**32)


class Words:
    """A model that knows "urgent" by the words it is given, and "other"."""

    classes_ = np.array(["other", "urgent"])

    def __init__(self, *words):
        self.words = words

    def predict_proba(self, X):
        text = (X["subject"] + " " + X["body"]).str.lower()
        chance = np.clip(sum(0.6 * text.str.contains(word, regex=False) for word in self.words), 0.1, 0.9)
        return np.column_stack([1 - chance, chance])

    def predict(self, X):
        return self.classes_[(self.predict_proba(X)[:, 1] > 0.5).astype(int)]


class NoProbabilities:
    """The same without predict_proba."""

    classes_ = Words.classes_

    def predict(self, X):
        return Words("lost").predict(X)


@pytest.fixture
def read(tmp_path):
    """From entries in YAML, one a string, to perturbations."""

    def read(*entries):
        file = tmp_path / "perturbations.yaml"
        file.write_text("\n".join(f"- {entry}" for entry in entries), encoding="utf-8")
        return read_perturbations(file)

    return read


def edit_of(tmp_path_factory, keys):
    file = tmp_path_factory.mktemp("edit") / "perturbations.yaml"
    file.write_text(f"- {{name: edit, kind: INV, where: body, {keys}}}", encoding="utf-8")
    entry = read_perturbations(file)[0]
    return lambda text, rng: entry.edited({"subject": "", "body": text}, rng)["body"]


@pytest.fixture(scope="module")
def edits(tmp_path_factory):
    """Each edit, made by an entry."""
    keys = {
        "typos": "typos: 3",
        "upper": "edit: upper case",
        "lower": "edit: lower case",
        "digits": "edit: other digits",
        "remove": "edit: remove",
        "prefix": "prefix: ['Hello, ', \"Hi\\n\"]",
        "suffix": "suffix: [' ASAP', '!!!']",
        "replace": "replace: {lost: found, joint accounts: shared accounts, Fund: Account}",
        "back": "replace: {found: lost, shared accounts: joint accounts}",
        "swap": "swap: [Dana, Chris, St. Louis]",
        "regex": "regex: {'!+': '', '(\\w+)@(\\w+)': '\\2@\\1'}",
    }
    return {name: edit_of(tmp_path_factory, said) for name, said in keys.items()}


def rng(seed=0):
    return np.random.default_rng(seed)


def many(n, **columns):
    """n chats, each a conversation of its own."""
    frame = pd.DataFrame({"id": [f"c{i}" for i in range(n)], "conversation_id": [f"k{i}" for i in range(n)]})
    return frame.assign(**{"subject": "", "body": "I lost my card", **columns})


# The edits


@given(texts, seeds)
def test_a_typo_changes_a_letter_or_two_and_no_digit(edits, text, seed):
    """At most so many words differ, each by a letter more or less or two that changed places; other signs stay."""
    after = edits["typos"](text, rng(seed))
    assert abs(len(after) - len(text)) <= 3
    letter = re.compile(r"[^\W\d_]")
    assert letter.sub("", after) == letter.sub("", text)
    words = [re.findall(r"[^\W\d_]+|[\W\d_]+", side) for side in (text, after)]
    assert len(words[0]) == len(words[1])
    changed = [(old, new) for old, new in zip(*words, strict=True) if old != new]
    assert len(changed) == min(3, sum(len(word) >= 4 for word in words[0] if letter.match(word)))
    for old, new in changed:
        assert abs(len(old) - len(new)) <= 1
        assert (old[0], old[-1]) == (new[0], new[-1])
        assert set(new) <= set(old)


@given(texts)
def test_casing_is_idempotent(edits, text):
    """Done twice it is as done once, and words stay words."""
    for name in ("upper", "lower"):
        once = edits[name](text, rng())
        assert edits[name](once, rng()) == once
    assert edits["upper"]("Lost $5", rng()) == "LOST $5"
    assert edits["lower"]("Lost $5", rng()) == "lost $5"


@given(texts, seeds)
def test_what_was_added_can_be_taken_away(edits, text, seed):
    """A prefix and a suffix leave the text as it is, and several are drawn from."""
    before, after = edits["prefix"](text, rng(seed)), edits["suffix"](text, rng(seed))
    assert text in {before.removeprefix(added) for added in ("Hello, ", "Hi\n") if before.startswith(added)}
    assert text in {after.removesuffix(added) for added in (" ASAP", "!!!") if after.endswith(added)}
    assert len({edits["prefix"](text, rng(i)) for i in range(20)}) == 2


@given(texts, seeds)
def test_digits_become_other_digits(edits, text, seed):
    """Every digit changes, nothing else does."""
    after = edits["digits"](text, rng(seed))
    assert len(after) == len(text)
    for old, new in zip(text, after, strict=True):
        assert (new != old and new in "0123456789") if old in "0123456789" else new == old


@given(texts)
def test_a_word_replaced_and_put_back_is_the_original(edits, text):
    """Without the new words in it, a text comes back, letters in their case."""
    given_text = f"Lost {re.sub('found|shared', '', text, flags=re.IGNORECASE)} lost, LOST"
    there = edits["replace"](given_text, rng())
    assert there.startswith("Found ")
    assert there.endswith(" found, FOUND")
    # Letters such as ß have no single form in capitals.
    if re.fullmatch(r"[\x00-\x7f]*", text) and "joint" not in text.lower():
        assert edits["back"](there, rng()) == given_text


def test_only_whole_words_are_replaced(edits):
    """Of several words at once, in the case of each; a word inside another one is none."""
    after = edits["replace"]("Joint accounts: my fund, refund. LOST it? Lostness. joint  accounts", rng())
    assert after == "Shared accounts: my account, refund. FOUND it? Lostness. joint  accounts"
    assert edits["replace"]("my fund, FUND, fuſd", rng()) == "my account, ACCOUNT, fuſd"


@given(seeds)
def test_a_name_becomes_another_name(edits, seed):
    """Never itself, the same one all through a text, names with a full stop too."""
    after = edits["swap"]("dana, DANA and Dana in St. Louis, not Danaë", rng(seed))
    name = after.split(",")[0]
    assert name in {"chris", "st. louis"}
    assert after.startswith(f"{name}, {name.upper()} and ")
    assert after.endswith(", not Danaë")
    assert "Louis, not" not in after


def test_patterns_and_removal(edits):
    """Regular expressions run in order and may refer to groups; to remove leaves nothing."""
    assert edits["regex"]("Help!!! a@b!", rng()) == "Help b@a"
    assert edits["remove"]("Help", rng()) == ""


# What an entry may say

WRONG = {
    "kind: INV, typos: 1": "name is None",
    "name: a, kind: INF, typos: 1": "kind is 'INF', expected one of INV, DIR, MFT",
    "name: a, kind: [INV], typos: 1": "kind is",
    "name: a, kind: INV": "the edit is '', expected exactly one of replace, swap",
    "name: a, kind: INV, typos: 1, prefix: Hi": "the edit is 'prefix, typos', expected exactly one",
    "name: a, kind: INV, typo: 1": "a key is 'typo', expected for INV only",
    "name: a, kind: INV, typos: 1, expect: {lower: b}": "a key is 'expect', expected for INV only",
    "name: a, kind: MFT, typos: 1": "a key is 'typos', expected for MFT only",
    "name: a, kind: INV, typos: 0": "typos is 0, expected how many",
    "name: a, kind: INV, typos: true": "typos is True",
    "name: a, kind: INV, replace: lost": "replace is 'lost', expected words",
    "name: a, kind: INV, replace: {4921: '1111'}": "replace is {4921",
    "name: a, kind: INV, replace: {'': x}": "replace is",
    "name: a, kind: INV, swap: [Dana]": "swap is",
    "name: a, kind: INV, prefix: []": "prefix is",
    "name: a, kind: INV, suffix: 3": "suffix is 3",
    "name: a, kind: INV, regex: {'(': ''}": "regex is {'(': ''}, which is no regular expression",
    "name: a, kind: INV, regex: {'x': '\\1'}": "regex is {'x': '\\\\1'}, which is no regular expression",
    "name: a, kind: INV, edit: shout": "edit is 'shout', expected one of upper case",
    "name: a, kind: INV, typos: 1, where: title": "where is 'title', expected one of subject, body, both",
    "name: a, kind: INV, typos: 1, tolerance: 5": "tolerance is 5, expected a share",
    "name: a, kind: INV, typos: 1, tolerance: null": "tolerance is None",
    "name: a, kind: INV, typos: 1, of: []": "of is",
    "name: a, kind: INV, typos: 1, messages: []": "messages is",
    "name: a, kind: INV, typos: 1, messages: [Hello]": "messages is ['Hello'], expected a list such as",
    "name: a, kind: INV, typos: 1, messages: [{title: Hello}]": "messages is",
    "name: a, kind: MFT, expect: {category: b}": "messages is",
    "name: a, kind: DIR, typos: 1": "expect is None, expected one of category, not category, does not become",
    "name: a, kind: DIR, typos: 1, expect: {same category: b}": "expect is",
    "name: a, kind: DIR, typos: 1, expect: {lower: b, higher: c}": "expect is",
    "name: a, kind: DIR, typos: 1, expect: {lower: [b]}": "expect is",
    "name: a, kind: DIR, typos: 1, expect: {lower: b, margin: 2}": "expect is {'lower': 'b', 'margin': 2}, expected one of",
    "name: a, kind: DIR, typos: 1, expect: {category: b, margin: 0.1}": "expect is {'category': 'b', 'margin': 0.1}",
}


@pytest.mark.parametrize(("entry", "said"), WRONG.items())
def test_what_is_wrong_with_an_entry_is_said(read, entry, said):
    """One sentence with the entry's number, its name and the key."""
    with pytest.raises(InputError) as error:
        read(GREETING, f"{{{entry}}}")
    start = "Entry 2 of perturbations.yaml ('a'): " if "name" in entry else "Entry 2 of perturbations.yaml: "
    assert str(error.value).startswith(start + said)
    assert "\n" not in str(error.value)


def test_what_is_wrong_with_the_file_is_said(read, tmp_path):
    """A file that is no list, an entry that is no mapping, and a name that comes twice."""
    (tmp_path / "empty.yaml").write_text("")
    with pytest.raises(InputError, match=r"empty.yaml is a dict, expected a list"):
        read_perturbations(tmp_path / "empty.yaml")
    with pytest.raises(InputError, match=r"Entry 1 of perturbations.yaml: the entry is 'greeting', expected keys"):
        read("greeting")
    with pytest.raises(InputError, match=r"Entry 2 .* \('greeting'\): name is 'greeting', expected a name that no"):
        read(GREETING, GREETING)
    with pytest.raises(InputError, match="does not exist"):
        read_perturbations(tmp_path / "nothing.yaml")


# Verdicts


def test_a_model_that_reacts_to_a_greeting_is_caught(read):
    """Every chat that was not urgent becomes so: does not hold, and each flip is there."""
    table, flips = run_perturbations(Words("hello"), many(200), read(GREETING))
    row = table.iloc[0]
    assert (row["chats"], row["flips"], row["rate"], row["verdict"]) == (200, 200, 1, "does not hold")
    assert row["low"] > 0.95
    assert len(flips) == 200
    assert flips.iloc[0][["before", "after"]].tolist() == ["| I lost my card", "| [Hello,] I lost my card"]
    assert set(flips["category_before"]) == set(flips["category"]) == {"other"}
    assert set(flips["category_after"]) == {"urgent"}
    assert flips.iloc[0][["probability_before", "probability_after"]].tolist() == [0.9, 0.4]


def test_a_model_that_ignores_the_words_passes(read):
    """Nothing that it is shown changes its mind."""
    entries = read(
        GREETING,
        "{name: typos, kind: INV, typos: 2}",
        "{name: caps, kind: INV, edit: upper case}",
        "{name: asap, kind: DIR, suffix: ' ASAP', expect: {does not become: urgent}}",
        "{name: not less, kind: DIR, suffix: ' ASAP', expect: {not lower: urgent}}",
        "{name: not more, kind: DIR, suffix: ' ASAP', expect: {not higher: urgent}}",
    )
    table, flips = run_perturbations(Words("nothing"), many(200), entries)
    assert table["verdict"].tolist() == ["holds"] * 6
    assert table["flips"].sum() == len(flips) == 0
    assert (table["high"] < 0.05).all()


def test_few_chats_show_nothing(read):
    """No flip in ten chats says little; a tolerance that all chats may break is within it all the same."""
    lenient = GREETING.replace("greeting", "lenient").replace("}", ", tolerance: 0.5}")
    table, _ = run_perturbations(Words("nothing"), many(10), read(GREETING, lenient))
    assert table["verdict"].tolist() == ["not shown", "holds"]
    table, _ = run_perturbations(Words("nothing"), many(10), read(GREETING), tolerance=0.5)
    assert table["verdict"].tolist() == ["holds"]


def test_the_interval_decides(read):
    """A rate above the tolerance whose interval reaches below it is not shown; with more chats it does not hold."""
    entry = read("{name: found, kind: DIR, replace: {lost: found}, expect: {not category: urgent}, tolerance: 0.05}")
    for chats, verdict in ((60, "not shown"), (600, "does not hold")):
        body = ["I lost my card, stolen" if i % 10 == 0 else "I lost my card" for i in range(chats)]
        row = run_perturbations(Words("lost", "stolen"), many(chats, body=body), entry)[0].iloc[0]
        assert row["rate"] == 0.1
        assert row["verdict"] == verdict


@pytest.mark.parametrize(
    ("expect", "flips"),
    [
        ("{lower: urgent}", 0),
        ("{lower: urgent, margin: 0.4}", 0),
        ("{lower: urgent, margin: 0.5}", 20),
        ("{higher: urgent}", 20),
        ("{not lower: urgent, margin: 0.5}", 0),
        ("{not lower: urgent, margin: 0.4}", 20),
        ("{not higher: urgent}", 0),
        ("{higher: other, margin: 0.4}", 0),
        ("{not higher: other, margin: 0.4}", 20),
        ("{category: other}", 0),
        ("{category: urgent}", 20),
        ("{not category: other}", 20),
        ("{not category: urgent}", 0),
    ],
)
def test_each_expectation_says_what_it_says(read, expect, flips):
    """lost → found takes P(urgent) from 0.6 to 0.1."""
    entry = read(f"{{name: found, kind: DIR, replace: {{lost: found}}, expect: {expect}}}")
    assert run_perturbations(Words("lost"), many(20), entry)[0]["flips"].tolist() == [flips]


def test_only_the_chats_that_an_edit_is_about(read):
    """Chats without the word, in other categories or already there are left out, and a conversation counts once."""
    chats = many(40, body=["I lost it", "Hello"] * 20)
    chats["conversation_id"] = [f"k{i // 4}" for i in range(40)]
    entries = read(
        "{name: word, kind: INV, replace: {lost: found}}",
        "{name: of, kind: INV, suffix: '.', of: other}",
        "{name: both, kind: INV, suffix: '.', of: [other, urgent]}",
        "{name: becomes, kind: DIR, suffix: '.', expect: {does not become: urgent}}",
        "{name: subject, kind: INV, where: subject, replace: {lost: found}}",
    )
    table, _ = run_perturbations(Words("lost"), chats, entries)
    assert table["chats"].tolist() == [10, 10, 10, 10, 0]
    table, _ = run_perturbations(Words("lost"), chats.drop(columns=["conversation_id", "id"]), entries)
    assert table["chats"].tolist() == [20, 20, 40, 20, 0]
    table, _ = run_perturbations(Words("lost"), chats.assign(conversation_id=None), entries, chats=15)
    assert table["chats"].tolist() == [15, 15, 15, 15, 0]
    assert table["verdict"].iloc[-1] == "not run"
    assert table["reason"].iloc[-1] == "There is no chat that it changes."


def test_messages_of_the_file_each_count(read):
    """No sample, so no interval: one wrong of three does not hold, unless the entry accepts it."""
    messages = "[{subject: lost card}, {body: I lost it}, {subject: Hi, body: where is it}]"
    entries = read(
        f"{{name: strict, kind: MFT, messages: {messages}, expect: {{category: urgent}}}}",
        f"{{name: lenient, kind: MFT, messages: {messages}, expect: {{category: urgent}}, tolerance: 0.4}}",
        f"{{name: found, kind: DIR, replace: {{lost: found}}, messages: {messages}, expect: {{lower: urgent}}}}",
    )
    table, flips = run_perturbations(Words("lost"), many(5), entries)
    assert table["verdict"].tolist() == ["does not hold", "holds", "holds"]
    assert table["chats"].tolist() == [3, 3, 2]
    assert table["flips"].tolist() == [1, 1, 0]
    assert table[["low", "high"]].isna().all(axis=None)
    assert flips["id"].tolist() == ["message 3"] * 2
    assert flips["before"].tolist() == flips["after"].tolist() == ["Hi | where is it"] * 2


def test_an_unknown_category_is_no_pass(read):
    """In an expectation or in `of`: not run, with the reason, and the rest runs."""
    entries = read(
        "{name: a, kind: DIR, suffix: '.', expect: {lower: spam}}",
        "{name: b, kind: INV, suffix: '.', of: [other, spam]}",
        "{name: c, kind: MFT, messages: [{body: x}], expect: {category: spam}}",
        "{name: d, kind: INV, suffix: '.'}",
    )
    table, _ = run_perturbations(Words("lost"), many(200), entries)
    assert table["verdict"].tolist() == ["not run"] * 3 + ["holds"]
    assert table["reason"].tolist() == ["The model does not know the category 'spam'."] * 3 + [""]
    assert table["rate"].isna().tolist() == [True] * 3 + [False]


def test_without_probabilities(read):
    """What is about probabilities is not run; what is about categories is, its flips without probabilities."""
    entries = read(
        "{name: p, kind: DIR, replace: {lost: found}, expect: {lower: urgent}}",
        "{name: c, kind: INV, replace: {lost: found}}",
    )
    table, flips = run_perturbations(NoProbabilities(), many(9), entries)
    assert table["verdict"].tolist() == ["not run", "does not hold"]
    assert table["reason"].iloc[0] == "The model gives no probabilities."
    assert len(flips) == 9
    assert flips["probability_after"].isna().all()


def test_chats_need_subject_and_body(read):
    """What is missing is named; empty cells are empty texts."""
    with pytest.raises(ValueError, match="Got chats without body, expected subject and body"):
        run_perturbations(Words("lost"), many(3).drop(columns="body"), read(GREETING))
    table, _ = run_perturbations(Words("lost"), many(3, subject=None), read(GREETING))
    assert table["chats"].tolist() == [3]


# Flips


def test_the_largest_change_comes_first_and_is_visible(read):
    """Ordered by how far the probability went, shortened around the change, digits and addresses masked."""
    bodies = ["nothing found", "lost " + "word " * 50 + "found 4921 at me@bank.example", "lost found"]
    entry = read("{name: no loss, kind: DIR, regex: {'lost |found': 'safe'}, expect: {higher: urgent}}")
    _, flips = run_perturbations(Words("lost", "found"), many(3, body=bodies), entry)
    assert flips["id"].tolist() == ["c1", "c2", "c0"]
    change = flips["probability_after"] - flips["probability_before"]
    assert change.tolist() == sorted(change)
    assert flips["before"].iloc[2] == "| nothing [found]"
    entry = read("{name: no loss, kind: DIR, regex: {'found': 'safe'}, expect: {higher: urgent}}")
    _, flips = run_perturbations(Words("lost", "found"), many(1, body=bodies[1:2]), entry)
    assert flips["after"].tolist() == ["… word word word word word word [safe] _number_ at _email_"]


def test_a_subject_removed_is_visible(read):
    """The empty place before the border is what the model saw."""
    entry = read("{name: subject, kind: INV, where: subject, edit: remove}")
    chats = many(1, subject="Lost card", body="It is one two three four five six gone")
    _, flips = run_perturbations(Words("lost"), chats, entry)
    assert flips["before"].iloc[0] == "[Lost card] | It is one two three four five six gone"
    assert flips["after"].iloc[0] == "| It is one two three four five six gone"


def test_the_same_seed_gives_the_same_table(read):
    """Another seed draws other chats; other entries beside it change nothing for an entry; nor does the frame change."""
    chats = many(300, body=[f"I lost card {i} and my wallet" for i in range(300)])
    given_frame = chats.copy()
    typos, other = "{name: typos, kind: INV, typos: 1}", "{name: other, kind: INV, typos: 2}"
    model = Words("lost")
    first, again = (run_perturbations(model, chats, read(typos), chats=50) for _ in range(2))
    pd.testing.assert_frame_equal(first[0], again[0])
    pd.testing.assert_frame_equal(first[1], again[1])
    table, flips = run_perturbations(model, chats, read(other, typos), chats=50)
    pd.testing.assert_frame_equal(first[0], table.iloc[[1]].reset_index(drop=True))
    pd.testing.assert_frame_equal(first[1], flips[flips["name"] == "typos"].reset_index(drop=True))
    assert set(run_perturbations(model, chats, read(typos), seed=1, chats=50)[1]["id"]) != set(first[1]["id"])
    pd.testing.assert_frame_equal(chats, given_frame)


# The project's own file, and the figure


@pytest.fixture(scope="module")
def simulated():
    """What the project's own perturbations say about a model of simulated chats."""
    chats, _ = simulate(4000, seed=1)
    train, test = chats.iloc[:2500], chats.iloc[2500:]
    pipeline = make_pipeline(classifier="linear_svc").fit(train[["subject", "body"]], train["category"])
    return run_perturbations(pipeline, test, read_perturbations(ROOT / "perturbations.yaml"), chats=200)


def test_the_projects_own_file_runs(simulated):
    """Every entry, of all three kinds, finds chats and gets a verdict."""
    table, flips = simulated
    assert table.loc[table["verdict"] == "not run", ["name", "reason"]].to_numpy().tolist() == []
    assert set(table["verdict"]) <= set(VERDICTS)
    assert set(table["kind"]) == {"INV", "DIR", "MFT"}
    assert (table["chats"] > 0).all()
    assert (table["flips"] == flips.groupby("name").size().reindex(table["name"], fill_value=0).to_numpy()).all()
    assert not flips["before"].str.contains(r"\d").any()
    assert flips["before"].str.len().max() <= 140


def test_the_projects_own_file_asks_what_the_talk_asked():
    """Both words of each live question, with and without ASAP."""
    text = (ROOT / "perturbations.yaml").read_text(encoding="utf-8").lower()
    for said in ("lost: found", "joint: shared", "share money with my bae", "what kind of card protection", "asap"):
        assert said in text


def test_the_figure_shows_every_entry(simulated):
    """A label for each, a dot for each that ran, on the axes given; the alt text has the numbers."""
    table = simulated[0]
    table.loc[0, ["rate", "low", "high", "verdict", "chats"]] = [np.nan, np.nan, np.nan, "not run", 0]
    ax = plots.perturbations(table, ax=Figure().add_subplot())
    assert plt.get_fignums() == []
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert len(labels) == len(table)
    dots = [dot for line in ax.lines if line.get_marker() != "None" for dot in zip(*line.get_data(), strict=True)]
    assert len(dots) == len(table) - 1
    drawn = dict(zip(ax.get_yticks(), labels, strict=True))
    rates = table.set_index(table["name"])["rate"]
    for rate, height in dots:
        name = next(name for name in table["name"] if drawn[height].startswith(f"{name} ("[:50]))
        assert rate == rates[name]
    assert [text.get_text() for text in ax.texts].count("not run") == 1
    failed = (table["verdict"] == "does not hold").sum()
    assert ax.get_title(loc="left").startswith(f"Does not hold: {failed} of {len(table)}")
    assert f"Not run: {table['name'].iloc[0]}" in plots.alt_text(ax.get_figure())


def test_the_figure_groups_by_kind_worst_first():
    """Kinds in their order; in each what does not hold, then by share."""
    rows = [("a", "MFT", 0.5, "does not hold"), ("b", "INV", 0.02, "holds"), ("c", "INV", 0.04, "not shown")]
    rows += [("d", "INV", 0.1, "does not hold"), ("e", "INV", 0.3, "does not hold")]
    table = pd.DataFrame(rows, columns=["name", "kind", "rate", "verdict"])
    table = table.assign(expectation="same category", chats=1200, flips=1, tolerance=0.05)
    table = table.assign(low=table["rate"] - 0.01, high=table["rate"] + 0.01)
    ax = plots.perturbations(table, ax=Figure().add_subplot())
    assert [label.get_text() for label in ax.get_yticklabels()] == [f"{name} (1,200)" for name in "edcba"]
    assert ax.get_yticks()[0] < ax.get_yticks()[-1]
    assert ax.yaxis_inverted()


def test_verdicts_sum_up_what_was_run():
    """Entries that were not run are counted, but have no share of flips."""
    table = pd.DataFrame(
        [("a", "holds", 0.01), ("b", "does not hold", 0.5), ("c", "not run", np.nan)],
        columns=["name", "verdict", "rate"],
    )
    assert verdicts(table) == {
        "verdicts": {"does not hold": 1, "not shown": 0, "holds": 1, "not run": 1}, "flips": {"a": 0.01, "b": 0.5}
    }  # fmt: skip


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("see https://bank.example/user/jane-doe now", "SEE HTTPS://BANK.EXAMPLE/USER/JANE-DOE NOW"),
        ("see https://bank.example/user/jane-doe now", "see htps://bank.example/user/jane-dooe now"),
        ("WWW.BANK.EXAMPLE/JANE it is", "WW.BANK.EXAMPLE/JANE it is"),
        ("mail Jane@bank.example soon", "mail Jnae_bank.example soon"),
    ],
)
def test_an_edited_address_is_masked_too(before, after):
    """Neither capitals nor typos bring an address onto a page."""
    sides = perturbations._marked({"subject": "", "body": before}, {"subject": "", "body": after})
    assert not any("jane" in side.lower() or "bank" in side.lower() for side in sides)
