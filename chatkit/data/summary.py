"""First looks at chats, as tidy frames."""

import pandas as pd

from chatkit.text.validation import as_frame


def category_sizes(chats):
    """Count the chats of each category, largest first.

    Parameters
    ----------
    chats : pandas.DataFrame
        With category.

    Returns
    -------
    pandas.DataFrame
        category, chats, share.

    Examples
    --------
    >>> category_sizes(pd.DataFrame({"category": ["urgent", "other", "other"]}))["chats"].tolist()
    [2, 1]
    """
    chats = as_frame(chats)
    sizes = chats["category"].value_counts().rename_axis("category").rename("chats").reset_index()
    sizes = sizes.sort_values(["chats", "category"], ascending=[False, True], ignore_index=True)
    return sizes.assign(share=sizes["chats"] / len(chats))


def category_shares(train, test):
    """Compare the share of each category on the two sides of a split.

    Parameters
    ----------
    train, test : pandas.DataFrame
        With category.

    Returns
    -------
    pandas.DataFrame
        category, split ("train" or "test"), chats, share (of that side); categories in the order of their size
        in training.
    """
    order = category_sizes(train)["category"]
    sides = [
        category_sizes(side).set_index("category").reindex(order, fill_value=0).assign(split=name).reset_index()
        for name, side in (("train", train), ("test", test))
    ]
    return pd.concat(sides, ignore_index=True)[["category", "split", "chats", "share"]]


def weekly_counts(chats):
    """Count the chats of each category week by week.

    Parameters
    ----------
    chats : pandas.DataFrame
        With category and created_at.

    Returns
    -------
    pandas.DataFrame
        week (its Monday), category, count; no rows when the chats carry no dates.
    """
    dated = as_frame(chats).dropna(subset="created_at")
    # Days since Monday come off the day itself: no locale decides where a week begins.
    week = dated["created_at"].dt.normalize() - pd.to_timedelta(dated["created_at"].dt.day_of_week, unit="D")
    return dated.groupby([week.rename("week"), "category"], sort=True).size().rename("count").reset_index()


def text_lengths(chats):
    """Describe how many words subject and body have.

    Parameters
    ----------
    chats : pandas.DataFrame
        With subject and body.

    Returns
    -------
    pandas.DataFrame
        A row each for subject and body: median, p95 and longest in words, empty as a share of the chats.
    """
    chats = as_frame(chats)
    words = pd.DataFrame({name: chats[name].str.split().str.len() for name in ("subject", "body")})
    return pd.DataFrame(
        {
            "median": words.median().astype(int),
            "p95": words.quantile(0.95).astype(int),
            "longest": words.max(),
            "empty": (words == 0).mean(),
        }
    ).rename_axis("words in")
