"""Interfaces: batched (native), PettingZoo and Gymnasium. Thin: no rule of the game is known here."""
