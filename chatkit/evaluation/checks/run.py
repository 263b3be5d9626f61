"""Run all checks on one model."""

from dataclasses import dataclass
from html import escape

import pandas as pd

from chatkit.evaluation.checks import duplicates, groups, signal, simple
from chatkit.evaluation.checks.result import NotRunError, Result, Run

CHECKS = {"duplicates": duplicates, "groups": groups, "signal": signal, "simple": simple}
THRESHOLDS = {"duplicates": 0.005, "groups": 0.0, "signal": 0.01, "simple": 0.0}


@dataclass(frozen=True)
class CheckReport:
    """The results of all checks, as a table in a notebook.

    Parameters
    ----------
    results : dict of str to Result
        By check code.
    """

    results: dict

    def to_frame(self):
        """Return one row a check.

        Returns
        -------
        pandas.DataFrame
            code, title, status, statistic, threshold, explanation.
        """
        return pd.DataFrame(self.to_records())

    def to_records(self):
        """Return one dict a check, ready for JSON.

        Returns
        -------
        list of dict
        """
        return [{"code": code, "title": CHECKS[code].TITLE, **vars(result)} for code, result in self.results.items()]

    def __str__(self):
        return "\n".join(f"{row['status']:8}{row['title']}: {row['explanation']}" for row in self.to_records())

    def _repr_html_(self):
        rows = "".join(
            f"<tr><th scope='row'>{escape(row['title'])}</th><td>{row['status'].replace('_', ' ')}</td>"
            f"<td>{escape(row['explanation'])}</td></tr>"
            for row in self.to_records()
        )
        return (
            "<table class='checks'><thead><tr><th scope='col'>check</th><th scope='col'>status</th>"
            f"<th scope='col'>what was found</th></tr></thead><tbody>{rows}</tbody></table>"
        )


def run_checks(pipeline, train, test, thresholds=None, seed=0):
    """Check a fitted text classifier for leaks and overfitting.

    Parameters
    ----------
    pipeline : sklearn.pipeline.Pipeline
        Fitted on a frame with subject and body.
    train, test : pandas.DataFrame
        With subject, body and category; conversation_id and created_at when there are any.
    thresholds : dict of str to float, optional
        By check code; those left out keep their defaults.
    seed : int, default=0
        Seed of the permutations and the bootstrap.

    Returns
    -------
    CheckReport
        A check that cannot run has the status not_run and says why.

    Raises
    ------
    ValueError
        When a threshold is given for a check that does not exist.
    """
    unknown = sorted(set(thresholds or {}) - set(CHECKS))
    if unknown:
        raise ValueError(f"Got a threshold for {unknown[0]!r}, expected checks among {', '.join(CHECKS)}.")
    run = Run(pipeline, train, test, THRESHOLDS | dict(thresholds or {}), seed)
    results = {}
    for code, module in CHECKS.items():
        try:
            results[code] = module.check(run)
        except NotRunError as reason:
            results[code] = Result(None, None, "not_run", str(reason))
    return CheckReport(results)
