"""Write a rule, see what it catches, and keep it in ``rules.yaml``."""

import io
import re

import numpy as np
from ruamel.yaml import YAML
from ruamel.yaml.scalarstring import SingleQuotedScalarString

from chatkit.checks.run import listed
from chatkit.explore.search import Hits
from chatkit.model.rules import read_rules
from chatkit.plots import style
from chatkit.project import InputError, path, read_yaml, replacing
from chatkit.scores.table import with_interval
from chatkit.statistics import wilson


class Rule(Hits):
    """A pattern and a category: what it catches, its precision and recall, and the messages, the wrong ones first.

    Parameters
    ----------
    chats : chatkit.explore.chats.Chats
    pattern : str
        Regular expression, without regard to case; the subject is the first line.
    category : str

    Attributes
    ----------
    precision, recall : ndarray of float of shape (3,)
        Value and both ends of its 95 % interval.
    rows, frame
        See `Hits`.
    """

    def __init__(self, chats, pattern, category):
        super().__init__(chats, pattern)
        known = sorted(chats.frame["category"].unique())
        if category not in known:
            raise InputError(f"Got the category {category!r}, expected one of the chats': {listed(known)}.")
        self.category = category
        self._right = (self.frame["category"] == category).to_numpy()
        hits, chats_of_it = self._right.sum(), (chats.frame["category"] == category).sum()
        self.precision = np.array(wilson(hits, len(self.rows)))
        self.recall = np.array(wilson(hits, chats_of_it))

    def save(self, position=None, file="rules.yaml"):
        """Write the rule into a file of rules; all else in the file stays as it is, comments too.

        Parameters
        ----------
        position : int, optional
            Where it is to stand among the rules, from 1 up: the first one that matches counts. By default at the end.
        file : str, default="rules.yaml"
            From the project's root.

        Returns
        -------
        int
            Its position.

        Raises
        ------
        InputError
            When there is no such position, the rule is there already, or the file is one that cannot be added to.
        """
        file = path(file)
        source = file.read_bytes().decode("utf-8") if file.is_file() else ""
        rules = read_rules(file) if source and read_yaml(file) else []
        position = len(rules) + 1 if position is None else position
        if position not in range(1, len(rules) + 2):
            raise InputError(
                f"Got the position {position!r}, expected 1 to {len(rules) + 1}: {file.name} has {len(rules)} rules."
            )
        if (rule := (self.category, self.pattern)) in rules:
            raise InputError(
                f"{file.name} has this rule already, as number {rules.index(rule) + 1}; change one of them."
            )
        written = _with_line(source, self._line(), position - 1, len(rules))
        with replacing(file) as beside:
            beside.write_bytes(written.encode("utf-8"))
            # Read back before it takes the file's place: a file written in some other way could come out as another.
            if _read_back(beside) != [*rules[: position - 1], rule, *rules[position - 1 :]]:
                raise InputError(
                    f"{file.name} is not a list with one rule a line; write the rule there: {self._line()}"
                )
        return position

    def _line(self):
        text = io.StringIO()
        yaml = YAML()
        yaml.default_flow_style, yaml.width = True, float("inf")
        yaml.dump({"category": self.category, "pattern": SingleQuotedScalarString(self.pattern)}, text)
        return f"- {text.getvalue().strip()}"

    def _order(self):
        return np.concatenate([self.rows[~self._right], self.rows[self._right]])

    def _sentence(self):
        if not len(self.rows):
            return "Catches no chat."
        measures = ", ".join(
            f"{name} {with_interval(*values, spec='.2f')}"
            for name, values in (("precision", self.precision), ("recall", self.recall))
        )
        return f"Catches {style.chats(len(self.rows))}, {self._right.sum():,} of them {self.category}: {measures}."


def _read_back(file):
    try:
        return read_rules(file)
    except InputError:
        return None


def _with_line(source, line, position, count):
    """Put a line in front of a rule and the comments that belong to it, or at the end."""
    lines = source.splitlines(keepends=True)
    end = "\r\n" if source.endswith("\r\n") else "\n"
    at, column = len(lines), 0
    if count:
        starts = YAML().load(source).lc
        column = starts.item(0)[1] - 2
        if position < count:
            at = starts.item(position)[0]
            # The comments at the head of the file are on all rules, not on the first one.
            while position and at and not re.search(r"^\s*[^\s#]", lines[at - 1]):
                at -= 1
    before = "".join(lines[:at])
    return f"{before}{end * bool(before and not before.endswith(end))}{' ' * column}{line}{end}{''.join(lines[at:])}"


def rule_field(chats, file="rules.yaml"):
    """Write a rule in a field of a notebook, and see at each stroke what it catches; a button keeps it.

    Parameters
    ----------
    chats : chatkit.explore.chats.Chats
    file : str, default="rules.yaml"
        From the project's root.

    Returns
    -------
    ipywidgets.VBox
    """
    import ipywidgets

    wide = {"layout": ipywidgets.Layout(width="38em"), "style": {"description_width": "9em"}}
    categories = sorted(chats.frame["category"].unique())
    pattern = ipywidgets.Text(description="If a chat has", placeholder="lost .*card", **wide)
    category = ipywidgets.Dropdown(description="it is about", options=categories, **wide)
    position = ipywidgets.Text(description="as rule number", placeholder="at the end", **wide)
    button = ipywidgets.Button(description=f"Save to {file}")
    said, shown = ipywidgets.Label(), ipywidgets.HTML()

    def show(_):
        said.value = shown.value = ""
        try:
            shown.value = chats.rule(pattern.value, category.value)._repr_html_() if pattern.value else ""
        except InputError as error:
            said.value = str(error)

    def save(_):
        try:
            given = position.value.strip()
            at = chats.rule(pattern.value, category.value).save(
                int(given) if given.isdecimal() else given or None, file
            )
            said.value = f"Saved as rule {at} of {file}; `dvc repro` uses it."
        except InputError as error:
            said.value = str(error)

    for field in (pattern, category):
        field.observe(show, "value")
    button.on_click(save)
    return ipywidgets.VBox([pattern, category, position, button, said, shown])
