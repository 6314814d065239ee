"""Views: what networks read, as named arrays, the same from the environment to the minibatch.

| view | leading axes | what it is |
|---|---|---|
| `vector` | [B, N] | numbers, float32 [D] |
| `planes`, `rgb` | [B, N] | pictures, uint8 [C, H, W] and [H, W, 3] |
| `tanks`, `bullets`, … | [B, N] | entities of a type, float32 [E, D] |
| `tanks_mask`, … | [B, N] | which of their rows are real, bool [E] |
| `agent_id` | [B, N] | the agent's number, one-hot float32 [N] |
| `state` | [B] | the global state, for a centralised critic |

B worlds, N agents. An environment lists those that it has: `views`, a Box each (`specs_of`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from algos.common.protocol import BatchedEnv

if TYPE_CHECKING:
    import torch

Views = dict[str, "torch.Tensor"]


class ViewSpec(NamedTuple):
    """Shape and type of a view, leading axes left out."""

    shape: tuple[int, ...]
    dtype: str


def specs_of(env: BatchedEnv) -> dict[str, ViewSpec]:
    """The views of an environment; one that lists none has a vector and a state, of the shapes that it tells."""
    boxes = getattr(env, "views", None)
    if boxes is None:
        return {"vector": ViewSpec(env.obs_shape, "float32"), "state": ViewSpec(env.state_shape, "float32")}
    return {name: ViewSpec(tuple(box.shape), str(box.dtype)) for name, box in boxes.items()}


def views_of(obs: Any, names: list[str]) -> dict[str, np.ndarray]:
    """An environment's observations as views: one array is the only one of `names`, entities are taken apart."""
    if not isinstance(obs, dict):
        (name,) = names
        return {name: obs}
    found: dict[str, np.ndarray] = {}
    for kind, (rows, mask) in obs.items():
        found |= {kind: rows, f"{kind}_mask": mask}
    return found
