"""Where the model is wrong, as messages that one can read."""

import pandas as pd

_LONGEST = 200  # characters of a body that a table shows


def confident_errors(pipeline, test, n=10):
    """List the test chats on which the model was most sure and disagreed with the person.

    Parameters
    ----------
    pipeline : sklearn.pipeline.Pipeline
        Fitted on subject and body.
    test : pandas.DataFrame
        With id, subject, body and category.
    n : int, default=10

    Returns
    -------
    pandas.DataFrame
        id, subject, body (shortened), person, model, and probability where the model gives one; the surest
        first, ties by id.
    """
    messages = test[["subject", "body"]]
    errors = pd.DataFrame(
        {
            "id": test["id"],
            "subject": messages["subject"],
            "body": [body if len(body) <= _LONGEST else body[: _LONGEST - 1] + "…" for body in messages["body"]],
            "person": test["category"],
            "model": pipeline.predict(messages),
        }
    )
    if hasattr(pipeline, "predict_proba"):
        errors["probability"] = pipeline.predict_proba(messages).max(axis=1).round(3)
    wrong = errors[errors["person"] != errors["model"]]
    order = ["probability", "id"] if "probability" in wrong else ["id"]
    return wrong.sort_values(order, ascending=[name == "id" for name in order]).head(n).set_index("id")
