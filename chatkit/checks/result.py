"""What a check of a model or an alarm at work says: one result, one set of statuses, one report."""

from dataclasses import dataclass, field
from html import escape
from typing import ClassVar

import pandas as pd

STATUSES = {"fail": "fail", "warn": "warning", "not_run": "not run", "pass": "pass"}  # in words, the worst first
ALARM_STATUSES = STATUSES | {"fail": "ALARM", "pass": "ok"}
_SIGNS = {"fail": "✗", "warn": "!", "not_run": "–", "pass": "✓"}


class NotRunError(Exception):
    """A check or an alarm cannot say anything about what it was given; the text says why."""


@dataclass(frozen=True)
class Result:
    """The answer of a check or an alarm.

    Parameters
    ----------
    status : {"pass", "warn", "fail", "not_run"}
    explanation : str
        One to three sentences with the numbers; why, where it was not run.
    statistic : float or None
        What was measured.
    interval : tuple of float or None
        Low and high end of the statistic: 98 % of a check, 95 % of an alarm.
    p_value : float or None
        Probability of what was measured, or of something more extreme, if there were nothing to find.
    threshold : float or None
        What was compared with: the p-value of an alarm that has one, else the statistic or an end of its interval.
    evidence : list of dict
        A few rows that show it, messages masked.
    """

    status: str
    explanation: str
    statistic: float | None = None
    interval: tuple | None = None
    p_value: float | None = None
    threshold: float | None = None
    evidence: list = field(default_factory=list)

    def to_record(self):
        """Return what can be written as JSON; without the evidence, which holds messages.

        Returns
        -------
        dict
        """
        return {
            "status": self.status,
            "statistic": _rounded(self.statistic),
            "p_value": _rounded(self.p_value),
            "threshold": self.threshold,
            "interval": self.interval and [*map(_rounded, self.interval)],
            "explanation": self.explanation,
        }


def result_of(check, *arguments):
    """Call a check or an alarm; where it cannot say anything the result is "not_run", with the reason."""
    try:
        return check(*arguments)
    except NotRunError as reason:
        return Result("not_run", str(reason))


def worst_first(records, words=STATUSES):
    """Order the records of results, the worst first, and say each status in a word.

    Parameters
    ----------
    records : list of dict
        From `Report.to_records`, or read from a file, where something may be missing.
    words : dict of str to str, default=`STATUSES`
        By status, the worst first.

    Returns
    -------
    list of dict
        The records, each with its status in a word under ``word``.

    Examples
    --------
    >>> [record["word"] for record in worst_first([{"status": "pass"}, {"status": "warn"}, {}])]
    ['not known', 'warning', 'pass']
    """
    unknown = {"status": "", "code": "", "title": "A check without a title", "explanation": ""}
    records = [unknown | record | {"word": words.get(record.get("status"), "not known")} for record in records]
    return sorted(records, key=lambda record: ["not known", *words.values()].index(record["word"]))


@dataclass(frozen=True, repr=False)
class Report:
    """Results by code, as a board and a text in a notebook.

    Parameters
    ----------
    results : dict of str to Result
    """

    results: dict
    about: ClassVar[dict] = {}  # by code, what has TITLE, SEVERITY, LEAKAGE and ADVICE
    words: ClassVar[dict] = STATUSES
    kind: ClassVar[str] = "check"

    @property
    def alarms(self):
        """How many checks warn or fail."""
        return sum(result.status in ("warn", "fail") for result in self.results.values())

    def to_records(self):
        """Return one dict a check, ready for JSON; without the evidence, which holds messages.

        Returns
        -------
        list of dict
            code, title, severity (None for an alarm), and the fields of `Result`.
        """
        return [
            {"code": code, "title": self._about(code, "TITLE") or code, "severity": self._about(code, "SEVERITY")}
            | result.to_record()
            for code, result in self.results.items()
        ]

    def to_metrics(self):
        """Return status and statistic by code: what `dvc metrics diff` compares.

        Returns
        -------
        dict of str to dict
        """
        return {row["code"]: {"status": row["status"], "statistic": row["statistic"]} for row in self.to_records()}

    def __repr__(self):
        return "\n".join(f"{row['status']:8}{row['title']}: {row['explanation']}" for row in self.to_records())

    def _repr_html_(self):
        rows = self.to_records()
        board = "".join(
            f"<tr><th scope='row'>{escape(row['title'])}</th><td class='{row['status']}'>{_SIGNS[row['status']]} "
            f"{self.words[row['status']]}</td></tr>"
            for row in rows
        )
        return (
            f"<table class='checks'><thead><tr><th scope='col'>{self.kind}</th><th scope='col'>status</th></tr></thead>"
            f"<tbody>{board}</tbody></table>" + "".join(map(self._details, worst_first(rows, self.words)))
        )

    def _details(self, row):
        """What was found, why, and what to do about it."""
        advice, leak, table = self._about(row["code"], "ADVICE"), self._about(row["code"], "LEAKAGE"), ""
        is_alarm = row["status"] in ("warn", "fail")
        leak = f" Kind of leak: {escape(leak)}." if leak and is_alarm else ""
        advice = f"<p><strong>What to do:</strong> {escape(advice)}</p>" if advice and is_alarm else ""
        if evidence := self.results[row["code"]].evidence:
            table = pd.DataFrame(evidence).to_html(index=False, border=0, na_rep="", classes="evidence")
        return (
            f"<details{' open' if is_alarm else ''}><summary>{escape(row['title'])}: {row['word']}</summary>"
            f"<p>{escape(row['explanation'])}{leak}</p>{advice}{table}</details>"
        )

    def _about(self, code, name):
        return getattr(self.about.get(code), name, None)


def _rounded(value):
    # Six digits are more than any check knows, and the last ones differ between processors.
    return None if value is None else round(float(value), 6)
