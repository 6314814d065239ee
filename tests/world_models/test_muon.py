"""Muon: orthogonal steps, each member by itself."""

import pytest
import torch

from world_models.muon import Muon, orthogonal
from world_models.stacked import Linear


@pytest.mark.parametrize("shape", [(8, 20), (20, 8), (12, 12)])
def test_singular_values_come_near_one_and_vectors_stay(shape):
    x = torch.randn(3, *shape, generator=torch.Generator().manual_seed(0))
    found = orthogonal(x)
    assert found.shape == x.shape
    values = torch.linalg.svdvals(found)
    assert values.min() > 0.5
    assert values.max() < 1.3
    u, _, v = torch.linalg.svd(x, full_matrices=False)
    middle = u.mT @ found @ v.mT  # in the vectors of x, a diagonal
    assert (middle - torch.diag_embed(middle.diagonal(dim1=1, dim2=2))).abs().max() < 1e-3


def test_first_step_by_hand():
    layer = Linear(2, 4, 9)
    before = layer.weight.detach().clone()
    gradient = torch.randn(2, 4, 9, generator=torch.Generator().manual_seed(1))
    layer.weight.grad, layer.bias.grad = gradient.clone(), torch.ones_like(layer.bias)
    bias = layer.bias.detach().clone()
    Muon(layer.parameters(), lr=0.1, weight_decay=0.5).step()
    # a first step goes along the gradient; 0.2 sqrt(max(4, 9)) = 0.6 times lr; the weights shrink by lr times decay
    torch.testing.assert_close(layer.weight.detach(), before * 0.95 - 0.06 * orthogonal(gradient))
    torch.testing.assert_close(layer.bias.detach(), bias * 0.95 - 0.1)  # AdamW's first step is lr


def test_members_do_not_touch_each_other():
    moved = []
    for factor in (1.0, 50.0):
        torch.manual_seed(0)
        layer = Linear(2, 4, 6)
        muon = Muon(layer.parameters(), lr=0.1, weight_decay=0.0)
        for _ in range(3):
            loss = layer(torch.ones(2, 5, 4)).square().sum((1, 2)) * torch.tensor([1.0, factor])
            layer.zero_grad()
            loss.sum().backward()
            muon.step()
        moved.append(layer.weight.detach().clone())
    torch.testing.assert_close(moved[0][0], moved[1][0], rtol=0, atol=0)
