"""What stops a tank and what stops a bullet."""

from ..jit import rule
from ..params import BASE, BRICK, DX, DY, EMPTY, FOREST, HALF_TANK, ICE, QUARTER, STEEL, TANK_CLEARANCE, TILE

NEAR_BIAS = 16 + (16 << 32)
NEAR_MASK = ~(31 + (31 << 32))
NOWHERE = (1 << 20) + (1 << 52)
"""The packed place of what is not on the field: far from every place that is."""


@rule
def packed(x, y):
    """A place, px, as one integer: one subtraction then compares both coordinates."""
    return x + (y << 32)


@rule
def near(one, other):
    """Whether two packed places lie -16 to 15 px apart on both axes: a first test, cheaper than any exact one.

    Each half of the biased difference is 0 to 31 then, so that no higher bit is set; a borrow between the halves
    comes from a difference that is too great itself.
    """
    return ((one - other + NEAR_BIAS) & NEAR_MASK) == 0


@rule
def tile_at(world, column, row):
    """Terrain code of a tile; outside the field it is steel, as the border stops everything."""
    if column < 0 or row < 0 or column >= world.width or row >= world.height:
        return STEEL
    return world.terrain[row * world.width + column]


@rule
def stops_tank(code):
    """Brick (even one quarter of it), steel, water and bases stop a tank."""
    return (code != EMPTY) & (code != FOREST) & (code != ICE)


@rule
def quarter_bit(x, y):
    """The mask bit of the brick quarter that holds pixel (x, y)."""
    return 1 << (((x >> 2) & 1) + ((y >> 1) & 2))


@rule
def pixels_ahead(bullet):
    """The two pixels just ahead of a bullet, either side of its line: (x0, y0, x1, y1)."""
    dx, dy = DX[bullet.heading], DY[bullet.heading]
    x, y = bullet.x - (dx < 0), bullet.y - (dy < 0)
    return x - (dx == 0), y - (dy == 0), x, y


@rule
def stops_bullet(code, x, y):
    """Steel, bases and a brick quarter that is still there; water, ice, forest and cleared quarters do not."""
    return ((code <= BRICK) & ((code & quarter_bit(x, y)) != 0)) | (code == STEEL) | (code == BASE)


@rule
def way_is_clear(world, x, y, heading):
    """Whether terrain lets a tank with centre (x, y) drive one px: probes the two leading corners.

    Arithmetic in place of branches on the heading, which the processor cannot predict.
    """
    dx, dy = DX[heading], DY[heading]
    front_x, front_y = x + HALF_TANK * dx - (dx < 0), y + HALF_TANK * dy - (dy < 0)
    aside_x, aside_y = HALF_TANK * (dx == 0), HALF_TANK * (dy == 0)
    column, row = (front_x - aside_x) >> 3, (front_y - aside_y) >> 3
    other_column, other_row = (front_x + aside_x - (dx == 0)) >> 3, (front_y + aside_y - (dy == 0)) >> 3
    width, height = world.width, world.height
    inside = (column >= 0) & (row >= 0) & (other_column < width) & (other_row < height)
    first = world.terrain[(row * width + column) * inside]
    second = world.terrain[(other_row * width + other_column) * inside]
    return inside & (not stops_tank(first)) & (not stops_tank(second))


@rule
def overlaps(x, y, other_x, other_y):
    """Whether two tanks with these centres overlap."""
    # `&`, not `and`, wherever pairs are tested: one branch that is nearly always false costs less than two.
    return (abs(x - other_x) < TANK_CLEARANCE) & (abs(y - other_y) < TANK_CLEARANCE)


@rule
def tank_on(world, spec, x, y, but):
    """Whether any tank on the field, except slot `but`, overlaps a tank placed at (x, y)."""
    for j in range(spec.num_tanks):
        other = world.tanks[j]
        if j != but and other.alive and overlaps(x, y, other.x, other.y):
            return True
    return False


@rule
def tank_on_tile(world, spec, column, row):
    """Whether any tank touches a tile."""
    left, top = column * TILE, row * TILE
    for j in range(spec.num_tanks):
        tank = world.tanks[j]
        if (
            tank.alive
            and left - HALF_TANK < tank.x < left + TILE + HALF_TANK
            and top - HALF_TANK < tank.y < top + TILE + HALF_TANK
        ):
            return True
    return False


@rule
def nearest_tiles(x, y):
    """Column and row of the top left one of the four tiles nearest to a tank's centre."""
    return (x - QUARTER) >> 3, (y - QUARTER) >> 3


@rule
def on_ice(world, x, y):
    """A tank is on ice when two of its four tiles are."""
    column, row = nearest_tiles(x, y)
    first, second = row * world.width + column, (row + 1) * world.width + column
    upper = (world.terrain[first] == ICE) + (world.terrain[first + 1] == ICE)
    return upper + (world.terrain[second] == ICE) + (world.terrain[second + 1] == ICE) >= 2


@rule
def in_forest(world, x, y):
    """A tank is hidden when every tile that it touches is forest: two by two on the lattice, three across off it."""
    for row in range((y - HALF_TANK) >> 3, ((y + HALF_TANK - 1) >> 3) + 1):
        for column in range((x - HALF_TANK) >> 3, ((x + HALF_TANK - 1) >> 3) + 1):
            if world.terrain[row * world.width + column] != FOREST:
                return False
    return True
