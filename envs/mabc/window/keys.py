"""Keyboard and gamepads as actions of the game, 2 * move + fire."""

from __future__ import annotations

import pygame

UP, RIGHT, DOWN, LEFT = 1, 2, 3, 4
FIRE = 5

WASD = {
    pygame.K_w: UP, pygame.K_d: RIGHT, pygame.K_s: DOWN, pygame.K_a: LEFT,
    pygame.K_SPACE: FIRE, pygame.K_LCTRL: FIRE,
}  # fmt: skip
ARROWS = {
    pygame.K_UP: UP, pygame.K_RIGHT: RIGHT, pygame.K_DOWN: DOWN, pygame.K_LEFT: LEFT,
    pygame.K_RCTRL: FIRE, pygame.K_RETURN: FIRE, pygame.K_KP_ENTER: FIRE,
}  # fmt: skip
PAD_BUTTONS = {0: FIRE, 1: FIRE, 2: FIRE, 3: FIRE, 11: UP, 12: DOWN, 13: LEFT, 14: RIGHT}
"""A and its neighbours; 11 to 14 are the D-pad where the driver calls it buttons."""
PAD_START = (6, 7, 9)
"""Start or menu, by the driver's taste."""
STICK = 0.5
"""How far a stick is pushed before it counts."""


class Input:
    """One person's directions and trigger. The direction pressed last counts; a tap between two frames counts once."""

    def __init__(self) -> None:
        self._held: list[tuple[object, int]] = []  # (what is held down, its meaning), oldest first
        self._tapped: list[int] = []  # pressed since the last action()

    def press(self, source: object, meaning: int) -> None:
        """Something is held down from now on."""
        self.release(source)
        self._held.append((source, meaning))
        self._tapped.append(meaning)

    def release(self, source: object) -> None:
        """It is let go."""
        self._held = [(other, meaning) for other, meaning in self._held if other != source]

    def holds(self, source: object, meaning: int) -> bool:
        """Whether it is held down with this meaning."""
        return (source, meaning) in self._held

    def clear(self) -> None:
        """Everything is let go."""
        self._held, self._tapped = [], []

    def action(self) -> int:
        """The action of this frame."""
        wanted = [meaning for _, meaning in self._held] + self._tapped
        held = [meaning for _, meaning in self._held if meaning != FIRE]
        moves = held or [meaning for meaning in wanted if meaning != FIRE]
        self._tapped = []
        return 2 * (moves[-1] if moves else 0) + (FIRE in wanted)


class Controls:
    """All people's inputs: who is reached by which key and which gamepad.

    One person has both halves of the keyboard, and every gamepad. With more, the first two have a half each, and
    gamepads go to the last person first: with two people and one gamepad, the second may put the arrows aside.
    """

    def __init__(self, people: int) -> None:
        self.inputs = [Input() for _ in range(people)]
        halves = [WASD | ARROWS] if people == 1 else [WASD, ARROWS]
        self._keys = {key: (person, meaning) for person, half in enumerate(halves) for key, meaning in half.items()}
        self._pads: dict[int, pygame.joystick.JoystickType] = {}  # by instance id, in order of coming

    @property
    def num_pads(self) -> int:
        """Gamepads that are plugged in."""
        return len(self._pads)

    def owner(self, pad: int) -> int:
        """The person that a gamepad belongs to."""
        place = list(self._pads).index(pad)
        return (len(self.inputs) - 1 - place) % len(self.inputs)

    def handle(self, event: pygame.event.Event) -> int:
        """Take an event in; the direction, or FIRE, that a person pressed with it, or 0."""
        if event.type in (pygame.KEYDOWN, pygame.KEYUP) and event.key in self._keys:
            person, meaning = self._keys[event.key]
            return self._set(self.inputs[person], event.key, meaning, event.type == pygame.KEYDOWN)
        if event.type == pygame.WINDOWFOCUSLOST:
            self.clear()
        elif event.type == pygame.JOYDEVICEADDED:
            pad = pygame.joystick.Joystick(event.device_index)
            self._pads[pad.get_instance_id()] = pad
        elif event.type == pygame.JOYDEVICEREMOVED:
            self._pads.pop(event.instance_id, None)
            self.clear()
        elif getattr(event, "instance_id", None) in self._pads:
            return self._pad(event)
        return 0

    def _pad(self, event: pygame.event.Event) -> int:
        pad = event.instance_id
        who = self.inputs[self.owner(pad)]
        if event.type in (pygame.JOYBUTTONDOWN, pygame.JOYBUTTONUP) and event.button in PAD_BUTTONS:
            down = event.type == pygame.JOYBUTTONDOWN
            return self._set(who, (pad, "button", event.button), PAD_BUTTONS[event.button], down)
        if event.type == pygame.JOYHATMOTION:
            x, y = event.value
            across = self._axis(who, (pad, "hat", 0), x, LEFT, RIGHT)
            return self._axis(who, (pad, "hat", 1), -y, UP, DOWN) or across
        if event.type == pygame.JOYAXISMOTION and event.axis in (0, 1):
            low, high = (LEFT, RIGHT) if event.axis == 0 else (UP, DOWN)
            return self._axis(who, (pad, "stick", event.axis), event.value, low, high)
        return 0

    def _axis(self, who: Input, source: tuple, value: float, low: int, high: int) -> int:
        """One axis of a stick or a D-pad: a direction for each end. A stick that trembles is not a new press."""
        wanted = low if value < -STICK else high if value > STICK else 0
        if who.holds(source, wanted):
            return 0
        return self._set(who, source, wanted, wanted != 0)

    @staticmethod
    def _set(who: Input, source: object, meaning: int, down: bool) -> int:
        if down:
            who.press(source, meaning)
        else:
            who.release(source)
        return meaning if down else 0

    def clear(self) -> None:
        """Everything is let go: the window lost the keyboard, or a game begins."""
        for one in self.inputs:
            one.clear()

    def actions(self) -> list[int]:
        """Everybody's action of this frame."""
        return [one.action() for one in self.inputs]
