"""Algorithms that learn by acting."""
