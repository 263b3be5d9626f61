"""The report pages: executed notebooks, the overview, the model card, the comparison of two revisions."""
