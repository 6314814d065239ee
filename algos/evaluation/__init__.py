"""Trained policies: loading them, their win rates, their replays and curves, and the zoo of those that ship."""
