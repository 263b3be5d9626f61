"""Split chats into training and test rows, and say what stands on both sides."""

import re

import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split

from chatkit.project import InputError
from chatkit.statistics import group_codes
from chatkit.text.validation import as_frame

# What tools write where there is nothing: 1,000 chats of the conversation "None" are no conversation.
NO_VALUE = r"(?i)^\s*(?:none|null|nil|nan|nat|<na>|n/a|#n/a|\\n|undefined|-*)\s*$"
# Of ids these are none, too, where several chats have them.
_PLACEHOLDER = (
    r"(?i)^\W*(?:[0.-]+|-1|unknown|anonymous|anon|n\.?a|nan|none|null|empty|blank|missing|not (?:set|available))?\W*$"
)
_LARGE, _FEW = 0.1, 10  # share of the chats, and their number, that one conversation or customer hardly has
STRATEGIES = ("random", "group", "time", "column")


def split_chats(chats, strategy="group", test_size=1 / 3, group="conversation_id", column="split", seed=0):
    """Split chats into training and test rows.

    A conversation in which a person has corrected a category afterwards (the column relabelled, where there is one) is
    never tested on. People look mostly where the model was wrong, so that these chats say little of its accuracy.

    Parameters
    ----------
    chats : pandas.DataFrame of shape (n, m)
        With category, and whatever the strategy looks at.
    strategy : {"random", "group", "time", "column"}, default="group"
        ``random``: chats drawn at random, stratified by category. ``group``: the same, but all chats with one
        value of `group` go to the same side; a chat without a conversation_id is a conversation of its own.
        ``time``: the latest chats are the test. ``column``: `column` says "train" or "test".
        Chats of relabelled conversations (for ``group`` also of their groups) are put on the training side before
        anything is drawn; with ``time`` and ``column`` those that would be in the test are left out of both sides.
        The same becomes of chats of a category that would be in the test only.
    test_size : float, default=1/3
        Share kept for testing: of the chats, or of the groups, that may be tested on. Not used by ``column``.
    group : str, default="conversation_id"
        Column that must not stand on both sides: "conversation_id" or "customer_id".
    column : str, default="split"
        Column of the strategy ``column``.
    seed : int, default=0
        Seed of the draw.

    Returns
    -------
    train, test : pandas.DataFrame
        Rows of `chats` in their order, index starting at 0; a blank conversation_id or customer_id is missing in them.
        Together all of them, but for what is said above.

    Raises
    ------
    InputError
        When the strategy cannot work on these chats.

    Examples
    --------
    >>> chats = pd.DataFrame({"conversation_id": list("aabbcc"), "category": list("xxyyxx")})
    >>> train, test = split_chats(chats, strategy="column", column="split")
    Traceback (most recent call last):
        ...
    chatkit.project.InputError: split.strategy is 'column', but the chats have no column 'split'; ...
    """
    chats = blank_to_missing(chats)
    held_out = _held_out_of_test(chats, group if strategy == "group" else None)
    if strategy not in STRATEGIES:
        raise InputError(f"split.strategy is {strategy!r}, expected one of {', '.join(STRATEGIES)}.")
    if strategy == "column":
        in_test = _by_column(chats, column, held_out)
    else:
        if not isinstance(test_size, int | float) or not 0 < test_size < 1:
            raise InputError(f"split.test_size is {test_size!r}, expected a share between 0 and 1 such as 0.33.")
        if held_out.all():
            raise InputError(
                f"All {len(chats):,} chats are of relabelled conversations, so that none may be tested on; name a "
                "warehouse with other chats."
            )
        if strategy == "time":
            in_test = _by_time(chats, held_out, test_size)
        else:
            free = chats[~held_out]
            groups = _column(free, group, strategy) if strategy == "group" else None
            in_test = np.zeros(len(chats), dtype=bool)
            in_test[~held_out] = _at_random(free, groups, test_size, seed)
    if strategy in {"time", "column"}:
        held_out = held_out | (in_test & ~chats["category"].isin(chats.loc[~in_test, "category"]).to_numpy())
    train, test = (chats[side].reset_index(drop=True) for side in (~in_test, in_test & ~held_out))
    if train.empty or test.empty:
        raise InputError(
            f"The split gives {len(train)} training and {len(test)} test chats, expected some of each; change "
            "split.strategy or split.test_size."
        )
    if train["category"].nunique() < 2 <= chats["category"].nunique():
        raise InputError(
            f"The training side has chats of the category {train['category'][0]!r} only, expected two or more; change "
            "split.strategy."
        )
    return train, test


def cautions(chats, train, test, test_size=None):
    """Say what makes a split another one than was asked for.

    Parameters
    ----------
    chats : pandas.DataFrame
        Those that were split.
    train, test : pandas.DataFrame
        From `split_chats`.
    test_size : float, optional
        The share that was asked for; None where a column decides.

    Returns
    -------
    list of str
        A conversation or customer with more than a tenth of the chats, a test of another size, chats on no side.

    Examples
    --------
    >>> chats = pd.DataFrame({"conversation_id": ["bot"] * 30 + list("abcdefghij"), "category": "x"})
    >>> cautions(chats, *split_chats(chats))
    ["conversation_id 'bot' stands in 30 of 40 chats (75%), all on one side of a split by it; ...
    """
    lines, chats = [], blank_to_missing(chats)
    for name in ("conversation_id", "customer_id"):
        sizes = chats.get(name, pd.Series(dtype=object)).value_counts()
        if len(sizes) and sizes.iloc[0] > max(_FEW, len(chats) * _LARGE):
            lines.append(
                f"{name} {sizes.index[0]!r} stands in {sizes.iloc[0]:,} of {len(chats):,} chats "
                f"({sizes.iloc[0] / len(chats):.0%}), all on one side of a split by it; where it is none, make it NULL "
                "in queries/chats.sql"
            )
    share = len(test) / (len(train) + len(test))
    if test_size and abs(share - test_size) > min(test_size, 1 - test_size) / 2:
        lines.append(f"the test has {share:.0%} of the chats, split.test_size asks for {test_size:.0%}")
    if left_out := len(chats) - len(train) - len(test):
        lines.append(
            f"left out of both sides, chats: {left_out:,}; they would be in the test, but their conversation was "
            "relabelled or no training chat has their category"
        )
    return lines


def overlap(train, test):
    """Count the test chats that share something with a training chat.

    Parameters
    ----------
    train, test : pandas.DataFrame
        With subject and body; conversation_id, customer_id and created_at when there are any.

    Returns
    -------
    pandas.DataFrame
        One row for each thing shared: shared, chats (test chats concerned), share (of the test chats).
        What the chats do not carry is not listed.
    """
    train, test = blank_to_missing(train), blank_to_missing(test)
    shared = {"the same text": folded(test).isin(set(folded(train)))}
    for name in ("conversation_id", "customer_id"):
        if name in test.columns and test[name].notna().any():
            shared[f"the same {name}"] = test[name].isin(set(train[name].dropna()))
    if "created_at" in test.columns and test["created_at"].notna().all() and train["created_at"].notna().any():
        shared["a later training chat"] = test["created_at"] < train["created_at"].max()
    rows = [(name, int(chats.sum()), float(chats.mean())) for name, chats in shared.items()]
    return pd.DataFrame(rows, columns=["shared", "chats", "share"])


def folded(chats):
    """Return the text of each chat, case and spaces aside.

    Parameters
    ----------
    chats : pandas.DataFrame of shape (n, m)
        With subject and body.

    Returns
    -------
    pandas.Series of str of shape (n,)
    """
    return (chats["subject"] + "\n" + chats["body"]).str.casefold().str.split().str.join(" ")


def blank_to_missing(chats):
    """Leave out of conversation_id, customer_id and split what is no value: exports write "", None, nan or NULL there.

    Where several chats have it, "0" or "unknown" is no id, either.

    Parameters
    ----------
    chats : pandas.DataFrame of shape (n, m)

    Returns
    -------
    pandas.DataFrame of shape (n, m)

    Examples
    --------
    >>> blank_to_missing(pd.DataFrame({"conversation_id": ["k1", "", "NULL"]}))["conversation_id"].isna().tolist()
    [False, True, True]
    """
    chats = as_frame(chats)
    names = [name for name in ("conversation_id", "customer_id", "split") if name in chats.columns]
    chats = chats.assign(**{name: chats[name].replace(NO_VALUE, None, regex=True) for name in names})
    for name in {"conversation_id", "customer_id"}.intersection(names):
        repeated = chats[name][chats[name].duplicated()].unique()
        none = [one for one in repeated if isinstance(one, str) and re.match(_PLACEHOLDER, one)]
        chats[name] = chats[name].mask(chats[name].isin(none), None) if none else chats[name]
    return chats


def _held_out_of_test(chats, group):
    """Tell which chats may not be tested on: of a conversation, or else of a group, with a relabelled chat."""
    held_out = chats["relabelled"].to_numpy(dtype=bool) if "relabelled" in chats.columns else np.zeros(len(chats), bool)
    for name in ("conversation_id", group):  # the group last: none may be torn apart
        if name in chats.columns:
            held_out = held_out | chats[name].isin(chats.loc[held_out, name].dropna()).to_numpy()
    return held_out


def _column(chats, name, strategy):
    if name not in chats.columns:
        raise InputError(
            f"split.strategy is {strategy!r}, but the chats have no column {name!r}; select it in "
            "queries/chats.sql, or use another strategy."
        )
    empty = int(chats[name].isna().sum())
    # A chat without a conversation_id is one of its own, where others have one.
    if empty and (name != "conversation_id" or empty == len(chats)):
        raise InputError(
            f"split.strategy is {strategy!r}, but {name} is empty in {empty:,} of {len(chats):,} chats; fill it in "
            "queries/chats.sql, or use another strategy."
        )
    return chats[name]


def _by_column(chats, name, held_out):
    if name in chats.columns:
        # A chat that came with its relabel has no side of its own.
        chats = chats.assign(**{name: chats[name].mask(held_out & chats[name].isna(), "train")})
    sides = _column(chats, name, "column")
    others = sorted(set(sides) - {"train", "test"})
    if others:
        raise InputError(
            f"Column {name!r} holds {others[0]!r}, expected only 'train' and 'test'; map the values in "
            "queries/chats.sql."
        )
    return (sides == "test").to_numpy()


def _by_time(chats, held_out, test_size):
    times = _column(chats, "created_at", "time")
    free = times[~held_out].sort_values()
    # Chats of one moment stay together, on the training side.
    return (times > free.iloc[max(0, round(len(free) * (1 - test_size)) - 1)]).to_numpy()


def _at_random(chats, groups, test_size, seed):
    codes = group_codes(groups, len(chats))
    # A group counts once, with the category of its first chat; small categories are drawn with the largest.
    first = chats["category"][~pd.Series(codes).duplicated().to_numpy()]
    sizes = first.map(first.value_counts())
    strata = first.where(sizes * min(test_size, 1 - test_size) >= 1, first[sizes.idxmax()])
    try:
        _, test = train_test_split(pd.unique(codes), test_size=test_size, stratify=strata, random_state=seed)
    except ValueError as error:
        raise InputError(
            f"{len(first)} chats (or groups) are too few to be split at test_size {test_size} ({error}); gather more, "
            "or change split.test_size."
        ) from None
    in_test = np.isin(codes, test)
    # What is to be tested has to be learned: groups with a category that no training chat has go there.
    unknown = in_test & ~chats["category"].isin(chats.loc[~in_test, "category"]).to_numpy()
    return in_test & ~np.isin(codes, codes[unknown])
