"""All checks, run together on one model."""

from typing import ClassVar

from threadpoolctl import threadpool_limits

from chatkit.checks import calibration, complexity, drift, duplicates, groups, labels  # isort: skip
from chatkit.checks import leak_tokens, rounds, scrambled_labels, signal, simple, time_order  # isort: skip
from chatkit.checks.inputs import checked_codes, checked_run, checked_thresholds
from chatkit.checks.result import Report, result_of
from chatkit.project import InputError

CHECKS = {  # in the order of the report
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


class CheckReport(Report):
    """The results of all checks, as a board and a text in a notebook.

    Parameters
    ----------
    results : dict of str to Result
        By check code.
    """

    about: ClassVar[dict] = CHECKS

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
        failed = ", ".join(code for code, result in self.results.items() if result.status == "fail")
        if checked_gate(mode) == "fail" and failed:
            raise InputError(f"The checks {failed} failed; correct what they found, or set overfitting.gate to 'warn'.")


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
        By check code; those left out keep the default of their check.
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
    codes = checked_codes(only, CHECKS)
    thresholds = {code: CHECKS[code].THRESHOLD for code in codes} | checked_thresholds(thresholds, CHECKS)
    # Many small fits: on a machine with many cores the threads of BLAS would cost fifty times what they save.
    with threadpool_limits(1, user_api="blas"):
        run = checked_run(pipeline, train, test, seed, procedure)
        return CheckReport({code: result_of(CHECKS[code].check, run, thresholds[code]) for code in codes})
