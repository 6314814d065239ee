"""Every number of the game, with its unit and where it comes from.

"fact" is a fact of the 1985 game; "our choice" is a number that the facts leave open.
Units: px (pixels), frames (60 a second), units (64 frames).
"""

import numpy as np

RULES_VERSION = 2
"""Raised whenever a rule, a reward or an observation changes; results and files record it."""

# -- geometry and clock (fact) ------------------------------------------------------------------
FPS = 60
UNIT = 64  # frames
BLOCK = 16  # px
TILE = 8  # px
QUARTER = 4  # px
HALF_TANK = 8  # px from a tank's centre to its edge

# -- headings; a move action is its heading + 1 -----------------------------------------------
UP, RIGHT, DOWN, LEFT = 0, 1, 2, 3
HEADINGS = ("up", "right", "down", "left")
DX = np.array((0, 1, 0, -1))  # arrays, not tuples: the compiled lookup is one load
DY = np.array((-1, 0, 1, 0))
NUM_ACTIONS = 10  # {stay, up, right, down, left} x {hold, fire}

# -- terrain codes, one byte a tile; 1 to 15 is brick, the mask of the quarters still there ----
EMPTY, BRICK, STEEL, WATER, FOREST, ICE, BASE = 0, 15, 16, 17, 18, 19, 20

# -- tanks (fact), one table by type ----------------------------------------------------------
TYPES = ("basic", "fast", "power", "armor", "player")
BASIC, FAST, POWER, ARMOR, PLAYER = 0, 1, 2, 3, 4
HITS = np.array((1, 1, 1, 4, 1))  # bullets it takes
SPEED = np.array((2, 4, 2, 2, 3))  # quarters of a px a frame
BULLET_SPEED = np.array((2, 2, 4, 2, 2))  # px a frame
POINTS = np.array((100, 200, 300, 400, 0))
MAX_LEVEL = 3  # stars of a player
FAST_BULLET_LEVEL, TWO_BULLETS_LEVEL, STEEL_LEVEL = 1, 2, 3
FAST_BULLET_SPEED = 4  # px a frame
TANK_CLEARANCE = 16  # px: two tanks overlap when both centre distances are below it

# -- bullets (fact) -----------------------------------------------------------------------------
MUZZLE = 8  # px from the tank's centre, where a bullet starts: our choice
BULLET_TANK = 10  # px: a hit when |dx| and |dy| are below it
BULLET_BULLET = 6  # px

# -- timers, frames -----------------------------------------------------------------------------
SLIDE_FRAMES = 28  # fact: ice
ENTER_FRAMES = 28  # fact: inactive and safe
STUN_FRAMES = 267  # fact, "about 267": friendly fire
RESPAWN_SHIELD = 3 * UNIT  # fact
HELMET_FRAMES = 10 * UNIT  # fact
FREEZE_FRAMES = 10 * UNIT  # fact: timer
SHOVEL_FRAMES = 20 * UNIT  # fact
SHOVEL_BLINK = 4 * UNIT  # fact, "the last 3 to 4": only drawn
SHOVEL_BLINK_PERIOD = 16  # frames that it looks like brick, then like steel: our choice
EXPLOSION_FRAMES = 32  # our choice: how long a dead tank holds its place on the field

# -- lives and points (fact) ------------------------------------------------------------------
PLAYER_LIVES = 3
EXTRA_LIFE_POINTS = 20_000
PICK_UP_POINTS = 500

# -- waves (fact) -------------------------------------------------------------------------------
WAVE_SIZE = 20
FIELD_LIMIT_ONE, FIELD_LIMIT_TWO = 4, 6
CARRIERS = (4, 11, 18)  # the n-th enemy of a stage, from 1, carries a power-up
DELAY_BASE, DELAY_STAGE, DELAY_PLAYER = 190, 4, 20  # frames

# -- power-ups (fact) -------------------------------------------------------------------------
POWER_UPS = ("helmet", "timer", "shovel", "tank", "star", "grenade")
HELMET, TIMER, SHOVEL, EXTRA_TANK, STAR, GRENADE = 0, 1, 2, 3, 4, 5
POWER_UP_ODDS = np.array((HELMET, TIMER, SHOVEL, EXTRA_TANK, STAR, STAR, GRENADE, GRENADE))  # an eighth each
POWER_UP_GRID_START, POWER_UP_GRID_STEP = 32, 48  # px
PICK_UP_RANGE = 12  # px

# -- modes, drivers and stances ----------------------------------------------------------------
MODES = ("defend", "skirmish", "siege", "versus", "scout")
DEFEND, SKIRMISH, SIEGE, VERSUS, SCOUT = 0, 1, 2, 3, 4
FOUND_RANGE = 24  # px: a scout this near to a target, on both axes, has found it: our choice

DRIVERS = ("learn", "random", "classic", "tactical", "attract", "policy")
LEARN, RANDOM_BOT, CLASSIC_BOT, TACTICAL_BOT, ATTRACT_BOT, POLICY = 0, 1, 2, 3, 4, 5
LEVELS = ("novice", "regular", "expert")
BOTS = ("random", "classic", "tactical", *(f"tactical:{level}" for level in LEVELS), "attract")
"""Names of the kernel's bots; `tactical` alone is the expert."""


def driver_of(name: str) -> tuple[int, int]:
    """The number in DRIVERS and the level of "learn", "policy" or a bot's name."""
    kind, _, level = name.partition(":")
    return DRIVERS.index(kind), LEVELS.index(level or "expert")


def driver_name(driver: int, level: int) -> str:
    """The name that `driver_of` takes apart."""
    return DRIVERS[driver] + (f":{LEVELS[level]}" if driver == TACTICAL_BOT else "")


KNOWLEDGE = ("agent", "team", "all")
BY_AGENT, BY_TEAM, BY_ALL = 0, 1, 2

TEAM_NAMES = ("blue", "orange", "pink", "green")  # of teams 1 to 4: the colours in which they are drawn

STANCES = ("hunt", "hold", "patrol")
HUNT, HOLD, PATROL = 0, 1, 2
PATROL_RANGE = 32  # px each way along the post's row: our choice

# -- classic opponent ----------------------------------------------------------------------------
FIRE_ODDS = 32  # fact: fires with probability 1/32 a frame
DECIDE_ODDS = 16  # fact: when aligned, a new goal decision with probability 1/16
BLOCKED_WAIT = 16  # frames, our choice for the fact's "short wait"
CLASSIC_DELAY = 32  # frames: the entry delay d that times its phases where nobody enters: our choice

# -- tactical opponent (our own), by level: novice, regular, expert -------------------------------
REACTION = np.array((16, 16, 8))  # frames between decisions; in between it keeps its last order
AIM_RANGE = np.array((64, 112, 112))  # px: how far it opens fire
AIM_ODDS = np.array((40, 80, 80))  # percent: takes a shot that would hit, a decision
DODGE_ODDS = np.array((40, 50, 60))  # percent: notices a bullet that flies at it, a decision
FOCUS = np.array((0, 0, 1))  # whether a team goes for one enemy together
BREACH_RANGE = 48  # px: nearer than this it shoots at an enemy through brick
LINE_TILES = 12  # how far a line of fire is thought to reach
DODGE_RANGE = 48  # px: how near a bullet must be to be dodged
DODGE_WIDTH = 14  # px off its line: a hit's 10, and the 4 by which a turn's snap may lead back
BRICK_COST = 5  # path cost of a brick tile against 1 for a free one
LINE_COST = 8  # the same of a place in an enemy's line of fire
SEARCH_FRAMES = 256  # how long a bot that knows of no enemy drives to one place before it tries another

# -- sight ---------------------------------------------------------------------------------------
FOREST_RANGE = 24  # px: nearer than this, forest does not hide: our choice

# -- capacity of a world record -------------------------------------------------------------------
MAX_TANKS = 40
MAX_BULLETS = 2 * MAX_TANKS
MAX_BASES = 8
MAX_TEAMS = 4
MAX_ENTRIES = 24  # of one team
MAX_TILES = 52  # a side
MAX_WAVE = 64
NOBODY = -1
RUNNING = -1  # outcome of a world that still runs; 0 is a draw, else the winning team
