"""Figures from tidy frames, each with a sentence for who cannot see it; one function each, for use in any notebook."""

from chatkit.evaluation.plots.chats import chats_per_week, class_shares
from chatkit.evaluation.plots.curves import complexity, learning_curve
from chatkit.evaluation.plots.perturbations import perturbations
from chatkit.evaluation.plots.scores import confusion_matrix, per_class, top_words
from chatkit.evaluation.plots.style import alt_text, describe, notebook_style

__all__ = [
    "alt_text", "chats_per_week", "class_shares", "complexity", "confusion_matrix", "describe", "learning_curve",
    "notebook_style", "per_class", "perturbations", "top_words",
]  # fmt: skip
