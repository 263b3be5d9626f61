"""Training and test rows: nothing lost, nothing on both sides that should not be."""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatkit.data.split import blank_to_missing, cautions, overlap, split_chats
from chatkit.project import InputError


def split_or_say(*arguments, **options):
    """Both sides, or the sentence that says why there are none."""
    try:
        return split_chats(*arguments, **options)
    except InputError as error:
        return str(error)


@pytest.mark.parametrize("strategy", ["random", "group", "time"])
def test_every_chat_is_on_exactly_one_side(chats, strategy):
    """Nothing lost, nothing doubled, about a third for testing."""
    train, test = split_chats(chats, strategy)
    assert sorted([*train["id"], *test["id"]]) == chats["id"].tolist()
    assert len(test) == 8


def test_random_is_stratified(chats):
    """Each category keeps its share."""
    _, test = split_chats(chats, "random", test_size=0.25)
    assert test["category"].value_counts().tolist() == [3, 3]


@pytest.mark.parametrize("column", ["conversation_id", "customer_id"])
def test_a_group_is_never_on_both_sides(chats, column):
    """Neither a conversation nor a customer."""
    many = pd.concat([chats.assign(customer_id=[f"p{n % 7}{copy}" for n in range(24)]) for copy in range(4)])
    many = many.reset_index(drop=True)
    train, test = split_chats(many, "group", group=column)
    assert not set(train[column]) & set(test[column])
    assert len(train) + len(test) == len(many)


@given(st.lists(st.tuples(st.integers(0, 30), st.sampled_from("xyz")), min_size=60, max_size=120), st.integers(0, 9))
@settings(max_examples=50, deadline=None)
def test_groups_hold_whatever_the_groups(rows, seed):
    """Any groups, any seed: no group on both sides, or one sentence why not."""
    chats = pd.DataFrame(rows, columns=["conversation_id", "category"])
    try:
        train, test = split_chats(chats, "group", seed=seed)
    except InputError:
        return
    assert not set(train["conversation_id"]) & set(test["conversation_id"])
    assert len(train) + len(test) == len(chats)
    assert set(test["category"]) <= set(train["category"])


@pytest.mark.parametrize("nothing", ["", "  ", None, float("nan")])
def test_a_chat_without_a_conversation_is_one_of_its_own(chats, nothing):
    """However it is missing: half of the chats have none, and they stand on both sides as if drawn one by one."""
    chats["conversation_id"] = [nothing if row % 4 > 1 else f"k{row // 4}" for row in range(24)]
    train, test = split_chats(chats, "group")
    sides = [side["conversation_id"].isna().sum() for side in (train, test)]
    assert (sum(sides), min(sides) > 1, len(train) + len(test)) == (12, True, 24)
    assert not set(train["conversation_id"].dropna()) & set(test["conversation_id"].dropna())
    assert "the same conversation_id" not in overlap(train, test).query("chats > 0")["shared"].tolist()
    assert chats["conversation_id"].isin([nothing]).sum() == 12, "the caller's chats are left as they were"
    own = chats.assign(
        conversation_id=chats["conversation_id"].where(chats["conversation_id"].str.strip() > "", chats["id"])
    )
    assert split_chats(own, "group")[1]["id"].equals(test["id"])


def test_time_tests_on_the_latest(chats):
    """No test chat is older than a training chat, chats of one moment stay together."""
    train, test = split_chats(chats.sample(frac=1, random_state=0), "time")
    assert train["created_at"].max() < test["created_at"].min()
    tied = chats.assign(created_at=[pd.Timestamp("2025-01-01")] * 20 + [pd.Timestamp("2025-01-02")] * 4)
    train, test = split_chats(tied, "time")
    assert (len(train), len(test)) == (20, 4)


def test_a_column_decides(chats):
    """The set's own split is kept to the row."""
    chats["split"] = ["train", "test", "test"] * 8
    train, test = split_chats(chats, "column")
    assert (len(train), len(test)) == (8, 16)
    assert set(test["split"]) == {"test"}


def test_the_seed_decides(chats):
    """Same seed, same sides; other seed, other sides."""
    first, again, other = (split_chats(chats, "random", seed=seed)[1] for seed in (0, 0, 1))
    assert first.equals(again)
    assert not first.equals(other)


@given(
    st.lists(
        st.tuples(st.integers(0, 25), st.integers(0, 12), st.sampled_from("xyz"), st.integers(0, 40), st.booleans()),
        min_size=60,
        max_size=120,
    ),
    st.sampled_from(["random", "group", "customer", "time", "column"]),
    st.integers(0, 9),
)
@settings(max_examples=150, deadline=None)
def test_a_relabelled_conversation_is_never_tested_on(rows, how, seed):  # fmt: skip
    """However the chats are split, and nothing else is torn apart or lost for it."""
    chats = pd.DataFrame(rows, columns=["conversation_id", "customer_id", "category", "created_at", "odd"])
    chats["relabelled"] = (chats["conversation_id"] % 7 == 0) & chats["odd"]
    chats["split"] = ["test" if odd else "train" for odd in chats["odd"]]
    # Some have no conversation, and what came from the log has neither customer nor side.
    chats["conversation_id"] = [f"k{key}" if key < 23 else None for key in chats["conversation_id"]]
    chats["customer_id"] = [f"p{key}" for key in chats["customer_id"]]
    from_log = chats["relabelled"] & (chats["created_at"] % 2 == 0)
    chats = chats.assign(**{name: chats[name].mask(from_log, None) for name in ("customer_id", "split")})
    strategy = "group" if how == "customer" else how
    group = "customer_id" if how == "customer" else "conversation_id"
    sides = split_or_say(chats, strategy, group=group, seed=seed)
    if isinstance(sides, str):
        assert "is empty in" not in sides
        return
    train, test = sides
    relabelled = set(chats.loc[chats["relabelled"], "conversation_id"])
    assert not set(test["conversation_id"].dropna()) & relabelled
    assert not test["relabelled"].any()
    if how == "time":
        assert train["created_at"].max() < test["created_at"].min()
    elif how == "column":
        assert set(test["split"]) == {"test"}
        assert set(train["split"].fillna("train")) == {"train"}
    else:
        assert len(train) + len(test) == len(chats)
    if strategy == "group":
        assert not set(train[group].dropna()) & set(test[group].dropna())


@pytest.mark.parametrize("strategy", ["random", "group", "time", "column"])
def test_without_relabels_nothing_changes(chats, strategy):
    """The mark alone moves no chat."""
    chats["split"] = ["train", "test", "test"] * 8
    plain = split_chats(chats, strategy)
    marked = split_chats(chats.assign(relabelled=False), strategy)
    assert [side["id"].tolist() for side in plain] == [side["id"].tolist() for side in marked]


def test_what_is_held_back_does_not_shrink_the_test(chats):
    """A third of what may be tested on, drawn or the latest of it; later relabelled chats are left out."""
    chats["relabelled"] = chats["id"] >= "c12"
    for strategy in ("random", "group", "time"):
        train, test = split_chats(chats, strategy)
        assert len(test) == 4
        assert test["id"].max() < "c12"
        assert len(train) == (8 if strategy == "time" else 20)


def test_a_relabelled_chat_of_the_test_column_is_left_out(chats):
    """With its conversation's other test chats; those of the training side stay."""
    chats["split"] = ["train", "test", "test"] * 8
    train, test = split_chats(chats.assign(relabelled=chats["id"] == "c04"), "column")
    assert (len(train), len(test)) == (8, 14)
    assert not {"c04", "c05"} & {*test["id"], *train["id"]}


@pytest.mark.parametrize(
    ("options", "change", "said"),
    [
        ({"strategy": "weekly"}, {}, "split.strategy is 'weekly', expected one of random, group, time, column"),
        ({"test_size": 1.5}, {}, "split.test_size is 1.5, expected a share between 0 and 1"),
        ({"test_size": "third"}, {}, "split.test_size is 'third'"),
        ({"strategy": "column"}, {}, "the chats have no column 'split'"),
        ({"strategy": "column"}, {"split": "dev"}, "holds 'dev', expected only 'train' and 'test'"),
        ({"strategy": "column"}, {"split": None}, "split is empty in 24 of 24 chats"),
        ({"strategy": "column"}, {"split": "train"}, "gives 24 training and 0 test chats"),
        ({"strategy": "time"}, {"created_at": pd.NaT}, "created_at is empty in 24 of 24"),
        ({"strategy": "group", "group": "team"}, {}, "the chats have no column 'team'"),
        ({"strategy": "group"}, {"conversation_id": None}, "conversation_id is empty in 24 of 24"),
        ({"strategy": "group"}, {"conversation_id": " "}, "conversation_id is empty in 24 of 24"),
        ({"strategy": "group", "group": "customer_id"}, {"customer_id": [""] * 3 + ["p"] * 21}, "customer_id is empty in 3 of 24"),
        ({"strategy": "column"}, {"split": ["", "train", "test"] * 8}, "split is empty in 8 of 24 chats"),
        ({"strategy": "group"}, {"conversation_id": "one"}, "1 chats .or groups. are too few to be split at test_size 0.33"),
        ({"strategy": "time"}, {"category": ["a"] * 16 + ["b"] * 8}, "gives 16 training and 0 test chats"),
        ({"strategy": "time"}, {"category": ["a"] * 23 + ["b"]}, "training side has chats of the category 'a' only"),
        ({"strategy": "time"}, {"relabelled": True}, "All 24 chats are of relabelled conversations"),
        ({"strategy": "column"}, {"split": ["train", "test"] * 12, "relabelled": True}, "gives 12 training and 0 test chats"),
        ({"strategy": "column"}, {"split": ["", "train", "test"] * 8, "relabelled": False}, "split is empty in 8 of 24 chats"),
    ],
)  # fmt: skip
def test_what_cannot_be_split_gives_one_sentence(chats, options, change, said):
    """Each with its remedy."""
    with pytest.raises(InputError, match=said) as error:
        split_chats(chats.assign(**change), **options)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("strategy", ["random", "group", "time", "column"])
@pytest.mark.parametrize("sizes", [[23, 1], [22, 2], [8] + [1] * 16, [1] * 24, [7, 5, 3, 2, 2, 1, 1, 1, 1, 1]])
def test_a_small_category_stops_nobody(chats, strategy, sizes):
    """Whatever is tested on was learned; what cannot be is learned from, or on no side where time or a column decides."""
    order = [n * 7 % 24 for n in range(24)]  # not one category after the other
    names = [f"c{number}" for number, size in enumerate(sizes) for _ in range(size)]
    chats = chats.assign(category=[names[place] for place in order], split=["train", "test", "train"] * 8)
    sides = split_or_say(chats, strategy, test_size=0.4)
    if isinstance(sides, str):
        assert len(sizes) == 24 or (len(sizes) == 2 and strategy in {"time", "column"}), "no category is on both sides"
        return
    train, test = sides
    assert set(test["category"]) <= set(train["category"])
    left_out = len(chats) - len(train) - len(test)
    assert left_out == 0 or strategy in {"time", "column"}
    assert any("left out of both sides" in line for line in cautions(chats, train, test)) == (left_out > 0)


@pytest.mark.parametrize(
    "none", ["None", "0", "unknown", "-", "N/A", "00000000-0000", "(blank)", "-1", "Anonymous", "?"]
)
def test_a_repeated_placeholder_is_no_conversation(chats, none):
    """1,000 chats of the conversation "unknown" are none; what stands once may be one."""
    chats["conversation_id"] = [none if row % 3 else f"k{row}" for row in range(24)]
    train, test = split_chats(chats, "group")
    assert len(test) == 8
    assert not {none} & {*train["conversation_id"], *test["conversation_id"]}
    assert cautions(chats, train, test, 1 / 3) == []
    once = blank_to_missing(chats.assign(conversation_id=["0", *chats["id"][1:]]))
    assert once["conversation_id"][0] == "0"


def test_a_lopsided_split_is_said(chats):
    """One conversation with most of the chats, and what that does to the test."""
    chats["conversation_id"] = ["bot"] * 18 + [f"k{row}" for row in range(6)]
    said = cautions(chats, *split_chats(chats, "group", seed=0), 1 / 3)
    assert said[0].startswith("conversation_id 'bot' stands in 18 of 24 chats (75%)")
    assert "of the chats, split.test_size asks for 33%" in said[1]


def test_overlap_counts_what_is_shared():
    """Texts up to case and spaces, conversations, customers, later training chats."""
    train = pd.DataFrame(
        {"subject": ["Lost  CARD"], "body": ["help"], "conversation_id": ["k1"], "customer_id": [""],
         "created_at": [pd.Timestamp("2025-01-05")]}
    )  # fmt: skip
    test = pd.DataFrame(
        {"subject": ["lost card", "a"], "body": ["Help", "b"], "conversation_id": ["k1", "k2"],
         "customer_id": ["p1", ""], "created_at": [pd.Timestamp("2025-01-01"), pd.Timestamp("2025-01-06")]}
    )  # fmt: skip
    shared = overlap(train, test).set_index("shared")["chats"].to_dict()
    assert shared == {
        "the same text": 1,
        "the same conversation_id": 1,
        "the same customer_id": 0,
        "a later training chat": 1,
    }
