"""Split chats into training and test rows, and say what stands on both sides."""

import pandas as pd
from sklearn.model_selection import train_test_split

from chatkit.project import InputError

STRATEGIES = ("random", "group", "time", "column")


def split_chats(chats, strategy="group", test_size=1 / 3, group="conversation_id", column="split", seed=0):
    """Split chats into training and test rows.

    Parameters
    ----------
    chats : pandas.DataFrame of shape (n, m)
        With category, and whatever the strategy looks at.
    strategy : {"random", "group", "time", "column"}, default="group"
        ``random``: chats drawn at random, stratified by category. ``group``: the same, but all chats with one
        value of `group` go to the same side; a chat without a conversation_id is a conversation of its own.
        ``time``: the latest chats are the test. ``column``: `column` says "train" or "test".
    test_size : float, default=1/3
        Share kept for testing: of the chats, or of the groups. Not used by ``column``.
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

    Raises
    ------
    InputError
        When the strategy cannot work on these chats, or the test would hold a category without training rows.

    Examples
    --------
    >>> chats = pd.DataFrame({"conversation_id": list("aabbcc"), "category": list("xxyyxx")})
    >>> train, test = split_chats(chats, strategy="column", column="split")
    Traceback (most recent call last):
        ...
    chatkit.project.InputError: split.strategy is 'column', but the chats have no column 'split'; ...
    """
    chats = blank_to_missing(chats)
    if strategy == "column":
        in_test = _by_column(chats, column)
    else:
        if not isinstance(test_size, int | float) or not 0 < test_size < 1:
            raise InputError(
                f"split.test_size is {test_size!r}, expected a share between 0 and 1; the talk keeps one third."
            )
        if strategy == "time":
            in_test = _by_time(chats, test_size)
        elif strategy == "group":
            in_test = _at_random(chats, _groups(chats, group), test_size, seed)
        elif strategy == "random":
            in_test = _at_random(chats, pd.Series(chats.index, chats.index), test_size, seed)
        else:
            raise InputError(f"split.strategy is {strategy!r}, expected one of {', '.join(STRATEGIES)}.")
    train, test = (chats[side].reset_index(drop=True) for side in (~in_test, in_test))
    if train.empty or test.empty:
        raise InputError(
            f"The split gives {len(train)} training and {len(test)} test chats, expected some of each; change "
            "split.strategy or split.test_size."
        )
    _refuse_unknown_categories(train, test)
    return train, test


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
    found = {"the same text": folded(test).isin(set(folded(train)))}
    for name in ("conversation_id", "customer_id"):
        if name in test.columns and test[name].notna().any():
            found[f"the same {name}"] = test[name].isin(set(train[name].dropna()))
    if "created_at" in test.columns and test["created_at"].notna().all() and train["created_at"].notna().any():
        found["a later training chat"] = test["created_at"] < train["created_at"].max()
    return pd.DataFrame(
        {"shared": list(found), "chats": [int(rows.sum()) for rows in found.values()],
         "share": [float(rows.mean()) for rows in found.values()]}
    )  # fmt: skip


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
    """Leave out of conversation_id, customer_id and split what is no value: exports and warehouses write "" there.

    Parameters
    ----------
    chats : pandas.DataFrame of shape (n, m)

    Returns
    -------
    pandas.DataFrame of shape (n, m)

    Examples
    --------
    >>> blank_to_missing(pd.DataFrame({"conversation_id": ["k1", "", " "]}))["conversation_id"].isna().tolist()
    [False, True, True]
    """
    for name in {"conversation_id", "customer_id", "split"}.intersection(chats.columns):
        blank = chats[name].isin([text for text in set(chats[name]) if isinstance(text, str) and not text.strip()])
        if blank.any():
            chats = chats.assign(**{name: chats[name].mask(blank, None)})
    return chats


def _groups(chats, name):
    """Number the groups; where some have no conversation_id, each of these gets a number of its own."""
    if name == "conversation_id" and name in chats.columns and chats[name].notna().any():
        numbers, missing = pd.factorize(chats[name])[0], chats[name].isna().to_numpy()
        numbers[missing] = range(len(chats), len(chats) + missing.sum())
        return pd.Series(numbers, chats.index)
    return _column(chats, name, "group")


def _column(chats, name, strategy):
    if name not in chats.columns:
        raise InputError(
            f"split.strategy is {strategy!r}, but the chats have no column {name!r}; select it in "
            "queries/chats.sql, or use another strategy."
        )
    empty = int(chats[name].isna().sum())
    if empty:
        raise InputError(
            f"split.strategy is {strategy!r}, but {name} is empty in {empty:,} of {len(chats):,} chats; fill it in "
            "queries/chats.sql, or use another strategy."
        )
    return chats[name]


def _by_column(chats, name):
    sides = _column(chats, name, "column")
    strange = sorted(set(sides) - {"train", "test"})
    if strange:
        raise InputError(
            f"Column {name!r} holds {strange[0]!r}, expected only 'train' and 'test'; map the values in "
            "queries/chats.sql."
        )
    return sides == "test"


def _by_time(chats, test_size):
    times = _column(chats, "created_at", "time")
    # Chats of one moment stay together, on the training side.
    return times > times.sort_values().iloc[max(0, round(len(chats) * (1 - test_size)) - 1)]


def _at_random(chats, groups, test_size, seed):
    # A group counts once, with the category of its first chat.
    first = chats.assign(group=groups).drop_duplicates("group")[["group", "category"]]
    counts = first["category"].value_counts()
    single = sorted(counts.index[counts < 2])
    if single:
        raise InputError(
            f"Category {single[0]!r} has {counts[single[0]]} row (or group of rows), too few to stand on both sides; "
            "give it another name in queries/chats.sql (`CASE category ... END`), or leave it out there."
        )
    sides = len(counts)
    if round(len(first) * test_size) < sides or round(len(first) * (1 - test_size)) < sides:
        raise InputError(
            f"{len(first)} chats (or groups) are too few for {sides} categories at test_size {test_size}; gather more, "
            "or fold categories in queries/chats.sql."
        )
    _, test = train_test_split(first["group"], test_size=test_size, stratify=first["category"], random_state=seed)
    return groups.isin(set(test))


def _refuse_unknown_categories(train, test):
    unknown = sorted(set(test["category"]) - set(train["category"]))
    if unknown:
        rows = int(test["category"].isin(unknown).sum())
        raise InputError(
            f"The test has {len(unknown)} categories that no training chat has, {rows} chats in all, the first is "
            f"{unknown[0]!r}; change split.strategy or split.test_size, or leave them out in queries/chats.sql."
        )
