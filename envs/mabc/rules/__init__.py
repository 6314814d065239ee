"""The rules of the game, one file a rule; `core.step_world` calls them in the game's frame order."""
