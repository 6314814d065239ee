"""Algorithms that learn from a dataset, and the loop that they share."""
