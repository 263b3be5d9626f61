"""A message in which one sees what each of its words says about a category."""

import html
from bisect import bisect_right
from dataclasses import dataclass, replace
from operator import itemgetter

import numpy as np
import pandas as pd

from chatkit.explain.words import contributions, weighs_words
from chatkit.text.counts import TermCounter
from chatkit.text.mask import pieces
from chatkit.text.messages import MessagePreprocessor
from chatkit.text.validation import as_texts

_STRENGTHS = ((2 / 3, "strong"), (1 / 3, "clear"), (1 / 10, "weak"))  # from this share of the strongest on


@dataclass(frozen=True, repr=False)
class Highlight:
    """A message with what each of its words says about a category; shown as text, and as HTML in notebooks.

    Parameters
    ----------
    category : str
    message : dict of str to str
        subject and body.
    tokens : pandas.DataFrame
        field ("subject" or "body"), start, end (its characters there), token, contribution; in order.
    rest : dict of str to float
        What no word of the message says. With the contributions it adds up to the margin.
    """

    category: str
    message: dict
    tokens: pd.DataFrame
    rest: dict

    def __repr__(self):
        subject, body = self._marked(lambda text, _, value: f"[{text} {value:+.2f}]")
        return f"{self._sum()}\n\n{subject}\n{body}"

    def _repr_html_(self):
        def mark(text, strength, value):
            # Without a style sheet bold and italic still tell for from against.
            tag, sign = ("b", "for") if value > 0 else ("i", "against")
            return f'<{tag} class="{sign} {strength}">{escape(text)}</{tag}>'

        subject, body = self._marked(mark, escape)
        # HTML drops a line break at the beginning of <pre>: this one, and none of the message's.
        return (
            f'<div class="why">\n<p>{escape(self._sum())}</p>\n<pre>\n<span class="subject">{subject}</span>\n'
            f'<span class="body">{body}</span></pre>\n<p class="aside">{escape(self._strongest())}</p>\n</div>'
        )

    def masked(self):
        """Hide numbers and addresses, see `chatkit.text.mask.mask`.

        Returns
        -------
        Highlight
            What its words say stays as it is.
        """
        message, tokens = {}, self.tokens.copy()
        for field, text in self.message.items():
            own = tokens["field"] == field
            message[field], spans = _masked(text, tokens.loc[own, ["start", "end"]].to_numpy())
            tokens.loc[own, ["start", "end"]] = spans
        shown = [message[row.field][row.start : row.end] for row in tokens.itertuples()]
        tokens["token"] = pd.Series(shown, dtype=object)
        return replace(self, message=message, tokens=tokens)

    def _sum(self):
        parts = {"words of the message": self.tokens["contribution"].sum(), **self.rest}
        said = ", ".join(f"{name} {value:+.2f}" for name, value in parts.items())
        return f"{self.category}: margin {sum(parts.values()):+.2f} = {said}"

    def _strongest(self):
        """What the marks say, for those who do not see them."""
        total = self.tokens.groupby(self.tokens["token"].str.lower())["contribution"].sum().round(9)
        said = []
        for sign, meaning in ((1, f"Bold speaks for {self.category}"), (-1, "italic against it")):
            words = (sign * total).sort_values(ascending=False, kind="stable").head(3)
            named = ", ".join(f"{word} {total[word]:+.2f}" for word in words.index[words > 0])
            said.append(f"{meaning}, most of all {named}" if named else f"{meaning}: no word does")
        return f"{'; '.join(said)}."

    def _marked(self, mark, plain=str):
        """Subject and body with marks around what says something."""
        largest = self.tokens["contribution"].abs().max()
        for field, text in self.message.items():
            done, pieces = 0, []
            for token in self.tokens[self.tokens["field"] == field].itertuples():
                size = abs(token.contribution)
                strength = next((name for share, name in _STRENGTHS if size and size >= share * largest), None)
                if strength:
                    pieces += plain(text[done : token.start]), mark(token.token, strength, token.contribution)
                    done = token.end
            yield "".join([*pieces, plain(text[done:])])


def _masked(text, spans):
    """A text masked, and where its tokens stand then: no token is masked in part only."""
    cut = pieces(text)
    begins = np.cumsum([0, *(len(written) for *_, written in cut)])
    moved = np.empty_like(spans)
    for row, (start, end) in enumerate(spans):
        piece = bisect_right(cut, start, key=itemgetter(0)) - 1
        first, last, written = cut[piece]
        if written == text[first:last]:
            moved[row] = begins[piece] + np.array([start - first, end - first])
        else:
            moved[row] = begins[piece] + len(written) - len(written.lstrip()), begins[piece] + len(written.rstrip())
    return "".join([written for *_, written in cut]), moved


def escape(text):
    """Escape a text for HTML; a carriage return too, which HTML would take for a line break."""
    return html.escape(text).replace("\r", "&#13;")


def highlight(pipeline, message, category=None):
    """Show in a message how much each of its words speaks for a category.

    A run of words shares what it says evenly among its words, a term that occurs several times among its places; the
    copies of a repeated subject are added up. What says less than a tenth of the strongest word is not marked. The
    message is shown as it is: mask it before others see it.

    Parameters
    ----------
    pipeline : sklearn.pipeline.Pipeline
        Fitted, from `make_pipeline`.
    message : mapping
        With subject and body, such as a row of chats or a dictionary.
    category : str, optional
        By default the one that the pipeline gives.

    Returns
    -------
    Highlight

    Raises
    ------
    ValueError
        When the message has no subject or body, the category is unknown, or the pipeline is not from `make_pipeline`.
    InputError
        When the classifier cannot say it.

    Examples
    --------
    >>> from chatkit import make_pipeline
    >>> chats = pd.DataFrame({"subject": ["Lost", "Hours"] * 9, "body": ["my card", "open when"] * 9})
    >>> pipeline = make_pipeline("linear_svc", ngram_range=(1, 1)).fit(chats, ["urgent", "other"] * 9)
    >>> highlight(pipeline, {"subject": "Lost it", "body": "When do you open?"}, "urgent")
    urgent: margin +0.45 = words of the message +0.45, intercept +0.00
    <BLANKLINE>
    [Lost +0.70] it
    [When -0.12] do you [open -0.12]?
    """
    if not hasattr(message, "keys") or not {"subject", "body"} <= set(message.keys()):
        raise ValueError(
            f"Got {type(message).__name__} as message, expected subject and body; give a row of chats or a dictionary."
        )
    ours = isinstance(pipeline[0], MessagePreprocessor) and isinstance(pipeline[1], TermCounter)
    if weighs_words(pipeline) and not ours:
        raise ValueError(
            f"Got a pipeline that begins with {type(pipeline[0]).__name__}, expected one from make_pipeline."
        )
    texts = as_texts([message["subject"], message["body"]])
    chat = pd.DataFrame([texts], columns=["subject", "body"])
    said = contributions(pipeline, chat)
    category = pipeline.predict(chat)[0] if category is None else category
    said = said[said["category"] == category].set_index("term")["contribution"]
    if said.empty:
        raise ValueError(f"Got category={category!r}, expected one of {', '.join(map(str, pipeline.classes_))}.")
    places = pipeline[1].word_places(pipeline[0].transform(chat)[0])
    rest = said.index.str.startswith("(")  # no word does
    shares = _shares([word for word, *_ in places], said[~rest], pipeline[1].ngram_range)
    tokens = _tokens(places, shares, texts, pipeline[0].subject_weight)
    return Highlight(category, chat.loc[0].to_dict(), tokens, said[rest].rename(lambda name: name[1:-1]).to_dict())


def highlight_some(pipeline, chats, n, seed=0):
    """Highlight some chats, one of each category that the pipeline gives in turn; numbers and addresses are masked.

    Parameters
    ----------
    pipeline : sklearn.pipeline.Pipeline
        As for `highlight`.
    chats : pandas.DataFrame
        With subject and body.
    n : int
        How many.
    seed : int, default=0
        Of the draw.

    Returns
    -------
    list of Highlight
    """
    drawn = chats[["subject", "body"]].sample(frac=1, random_state=seed).reset_index(drop=True)
    said = pd.Series(pipeline.predict(drawn))
    order = said.groupby(said).cumcount().sort_values(kind="stable").index[:n]
    return [highlight(pipeline, drawn.loc[at]).masked() for at in order]


def _shares(words, terms, ngram_range):
    """Give each word of a text its share of what the terms say."""
    runs, shares = {}, np.zeros(len(words))
    for size in range(ngram_range[0], ngram_range[1] + 1):
        for start in range(len(words) - size + 1):
            runs.setdefault(" ".join(words[start : start + size]), []).append(slice(start, start + size))
    for term, contribution in terms.items():
        for run in runs[term]:
            shares[run] += contribution / len(runs[term]) / (run.stop - run.start)
    return shares


def _tokens(places, shares, texts, subject_weight):
    """Put the shares where subject and body have the words: the copies of the subject are one."""
    copy = len(texts[0]) + 1  # and its line break
    rows = []
    for (_, start, end), share in zip(places, shares, strict=True):
        field = int(start >= subject_weight * copy)
        before = subject_weight * copy if field else start - start % copy
        rows.append((field, start - before, end - before, share))
    frame = pd.DataFrame(rows, columns=["field", "start", "end", "contribution"]).sort_values(["field", "start", "end"])
    # The words of a token, and tokens that come from the same character, are one place.
    places = (frame["start"] >= frame.groupby("field")["end"].shift(fill_value=0)).cumsum()
    frame = frame.groupby(places).agg({"field": "first", "start": "min", "end": "max", "contribution": "sum"})
    token = [texts[row.field][row.start : row.end] for row in frame.itertuples()]
    frame.insert(3, "token", pd.Series(token, frame.index, dtype=object))
    return frame.assign(field=frame["field"].map({0: "subject", 1: "body"})).reset_index(drop=True)
