"""What is decided with the answers: thresholds, and the order of the support queue."""
