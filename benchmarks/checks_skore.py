"""The same faults, looked at by skore's checks: writes checks_skore.json, which `benchmarks.checks` puts beside ours.

    pip install skore
    python -m benchmarks.checks_skore [--clean 20] [--runs 10]

skore looks at tables: it gets subject, body and created_at as they are, and a model that is already trained.
"""

import argparse
import json
import sys
import warnings

import numpy as np
from joblib import Parallel, delayed
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.metaestimators import available_if

from benchmarks import checks as ours
from chatkit.checks.run import Run

FILE = ours.ROOT / "benchmarks/checks_skore.json"
COLUMNS = [*ours.MESSAGE, "created_at"]


class Trained(ClassifierMixin, BaseEstimator):
    """A trained model in the form that skore takes: one that it may fit, which changes nothing."""

    def __init__(self, run):
        self.run = run

    def __sklearn_clone__(self):
        return Trained(self.run)

    def fit(self, X, y):
        """Name the categories."""
        self.classes_ = self.run.classes
        return self

    def predict(self, X):
        """Predict from subject and body."""
        return self.run.pipeline.predict(self.run.messages(X))

    @available_if(lambda self: hasattr(self.run.pipeline, "predict_proba"))
    def predict_proba(self, X):
        """Probabilities, where the model has some."""
        return self.run.pipeline.predict_proba(self.run.messages(X))


def one(plant, dose, seed):
    """Plant, and return the codes of skore's checks that found an issue."""
    from skore import EstimatorReport

    fitted, train, test, _ = plant(*ours.simulated(seed), dose, np.random.default_rng(seed))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of categories that are never predicted
        report = EstimatorReport(
            Trained(Run(fitted, train, test)),
            X_train=train[COLUMNS], y_train=train["category"], X_test=test[COLUMNS], y_test=test["category"],
        )  # fmt: skip
        found = report.checks.summarize().frame()
    return sorted(found.loc[found["section"] == "issue", "code"])


def main(clean, runs, jobs):
    """Run everything and write the records."""
    cells = [(ours.clean, None, clean), *((plant, doses[-1], runs) for plant, doses in ours.PLANTS.items())]
    records = []
    for plant, dose, count in cells:
        found = Parallel(n_jobs=jobs)(delayed(one)(plant, dose, ours.FIRST_SEED + number) for number in range(count))
        name = None if plant is ours.clean else plant.__name__
        for code in ["suite", *sorted({code for codes in found for code in codes})]:
            alarms = sum(bool(codes) if code == "suite" else code in codes for codes in found)
            records.append(
                {"check": code, "plant": name, "dose": dose, "set": "simulated", "runs": count, "alarms": alarms}
            )
        print(records[-1], flush=True)
    FILE.write_text(json.dumps(records, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clean", type=int, default=20, help="clean draws")
    parser.add_argument("--runs", type=int, default=10, help="runs of each fault at its documented dose")
    parser.add_argument("--jobs", type=int, default=2)
    given = parser.parse_args()
    try:
        import skore  # noqa: F401 - only whether it is there
    except ImportError:
        sys.exit(
            "benchmarks.checks_skore needs skore, which is not in this environment; run `pip install skore` first."
        )
    main(given.clean, given.runs, given.jobs)
