"""How good a model is, and whether its scores can be believed."""
