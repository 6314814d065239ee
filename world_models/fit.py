"""Training of world models on recorded episodes, the same for every kind of model.

Shapes: E members, B windows of L steps, M steps in all, D features, k action dimensions.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from world_models.episodes import Episodes
from world_models.muon import Muon
from world_models.scale import losses
from world_models.stacked import clip_each


@dataclass
class FitConfig:
    """How a model is trained. Of `updates` and `seconds`, the first to be reached ends it; 0: no such limit."""

    updates: int = 10_000  # gradient steps
    seconds: float = 0.0  # of wall clock, held-out checks left out
    batch_steps: int | None = None  # steps of a minibatch, of each member (B * L); None: the model's own
    lr: float | None = None  # step size at its height; None: the model's own
    optimiser: str | None = None  # muon | adamw; None: the model's own
    noise: float | None = None  # on the states that are learned from, see `disturb`; None: the model's own
    warmup: float = 0.02  # share of the budget in which the step size rises; a cosine takes it to 0 after that
    weight_decay: float = 1e-4
    max_grad_norm: float = 1.0  # of each member by itself
    held_out: float = 0.1  # share of the steps, in whole episodes, that is only looked at
    checks: int = 20  # times that the held-out loss is taken, spread over the budget
    check_steps: int = 20_000  # held-out steps looked at, at most
    bfloat16: bool | None = None  # matrix products of the training in half precision; None: if the processor has it
    seed: int = 0


def fit(
    model: Any, episodes: Episodes, config: FitConfig | None = None, progress: Callable[[dict], None] | None = None
) -> dict[str, Any]:
    """Train a WorldTransformer or a WorldMLP in place; each member draws minibatches of its own.

    Returns {"history": [{"update", "seconds", "train", "change", "reward", "terminal"}, …], "held_out": steps int
    [M']}: the held-out losses over time (normalised units, mean over members; "train" is the running training loss of
    a member) and the steps that were held out. `progress` is given each entry as it is made. The same seed and number
    of updates give the same weights on the same machine; a limit in seconds does not.
    """
    config = config or FitConfig()
    if config.updates <= 0 and config.seconds <= 0:
        raise ValueError("fit needs a limit: updates or seconds above 0")
    learn, out = episodes.split(config.held_out, config.seed)
    model.scale.fit(episodes, learn)
    config = replace(config, **{name: value for name, value in model.fitting.items() if getattr(config, name) is None})
    assert config.lr is not None, "the model's own"
    assert config.noise is not None, "the model's own"
    checked = some_of(out, config.check_steps)
    data = _Data(episodes, next(model.parameters()).device)
    draws = torch.Generator().manual_seed(config.seed)
    pool = torch.as_tensor(learn)
    params = list(model.parameters())
    half = has_bfloat16(data.obs.device) if config.bfloat16 is None else config.bfloat16
    optimiser = _optimiser(params, config, config.lr, half)
    rows = max(config.batch_steps // model.window, 1)
    most_noise = config.noise * model.scale.change_std
    history, recent, spent, update = [], 0.0, 0.0, 0
    due = iter(np.linspace(0, 1, config.checks + 1)[1:])
    mark = next(due)
    while True:
        begun = time.perf_counter()
        done = _share(update, spent, config)
        for group in optimiser.param_groups:
            group["lr"] = config.lr * _schedule(done, config.warmup)
        obs, *rest = data.draw(pool, model.members, rows, model.window, draws)
        windows = disturb(obs, most_noise, draws), *rest
        with torch.autocast(data.obs.device.type, torch.bfloat16, enabled=half):
            loss, _ = window_losses(model, *windows)
        model.zero_grad(set_to_none=True)
        loss.backward()
        clip_each(params, model.members, config.max_grad_norm)
        optimiser.step()
        spent, update = spent + time.perf_counter() - begun, update + 1
        value = loss.item() / model.members
        recent = value if update == 1 else 0.98 * recent + 0.02 * value
        done = _share(update, spent, config)
        if done < mark:
            continue
        found = held_out_losses(model, episodes, checked)
        history.append({"update": update, "seconds": spent, "train": recent, **found})
        if progress:
            progress(history[-1])
        if done >= 1:
            return {"history": history, "held_out": out}
        mark = next((share for share in due if share > done), 1.0)


def has_bfloat16(device: torch.device) -> bool:
    """Whether products in bfloat16 are faster there: on this kind of CPU 1.3 (transformer) to 1.8 times (MLP)."""
    if device.type == "cpu":
        return getattr(torch.cpu, "_is_avx512_bf16_supported", bool)()
    return device.type == "cuda" and torch.cuda.is_bf16_supported()


def _optimiser(params: list[torch.nn.Parameter], config: FitConfig, lr: float, half: bool) -> torch.optim.AdamW | Muon:
    """What takes the steps."""
    if config.optimiser == "muon":
        return Muon(params, lr, config.weight_decay, half)
    if config.optimiser == "adamw":
        return torch.optim.AdamW(params, lr, weight_decay=config.weight_decay, fused=True)
    raise ValueError(f"optimiser={config.optimiser!r}: muon or adamw")


def _share(update: int, spent: float, config: FitConfig) -> float:
    """Share of the budget that is used up, 0 to 1."""
    by_updates = update / config.updates if config.updates > 0 else 0.0
    return min(max(by_updates, spent / config.seconds if config.seconds > 0 else 0.0), 1.0)


def _schedule(done: float, warmup: float) -> float:
    """Step size as a share of its height: a straight rise, then half a cosine down to 0."""
    if done < warmup:
        return (done + 1e-3) / (warmup + 1e-3)
    return 0.5 * (1 + math.cos(math.pi * (done - warmup) / (1 - warmup)))


class _Data:
    """The episodes' arrays as tensors on the model's device."""

    def __init__(self, episodes: Episodes, device: torch.device):
        def put(array: np.ndarray, kind: torch.dtype) -> torch.Tensor:
            return torch.as_tensor(np.ascontiguousarray(array), dtype=kind, device=device)

        self.obs, self.actions = put(episodes.obs, torch.float32), put(episodes.actions, torch.float32)
        self.rewards, self.terminals = put(episodes.rewards, torch.float32), put(episodes.terminals, torch.float32)
        self.known, self.episode = put(episodes.known, torch.float32), put(episodes.episode, torch.int64)
        starts = put(episodes.starts, torch.int64)
        self.first, self.end = starts[:-1], starts[1:]

    def draw(
        self, pool: torch.Tensor, members: int, rows: int, length: int, draws: torch.Generator
    ) -> tuple[torch.Tensor, ...]:
        """Windows around steps drawn from the pool, each member its own; as `take` gives them.

        A window of `length` steps lies wholly in its episode where that is long enough.
        """
        steps = pool[torch.randint(len(pool), (members, rows), generator=draws)]
        back = torch.randint(length, (members, rows), generator=draws)
        steps, back = steps.to(self.obs.device), back.to(self.obs.device)
        episode = self.episode[steps]
        first, end = self.first[episode], self.end[episode]
        return self.take(torch.minimum(torch.maximum(steps - back, first), torch.maximum(end - length, first)), length)

    def take(self, begins: torch.Tensor, length: int) -> tuple[torch.Tensor, ...]:
        """Windows of L steps that begin at steps int [...].

        obs and next_obs [..., L, D], actions [..., L, k], rewards, terminals, weight and known [..., L]: weight is 0
        behind an episode's end (where its last step is repeated), known where the next row was not seen.
        """
        episode = self.episode[begins][..., None]
        last = self.end[episode] - 1
        steps = begins[..., None] + torch.arange(length, device=begins.device)
        inside = (steps <= last).float()
        steps = torch.minimum(steps, last)
        rows = steps + episode
        arrays = (self.obs[rows], self.obs[rows + 1], self.actions[steps], self.rewards[steps], self.terminals[steps])
        return *arrays, inside, self.known[steps]


def disturb(obs: torch.Tensor, most: torch.Tensor, draws: torch.Generator) -> torch.Tensor:
    """States of windows [E, B, L, D] with Gaussian noise, its deviation drawn for each window from 0 to `most` [D].

    In a rollout a model reads what it said itself. One that has learned to go on from states that are a little wrong
    to the true next ones pulls a rollout back, where one that has not adds error to error (our choice).
    """
    if not most.any():
        return obs
    share = torch.rand(*obs.shape[:2], 1, 1, generator=draws).to(obs.device)
    return obs + share * most * torch.randn(obs.shape, generator=draws).to(obs.device)


def window_losses(
    model: Any,
    obs: torch.Tensor,
    next_obs: torch.Tensor,
    actions: torch.Tensor,
    rewards: torch.Tensor,
    terminals: torch.Tensor,
    weight: torch.Tensor,
    known: torch.Tensor,
) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """Loss of windows as `take` gives them, [E, B, L, …]: see `scale.losses`."""
    outputs = model(model.scale.normalise(obs), actions).float()
    return losses(outputs, model.scale.targets(obs, next_obs, rewards, terminals), weight, known)


@torch.no_grad()
def one_step(
    model: Any, episodes: Episodes, steps: np.ndarray, chunk: int = 128
) -> Iterator[tuple[np.ndarray, torch.Tensor]]:
    """Outputs for recorded steps, int [M'], each with its real past: yields (steps [m], outputs [E, m, D + 2]).

    Windows of two contexts that overlap by one: every step has a whole context before it, or all that there was.
    """
    data = _Data(episodes, next(model.parameters()).device)
    C = model.context
    overlap = min(C - 1, 1)
    episode = episodes.episode[steps]
    offset = steps - episodes.starts[episode]
    window = np.maximum(offset // C - overlap, 0)
    begins, which = np.unique(episodes.starts[episode] + window * C, return_inverse=True)
    chunk = max(chunk * 20 // C, 1)
    for at in range(0, len(begins), chunk):
        here = (which >= at) & (which < at + chunk)
        obs, _, actions, *_ = data.take(torch.as_tensor(begins[at : at + chunk]).to(data.obs.device), C * (1 + overlap))
        tokens = [x.expand(model.members, *x.shape) for x in (model.scale.normalise(obs), actions)]
        place = [torch.as_tensor(x).to(data.obs.device) for x in (which[here] - at, (offset - window * C)[here])]
        yield steps[here], model(*tokens)[:, place[0], place[1]]


def held_out_losses(model: Any, episodes: Episodes, steps: np.ndarray) -> dict[str, float]:
    """Parts of the loss of some steps, int [M'], as means over members and steps, of the change over known ones."""
    data = _Data(episodes, next(model.parameters()).device)
    total: dict[str, float] = {}
    changes = max(int(episodes.known[steps].sum()), 1)
    for some, outputs in one_step(model, episodes, steps):
        window = data.take(torch.as_tensor(some).to(data.obs.device), 1)
        obs, next_obs, _, rewards, terminals, weight, known = (x[:, 0] for x in window)
        targets = model.scale.targets(obs, next_obs, rewards, terminals).expand_as(outputs)
        _, parts = losses(outputs, targets, *(x.expand(len(outputs), -1) for x in (weight, known)))
        share = len(some) / len(steps)
        shares = {"change": known.sum().item() / changes, "reward": share, "terminal": share}
        for name, part in parts.items():
            total[name] = total.get(name, 0.0) + part.item() * shares[name]
    return total


def some_of(steps: np.ndarray, count: int, block: int = 100) -> np.ndarray:
    """About `count` of the steps, int [M'], in whole blocks spread over all of them."""
    if len(steps) <= count:
        return steps
    blocks = np.array_split(steps, max(len(steps) // block, 1))
    return np.concatenate([blocks[i] for i in np.linspace(0, len(blocks) - 1, max(count // block, 1)).astype(int)])
