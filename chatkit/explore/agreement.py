"""How far two people give the same chats the same label."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from chatkit.explain.highlight import escape
from chatkit.project import InputError
from chatkit.scores.table import with_interval
from chatkit.statistics import bootstrap, divide, group_codes, percentile_interval, wilson


@dataclass(frozen=True, repr=False)
class Agreement:
    """How far two people give the same chats the same label; shown as text, and as HTML in notebooks.

    Parameters
    ----------
    first, second : str
        Who.
    chats : int
        That both have labelled.
    share : tuple of float
        Of these with the same label, and both ends of Wilson's 95 % interval.
    kappa : tuple of float
        Cohen's kappa, 1 for the same labels and 0 for what chance gives, and both ends of its 95 % interval.
    confusion : pandas.DataFrame
        Chats by the label of the first (rows) and of the second (columns).
    """

    first: str
    second: str
    chats: int
    share: tuple
    kappa: tuple
    confusion: pd.DataFrame

    def __repr__(self):
        return f"{self._sentence()}\n\n{self.confusion.to_string()}"

    def _repr_html_(self):
        return f"<p>{escape(self._sentence())}</p>\n{self.confusion.to_html(border=0)}"

    def _sentence(self):
        share, kappa = (with_interval(*values, spec=".2f") for values in (self.share, self.kappa))
        return (
            f"Of {self.chats:,} chats that {self.first} and {self.second} labelled, a share of {share} has the same "
            f"label; Cohen's kappa is {kappa}, with 95 % intervals."
        )


def agreement(labels, first, second, seed=0):
    """Compare the labels of two people.

    The interval of kappa comes from a bootstrap of whole conversations; where no label differs, so that no draw has
    another kappa than 1, it begins where that of the share does.

    Parameters
    ----------
    labels : Labels
    first, second : str
        Who, as in `Labels.add`.
    seed : int, default=0
        Of the bootstrap.

    Returns
    -------
    Agreement

    Raises
    ------
    InputError
        When no chat has a label of both.

    References
    ----------
    J. Cohen, "A Coefficient of Agreement for Nominal Scales", Educational and Psychological Measurement 20, 1960.

    Examples
    --------
    >>> from tempfile import mkdtemp
    >>> from chatkit.explore.labels import Labels
    >>> labels = Labels(f"sqlite:///{mkdtemp()}/labels.sqlite")
    >>> for number in range(4):
    ...     chat = pd.DataFrame({"id": [number], "subject": ["Card"], "body": ["Help"]})
    ...     _ = labels.add(chat, "anna", ["urgent", "other"][number % 2])
    ...     _ = labels.add(chat, "ben", ["urgent", "other"][number // 2])
    >>> agreed = agreement(labels, "anna", "ben")
    >>> agreed.chats, [round(value, 2) for value in agreed.share], agreed.kappa[0]
    (4, [0.5, 0.15, 0.85], 0.0)
    """
    given = labels.given()
    both = given[given["by"] == first].merge(given[given["by"] == second], on="id", suffixes=("", "_second"))
    if both.empty:
        who = ", ".join(sorted(given["by"].unique())) or "nobody"
        raise InputError(
            f"Got no chat with labels of both {first} and {second}, expected some (labels are there of: {who}); let "
            "the second label a queue, which repeats some of the first's chats."
        )
    one, other = both["category"], both["category_second"]
    same, rows = int((one == other).sum()), len(both)
    share = tuple(float(value) for value in wilson(same, rows))
    names, codes = np.unique([one, other], return_inverse=True)

    def kappa(weights):
        given = weights / weights.sum()
        chance = np.dot(*(np.bincount(by, given, len(names)) for by in codes))
        return float(divide(given[codes[0] == codes[1]].sum() - chance, 1 - chance))

    value = kappa(np.ones(rows))
    low, high = percentile_interval(bootstrap(kappa, group_codes(both["conversation_id"], rows), seed), value)
    # Where nothing differs all draws are alike; as many as the share's interval allows might.
    least = value if share[0] < 1 else share[1]
    confusion = pd.crosstab(one, other).rename_axis(index=f"label of {first}", columns=f"label of {second}")
    return Agreement(first, second, rows, share, (value, min(float(low), least), min(float(high), 1.0)), confusion)
