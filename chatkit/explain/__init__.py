"""Explanations of predictions: contributions of words, and what happens when words change."""
