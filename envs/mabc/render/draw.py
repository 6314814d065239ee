"""Draws a world into uint8 [H, W, 3] with the sprites of sprites.py: the whole field, or what one tank sees.

The functions are rules like the game's: they allocate nothing, so that thousands of frames a second are drawn
straight into a batch's buffers.
"""

from ..jit import kernel, rule
from ..params import (
    BRICK,
    EMPTY,
    EXPLOSION_FRAMES,
    FOREST,
    HALF_TANK,
    HITS,
    MAX_LEVEL,
    NOBODY,
    PLAYER,
    SHOVEL_BLINK,
    SHOVEL_BLINK_PERIOD,
    STEEL,
    TILE,
)
from ..rules.sight import look
from .sprites import FLASH, GROUND, PIP

NOTHING_SEEN = -2
"""`tile_code` of a tile that the viewer does not see; -1 is outside the field."""


@rule
def blit(out, sprite, palette, left, top):
    """Paint a sprite, colour numbers [h, w], with its corner at (left, top) of out; cut at the edges."""
    for row in range(max(0, -top), min(sprite.shape[0], out.shape[0] - top)):
        for column in range(max(0, -left), min(sprite.shape[1], out.shape[1] - left)):
            colour = sprite[row, column]
            if colour != 0:
                for c in range(3):
                    out[top + row, left + column, c] = palette[colour, c]


@rule
def centred(out, sprite, palette, x, y):
    """Paint a sprite with its middle at (x, y)."""
    blit(out, sprite, palette, x - sprite.shape[1] // 2, y - sprite.shape[0] // 2)


@rule
def fill(out, palette, colour):
    """Paint everything in one colour."""
    red, green, blue = palette[colour, 0], palette[colour, 1], palette[colour, 2]
    for row in range(out.shape[0]):
        for column in range(out.shape[1]):
            out[row, column, 0] = red
            out[row, column, 1] = green
            out[row, column, 2] = blue


@rule
def tile_code(world, seen, column, row):
    """Terrain code of a tile, -1 outside the field, NOTHING_SEEN where a wall hides it."""
    if column < 0 or row < 0 or column >= world.width or row >= world.height:
        return -1
    at = row * world.width + column
    return world.terrain[at] if seen.tiles[at] else NOTHING_SEEN


@rule
def draw_terrain(world, seen, sheet, out, x0, y0, forest):
    """All tiles but forest or, in a second pass that covers the tanks, forest alone."""
    phase = (world.frame >> 5) & 1
    for row in range(y0 >> 3, ((y0 + out.shape[0] - 1) >> 3) + 1):
        for column in range(x0 >> 3, ((x0 + out.shape[1] - 1) >> 3) + 1):
            code = tile_code(world, seen, column, row)
            left, top = column * TILE - x0, row * TILE - y0
            if code == EMPTY or (code == FOREST) != forest:
                continue
            if code < 0:
                blit(out, sheet.outside[-1 - code], sheet.palettes[0], left, top)
            elif code <= BRICK:
                blit(out, sheet.bricks[code], sheet.palettes[0], left, top)
            elif code - STEEL < sheet.ground.shape[0]:
                blit(out, sheet.ground[code - STEEL, phase], sheet.palettes[0], left, top)


@rule
def looks_like_brick(shovel):
    """Whether the steel of a shovel with so many frames left looks like brick: it blinks before it ends."""
    return 0 < shovel <= SHOVEL_BLINK and ((shovel - 1) // SHOVEL_BLINK_PERIOD) & 1 == 1


@rule
def draw_blinking(world, spec, seen, sheet, out, x0, y0):
    """Brick over the steel round the bases whose shovel is about to end, in every other stretch of frames."""
    for b in range(spec.num_bases):
        base = world.bases[b]
        if not base.alive or not looks_like_brick(world.shovel[base.team - 1]):
            continue
        for k in range(16):
            column, row = (base.x >> 3) - 2 + (k & 3), (base.y >> 3) - 2 + (k >> 2)
            if tile_code(world, seen, column, row) == STEEL:
                blit(out, sheet.bricks[BRICK], sheet.palettes[0], column * TILE - x0, row * TILE - y0)


@rule
def colours(world, spec, team, viewer):
    """The palette of a team: its own or, for a viewer, such that the viewer's team is always the first."""
    if viewer == NOBODY:
        return team
    return (team - world.tanks[viewer].team) % spec.num_teams + 1


@rule
def draw_bases(world, spec, seen, sheet, out, x0, y0, viewer):
    """Bases that are known."""
    for b in range(spec.num_bases):
        base = world.bases[b]
        if seen.bases[b]:
            palette = sheet.palettes[colours(world, spec, base.team, viewer)]
            centred(out, sheet.bases[base.alive], palette, base.x - x0, base.y - y0)


@rule
def draw_tank(world, spec, sheet, out, x0, y0, viewer, i):
    """One tank on the field, with pips for the hits that a many-hit tank has left."""
    tank = world.tanks[i]
    x, y = tank.x - x0, tank.y - y0
    palette = sheet.palettes[colours(world, spec, tank.team, viewer)]
    if tank.entering > 0:
        centred(out, sheet.stars[(tank.entering >> 2) & 3], palette, x, y)
        return
    if tank.carrier and (world.frame >> 3) & 1:
        palette = sheet.palettes[FLASH]
    look = PLAYER + min(tank.level, MAX_LEVEL) if tank.type == PLAYER else tank.type
    phase = ((tank.x + tank.y) >> 1) & 1
    centred(out, sheet.tanks[look, phase, tank.heading], palette, x, y)
    if HITS[tank.type] > 1:
        for k in range(tank.hits):
            draw_pip(out, sheet.palettes[0], x - HALF_TANK + 1 + 4 * k, y + HALF_TANK - 2)


@rule
def draw_pip(out, palette, left, top):
    """A dot of 2x2 px."""
    for k in range(4):
        row, column = top + (k >> 1), left + (k & 1)
        if 0 <= row < out.shape[0] and 0 <= column < out.shape[1]:
            for c in range(3):
                out[row, column, c] = palette[PIP, c]


@rule
def draw_marks(world, sheet, out, x0, y0, tank):
    """What has befallen a tank: shield, stun, an enemy's timer."""
    x, y = tank.x - x0, tank.y - y0
    if tank.shield > 0:
        centred(out, sheet.shields[(world.frame >> 2) & 1], sheet.palettes[0], x, y)
    if tank.stun > 0:
        centred(out, sheet.marks[0], sheet.palettes[0], x, y - ((world.frame >> 3) & 1))
    if world.frozen[tank.team - 1] > 0:
        centred(out, sheet.marks[1], sheet.palettes[0], x, y)


@rule
def draw_things(world, spec, seen, sheet, out, x0, y0, viewer):
    """Explosions, tanks and bullets: what forest covers."""
    for i in range(spec.num_tanks):
        tank = world.tanks[i]
        if not seen.tanks[i]:
            continue
        if tank.alive:
            draw_tank(world, spec, sheet, out, x0, y0, viewer, i)
        elif tank.wait > 0:
            last = sheet.explosions.shape[0] - 1
            k = min(max(last - tank.wait * (last + 1) // (EXPLOSION_FRAMES + 1), 0), last)
            centred(out, sheet.explosions[k], sheet.palettes[0], tank.x - x0, tank.y - y0)
    for k in range(2 * spec.num_tanks):
        bullet = world.bullets[k]
        if bullet.speed != 0 and seen.bullets[k]:
            palette = sheet.palettes[colours(world, spec, world.tanks[k >> 1].team, viewer)]
            centred(out, sheet.bullets[bullet.heading], palette, bullet.x - x0, bullet.y - y0)


@rule
def draw_on_top(world, spec, seen, sheet, out, x0, y0):
    """Marks and the power-up: what nothing covers."""
    for i in range(spec.num_tanks):
        tank = world.tanks[i]
        if tank.alive and seen.tanks[i]:
            draw_marks(world, sheet, out, x0, y0, tank)
    if world.power_up != NOBODY and seen.power_up:
        x, y = world.power_up_x - x0, world.power_up_y - y0
        centred(out, sheet.power_ups[world.power_up], sheet.palettes[0], x, y)


@rule
def draw(world, spec, seen, sheet, out, x0, y0, viewer):
    """The part of the world whose upper left corner is (x0, y0), px, into out, uint8 [H, W, 3].

    seen: state.SEEN, what is drawn. viewer: NOBODY, or the tank whose own team has the colours of team 1.
    """
    fill(out, sheet.palettes[0], GROUND)
    draw_terrain(world, seen, sheet, out, x0, y0, False)
    draw_blinking(world, spec, seen, sheet, out, x0, y0)
    draw_bases(world, spec, seen, sheet, out, x0, y0, viewer)
    draw_things(world, spec, seen, sheet, out, x0, y0, viewer)
    draw_terrain(world, seen, sheet, out, x0, y0, True)
    draw_on_top(world, spec, seen, sheet, out, x0, y0)


@rule
def draw_agent(world, spec, seen, sheet, out, i):
    """The window of tank i, uint8 [P, P, 3], the tank in its middle; black if it is dead."""
    tank = world.tanks[i]
    if tank.alive:
        half = out.shape[0] // 2
        look(world, spec, i, seen)
        draw(world, spec, seen, sheet, out, tank.x - half, tank.y - half, i)
    else:
        fill(out, sheet.palettes[0], 0)


@kernel
def draw_fields(worlds, spec_array, seen, sheet, out, low, high, only):
    """Whole fields of worlds low..high into out, uint8 [B, H, W, 3]; seen: working memory, [1] of state.SEEN."""
    for b in range(low, high):
        if only[b]:
            look(worlds[b], spec_array[0], NOBODY, seen[0])
            draw(worlds[b], spec_array[0], seen[0], sheet, out[b], 0, 0, NOBODY)


@kernel
def draw_agents(worlds, spec_array, seen, sheet, out, low, high, only):
    """Windows of all agents of worlds low..high into out, uint8 [B, N, P, P, 3]; seen: working memory."""
    spec = spec_array[0]
    for b in range(low, high):
        if only[b]:
            for n in range(spec.num_agents):
                draw_agent(worlds[b], spec, seen[0], sheet, out[b, n], int(spec.slot[n]))


@kernel
def draw_seen(worlds, spec_array, seen, sheet, out):
    """The whole field of worlds[0] with only what is seen, [1] of state.SEEN, into out, uint8 [H, W, 3]."""
    draw(worlds[0], spec_array[0], seen[0], sheet, out, 0, 0, NOBODY)
