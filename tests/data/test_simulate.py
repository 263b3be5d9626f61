"""The invented bank: believable, deterministic, with its truth on record."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.metrics import f1_score

from chatkit import make_pipeline
from chatkit.data.simulate import LAUNCH, simulate
from chatkit.data.split import split_chats
from chatkit.project import InputError, read_yaml

PHRASES = read_yaml(Path(simulate.__code__.co_filename).with_name("bank.yaml"))
CONFUSED = PHRASES["confused"]


@pytest.fixture(scope="module")
def bank():
    """Six thousand chats and the truth about them, side by side."""
    chats, truth = simulate(6000)
    return chats.merge(truth, on="id", validate="1:1")


def test_the_same_seed_gives_the_same_chats():
    """To the letter, in a process with another hash seed too; another seed gives others."""
    code = "from chatkit.data.simulate import simulate; print(simulate(300)[0].to_csv(index=False))"
    runs = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed, "TZ": zone, "LC_ALL": "C.UTF-8"},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed, zone in (("1", "UTC"), ("2", "Asia/Tokyo"))
    }
    assert len(runs) == 1
    assert not simulate(300, seed=1)[0].equals(simulate(300)[0])


def test_the_columns_are_those_of_a_warehouse(bank):
    """Unique ids in the order of time, two years, no empty cell."""
    assert bank["id"].is_unique
    assert bank["created_at"].is_monotonic_increasing
    assert bank["created_at"].min() >= pd.Timestamp("2024-01-01")
    assert bank["created_at"].max() < pd.Timestamp("2026-01-01")
    assert bank.drop(columns="near_duplicate_of").notna().all(axis=None)
    assert (bank["body"].str.len() > 0).all()


def test_five_categories_and_several_dozen_intents(bank):
    """The talk's categories, each of a size that matters."""
    shares = bank["category"].value_counts(normalize=True)
    assert set(shares.index) == set(CONFUSED)
    wanted = {"customer education": 0.38, "other": 0.20, "incident": 0.17, "urgent": 0.13, "new product": 0.12}
    assert shares.sub(pd.Series(wanted)).abs().max() < 0.03
    assert set(bank["true_intent"]) == set(PHRASES["intents"])
    assert len(PHRASES["intents"]) >= 45


def test_every_intent_says_what_each_of_its_categories_needs():
    """Shares that add up, a hint for each category that must be decided, a topic and a tone that exist."""
    for name, intent in PHRASES["intents"].items():
        categories = intent["categories"]
        assert sum(categories.values()) == pytest.approx(1), name
        assert len(categories) == 1 or set(intent["hints"]) == set(categories), name
        assert intent["topic"] in PHRASES["vague"].keys() & PHRASES["spanish"]["vague"].keys(), name
        assert intent["tone"] in PHRASES["openers"].keys() & PHRASES["tails"].keys() & PHRASES["emoji"].keys(), name
        assert intent.get("later", name) in PHRASES["intents"], name


def test_label_errors_are_on_record(bank):
    """A few per cent, exactly where the person's category is not the true one; mostly a category the intent has."""
    assert (bank["label_error"] == (bank["category"] != bank["true_category"])).all()
    assert 0.03 < bank["label_error"].mean() < 0.05
    errors = bank[bank["label_error"]]
    plausible = [
        label in {*PHRASES["intents"][intent]["categories"], *CONFUSED[true]}
        for label, intent, true in zip(errors["category"], errors["true_intent"], errors["true_category"], strict=True)
    ]
    assert all(plausible)


def test_near_duplicates_point_to_an_earlier_chat(bank):
    """Another customer, another conversation, the same truth, most of the words."""
    copies = bank.dropna(subset="near_duplicate_of").merge(
        bank, left_on="near_duplicate_of", right_on="id", suffixes=("", "_first")
    )
    assert 0.02 < len(copies) / len(bank) < 0.04
    assert (copies["id"] > copies["id_first"]).all()
    assert (copies["true_category"] == copies["true_category_first"]).all()
    assert (copies["true_intent"] == copies["true_intent_first"]).all()
    assert copies["near_duplicate_of_first"].isna().all()
    assert (copies["conversation_id"] != copies["conversation_id_first"]).all()
    assert (copies["body"] != copies["body_first"]).mean() > 0.6
    plain = [body.str.lower().str.findall(r"\w+").map(set) for body in (copies["body"], copies["body_first"])]
    shared = np.array([len(a & b) / min(len(a), len(b)) for a, b in zip(*plain, strict=True)])
    assert np.quantile(shared, 0.05) > 0.7


def test_a_conversation_has_one_customer(bank):
    """Some come back to the same matter within a week."""
    assert len(bank[["conversation_id", "customer_id"]].drop_duplicates()) == bank["conversation_id"].nunique()
    again = bank["conversation_id"].duplicated()
    assert 0.06 < again.mean() < 0.1
    since = bank.groupby("conversation_id")["created_at"].diff()[again]
    assert since.max() <= pd.Timedelta(days=7)
    same = bank["true_category"] == bank.groupby("conversation_id")["true_category"].transform("first")
    assert 0.75 < same[again].mean() < 1


def test_a_few_customers_write_often_and_none_writes_all_the_time(bank):
    """About n/4 customers: half of them up to three times, a tenth of them a third of all chats."""
    counts = bank["customer_id"].value_counts()
    assert len(bank) / 8 < len(counts) <= len(bank) / 4
    assert counts.median() <= 3
    assert counts.iloc[: len(counts) // 10].sum() / len(bank) > 1 / 3
    assert 10 < counts.max() < 100


def test_the_launch_divides_the_history(bank):
    """Shared accounts are asked about from their launch on, most right after it."""
    launch = pd.Timestamp(LAUNCH)
    shared = bank.loc[(bank["true_intent"] == "shared_accounts"), "created_at"]
    assert shared.min() >= launch
    assert (shared < launch + pd.Timedelta(days=60)).mean() > 1.5 * 60 / 351
    wishes = bank.loc[bank["true_intent"] == "joint_wish", "created_at"]
    assert (wishes < launch).mean() > 0.75


def test_wishes_come_before_the_launch(bank):
    """The same matter was education or other before the launch, and is a new product after it: the data drift."""
    message = bank["subject"] + " " + bank["body"]
    about = bank[
        message.str.contains("joint account", case=False) & bank["true_intent"].isin(["joint_wish", "shared_accounts"])
    ]
    before = about["created_at"] < pd.Timestamp(LAUNCH)
    assert before.sum() > 10
    assert not (about.loc[before, "true_category"] == "new product").any()
    assert (about.loc[~before, "true_category"] == "new product").mean() > 0.5


def test_outages_come_in_bursts(bank):
    """Six to ten times, for a day or two, one kind of incident is a third of all chats."""
    news = bank["true_intent"] == "shared_accounts"  # the launch is loud too
    days = pd.crosstab(bank["created_at"].dt.date, bank["true_intent"].mask(news, "launch")).drop(columns="launch")
    loud = days[(days.max(axis=1) >= 5) & (days.max(axis=1) > 0.33 * days.sum(axis=1))]
    outages = [outage["intent"] for outage in PHRASES["outages"]]
    assert 6 <= len(loud) <= 20
    assert 6 <= loud.idxmax(axis=1).nunique() <= 10
    assert set(loud.idxmax(axis=1)) <= set(outages)
    on_a_loud_day = bank["created_at"].dt.date.isin(loud.index)
    incident = bank[bank["true_intent"].isin(outages)]["true_category"] == "incident"
    assert incident[on_a_loud_day].mean() > 0.85
    assert incident[~on_a_loud_day].mean() < 0.7


def test_people_write_as_people_do(bank):
    """Empty and useless subjects, shouting, emoji, Spanish, ramblers and one-liners."""
    body, words = bank["body"], bank["body"].str.split().str.len()
    assert 0.1 < (bank["subject"] == "").mean() < 0.25
    useless = {subject.lower() for subject in PHRASES["useless_subjects"]}
    assert 0.08 < bank["subject"].str.lower().isin(useless).mean() < 0.2
    assert 0.01 < body[words > 3].str.isupper().mean() < 0.06
    assert 0.2 < body.str.islower().mean() < 0.5
    assert 0.03 < body.str.contains("[\U0001f300-\U0001faff]").mean() < 0.2
    assert 0.02 < body.str.contains(r"\b(?:mi|una|qué|cómo|por favor|está|tarjeta|cuenta)\b", case=False).mean() < 0.06
    assert 0.015 < words.between(150, 300).mean() < 0.06
    assert words.max() < 320
    assert (words < 10).mean() > 0.06


def test_hardly_two_chats_are_alike(bank):
    """Letters only, whoever the sender: what repeats are one-liners."""
    letters = bank["body"].str.lower().str.replace(r"[^a-zñáéíóú ]", "", regex=True)
    assert letters.duplicated().mean() < 0.03
    assert letters[letters.str.split().str.len() > 15].duplicated().mean() < 0.01


def information(counts, labels):
    """Mutual information, in nats, of each word's presence and a yes-or-no label."""
    total = 0
    for word, presence in ((counts, True), (counts, False)):
        for label in (True, False):
            both = np.asarray(word[labels == label].sum(axis=0)).ravel() / len(labels)
            share, seen = (labels == label).mean(), np.asarray(word.mean(axis=0)).ravel()
            if not presence:
                both, seen = share - both, 1 - seen
            total = total + both * np.log(np.maximum(both, 1e-12) / (share * seen))
    return total


def test_no_word_gives_a_category_away(bank):
    """The most telling word of a category says little more than the five that follow."""
    words = CountVectorizer(binary=True, min_df=20)
    counts = words.fit_transform(bank["subject"] + " " + bank["body"])
    for category in CONFUSED:
        told = information(counts, (bank["category"] == category).to_numpy())
        best = np.sort(told)[::-1]
        assert best[0] < 3 * best[1:6].mean(), words.get_feature_names_out()[told.argmax()]
        assert best[0] < 0.07


def test_no_sentence_is_left_unfilled(bank):
    """Neither a slot nor a choice reaches a reader."""
    assert not bank["body"].str.contains(r"[{}\[\]|]").any()
    assert not bank["subject"].str.contains(r"[{}\[\]|]").any()


def test_it_is_hard_but_not_hopeless():
    """A linear model does well and not too well, also on the true categories."""
    chats, truth = simulate(9000)
    train, test = split_chats(chats, "group")
    message = ["subject", "body"]
    model = make_pipeline("linear_svc").fit(train[message], train["category"])
    assert 0.76 < f1_score(test["category"], model.predict(test[message]), average="macro") < 0.90
    true = truth.set_index("id")["true_category"].loc[test["id"]]
    assert f1_score(true, model.predict(test[message]), average="macro") < 0.93


def test_length_tells_little(bank):
    """Characters and words of subject and body alone sort chats hardly better than chance."""
    sizes = [bank[part].str.len() for part in ("subject", "body")] + [
        bank[part].str.split().str.len() for part in ("subject", "body")
    ]
    sizes, half = np.column_stack(sizes), len(bank) // 2
    model = HistGradientBoostingClassifier(max_iter=30, random_state=0).fit(sizes[:half], bank["category"][:half])
    assert f1_score(bank["category"][half:], model.predict(sizes[half:]), average="macro") < 0.25


@pytest.mark.parametrize("n", [1, 2, 7])
def test_any_number_will_do(n):
    """From one chat up."""
    chats, truth = simulate(n)
    assert len(chats) == len(truth) == n


@pytest.mark.parametrize(("n", "seed"), [(0, 0), (-5, 0), (2.5, 0), ("10", 0), (True, 0), (10, -1), (10, None)])
def test_a_wrong_number_is_refused(n, seed):
    """One sentence."""
    with pytest.raises(InputError, match=r"Got (n|seed)=.*expected a whole number from"):
        simulate(n, seed)
