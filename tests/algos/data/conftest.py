import numpy as np
import pytest

from algos.data.dataset import Dataset


@pytest.fixture(autouse=True)
def stores(tmp_path, monkeypatch):
    """Datasets of a test stay in its folder."""
    monkeypatch.setenv("MABC_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path / "minari"))


@pytest.fixture
def small():
    """Three episodes of 2, 1 and 3 steps; the second was cut off and its end not seen."""
    random = np.random.default_rng(0)
    return Dataset(
        obs=random.standard_normal((9, 4)).astype(np.float32),
        actions=random.uniform(-1, 1, (6, 2)).astype(np.float32),
        rewards=np.arange(6, dtype=np.float32),
        terminals=np.array([False, True, False, False, False, True]),
        starts=np.array([0, 2, 3, 6]),
        end_seen=np.array([True, False, True]),
        info={"name": "small", "made": {"how": "by hand"}},
    )


@pytest.fixture
def team():
    """Two episodes, of 1 and 3 steps, of a team of two with five actions."""
    random = np.random.default_rng(1)
    masks, actions = random.random((6, 2, 5)) < 0.5, random.integers(5, size=(4, 2))
    masks[[[0], [2], [3], [4]], [[0, 1]], actions] = True  # what was done was legal
    return Dataset(
        obs=random.standard_normal((6, 2, 3)).astype(np.float32),
        actions=actions,
        rewards=np.arange(4, dtype=np.float32),
        terminals=np.array([True, False, False, False]),
        starts=np.array([0, 1, 4]),
        masks=masks,
        alive=random.random((6, 2)) < 0.5,
        extras={"state": random.standard_normal((6, 7)).astype(np.float32), "success": np.array([True, False])},
        num_actions=5,
        info={"name": "team"},
    )


def same(one: Dataset, other: Dataset) -> None:
    """Every array is the same to the bit, and so is the info."""
    for name in ("obs", "actions", "rewards", "terminals", "starts", "masks", "alive", "end_seen"):
        a, b = getattr(one, name), getattr(other, name)
        assert (a is None) == (b is None), name
        if a is not None:
            assert a.dtype == b.dtype, name
            assert a.tobytes() == b.tobytes(), name
            assert a.shape == b.shape, name
    assert one.extras.keys() == other.extras.keys()
    for name, array in one.extras.items():
        assert array.tobytes() == other.extras[name].tobytes(), name
    assert one.num_actions == other.num_actions
    assert one.info == other.info


@pytest.fixture(name="same")
def _same():
    return same
