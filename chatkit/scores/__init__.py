"""How good a model is: scores with their intervals, slices, errors, baselines, comparisons."""
