"""A model at work: what it says day by day, and whether it is still to be trusted."""
