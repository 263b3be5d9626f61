"""Run scikit-learn's and XGBoost's own tests, as they are installed, on chatkit's estimators in the place of theirs.

    python -m benchmarks.conformance [SUITE ...]

A suite is a module of tests and what stands in for what. A test is *not applicable* when it asks for an option that
chatkit does not have, or never fits what stands in. What chatkit does otherwise on purpose stands in conformance.yaml,
with its reason: such a test must fail, and with what is written there. Any other failure, and a listed test that
passes, ends with exit code 1.
With all suites the counts go into docs/conformance.md.
"""

import os
import sys
import tempfile
from collections import Counter
from fnmatch import fnmatch
from importlib.metadata import version
from pathlib import Path

import pytest
import xgboost
from ruamel.yaml import YAML
from sklearn import dummy, linear_model, svm
from sklearn.feature_extraction import text
from sklearn.linear_model import _logistic

from benchmarks.stand_ins import NOT_OURS, Both, Counts, Dummy, Line, LogisticRegression, Weights, fits

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "conformance.md"
# Module of tests, and where something stands in for what.
SUITES = {
    "sklearn.feature_extraction.tests.test_text": {
        (text, "CountVectorizer"): Counts, (text, "TfidfTransformer"): Weights, (text, "TfidfVectorizer"): Both,
    },
    "sklearn.svm.tests.test_svm": {(svm, "LinearSVC"): Line},
    "sklearn.linear_model.tests.test_logistic": {
        (_logistic, "LogisticRegression"): LogisticRegression, (linear_model, "LogisticRegression"): LogisticRegression,
    },
    "sklearn.tests.test_dummy": {(dummy, "DummyClassifier"): Dummy},
    "benchmarks.estimator_checks": {},
}  # fmt: skip


class Judge:
    """A pytest plugin: what became of each test."""

    def __init__(self, differences):
        self.differences, self.met, self.fitted = differences, set(), set()
        self.counts, self.reasons, self.wrong = Counter(), Counter(), []

    def pytest_runtest_setup(self):
        fits.clear()

    def pytest_runtest_logreport(self, report):
        if not (report.when == "call" or report.skipped or report.failed):
            return
        name = report.nodeid.rsplit("::", 1)[-1]
        listed = [entry for entry in self.differences if fnmatch(name, entry) or name.split("[")[0] == entry]
        self.met.update(listed)
        self.fitted.update(fits)
        outcome, reason = "not applicable", None
        if report.skipped:
            reason = "expected to fail there" if hasattr(report, "wasxfail") else str(report.longrepr[2])
            reason = reason.split(NOT_OURS)[1] if NOT_OURS in reason else "skipped there, too"
        elif report.passed:
            outcome, reason = ("passed", None) if fits else (outcome, "fits nothing of chatkit")
        elif listed and all(self.differences[entry]["fails with"] in report.longreprtext for entry in listed):
            outcome = "different on purpose"
        else:
            outcome = "failed"
            self.wrong.append(f"{report.nodeid}\n{report.longreprtext[-1500:]}")
        if listed and (outcome == "passed" or (report.skipped and NOT_OURS not in str(report.longrepr))):
            self.wrong.append(f"{report.nodeid} is listed as a difference, but is {outcome}")
        self.counts[outcome] += 1
        self.reasons.update([reason] if reason else [])


def run(suite, differences):
    """Run the tests of a module with what stands in; return the plugin with what became of them."""
    judge, before = Judge(differences), {place: getattr(*place) for place in SUITES[suite]}
    for (module, name), kind in SUITES[suite].items():
        setattr(module, name, kind)
    try:
        with tempfile.TemporaryDirectory() as folder:
            options = ["--pyargs", suite, "--rootdir", folder, "-c", os.devnull, "-p", "no:cacheprovider", "-p",
                       "no:xdist", "-qq", "--no-header", "--no-summary", "-W", "ignore"]  # fmt: skip
            code = pytest.main(options, plugins=[judge])
    finally:
        for (module, name), kind in before.items():
            setattr(module, name, kind)
    if code not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED) or not judge.counts["passed"]:
        total = judge.counts.total()
        judge.wrong.append(f"{suite}: pytest ended with {code!r} after {total} tests, expected some to pass")
    unused = {*SUITES[suite].values()} - judge.fitted
    judge.wrong += [f"{suite}: no test fits {kind.__name__}, expected some to" for kind in unused]
    judge.wrong += [
        f"{suite}: {name} is listed as a difference, but was not run" for name in {*differences} - judge.met
    ]
    return judge


def main():
    """Run the suites that are named, or all; exit code 1 where something differs that should not."""
    names = sys.argv[1:] or list(SUITES)
    if unknown := {*names} - {*SUITES}:
        sys.exit(f"Got the suite {min(unknown)!r}, expected some of {', '.join(SUITES)}.")
    differences = YAML(typ="safe").load(Path(__file__).with_suffix(".yaml"))
    judges = {name: run(name, differences.get(name, {})) for name in names}
    wrong = [line for judge in judges.values() for line in judge.wrong]
    outcomes = ("passed", "not applicable", "different on purpose", "failed")
    rows = [f"| Tests | run | {' | '.join(outcomes)} |", f"|---|{'---:|' * (1 + len(outcomes))}"]
    for name, judge in judges.items():
        numbers = [judge.counts.total(), *(judge.counts[outcome] for outcome in outcomes)]
        rows.append(f"| {name} | {' | '.join(map(str, numbers))} |")
    print("\n".join([*rows, "", *wrong]))
    if not wrong and len(names) == len(SUITES):
        PAGE.write_text(page(rows, judges, differences))
    sys.exit(bool(wrong))


def page(rows, judges, differences):
    """Return the page as Markdown."""
    versions = f"scikit-learn {version('scikit-learn')} and XGBoost {xgboost.__version__}"
    opening = (
        f"`make conformance` runs the tests that {versions} carry along, on chatkit's estimators in the place of theirs: "
        "`benchmarks/stand_ins.py` has what stands in. It fails on any difference that is not listed here."
    )
    lines = ["# The tests of others", "", opening, "", *rows, "", "## Different on purpose", ""]
    for name in judges:
        lines += [f"- `{test}`: {entry['because']}" for test, entry in differences.get(name, {}).items()]
    lines += ["", "## Not applicable", "", "| Tests | because | how many |", "|---|---|---:|"]
    for name, judge in judges.items():
        lines += [f"| {name} | {reason} | {count} |" for reason, count in judge.reasons.most_common()]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
