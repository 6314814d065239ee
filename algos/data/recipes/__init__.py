"""Recipes of the datasets that have a name here."""
