"""What stops a tank and what stops a bullet."""

from ..jit import rule
from ..params import BASE, BRICK, FOREST, HALF_TANK, ICE, QUARTER, STEEL, TANK_CLEARANCE, TILE


@rule
def tile_at(world, column, row):
    """Terrain code of a tile; outside the field it is steel, as the border stops everything."""
    if column < 0 or row < 0 or column >= world.width or row >= world.height:
        return STEEL
    return world.terrain[row * world.width + column]


@rule
def stops_tank(code):
    """Brick (even one quarter of it), steel, water and bases stop a tank."""
    return code != 0 and code != FOREST and code != ICE


@rule
def quarter_bit(x, y):
    """The mask bit of the brick quarter that holds pixel (x, y)."""
    return 1 << (((x >> 2) & 1) + ((y >> 1) & 2))


@rule
def pixels_ahead(bullet):
    """The two pixels just ahead of a bullet, either side of its line: (x0, y0, x1, y1)."""
    x, y, heading = bullet.x, bullet.y, bullet.heading
    if heading == 0 or heading == 2:
        y -= heading == 0
        return x - 1, y, x, y
    x -= heading == 3
    return x, y - 1, x, y


@rule
def stops_bullet(code, x, y):
    """Steel, bases and a brick quarter that is still there; water, ice, forest and cleared quarters do not."""
    if code <= BRICK:
        return (code & quarter_bit(x, y)) != 0
    return code == STEEL or code == BASE


@rule
def way_is_clear(world, x, y, heading):
    """Whether terrain lets a tank with centre (x, y) drive one px: probes the two leading corners."""
    if heading == 0 or heading == 2:
        edge = y - HALF_TANK - 1 if heading == 0 else y + HALF_TANK
        row = edge >> 3
        first, second = (x - HALF_TANK) >> 3, (x + HALF_TANK - 1) >> 3
        return not (stops_tank(tile_at(world, first, row)) or stops_tank(tile_at(world, second, row)))
    edge = x - HALF_TANK - 1 if heading == 3 else x + HALF_TANK
    column = edge >> 3
    first, second = (y - HALF_TANK) >> 3, (y + HALF_TANK - 1) >> 3
    return not (stops_tank(tile_at(world, column, first)) or stops_tank(tile_at(world, column, second)))


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
    count = 0
    for k in range(4):
        count += tile_at(world, column + (k & 1), row + (k >> 1)) == ICE
    return count >= 2


@rule
def in_forest(world, x, y):
    """A tank is hidden when all four of its tiles are forest."""
    column, row = nearest_tiles(x, y)
    for k in range(4):
        if tile_at(world, column + (k & 1), row + (k >> 1)) != FOREST:
            return False
    return True
