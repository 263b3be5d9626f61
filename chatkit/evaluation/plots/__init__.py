"""Figures from tidy frames, each with a sentence for who cannot see it; one function each, for use in any notebook."""

from importlib import import_module

__all__ = [
    "alt_text", "chats_per_week", "class_shares", "complexity", "confusion_change", "confusion_matrix",
    "cost_curve", "coverage_risk", "daily_confidence", "daily_latency", "daily_shares", "describe",
    "learning_curve", "minutes_to_answer", "notebook_style", "per_class", "perturbations", "slice_scores",
    "staffing", "top_words", "weekly_corrections",
]  # fmt: skip

_HOME = {
    "alt_text": "chatkit.evaluation.plots.style",
    "chats_per_week": "chatkit.evaluation.plots.chats",
    "class_shares": "chatkit.evaluation.plots.chats",
    "complexity": "chatkit.evaluation.plots.curves",
    "confusion_change": "chatkit.evaluation.plots.comparison",
    "confusion_matrix": "chatkit.evaluation.plots.scores",
    "cost_curve": "chatkit.evaluation.plots.decide",
    "coverage_risk": "chatkit.evaluation.plots.decide",
    "daily_confidence": "chatkit.evaluation.plots.monitoring",
    "daily_latency": "chatkit.evaluation.plots.monitoring",
    "daily_shares": "chatkit.evaluation.plots.monitoring",
    "describe": "chatkit.evaluation.plots.style",
    "learning_curve": "chatkit.evaluation.plots.curves",
    "minutes_to_answer": "chatkit.evaluation.plots.triage",
    "notebook_style": "chatkit.evaluation.plots.style",
    "per_class": "chatkit.evaluation.plots.scores",
    "perturbations": "chatkit.evaluation.plots.edits",
    "slice_scores": "chatkit.evaluation.plots.slices",
    "staffing": "chatkit.evaluation.plots.triage",
    "top_words": "chatkit.evaluation.plots.scores",
    "weekly_corrections": "chatkit.evaluation.plots.monitoring",
}


def __getattr__(name):
    # On first use: who draws one figure need not read the code of all.
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__():
    return sorted({*globals(), *__all__})
