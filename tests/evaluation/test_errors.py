"""The most confident errors."""

import numpy as np

from chatkit.evaluation.errors import confident_errors


class Fixed:
    """A model with given answers."""

    def __init__(self, predicted, probabilities):
        self.predicted, self.probabilities = np.array(predicted, dtype=object), np.array(probabilities)

    def predict(self, X):
        return self.predicted

    def predict_proba(self, X):
        return self.probabilities


def test_the_surest_errors_come_first(chats):
    """Right answers are left out, ties go by id, long bodies are cut."""
    test = chats.head(4).assign(category="urgent", body=["x" * 300, "b", "c", "d"], id=["4", "3", "2", "1"])
    model = Fixed(["other", "urgent", "other", "other"], [[0.9, 0.1], [0.1, 0.9], [0.6, 0.4], [0.9, 0.1]])
    table = confident_errors(model, test, n=2)
    assert table.index.tolist() == ["1", "4"]
    assert table["probability"].tolist() == [0.9, 0.9]
    assert len(table.loc["4", "body"]) == 200
