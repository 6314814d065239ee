"""The world record: every field of the game with its unit. A batch is one NumPy array of `WORLD`.

Snapshot, hash and equality of a world are its record's own bytes. `SPEC` is a scenario in numbers, the same for all
worlds of a batch, its weights in double so that rewards are computed in double; `LAYOUT` is one start position:
terrain, tanks, entries and bases.
"""

import numpy as np

from .params import MAX_BASES, MAX_BULLETS, MAX_ENTRIES, MAX_TANKS, MAX_TEAMS, MAX_TILES, MAX_WAVE

QUEUE_BUCKETS, QUEUE_SIZE = 16, 4 * MAX_TILES * MAX_TILES

TANK = np.dtype(
    [
        ("x", "i2"),  # centre, px
        ("y", "i2"),
        ("shield", "i2"),  # frames left
        ("stun", "i2"),  # frames left
        ("entering", "i2"),  # frames left, inactive and safe
        ("wait", "i2"),  # dead: frames until the place is free; bots: frames of pressing on
        ("held", "i2"),  # frames for which the present order still holds
        ("lives", "i2"),  # left, the running one included
        ("type", "u1"),
        ("team", "i1"),  # 1 to 4
        ("heading", "u1"),
        ("level", "i1"),
        ("hits", "i1"),  # left
        ("alive", "u1"),
        ("slide", "i1"),  # frames of sliding left
        ("move", "i1"),  # order: 0 stay, else heading + 1
        ("press", "u1"),  # order: fire as soon as a bullet is free
        ("moved", "u1"),  # drove in the last frame
        ("blocked", "u1"),  # wanted to drive in the last frame and could not
        ("carrier", "u1"),  # drops a power-up at its first hit
        ("respawned", "u1"),  # this life began with an entry after a death
        ("axis", "u1"),  # attract bot: the axis it tries first
        ("in_forest", "u1"),  # hidden from enemies that are not near
        ("engaged", "u1"),  # tactical bot: its order aims or dodges
        ("post_x", "i2"),  # where it started the episode, px; < 0: not on the field
        ("post_y", "i2"),
        ("points", "i4"),  # the game's points in this episode
        # counts of the running step, from which rewards are made
        ("kills", "i1"),
        ("damage", "i1"),  # hits dealt to enemies
        ("deaths", "i1"),
        ("pick_ups", "i1"),
        ("shots", "i1"),  # bullets fired
        ("bricks", "i2"),  # quarters cleared
        ("bases", "i1"),  # enemy bases destroyed, targets found
        ("episode_return", "f4"),
        ("pad", "u4", 2),  # to 64 bytes: the place of tank i is then a shift away, not a product
    ],
    align=True,
)

BULLET = np.dtype(
    [
        ("x", "i2"),  # px
        ("y", "i2"),
        ("heading", "u1"),
        ("speed", "i1"),  # px a frame; 0: no bullet
        ("steel", "u1"),  # breaks steel
        ("pad", "u1"),
    ],
    align=True,
)
"""Bullets 2i and 2i + 1 belong to tank i."""

BASE_RECORD = np.dtype(
    [("x", "i2"), ("y", "i2"), ("team", "i1"), ("alive", "u1"), ("by", "i1"), ("pad", "u1")], align=True
)
"""`by` is the team that destroyed or found it."""

WORLD = np.dtype(
    [
        ("key", "u8"),  # random key of the running episode
        ("seed", "u8"),
        ("index", "u8"),  # first_world + position in the batch
        ("episode", "u4"),
        ("frame", "i4"),  # of the episode
        ("step", "i4"),
        ("layout", "i4"),
        ("width", "i2"),  # tiles
        ("height", "i2"),
        ("outcome", "i1"),  # RUNNING, 0 draw, else the winning team
        ("truncated", "u1"),  # ended by the time limit
        ("toll", "u1"),  # a tank or a base was lost in the running step: time to judge
        ("power_up", "i1"),  # kind, or NOBODY
        ("flying", "i1"),  # bullets in flight
        ("power_up_x", "i2"),
        ("power_up_y", "i2"),
        ("power_up_wait", "i2"),  # frames until the next one appears, where it comes by the clock
        ("frozen", "i2", MAX_TEAMS),  # frames left, by team - 1
        ("shovel", "i2", MAX_TEAMS),  # frames left of steel round the base
        ("entry_wait", "i2", MAX_TEAMS),  # frames until the next of a wave may enter
        ("entry_next", "i2", MAX_TEAMS),  # entry point that is next in turn
        ("entered", "i2", MAX_TEAMS),  # how many of the wave have entered
        ("out", "u1", MAX_TEAMS),  # a team that is out of the game
        ("lost", "i1", MAX_TEAMS),  # bases lost in the running step
        ("potential", "f4", MAX_TEAMS),  # of shaping, after the last step
        ("start_distance", "f4", MAX_TEAMS),  # to the goal when the episode began, as a share of the field
        ("bases", BASE_RECORD, MAX_BASES),
        ("tanks", TANK, MAX_TANKS),
        ("bullets", BULLET, MAX_BULLETS),
        ("terrain", "u1", MAX_TILES * MAX_TILES),  # tile (column, row) at row * width + column
    ],
    align=True,
)

LAYOUT = np.dtype(
    [
        ("width", "i2"),  # tiles
        ("height", "i2"),
        ("x", "i2", MAX_TANKS),  # start of each tank, px; < 0: it is not on the field at the start
        ("y", "i2", MAX_TANKS),
        ("heading", "i1", MAX_TANKS),
        ("base_x", "i2", MAX_BASES),
        ("base_y", "i2", MAX_BASES),
        ("entries", "i2", MAX_TEAMS),  # how many entry points each team has
        ("entry_x", "i2", (MAX_TEAMS, MAX_ENTRIES)),
        ("entry_y", "i2", (MAX_TEAMS, MAX_ENTRIES)),
        ("map", "i4"),  # index into the scenario's maps
        ("terrain", "u1", MAX_TILES * MAX_TILES),
    ],
    align=True,
)

WEIGHTS = ("kill", "loss", "damage", "base", "win", "time", "pick_up", "shaping")

SPEC = np.dtype(
    [
        ("mode", "i1"),
        ("num_tanks", "i1"),
        ("num_teams", "i1"),
        ("num_bases", "i1"),
        ("num_agents", "i1"),
        ("base_team", "i1", MAX_BASES),
        ("line_of_sight", "u1"),
        ("full_observability", "u1"),
        ("per_agent_reward", "u1"),
        ("power_ups", "u1"),  # whether any can appear
        ("num_bots", "i1"),
        ("random_start", "u1"),  # whether places and headings are drawn at reset
        ("entries", "u1"),  # whether any tank can enter after the start
        ("frame_skip", "i2"),
        ("sight", "i2"),  # px
        ("entry_delay", "i2"),  # frames
        ("classic_delay", "i2"),  # frames
        ("power_up_period", "i2"),  # frames; 0: none by the clock
        ("max_steps", "i4"),
        ("carriers", "u1", MAX_WAVE),  # whether the n-th of a wave carries a power-up
        ("wave_size", "i2", MAX_TEAMS),
        ("wave", "i1", (MAX_TEAMS, MAX_WAVE)),  # types in order of entry
        ("team_size", "i1", MAX_TEAMS),  # places on the field
        ("team_first", "i1", MAX_TEAMS),  # slot of its first tank
        ("knowledge", "i1", MAX_TEAMS),  # what its bots know
        ("team_hits", "f8", MAX_TEAMS),  # bullets that destroy all of it
        ("team_tanks", "f8", MAX_TEAMS),  # lives of all of it
        ("enemy_hits", "f8", MAX_TEAMS),
        ("enemy_tanks", "f8", MAX_TEAMS),
        ("enemy_bases", "f8", MAX_TEAMS),
        ("own_bases", "f8", MAX_TEAMS),
        ("type", "i1", MAX_TANKS),
        ("team", "i1", MAX_TANKS),
        ("driver", "i1", MAX_TANKS),
        ("bots", "u1", MAX_TANKS),  # slots of the tanks that the kernel drives
        ("bot_level", "i1", MAX_TANKS),  # of `tactical`
        ("stance", "i1", MAX_TANKS),
        ("level", "i1", MAX_TANKS),
        ("lives", "i2", MAX_TANKS),
        ("column", "i1", MAX_TANKS),  # of the orders array; NOBODY: the kernel drives
        ("slot", "i1", MAX_TANKS),  # of each agent
        ("others", "i1", (MAX_TANKS, MAX_TANKS)),  # order in which tank i lists the rest: allies, enemies
        ("gamma", "f8"),
        ("scale", "f8", MAX_TEAMS),  # 1 / what a perfect episode earns
        ("weights", np.dtype([(name, "f8") for name in WEIGHTS])),
    ],
    align=True,
)

SCRATCH = np.dtype(
    [
        ("cost", "u2", MAX_TILES * MAX_TILES),  # of the cheapest way to each place so far
        ("came", "u1", MAX_TILES * MAX_TILES),  # the heading of its last move
        ("in_line", "u1", MAX_TILES * MAX_TILES),  # whether an enemy's shot would meet a tank at each place
        ("bucket", "i2", QUEUE_BUCKETS),  # the last place queued at each cost, by its number in the queue
        ("queue", "u2", QUEUE_SIZE),  # places
        ("below", "i2", QUEUE_SIZE),  # the one queued before at the same cost
        ("order", "u1", MAX_TANKS),  # of movement in this step
        ("saved", TANK, 1),
        ("touched", "u1"),
        ("places", "i8", MAX_TANKS),  # packed place of each tank in this frame; NOWHERE: not on the field
        ("flying", "u2", 2 * MAX_BULLETS),  # bullets in the air in this frame; one shot again is listed twice
        ("shots", "i8", 2 * MAX_BULLETS),  # packed place of each of them
        ("gone", "u1", 2 * MAX_BULLETS),  # whether each of them ends in the rule that is running
        ("num_flying", "i2"),
        ("fired", "u1"),  # bullets were fired since the list was made: they stand at its end
        ("second_bullets", "u1"),  # whether a tank may have its second bullet in the air
        ("tank_rows", "f4", (MAX_TANKS, 16)),  # what observers may see of each tank: observe/vector.py
    ],
    align=True,
)
"""Working memory, one a thread; carries nothing from one frame to the next."""

SEEN = np.dtype(
    [
        ("tanks", "u1", MAX_TANKS),
        ("bullets", "u1", MAX_BULLETS),
        ("bases", "u1", MAX_BASES),
        ("power_up", "u1"),
        ("tiles", "u1", MAX_TILES * MAX_TILES),  # no wall hides it; at row * width + column
    ],
    align=True,
)
"""What one tank, or a spectator, sees of a world: 1 or 0 for each thing."""
