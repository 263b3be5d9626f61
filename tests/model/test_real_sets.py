"""Small slices of the labelled sets: real words, real imbalance, the sets' own splits."""

import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import f1_score
from sklearn.pipeline import make_pipeline as sklearn_pipeline
from sklearn.svm import LinearSVC

from chatkit import load_model, make_pipeline
from chatkit.data.load import read_export
from chatkit.data.split import split_chats
from chatkit.model.bundle import save_model

MESSAGE = ["subject", "body"]
FILES = ("banking77/banking77.csv", "endava_tickets/endava_tickets.csv", "newsgroups20/newsgroups20.parquet")


@pytest.fixture(scope="module", params=FILES)
def sides(shared, request):
    """Training and test rows of five categories of a set, at most 600 in all."""
    chats = read_export(shared / "data" / request.param).chats
    largest = chats["category"].value_counts().index[:5]
    few = chats[chats["category"].isin(largest)].groupby(["category", "split"]).head(60)
    return split_chats(few.reset_index(drop=True), "column")


@pytest.mark.parametrize("classifier", ["boosted_linear", "linear_svc", "logistic", "xgboost"])
def test_a_classifier_learns_from_real_chats(sides, classifier, tmp_path):
    """Far better than looking at nothing; and the folder gives back the same model."""
    train, test = sides
    options = {"n_estimators": 20} if "boost" in classifier else {}
    model = make_pipeline(classifier, options).fit(train[MESSAGE], train["category"])
    dummy = make_pipeline("dummy").fit(train[MESSAGE], train["category"])
    score, floor = (
        f1_score(test["category"], fitted.predict(test[MESSAGE]), average="macro") for fitted in (model, dummy)
    )
    assert score > floor + 0.4
    save_model(model, tmp_path / "model", {})
    assert (load_model(tmp_path / "model").predict_proba(test[MESSAGE]) == model.predict_proba(test[MESSAGE])).all()


def whole(shared, name):
    """Training and test rows of a set."""
    file = next(file for file in FILES if file.startswith(name))
    return split_chats(read_export(shared / "data" / file).chats, "column")


def few_categories(shared):
    """Three categories: the sports, science and computers of the newsgroups."""
    sides = whole(shared, "newsgroups20")
    kept = (side[side["category"].str.startswith(("rec.", "sci.", "comp."))] for side in sides)
    return [side.assign(category=side["category"].str.split(".").str[0])[::4] for side in kept]


def many_categories(shared):
    """154 categories: each of banking77 cut in two by the length of its messages."""
    train, test = whole(shared, "banking77")
    middle = train["body"].str.len().groupby(train["category"]).median()
    sides = []
    for side in (train, test):
        long = side["body"].str.len() > side["category"].map(middle)
        sides.append(side.assign(category=side["category"] + long.map({True: " long", False: " short"})))
    return sides[0][::2], sides[1]


def rare_categories(shared):
    """Every third category of the tickets with three rows."""
    train, test = whole(shared, "endava")
    cut = train["category"].isin(train["category"].value_counts().index[::3])
    return train[~cut | (train.groupby("category").cumcount() < 3)], test


def no_subjects(shared):
    """The tickets without their subjects."""
    return [side.assign(subject="") for side in whole(shared, "endava")]


def few_rows(shared):
    """1,500 training rows for 77 categories."""
    train, test = whole(shared, "banking77")
    return train.sample(1500, random_state=0), test


@pytest.mark.parametrize("sides_of", [few_categories, many_categories, rare_categories, no_subjects, few_rows])
def test_the_default_does_not_lose_to_a_plain_line(shared, sides_of):
    """Macro-F1 of `make_pipeline()` against TF-IDF of 1-2-grams and LinearSVC, where the default could be at a loss."""
    train, test = sides_of(shared)
    plain = sklearn_pipeline(TfidfVectorizer(ngram_range=(1, 2)), LinearSVC(random_state=0))
    plain.fit(train["subject"] + " " + train["body"], train["category"])
    ours = make_pipeline().fit(train[MESSAGE], train["category"])
    theirs = plain.predict(test["subject"] + " " + test["body"])
    scores = [f1_score(test["category"], said, average="macro") for said in (ours.predict(test[MESSAGE]), theirs)]
    assert scores[0] >= scores[1]
