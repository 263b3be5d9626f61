"""The invented bank: believable, deterministic, with its truth on record."""

import subprocess
import sys

import pandas as pd
import pytest
from sklearn.metrics import f1_score

from chatkit import make_pipeline
from chatkit.data.simulate import CONFUSED, LAUNCH, simulate
from chatkit.data.split import split_chats
from chatkit.project import InputError


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
    assert shares.between(0.1, 0.4).all()
    assert bank["true_intent"].nunique() >= 40


def test_label_errors_are_on_record(bank):
    """A few per cent, exactly where the person's category is not the true one."""
    assert (bank["label_error"] == (bank["category"] != bank["true_category"])).all()
    assert 0.03 < bank["label_error"].mean() < 0.05


def test_near_duplicates_point_to_an_earlier_chat(bank):
    """Another customer, another conversation, the same truth, most of the words."""
    copies = bank.dropna(subset="near_duplicate_of").merge(
        bank, left_on="near_duplicate_of", right_on="id", suffixes=("", "_first")
    )
    assert 0.02 < len(copies) / len(bank) < 0.04
    assert (copies["id"] > copies["id_first"]).all()
    assert (copies["true_category"] == copies["true_category_first"]).all()
    assert (copies["conversation_id"] != copies["conversation_id_first"]).all()
    plain = [body.str.lower().str.findall(r"\w+").map(set) for body in (copies["body"], copies["body_first"])]
    shared = [len(a & b) / max(1, min(len(a), len(b))) for a, b in zip(*plain, strict=True)]
    assert pd.Series(shared).median() > 0.7


def test_a_conversation_has_one_customer(bank):
    """Some come back to the same matter within a week."""
    assert len(bank[["conversation_id", "customer_id"]].drop_duplicates()) == bank["conversation_id"].nunique()
    sizes = bank.groupby("conversation_id").size()
    assert 0.05 < (sizes - 1).sum() / len(bank) < 0.1


def test_the_launch_divides_the_history(bank):
    """Shared accounts are asked about from their launch on, most right after it."""
    launch = pd.Timestamp(LAUNCH)
    shared = bank.loc[(bank["true_intent"] == "shared_accounts"), "created_at"]
    assert shared.min() >= launch
    assert (shared < launch + pd.Timedelta(days=60)).mean() > 1.5 * 60 / 351
    wishes = bank.loc[bank["true_intent"] == "joint_wish", "created_at"]
    assert (wishes < launch).mean() > 0.75


def test_outages_come_in_bursts(bank):
    """On some days one kind of incident is a third of all chats."""
    days = pd.crosstab(bank["created_at"].dt.date, bank["true_intent"])
    shares = days.div(days.sum(axis=1), axis=0)[days.sum(axis=1) > 5].max(axis=1)
    assert (shares > 0.3).sum() >= 5


def test_people_write_as_people_do(bank):
    """Empty and useless subjects, shouting, emoji, Spanish, ramblers and one-liners."""
    body, words = bank["body"], bank["body"].str.split().str.len()
    assert 0.1 < (bank["subject"] == "").mean() < 0.3
    assert (
        0.05 < bank["subject"].str.lower().isin(["help", "question", "hi", "account", "support", "issue"]).mean() < 0.2
    )
    assert 0.01 < body.str.isupper().mean() < 0.06
    assert 0.2 < body.str.islower().mean() < 0.5
    assert 0.03 < body.str.contains("[\U0001f300-\U0001faff]").mean() < 0.2
    assert 0.01 < body.str.contains(r"\b(?:tarjeta|cuenta|cómo|quiero|una)\b", case=False).mean() < 0.08
    assert (words > 80).mean() > 0.04
    assert (words < 10).mean() > 0.06


def test_no_sentence_is_left_unfilled(bank):
    """Neither a slot nor a choice reaches a reader."""
    assert not bank["body"].str.contains(r"[{}\[\]|]").any()
    assert not bank["subject"].str.contains(r"[{}\[\]|]").any()


def test_it_is_hard_but_not_hopeless():
    """A linear model does well and not too well, also on the true categories; one that sees only length does not."""
    chats, truth = simulate(9000)
    train, test = split_chats(chats, "group")
    message = ["subject", "body"]
    model = make_pipeline("linear_svc").fit(train[message], train["category"])
    assert 0.78 < f1_score(test["category"], model.predict(test[message]), average="macro") < 0.92
    true = truth.set_index("id")["true_category"].loc[test["id"]]
    assert f1_score(true, model.predict(test[message]), average="macro") < 0.95
    length = [chat[message].apply(lambda column: column.str.replace(r"\S+", "x", regex=True)) for chat in (train, test)]
    blind = make_pipeline("logistic", min_df=1).fit(length[0], train["category"])
    assert f1_score(test["category"], blind.predict(length[1]), average="macro") < 0.3


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
