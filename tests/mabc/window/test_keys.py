"""Keys and gamepads as actions, 2 * move + fire."""

import pygame
import pytest

from mabc.window.keys import DOWN, FIRE, LEFT, RIGHT, UP, Controls, Input

STAY = 0


def key(name, down=True):
    return pygame.event.Event(pygame.KEYDOWN if down else pygame.KEYUP, key=getattr(pygame, f"K_{name}"))


def test_the_last_direction_counts_and_the_one_before_comes_back():
    one = Input()
    one.press("a", UP)
    one.press("b", LEFT)
    assert one.action() == 2 * LEFT
    one.press("c", FIRE)
    assert one.action() == 2 * LEFT + 1
    one.release("b")
    assert one.action() == 2 * UP + 1
    one.clear()
    assert one.action() == STAY


def test_a_tap_between_two_frames_counts_once():
    one = Input()
    for meaning in (RIGHT, FIRE):
        one.press(meaning, meaning)
        one.release(meaning)
    assert one.action() == 2 * RIGHT + 1
    assert one.action() == STAY


def test_one_person_has_both_halves_two_have_one_each():
    alone, pair = Controls(1), Controls(2)
    for controls in (alone, pair):
        assert controls.handle(key("w")) == UP
        assert controls.handle(key("RIGHT")) == RIGHT
        assert controls.handle(key("RETURN")) == FIRE
        assert controls.handle(key("x")) == 0
    assert alone.actions() == [2 * RIGHT + 1]
    assert pair.actions() == [2 * UP, 2 * RIGHT + 1]
    pair.handle(key("LCTRL"))
    pair.handle(key("w", down=False))
    assert pair.actions() == [1, 2 * RIGHT + 1]


def test_losing_the_keyboard_lets_go():
    controls = Controls(1)
    controls.handle(key("w"))
    controls.handle(pygame.event.Event(pygame.WINDOWFOCUSLOST))
    assert controls.actions() == [STAY]


@pytest.fixture
def pads(monkeypatch):
    """Controls of two people, and gamepads 7 and 8 that come one after the other."""

    class Pad:
        def __init__(self, index):
            self.index = index

        def get_instance_id(self):
            return 7 + self.index

    monkeypatch.setattr(pygame.joystick, "Joystick", Pad)
    controls = Controls(2)
    for index in range(2):
        controls.handle(pygame.event.Event(pygame.JOYDEVICEADDED, device_index=index))
    return controls


def test_gamepads_belong_to_the_last_person_first(pads):
    assert pads.num_pads == 2
    assert (pads.owner(7), pads.owner(8)) == (1, 0)
    assert pads.handle(pygame.event.Event(pygame.JOYBUTTONDOWN, instance_id=7, button=0)) == FIRE
    assert pads.handle(pygame.event.Event(pygame.JOYHATMOTION, instance_id=8, hat=0, value=(0, 1))) == UP
    assert pads.actions() == [2 * UP, 1]
    pads.handle(pygame.event.Event(pygame.JOYHATMOTION, instance_id=8, hat=0, value=(0, 0)))
    pads.handle(pygame.event.Event(pygame.JOYDEVICEREMOVED, instance_id=7))
    assert pads.num_pads == 1
    assert pads.actions() == [STAY, STAY]


def test_a_stick_that_trembles_is_one_press(pads):
    def push(value, axis=1):
        return pads.handle(pygame.event.Event(pygame.JOYAXISMOTION, instance_id=7, axis=axis, value=value))

    assert push(0.9) == DOWN
    assert push(0.8) == 0
    assert push(0.2) == 0
    assert push(-0.9) == UP
    assert push(-1.0, axis=0) == LEFT
    assert pads.actions() == [STAY, 2 * LEFT]
