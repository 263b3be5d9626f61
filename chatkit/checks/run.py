"""Run all checks on one model."""

from dataclasses import dataclass
from html import escape

import pandas as pd
from threadpoolctl import threadpool_limits

from chatkit.checks import (
    calibration,
    complexity,
    drift,
    duplicates,
    groups,
    labels,
    leak_tokens,
    rounds,
    scrambled_labels,
    signal,
    simple,
    time_order,
)
from chatkit.checks.given import (
    checked_chats,
    checked_codes,
    checked_seed,
    checked_thresholds,
    refuse_other_categories,
)
from chatkit.checks.result import NotRunError, Result, Run
from chatkit.project import InputError

CHECKS = {
    "duplicates": duplicates,
    "groups": groups,
    "time_order": time_order,
    "leak_tokens": leak_tokens,
    "scrambled_labels": scrambled_labels,
    "signal": signal,
    "simple": simple,
    "complexity": complexity,
    "rounds": rounds,
    "labels": labels,
    "drift": drift,
    "calibration": calibration,
}
THRESHOLDS = {
    "duplicates": 0.005,
    "groups": 0.0,
    "time_order": 0.02,
    "leak_tokens": 0.65,
    "scrambled_labels": 0.02,
    "signal": 0.01,
    "simple": 0.0,
    "complexity": 0.05,
    "rounds": 0.05,
    "labels": 0.25,
    "drift": 0.6,
    "calibration": 0.06,
}
WORST_FIRST = ("fail", "warn", "not_run", "pass")
_SIGNS = {"pass": "✓", "warn": "!", "fail": "✗", "not_run": "–"}


@dataclass(frozen=True)
class CheckReport:
    """The results of all checks, as a board and a text in a notebook.

    Parameters
    ----------
    results : dict of str to Result
        By check code.
    """

    results: dict

    @property
    def status(self):
        """The worst status: fail before warn before not_run before pass."""
        found = {result.status for result in self.results.values()}
        return next(status for status in WORST_FIRST if status in found)

    @property
    def alarms(self):
        """How many checks warn or fail."""
        return sum(result.status in ("warn", "fail") for result in self.results.values())

    def gate(self, mode):
        """Stop where a check failed.

        Parameters
        ----------
        mode : {"fail", "warn"}
            ``fail`` raises, ``warn`` does nothing.

        Raises
        ------
        InputError
            When a check failed and `mode` is "fail", or `mode` is neither.
        """
        failed = [code for code, result in self.results.items() if result.status == "fail"]
        if checked_gate(mode) == "fail" and failed:
            raise InputError(
                f"The checks {', '.join(failed)} failed; read what they found, mend it, or set "
                "overfitting.gate to 'warn'."
            )

    def to_frame(self):
        """Return one row a check.

        Returns
        -------
        pandas.DataFrame
            code, title, status, statistic, threshold, explanation.
        """
        columns = ["code", "title", "status", "statistic", "threshold", "explanation"]
        return pd.DataFrame(self.to_records())[columns]

    def to_records(self):
        """Return one dict a check, ready for JSON; without the evidence, which holds messages.

        Returns
        -------
        list of dict
        """
        return [
            {
                "code": code,
                "title": CHECKS[code].TITLE,
                "severity": CHECKS[code].SEVERITY,
                "status": result.status,
                "statistic": _rounded(result.statistic),
                "threshold": result.threshold,
                "interval": result.interval and [*map(_rounded, result.interval)],
                "explanation": result.explanation,
            }
            for code, result in self.results.items()
        ]

    def to_metrics(self):
        """Return status and statistic by check code: what `dvc metrics diff` compares.

        Returns
        -------
        dict of str to dict
        """
        return {row["code"]: {"status": row["status"], "statistic": row["statistic"]} for row in self.to_records()}

    def __str__(self):
        return "\n".join(f"{row['status']:8}{row['title']}: {row['explanation']}" for row in self.to_records())

    def _repr_html_(self):
        board = "".join(
            f"<tr><th scope='row'>{escape(CHECKS[code].TITLE)}</th><td class='{result.status}'>{_SIGNS[result.status]} "
            f"{result.status.replace('_', ' ')}</td></tr>"
            for code, result in self.results.items()
        )
        return (
            "<table class='checks'><thead><tr><th scope='col'>check</th><th scope='col'>status</th></tr></thead>"
            f"<tbody>{board}</tbody></table>"
            + "".join(_found(code, self.results[code]) for code in self._worst_first())
        )

    def _worst_first(self):
        return sorted(self.results, key=lambda code: WORST_FIRST.index(self.results[code].status))


def _rounded(value):
    # Six digits are more than any check knows, and the last ones differ between processors.
    return None if value is None else round(value, 6)


def _found(code, result):
    """What a check found, why, and what to do about it."""
    module = CHECKS[code]
    advice = f"<p><strong>What to do:</strong> {escape(module.ADVICE)}</p>" if result.status in ("warn", "fail") else ""
    leak = f" Kind of leak: {escape(module.LEAKAGE)}." if module.LEAKAGE and advice else ""
    table = ""
    if result.evidence:
        table = pd.DataFrame(result.evidence).to_html(index=False, border=0, na_rep="", classes="evidence")
    heading = f"{escape(module.TITLE)}: {result.status.replace('_', ' ')}"
    return (
        f"<details{' open' if advice else ''}><summary>{heading}</summary>"
        f"<p>{escape(result.explanation)}{leak}</p>{advice}{table}</details>"
    )


def checked_gate(mode):
    """Return what the gate is to do, or raise an InputError when it is neither "fail" nor "warn"."""
    if mode not in ("fail", "warn"):
        raise InputError(f"Got overfitting.gate={mode!r}, expected 'fail' or 'warn'.")
    return mode


def run_checks(pipeline, train, test, thresholds=None, seed=0, procedure=None, only=None):
    """Check a fitted text classifier for leaks and overfitting.

    Parameters
    ----------
    pipeline : estimator
        Any fitted scikit-learn classifier that takes a frame with subject and body, or one string a chat (subject
        and body joined).
    train, test : pandas.DataFrame
        With subject, body and category; conversation_id, customer_id and created_at when there are any.
    thresholds : dict of str to float, optional
        By check code; those left out keep their defaults.
    seed : int, default=0
        Seed of the permutations and the bootstrap.
    procedure : callable, optional
        ``procedure(train, test)`` returns categories for the test chats. Everything that leads to the model, such as
        a selection of words or a search for parameters, belongs into it: it is run with scrambled categories.
    only : list of str, optional
        Codes of the checks to run; all if not given.

    Returns
    -------
    CheckReport
        A check that cannot run has the status not_run and says why.

    Raises
    ------
    InputError
        When the classifier predicts from neither form or has no category in common with the chats; when `train` or
        `test` is no frame of chats, or empty; when a threshold is no share, the seed no whole number, or a check does
        not exist.

    References
    ----------
    S. Kapoor and A. Narayanan, "Leakage and the reproducibility crisis in machine-learning-based science", Patterns 4,
    2023.
    """
    codes, thresholds = checked_codes(only, list(CHECKS)), checked_thresholds(thresholds, list(CHECKS))
    chats = (checked_chats(side, chats) for side, chats in (("train", train), ("test", test)))
    run = Run(pipeline, *chats, THRESHOLDS | thresholds, checked_seed(seed), procedure)
    results = {}
    # Many small fits: on a machine with many cores the threads of BLAS would cost fifty times what they save.
    with threadpool_limits(1, user_api="blas"):
        refuse_other_categories(run)
        for code in codes:
            try:
                results[code] = CHECKS[code].check(run)
            except NotRunError as reason:
                results[code] = Result("not_run", None, None, str(reason))
    return CheckReport(results)
