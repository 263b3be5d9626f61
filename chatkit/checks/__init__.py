"""Overfitting and leakage checks: one check a module, run together by `run_checks`."""

from importlib import import_module

__all__ = ["CheckReport", "checked_gate", "run_checks"]

_HOME = {
    "CheckReport": "chatkit.checks.suite",
    "checked_gate": "chatkit.checks.suite",
    "run_checks": "chatkit.checks.suite",
}


def __getattr__(name):
    # On first use: what a check finds is shown, and masked, where no check runs.
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__():
    return sorted({*globals(), *__all__})
