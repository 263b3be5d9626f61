"""A message as one types it, and what models make of it."""

from collections.abc import Mapping
from dataclasses import dataclass

import ipywidgets
import numpy as np
import pandas as pd

from chatkit.explain.highlight import Highlight, escape, highlight
from chatkit.explain.perturbations import substitute
from chatkit.model.rules import matching_rule
from chatkit.project import InputError
from chatkit.text.mask import mask
from chatkit.text.messages import MESSAGE, MessagePreprocessor
from chatkit.text.validation import as_frame

SHOWN = 6  # categories, those with the highest probabilities
NEAREST = 3
# JupyterLab's own colours, so that a light and a dark theme are legible; pages have a style of their own.
STYLE = """<style>
.playground { max-width: 60rem; font-size: 14px; line-height: 1.5; }
.playground table { width: auto; margin: 0 0 1em; font-size: inherit; }
.playground tr, .playground td, .playground th { background: none; border: 0; text-align: left; vertical-align: top; }
.playground td, .playground th { padding: 0 1em 0 0; }
.playground td.bar { width: 16rem; }
.playground td.bar div { height: 1.1em; background: var(--jp-brand-color1, #1976d2); }
.playground td.value { text-align: right; font-variant-numeric: tabular-nums; }
.playground tr.first { font-weight: 700; }
.playground .why { border-left: 3px solid var(--jp-border-color1, #ccc); padding-left: 1em; margin: 1em 0; }
.playground .why pre { white-space: pre-wrap; overflow-wrap: anywhere; font: inherit !important; }
.playground .why .for { text-decoration: underline 2px; }
.playground .why .against { text-decoration: underline dashed 2px; }
.playground .why .strong { background: var(--jp-warn-color3, #ffe0b2); color: #000; }
</style>"""


@dataclass(frozen=True, repr=False)
class Answer:
    """What models make of a message; shown as text, and as HTML in notebooks.

    Parameters
    ----------
    probabilities : pandas.DataFrame
        A row a category, a column a model.
    highlights : dict of str to Highlight
        By model; of those that have contributions of words.
    rule : str or None
        What the rules say; None where there are none.
    nearest : pandas.DataFrame
        category, subject, body and similarity (cosine) of the nearest chats.
    """

    probabilities: pd.DataFrame
    highlights: dict[str, Highlight]
    rule: str | None
    nearest: pd.DataFrame

    def __repr__(self):
        shown = self._shown().map("{:.0%}".format).to_string()
        parts = [shown, *map(repr, self.highlights.values()), self.rule]
        nearest = (
            self.nearest[["category", "message", "similarity"]].to_string(index=False) if len(self.nearest) else ""
        )
        return "\n\n".join(filter(None, [*parts, nearest]))

    def _repr_html_(self):
        names = "".join(f"<th colspan='2'>{escape(name)}</th>" for name in self.probabilities)
        head = f"<tr><th></th>{names}</tr>" if len(self.probabilities.columns) > 1 else ""
        body = "".join(
            f"<tr{' class=first' if place == 0 else ''}><td>{escape(str(category))}</td>"
            + "".join(
                f"<td class='value'>{value:.0%}</td><td class='bar'><div style='width:{value:.1%}'></div></td>"
                for value in row
            )
            + "</tr>"
            for place, (category, row) in enumerate(zip(self._shown().index, self._shown().to_numpy(), strict=True))
        )
        why = "".join(
            (f"<p>{escape(name)}</p>" if len(self.highlights) > 1 else "") + one._repr_html_()
            for name, one in self.highlights.items()
        )
        rule = f"<p>{escape(self.rule)}</p>" if self.rule else ""
        rows = "".join(
            f"<tr><td class='value'>{row.similarity:.2f}</td><td>{escape(str(row.category))}</td>"
            f"<td>{escape(row.message)}</td></tr>"
            for row in self.nearest.itertuples()
        )
        nearest = f"<p>Nearest chats</p><table>{rows}</table>" if rows else ""
        return f"{STYLE}<div class='playground'><table>{head}{body}</table>{why}{rule}{nearest}</div>"

    def _shown(self):
        """The likeliest categories, by the first model."""
        order = self.probabilities.sort_values(list(self.probabilities.columns), ascending=False, kind="stable")
        return order.head(SHOWN)


class Playground:
    """Fields for a subject and a body; what models make of them changes as one types.

    Where no kernel is behind the page, an exported one for example, the last answer stands in its place.

    Parameters
    ----------
    models : sklearn.pipeline.Pipeline, or dict of str to Pipeline
        Fitted, from `make_pipeline` or `load_model`; of several each has a column.
    chats : pandas.DataFrame, optional
        With subject, body and category: where the nearest chats come from, such as the training chats.
    rules : list of (str, str), optional
        From `chatkit.model.rules.read_rules`.
    edits : dict of str to str, optional
        Words and what they become, a button each: what if it said found, and not lost?
    subject, body : str, default=""
        To begin with.

    Examples
    --------
    >>> from chatkit import make_pipeline
    >>> chats = pd.DataFrame({"subject": ["Lost", "Hours"] * 9, "body": ["my card", "open when"] * 9})
    >>> model = make_pipeline("linear_svc").fit(chats, ["urgent", "other"] * 9)
    >>> Playground(model).answer("Lost my card", "").probabilities.round(1)
            model
    other     0.0
    urgent    1.0
    """

    def __init__(self, models, chats=None, rules=None, edits=None, subject="", body=""):
        self.models = models if isinstance(models, Mapping) else {"model": models}
        for name, model in self.models.items():
            if not hasattr(model, "predict_proba"):
                raise InputError(f"Got {name} without probabilities, expected a fitted model that has some.")
        self.rules, self.edits = rules, edits or {"lost": "found", "found": "lost"}
        if chats is not None:
            chats = as_frame(chats).reset_index(drop=True)
            chats[MESSAGE] = chats[MESSAGE].astype(object).fillna("")
        self._chats = chats
        self._vectors = None if chats is None else self._vectorize(chats[MESSAGE])
        self._fields = [
            ipywidgets.Text(subject, description="Subject", layout={"width": "40rem"}),
            ipywidgets.Textarea(body, description="Body", rows=4, layout={"width": "40rem"}),
        ]
        self._output = ipywidgets.HTML()
        buttons = [self._button(old, new) for old, new in self.edits.items()]
        self._widget = ipywidgets.VBox([*self._fields, ipywidgets.HBox(buttons), self._output])
        for field in self._fields:
            field.observe(self._update, "value")
        self._update()

    def answer(self, subject, body):
        """Ask the models about a message.

        Parameters
        ----------
        subject, body : str

        Returns
        -------
        Answer
        """
        chat = pd.DataFrame({"subject": [subject], "body": [body]})
        probabilities = pd.DataFrame(
            {name: pd.Series(model.predict_proba(chat)[0], model.classes_) for name, model in self.models.items()}
        )
        highlights = {
            name: highlight(model, {"subject": subject, "body": body})
            for name, model in self.models.items()
            if hasattr(model[-1], "word_contributions") or hasattr(model[-1], "coef_")
        }
        return Answer(probabilities.fillna(0.0), highlights, self._rule(chat), self._nearest(chat))

    def _vectorize(self, messages):
        return next(iter(self.models.values()))[:-1].transform(messages)

    def _nearest(self, chat):
        columns = ["category", "message", "similarity"]
        if self._chats is None:
            return pd.DataFrame(columns=columns)
        similarity = (self._vectors @ self._vectorize(chat).T).toarray().ravel()
        rows = np.argsort(-similarity, kind="stable")[:NEAREST]
        rows = rows[similarity[rows] > 0]
        found = self._chats.loc[rows].assign(similarity=similarity[rows])
        found["message"] = [
            mask(f"{row.subject} — {row.body}" if row.subject else row.body) for row in found.itertuples()
        ]
        return found[columns]

    def _rule(self, chat):
        if self.rules is None:
            return None
        found = matching_rule(self.rules, MessagePreprocessor().transform(chat)[0])
        return f"Rules: {found[0]}, by {found[1]}" if found else "Rules: none is found in it."

    def _button(self, old, new):
        button = ipywidgets.Button(description=f"{old} → {new}", tooltip=f"Write {new} for {old}")

        def edit(_):
            for field in self._fields:
                field.value = substitute([old], [new], field.value)

        button.on_click(edit)
        return button

    def _update(self, _=None):
        self._answer = self.answer(*(field.value for field in self._fields))
        self._output.value = self._answer._repr_html_()

    def _repr_mimebundle_(self, **_):
        # A page that cannot show the widget shows the HTML.
        shown = {"text/plain": repr(self._answer), "text/html": self._answer._repr_html_()}
        return self._widget._repr_mimebundle_() | shown
