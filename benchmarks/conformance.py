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
        self.differences, self.met = differences, set()
        self.counts, self.reasons, self.wrong = Counter(), Counter(), []

    def pytest_runtest_setup(self):
        fits.clear()

    def pytest_runtest_logreport(self, report):
        if not (report.when == "call" or report.skipped or report.failed):
            return
        name = report.nodeid.rsplit("::", 1)[-1]
        listed = next(
            (entry for entry in self.differences if fnmatch(name, entry) or name.split("[")[0] == entry), None
        )
        if report.skipped:
            reason = str(report.longrepr[2]).removeprefix("Skipped: ")
            outcome = "not applicable"
            self.reasons[reason.removeprefix(NOT_OURS) if NOT_OURS in reason else "skipped there, too"] += 1
        elif not fits and report.passed:
            outcome = "not applicable"
            self.reasons["fits nothing of chatkit"] += 1
        elif report.passed:
            outcome = "passed"
            if listed:
                self.wrong.append(f"{report.nodeid} passes, but is listed as a difference")
        elif listed and self.differences[listed]["fails with"] in report.longreprtext:
            outcome = "different on purpose"
        else:
            outcome = "failed"
            self.wrong.append(f"{report.nodeid}\n{report.longreprtext[-1500:]}")
        if listed:
            self.met.add(listed)
        self.counts[outcome] += 1


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
        judge.wrong.append(
            f"{suite}: pytest ended with {code!r} after {judge.counts.total()} tests, expected some to pass"
        )
    judge.wrong += [
        f"{suite}: {name} is listed as a difference, but was not run" for name in {*differences} - judge.met
    ]
    return judge


def main():
    """Run the suites that are named, or all; exit code 1 where something differs that should not."""
    names = sys.argv[1:] or list(SUITES)
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
