"""A message in which each word is marked by how much it contributes to a category."""

import html
from dataclasses import dataclass

import numpy as np
import pandas as pd

from chatkit.explain.words import contributions
from chatkit.project import did_you_mean
from chatkit.text.counts import TermCounter
from chatkit.text.mask import mask
from chatkit.text.messages import JOINT, MessagePreprocessor
from chatkit.text.scripts import without_halves
from chatkit.text.tokens import BOUNDARY
from chatkit.text.validation import as_frame, as_texts

_STRENGTHS = ((2 / 3, "strong"), (1 / 3, "clear"), (1 / 10, "weak"))  # from this share of the strongest on


@dataclass(frozen=True, repr=False)
class Highlight:
    """A message with the contribution of each word to a category's margin; shown as text, and as HTML in notebooks.

    Parameters
    ----------
    category : str
    message : dict of str to str
        subject and body.
    tokens : pandas.DataFrame
        field ("subject" or "body"), start, end (its characters there), token, contribution; in order.
    rest : dict of str to float
        Contributions of no word, such as the intercept. With those of the tokens they add up to the margin.
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

    def _sum(self):
        parts = {"words of the message": self.tokens["contribution"].sum(), **self.rest}
        terms = ", ".join(f"{name} {value:+.2f}" for name, value in parts.items())
        return f"{self.category}: margin {sum(parts.values()):+.2f} = {terms}"

    def _strongest(self):
        """The marks in words, for those who do not see them."""
        total = self.tokens.groupby(self.tokens["token"].str.lower())["contribution"].sum().round(9)
        sentences = []
        for sign, meaning in ((1, f"Bold speaks for {self.category}"), (-1, "italic against it")):
            words = (sign * total).sort_values(ascending=False, kind="stable").head(3)
            named = ", ".join(f"{word} {total[word]:+.2f}" for word in words.index[words > 0])
            sentences.append(f"{meaning}, most of all {named}" if named else f"{meaning}: no word does")
        return f"{'; '.join(sentences)}."

    def _marked(self, mark, plain=str):
        """Subject and body with marks around the words that contribute."""
        largest = self.tokens["contribution"].abs().max()
        for field, text in self.message.items():
            done, parts = 0, []
            for token in self.tokens[self.tokens["field"] == field].itertuples():
                size = abs(token.contribution)
                strength = next((name for share, name in _STRENGTHS if size and size >= share * largest), None)
                if strength:
                    parts += plain(text[done : token.start]), mark(token.token, strength, token.contribution)
                    done = token.end
            yield "".join([*parts, plain(text[done:])])


def escape(text):
    """Escape a text for HTML; a carriage return too, which HTML would take for a line break."""
    return html.escape(text).replace("\r", "&#13;")


def highlight(pipeline, message, category=None):
    """Mark in a message how much each of its words contributes to a category's margin.

    The contribution of an n-gram is shared evenly among its words, that of a term among its occurrences; the copies of
    a repeated subject are added up. Words with less than a tenth of the strongest contribution are not marked. The
    message is shown as the pipeline has cleaned it: mask subject and body before others see it
    (`chatkit.text.mask.mask`), which changes nothing for the model.

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
        When the classifier has neither coef_ nor word_contributions.

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
    texts = [without_halves(text) for text in as_texts([message["subject"], message["body"]])]
    chat = pd.DataFrame([texts], columns=["subject", "body"])
    terms = contributions(pipeline, chat)
    if [type(step) for _, step in pipeline.steps[:2]] != [MessagePreprocessor, TermCounter]:
        raise ValueError(
            f"Got a pipeline that begins with {type(pipeline[0]).__name__}, expected one from make_pipeline."
        )
    category = pipeline.predict(chat)[0] if category is None else category
    terms = terms[terms["category"] == category].set_index("term")["contribution"]
    if terms.empty:
        known = ", ".join(map(str, pipeline.classes_))
        hint = did_you_mean(category, pipeline.classes_) or "."
        raise ValueError(f"Got category={category!r}, expected one of {known}{hint}")
    is_rest = terms.index.str.startswith("(")  # of no word
    message = dict(zip(chat, pipeline[0].cleaned(chat)[0], strict=True))
    places = pipeline[1].word_places(pipeline[0].transform(chat)[0])
    shares = _shares([word for word, *_ in places], terms[~is_rest], pipeline[1].ngram_range)
    tokens = _tokens(places, shares, message, pipeline[0].subject_weight)
    return Highlight(category, message, tokens, terms[is_rest].rename(lambda name: name[1:-1]).to_dict())


def highlight_some(pipeline, chats, n, seed=0):
    """Highlight some chats, of each predicted category in turn; numbers and addresses are masked.

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
    drawn = as_frame(chats)[["subject", "body"]].sample(frac=1, random_state=seed, ignore_index=True)
    predictions = pd.Series(pipeline.predict(drawn))
    order = predictions.groupby(predictions).cumcount().sort_values(kind="stable").index[:n]
    masked = drawn.loc[order].astype(object).fillna("").map(mask)
    return [highlight(pipeline, message) for _, message in masked.iterrows()]


def _shares(words, terms, ngram_range):
    """Give each word of a text its share of the contributions of terms."""
    occurrences, shares = {}, np.zeros(len(words))
    for size in range(ngram_range[0], ngram_range[1] + 1):
        for start in range(len(words) - size + 1):
            occurrences.setdefault(" ".join(words[start : start + size]), []).append(slice(start, start + size))
    for term, contribution in terms.items():
        for run in occurrences[term]:
            shares[run] += contribution / len(occurrences[term]) / (run.stop - run.start)
    return shares


def _tokens(places, shares, message, subject_weight):
    """Put the shares where subject and body have the words: the copies of the subject are one."""
    copy = len(message["subject"] + JOINT)
    frame = pd.DataFrame(places, columns=["word", "start", "end"]).assign(contribution=shares)
    frame = frame[frame["word"] != BOUNDARY]
    body = frame["start"] >= subject_weight * copy
    before = np.where(body, subject_weight * copy, frame["start"] // copy * copy)
    frame = frame.assign(
        field=np.where(body, "body", "subject"), start=frame["start"] - before, end=frame["end"] - before
    )
    frame = frame.sort_values(["field", "start", "end"], ascending=[False, True, True])  # the subject first
    # The words of a token, and tokens that come from the same character, are one place.
    places = (frame["start"] >= frame.groupby("field")["end"].shift(fill_value=0)).cumsum()
    frame = frame.groupby(places).agg({"field": "first", "start": "min", "end": "max", "contribution": "sum"})
    tokens = [message[row.field][row.start : row.end] for row in frame.itertuples()]
    frame.insert(3, "token", pd.Series(tokens, frame.index, dtype=object))
    return frame.reset_index(drop=True)
