"""Counter-based randomness: a draw is a function of (seed, world, episode, frame, stream) and of nothing else."""

import numpy as np

from ..jit import rule

# Streams: one number for each independent use within a frame. Those of tanks add the tank's slot.
LAYOUT_STREAM, POWER_UP_STREAM, ORDER_STREAM, SEARCH_STREAM, HIT_STREAM, START_STREAM = 0, 1, 2, 3, 4, 16
TANK_STREAM, HEADING_STREAM, PATH_STREAM = 64, 128, 192

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_LCG_FACTOR, _LCG_TERM = np.uint64(6364136223846793005), np.uint64(1442695040888963407)
_LOW = np.uint64(0xFFFF)
_S27, _S30, _S31, _S32, _ONE = np.uint64(27), np.uint64(30), np.uint64(31), np.uint64(32), np.uint64(1)


@rule
def mix(z):
    """The finaliser of SplitMix64 (Steele, Lea and Flood, 2014): uint64 to uint64, every bit counts."""
    z = (z ^ (z >> _S30)) * _MIX_1
    z = (z ^ (z >> _S27)) * _MIX_2
    return z ^ (z >> _S31)


@rule
def episode_key(seed, index, episode):
    """The random key of one episode of one world."""
    key = mix(seed + _GOLDEN)
    key = mix(key ^ (index * _GOLDEN + _ONE))
    return mix(key ^ (np.uint64(episode) * _MIX_1 + _GOLDEN))


@rule
def draw_at(world, time, stream):
    """63 random bits, as a non-negative int64, of a time, counted in frames or otherwise, and a stream."""
    counter = (np.uint64(time) << np.uint64(8)) + np.uint64(stream)
    return np.int64(mix(world.key + counter * _GOLDEN) >> _ONE)


@rule
def draw(world, stream):
    """63 random bits, as a non-negative int64, of this frame and stream."""
    return draw_at(world, world.frame, stream)


@rule
def draw_order(world, count, order):
    """Write the numbers 0 to count - 1 into `order` in an order drawn for this frame, every one as likely.

    An inside-out shuffle (Fisher and Yates) on one draw, stretched by a linear congruential generator (Knuth's MMIX).
    """
    bits = np.uint64(draw(world, ORDER_STREAM))
    for i in range(count):
        k = np.int64((bits >> _S32) * np.uint64(i + 1) >> _S32)
        order[i] = order[k]
        order[k] = i
        bits = bits * _LCG_FACTOR + _LCG_TERM


@rule
def tie_break(distance, bits, k):
    """A distance as a sort key in which equal ones come in an order that `bits` decide, not the numbers k."""
    return (distance << 16) | np.int64(mix(np.uint64(bits) + np.uint64(k)) & _LOW)
