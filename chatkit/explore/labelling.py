"""Chats one after the other, labelled by keyboard."""

import time
from pathlib import Path

import anywidget
import numpy as np
import pandas as pd
import traitlets

from chatkit.explain.highlight import escape, highlight
from chatkit.explore.labels import NOT_SURE, SKIPPED
from chatkit.explore.queue import label_queue, term_weights
from chatkit.project import InputError
from chatkit.text.clean import excerpt
from chatkit.text.messages import MESSAGE, texts
from chatkit.text.validation import as_frame

ALIKE = 0.9  # cosine of near copies
MOST_ALIKE = 20  # labelled at once: more than that nobody reads
_HERE = Path(__file__).parent


def label_chats(chats, labels, by, order=None, model=None, labelled=None, categories=(), n=100, repeated=0.1,
                guess_shown=False, seed=0):  # fmt: skip
    """Label chats by keyboard: those first that teach a model most.

    What somebody has labelled does not come again, nor to oneself what one was not sure of. What one skipped does.

    Parameters
    ----------
    chats : pandas.DataFrame
        With id, subject and body; conversation_id, created_at and category where they are known.
    labels : chatkit.explore.labels.Labels
        Where each answer is before the next chat appears.
    by : str
        Who labels.
    order, model, labelled, n, seed
        See `chatkit.explore.queue.label_queue`; of `chats` those with a label are added to `labelled`. The order is by
        default ``suspected`` where all chats have a category, ``doubt`` otherwise.
    categories : iterable of str, default=()
        To choose from, beside those of `labelled`, of `chats` and of the model.
    repeated : float, default=0.1
        Share of the queue that repeats chats that others have labelled, here and there among the others and without a
        word about it: for `chatkit.explore.agreement.agreement`.
    guess_shown : bool, default=False
        Show what the model says with each chat, not only on request. Who sees a guess first tends to agree with it
        (anchoring), so that the labels say less of what people think.

    Returns
    -------
    Labelling

    Raises
    ------
    InputError
        When something is missing.
    """
    chats = as_frame(chats)
    if missing := {"id", *MESSAGE} - set(chats.columns):
        raise InputError(f"Got chats without {', '.join(sorted(missing))}, expected id, subject and body; add them.")
    if not by.strip():
        raise InputError("Got no name of who labels, expected one; write yours, such as by='anna'.")
    chats, given, asides = chats.assign(id=chats["id"].astype(str)), labels.given(), labels.asides()
    chats[MESSAGE] = chats[MESSAGE].astype(object).fillna("")
    latest = given.drop_duplicates("id", keep="last").set_index("id")["category"]
    own = {*given.loc[given["by"] == by, "id"], *asides.loc[(asides["by"] == by) & (asides["said"] == NOT_SURE), "id"]}
    is_given, is_own = chats["id"].isin(latest.index), chats["id"].isin(own)
    known = [] if labelled is None else [labelled]
    known = pd.concat([*known, chats[is_given].assign(category=chats["id"].map(latest))], ignore_index=True)
    if order is None:
        order = "suspected" if "category" in chats and chats["category"].notna().all() else "doubt"
    rest, others = chats[~is_given & ~is_own], chats[is_given & ~is_own]
    again = others.sample(min(len(others), round(repeated * n)), random_state=seed)
    queue = label_queue(rest, order, model, known, n - len(again), seed)
    queue = pd.concat([queue, again], ignore_index=True)
    # Places drawn for the repeated ones; the others keep their order.
    place = np.random.default_rng(seed).permutation(len(queue)) < len(again)
    queue = queue.loc[np.argsort(np.argsort(place, kind="stable"), kind="stable")].reset_index(drop=True)
    named = [*categories, *known["category"], *chats.get("category", ()), *getattr(model, "classes_", ())]
    names = sorted({name for name in named if isinstance(name, str) and name.strip()}, key=str.casefold)
    if not names:
        raise InputError("Got no category to choose from, expected some; name them: categories=['urgent', 'other'].")
    return Labelling(queue, rest, labels, by, names, model, guess_shown)


class Labelling(anywidget.AnyWidget):
    """A queue of chats in a frame that takes keys; from `label_chats`.

    A digit or letter is a category, where there are more than 35 what one types looks for one; 0 is not sure, → skips,
    Backspace takes back, the space bar shows what the model says, + labels near copies of the chat, too.

    Parameters
    ----------
    queue : pandas.DataFrame
        Chats in the order in which they come.
    others : pandas.DataFrame
        Where near copies are looked for.
    labels : chatkit.explore.labels.Labels
    by : str
    categories : list of str
    model : sklearn.pipeline.Pipeline or None
    guess_shown : bool
    """

    _esm = _HERE / "labelling.js"
    _css = _HERE / "labelling.css"
    categories = traitlets.List().tag(sync=True)
    state = traitlets.Dict().tag(sync=True)

    def __init__(self, queue, others, labels, by, categories, model=None, guess_shown=False):
        self.queue, self._labels, self._by, self._model, self._guess_shown = queue, labels, by, model, guess_shown
        self._others = pd.concat([queue, others], ignore_index=True).drop_duplicates("id", ignore_index=True)
        self._free = self._others["id"].isin(others["id"]).to_numpy()
        self._terms = term_weights(texts(self._others))
        self._turn, self._at, self._done, self._answered, self._started = 0, 0, [], set(), time.monotonic()
        super().__init__(categories=categories)
        self.on_msg(self._receive)
        self._show()

    @property
    def chat(self):
        """The chat that is shown, a row of the queue; None at the end."""
        while self._at < len(self.queue) and self.queue["id"][self._at] in self._answered:
            self._at += 1
        return None if self._at == len(self.queue) else self.queue.iloc[self._at]

    def label(self, category, alike=False):
        """Label the chat that is shown, and its near copies, too, when asked to."""
        if category not in self.categories:
            raise InputError(f"Got the category {category!r}, expected one of {', '.join(self.categories)}.")
        self._answer(alike, category=category)

    def skip(self):
        """Leave the chat for another day."""
        self._answer(aside=SKIPPED)

    def not_sure(self):
        """Say that one cannot tell."""
        self._answer(aside=NOT_SURE)

    def undo(self):
        """Take the last answer back and show its chat again."""
        if self._done:
            at, keys, ids = self._done[-1]
            self._labels.take_back(keys, self._by)
            self._done.pop()
            self._answered -= ids
            self._at = at
        self._show()

    def show_guess(self):
        """Show what the model says of the chat, its words marked, and the label that the chat has so far."""
        self._show(guess=True)

    def _answer(self, alike=False, **said):
        if self.chat is None:
            return
        rows = pd.concat([self.queue.iloc[[self._at]], *([self._alike()] if alike else [])])
        # On disk when this returns, and only then the next chat is shown.
        keys = self._labels.add(rows, self._by, **said)
        self._done.append((self._at, keys, {*rows["id"]}))
        self._answered |= {*rows["id"]}
        self._show()

    def _alike(self):
        """Other chats of nearly the same text that nobody has labelled, the most similar first."""
        at = self._others.index[self._others["id"] == self.chat["id"]][0]
        cosine = (self._terms @ self._terms[at].T).toarray().ravel()
        cosine[self._others["id"].isin({*self._answered, self.chat["id"]}) | ~self._free] = 0
        rows = np.argsort(-cosine.round(6), kind="stable")[:MOST_ALIKE]
        return self._others.loc[rows[cosine[rows] >= ALIKE]]

    def _show(self, guess=False, error=""):
        chat, self._turn = self.chat, self._turn + 1
        state = {"turn": self._turn, "error": error, "left": len({*self.queue["id"][self._at :]} - self._answered),
                 "progress": self._progress(), "can_undo": bool(self._done)}  # fmt: skip
        if chat is not None:
            state |= dict(zip(MESSAGE, (str(chat[name] or "") for name in MESSAGE), strict=True))
            state["alike"] = [excerpt(text, 200) for text in texts(self._alike())]
            state["guess"] = self._guess(chat) if guess or self._guess_shown else ""
        self.state = state

    def _progress(self):
        given = self._labels.given()
        counts = given.loc[given["by"] == self._by, "category"].value_counts()
        labelled = sum(len(keys) for _, keys, _ in self._done)
        hours = (time.monotonic() - self._started) / 3600
        return {"labels": int(counts.sum()), "per_hour": round(labelled / hours), "counts": counts.to_dict()}

    def _guess(self, chat):
        """What the model says, as HTML; a chat's text in it is escaped."""
        so_far, guess = (one if isinstance(one, str) else "" for one in (chat.get("category"), chat.get("guess")))
        message = {name: str(chat[name] or "") for name in MESSAGE}
        if self._model is not None and not guess:
            guess = self._model.predict(pd.DataFrame([message]))[0]
        said = f"<p>Its label so far: {escape(so_far)}.</p>" if so_far else ""
        said += f"<p>The model's guess: {escape(guess)}.</p>" if guess else "<p>There is no model.</p>"
        try:
            return said + (highlight(self._model, message, guess)._repr_html_() if self._model is not None else "")
        except ValueError:  # a model without contributions, or a guess of another one
            return said

    def _receive(self, _widget, content, _buffers):
        """Do what a key asks for; one that was pressed before its chat was shown is none."""
        if content.get("turn") != self._turn:
            return
        try:
            {"label": lambda: self.label(content["category"], content["alike"]), "skip": self.skip,
             "not sure": self.not_sure, "undo": self.undo, "guess": self.show_guess}[content["do"]]()  # fmt: skip
        except InputError as error:
            self._show(error=str(error))

    def listed(self, n=10):
        """List the first chats of the queue, masked and shortened: for pages, in which no key works."""
        first = self.queue.head(n)
        return pd.DataFrame({"message": [excerpt(text) for text in texts(first)]}, index=first["id"])

    def _repr_mimebundle_(self, **options):
        data, metadata = super()._repr_mimebundle_(**options)
        return data | {"text/plain": repr(self.listed()), "text/html": self.listed().to_html(border=0)}, metadata
