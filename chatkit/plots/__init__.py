"""Figures from tidy frames, each with a sentence for who cannot see it; one function each, for use in any notebook."""

from importlib import import_module

__all__ = [
    "alt_text", "chat_map", "chats_per_week", "class_shares", "complexity", "confusion_change", "confusion_matrix",
    "cost_curve", "coverage_risk", "daily_confidence", "daily_latency", "daily_shares", "describe",
    "learning_curve", "minutes_to_answer", "notebook_style", "numbers", "per_class", "perturbations", "slice_scores",
    "staffing", "top_words", "weekly_corrections",
]  # fmt: skip

_HOME = {
    "alt_text": "chatkit.plots.style",
    "chat_map": "chatkit.plots.map",
    "chats_per_week": "chatkit.plots.chats",
    "class_shares": "chatkit.plots.chats",
    "complexity": "chatkit.plots.curves",
    "confusion_change": "chatkit.plots.confusion",
    "confusion_matrix": "chatkit.plots.confusion",
    "cost_curve": "chatkit.plots.thresholds",
    "coverage_risk": "chatkit.plots.thresholds",
    "daily_confidence": "chatkit.plots.monitoring",
    "daily_latency": "chatkit.plots.monitoring",
    "daily_shares": "chatkit.plots.monitoring",
    "describe": "chatkit.plots.style",
    "learning_curve": "chatkit.plots.curves",
    "minutes_to_answer": "chatkit.plots.triage",
    "notebook_style": "chatkit.plots.style",
    "numbers": "chatkit.plots.style",
    "per_class": "chatkit.plots.scores",
    "perturbations": "chatkit.plots.edits",
    "slice_scores": "chatkit.plots.slices",
    "staffing": "chatkit.plots.triage",
    "top_words": "chatkit.plots.scores",
    "weekly_corrections": "chatkit.plots.monitoring",
}


def __getattr__(name):
    # On first use: who draws one figure need not read the code of all.
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__():
    return sorted({*globals(), *__all__})
