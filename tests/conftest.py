"""Fixtures of all tests, and how Hypothesis plays them."""

import pytest
from hypothesis import settings

# No example is too slow: the first one of a process compiles, and how fast the machine is says nothing about the rule.
settings.register_profile("mabc", deadline=None)
settings.load_profile("mabc")


@pytest.fixture
def one_thread():
    """torch with a single thread, as training has it; several change the order of sums."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
