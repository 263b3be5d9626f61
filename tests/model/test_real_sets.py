"""Small slices of the labelled sets: real words, real imbalance, the sets' own splits."""

import pytest
from sklearn.metrics import f1_score

from chatkit import load_model, make_pipeline
from chatkit.data.load import read_chats
from chatkit.data.split import split_chats
from chatkit.model.bundle import save_model

MESSAGE = ["subject", "body"]
FILES = ("banking77/banking77.csv", "endava_tickets/endava_tickets.csv", "newsgroups20/newsgroups20.parquet")


@pytest.fixture(scope="module", params=FILES)
def sides(shared, request):
    """Training and test rows of five categories of a set, at most 600 in all."""
    chats = read_chats(shared / "data" / request.param)
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
