// The sections of a replay; written by scripts/make_sections.py from replay/sections.py.

export const NUM_ACTIONS = 10;
export const NUM_POWER_UPS = 6;
export const KINDS = ["fire", "spent", "hit", "kill", "stun", "brick", "pick_up", "power_up", "base", "enter", "win"];
export const SECTIONS = {
  "step_frame": {"dtype": "i4", "shape": ["T+1"], "high": "F", "ascending": true},
  "actions": {"dtype": "i1", "shape": ["T", "C"], "high": 9},
  "hold": {"dtype": "i2", "shape": ["T", "C"], "optional": true, "high": 32767},
  "reward": {"dtype": "f4", "shape": ["T", "N"]},
  "hash": {"dtype": "u1", "shape": ["hashes", "16"]},
  "tank.x": {"dtype": "u2", "shape": ["F+1", "M"]},
  "tank.y": {"dtype": "u2", "shape": ["F+1", "M"]},
  "tank.look": {"dtype": "u1", "shape": ["F+1", "M"], "high": 4, "shift": 4},
  "tank.state": {"dtype": "u1", "shape": ["F+1", "M"], "high": 4, "shift": 4},
  "tank.clock": {"dtype": "u1", "shape": ["F+1", "M"]},
  "tank.lives": {"dtype": "u1", "shape": ["F+1", "M"]},
  "bullet.x": {"dtype": "u2", "shape": ["F+1", "2M"]},
  "bullet.y": {"dtype": "u2", "shape": ["F+1", "2M"]},
  "bullet.look": {"dtype": "u1", "shape": ["F+1", "2M"], "high": 4},
  "field": {"dtype": "u2", "shape": ["F+1", "5"]},
  "terrain": {"dtype": "u1", "shape": ["tiles"], "high": 20},
  "change.frame": {"dtype": "i4", "shape": ["changes"], "high": "F", "ascending": true},
  "change.tile": {"dtype": "u2", "shape": ["changes"], "high": "tiles-1"},
  "change.code": {"dtype": "u1", "shape": ["changes"], "high": 20},
  "event.frame": {"dtype": "i4", "shape": ["events"], "high": "F", "ascending": true},
  "event.kind": {"dtype": "u1", "shape": ["events"], "high": 10},
  "event.tank": {"dtype": "i1", "shape": ["events"], "high": "M-1", "low": -1},
  "event.by": {"dtype": "i1", "shape": ["events"], "high": "M-1", "low": -1},
  "event.x": {"dtype": "i2", "shape": ["events"]},
  "event.y": {"dtype": "i2", "shape": ["events"]},
  "seen": {"dtype": "u1", "shape": ["T+1", "M", "seen_bytes"]},
  "seen_tiles": {"dtype": "u1", "shape": ["T+1", "M", "tile_bytes"], "optional": true},
  "extra.value": {"dtype": "f2", "shape": ["T", "N"], "optional": true},
  "extra.probs": {"dtype": "f2", "shape": ["T", "N", "A"], "optional": true},
  "extra.predicted": {"dtype": "f2", "shape": ["T", "N", "M", "2"], "optional": true},
};
