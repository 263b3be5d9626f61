"""Overfitting and leakage checks: one check a module, run together by `run_checks`."""

from chatkit.evaluation.checks.run import CheckReport, checked_gate, run_checks

__all__ = ["CheckReport", "checked_gate", "run_checks"]
