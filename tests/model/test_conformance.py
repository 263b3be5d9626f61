"""`make conformance` sees what differs: a short version, and faults planted into it."""

import subprocess
import sys

from tests.conftest import ROOT

TEXT, DUMMY = "sklearn.feature_extraction.tests.test_text", "sklearn.tests.test_dummy"
FAULT = "from benchmarks import conformance, stand_ins\n{}\nconformance.main()"


def conformance(*suites, fault=""):
    """Run suites in a process of their own, with a fault in it; return its exit code and what it printed."""
    command = ("-c", FAULT.format(fault)) if fault else ("-m", "benchmarks.conformance")
    done = subprocess.run(
        [sys.executable, *command, *suites], cwd=ROOT, capture_output=True, text=True, check=False
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def test_vectorizers_differ_as_listed():
    """scikit-learn's tests of its vectorizers, with ours in their place."""
    code, printed = conformance(TEXT)
    assert code == 0, printed
    row = next(line for line in printed.splitlines() if line.startswith(f"| {TEXT}"))
    _, run, passed, _, different, failed = (part.strip() for part in row.strip("|").split("|"))
    assert int(run) > 100
    assert int(passed) > 15
    assert (different, failed) == ("5", "0")


def test_faults_are_seen():
    """Another prediction, a difference that is none, one that is nowhere."""
    listed = {name: {"fails with": "", "because": "y"} for name in ("test_classification_sample_weight", "test_gone")}
    code, printed = conformance(
        DUMMY,
        fault=f"conformance.YAML.load = lambda *_: {{'{DUMMY}': {listed}}}\n"
        "stand_ins.Dummy.predict = lambda self, X: self.classes_[:1].repeat(len(X))",
    )
    assert code == 1
    assert "AssertionError" in printed
    assert "test_classification_sample_weight is listed as a difference, but is passed" in printed
    assert "test_gone is listed as a difference, but was not run" in printed


def test_a_stand_in_that_nothing_fits_is_no_success():
    """As if a later scikit-learn took its classes from elsewhere."""
    code, printed = conformance(DUMMY, fault="stand_ins.Dummy.fit = stand_ins.rules.DummyClassifier.fit")
    assert code == 1
    assert "expected some to pass" in printed
