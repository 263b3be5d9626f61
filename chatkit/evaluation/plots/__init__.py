"""Figures from tidy frames, each with a sentence for who cannot see it; one function each, for use in any notebook."""

from chatkit.evaluation.plots.chats import chats_per_week, class_shares
from chatkit.evaluation.plots.comparison import confusion_change
from chatkit.evaluation.plots.curves import complexity, learning_curve
from chatkit.evaluation.plots.decide import cost_curve, coverage_risk
from chatkit.evaluation.plots.monitoring import daily_confidence, daily_latency, daily_shares, weekly_corrections
from chatkit.evaluation.plots.perturbations import perturbations
from chatkit.evaluation.plots.scores import confusion_matrix, per_class, top_words
from chatkit.evaluation.plots.slices import slice_scores
from chatkit.evaluation.plots.style import alt_text, describe, notebook_style
from chatkit.evaluation.plots.triage import minutes_to_answer, staffing

__all__ = [
    "alt_text", "chats_per_week", "class_shares", "complexity", "confusion_change", "confusion_matrix",
    "cost_curve", "coverage_risk", "daily_confidence", "daily_latency", "daily_shares", "describe",
    "learning_curve", "minutes_to_answer", "notebook_style", "per_class", "perturbations", "slice_scores",
    "staffing", "top_words", "weekly_corrections",
]  # fmt: skip
