"""Every algorithm's module is what `AlgorithmModule` says, and every encoder and head what its protocol says."""

import inspect

import pytest

from algos.backbones.encoders import ENCODERS
from algos.common import config as cfg
from algos.common.errors import BadInput
from algos.common.protocol import AlgorithmModule
from algos.common.views import ViewSpec

VECTOR, PLANES = {"vector": ViewSpec((5,), "float32")}, {"planes": ViewSpec((3, 8, 8), "uint8")}
ENTITIES = {"tanks": ViewSpec((4, 6), "float32"), "tanks_mask": ViewSpec((4,), "bool")}
SPECS = {"mlp": VECTOR, "cnn": PLANES, "entities": ENTITIES}


@pytest.mark.parametrize("name", sorted(set(cfg.presets().values())))
def test_algorithm_modules(name):
    module = cfg.load_module(name)
    for member in AlgorithmModule.__annotations__:
        assert hasattr(module, member), f"{name} has no {member}"
    assert module.DATA in ("none", "optional", "required")
    for preset, changes in module.PRESETS.items():
        assert module.Config(name=preset, **changes).name == preset
        assert cfg.data_use(preset) == module.DATA
        assert cfg.constant(cfg.source_of(preset), "TOTAL_STEPS") == module.TOTAL_STEPS > 0
    keys = [key for key in cfg.algo_keys(next(iter(module.PRESETS))) if key.name != "name"]
    assert [key.name for key in keys if not key.comment] == [], "each key says what it is"
    assert list(inspect.signature(module.train).parameters)[:3] == ["config", "env", "run"] or module.DATA == "required"


@pytest.mark.parametrize("name", ENCODERS)
def test_encoders(name):
    import torch

    encoder = ENCODERS[name](SPECS[name], 8, 1, "relu")
    views = {key: torch.ones(2, 3, *spec.shape, dtype=getattr(torch, spec.dtype)) for key, spec in SPECS[name].items()}
    assert encoder(views).shape == (2, 3, encoder.width)


@pytest.mark.parametrize("name", ENCODERS)
@pytest.mark.parametrize("other", ENCODERS)
def test_encoders_refuse_what_they_do_not_read(name, other):
    if name == other:
        return
    with pytest.raises(BadInput, match=rf"algo\.encoder={name} (reads no|needs) .*: use "):
        ENCODERS[name](SPECS[other], 8, 1, "relu")
