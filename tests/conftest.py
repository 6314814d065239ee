"""Fixtures of all tests."""

import pytest


@pytest.fixture
def one_thread():
    """torch with a single thread, as training has it; several change the order of sums."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
