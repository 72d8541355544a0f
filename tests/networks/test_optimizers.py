"""Muon's step on a convolution is an orthogonal matrix of the size of AdamW's step; other variables follow AdamW."""

import numpy as np
import pytest

from helpers.networks.backend import keras
from helpers.networks.optimizers import ConvolutionMuon


def stepped(variable: np.ndarray, gradient: np.ndarray, rate: float = 0.01) -> np.ndarray:
    """Return what one step of Muon without weight decay adds to a variable."""
    kept = keras.Variable(variable)
    optimizer = ConvolutionMuon(rate, weight_decay=None, adam_weight_decay=None, adam_lr_ratio=0.3)
    optimizer.apply([keras.ops.convert_to_tensor(gradient)], [kept])
    return np.asarray(kept) - variable


@pytest.mark.parametrize("shape", [(3, 3, 2, 8), (3, 3, 1, 16)])
def test_the_step_of_a_kernel_has_nearly_equal_singular_values_along_those_of_the_gradient(shape) -> None:
    gradient = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    step = stepped(np.zeros(shape, np.float32), gradient).reshape(-1, shape[-1])
    left, values, right = np.linalg.svd(gradient.reshape(-1, shape[-1]), full_matrices=False)
    expected = -0.01 * 0.2 * np.sqrt(max(step.shape))
    np.testing.assert_allclose(np.linalg.svd(step)[1] / abs(expected), 1, atol=0.4)  # of five iterations
    along = np.diag(left.T @ step @ right.T)
    assert (along / expected > 0.5).all()
    assert values.max() / values.min() > 1.5  # so there was something to make equal


def test_variables_that_are_no_kernels_take_adams_first_step() -> None:
    gradient = np.array([[0.5, -2.0], [1.0, -0.1]], np.float32)
    step = stepped(np.zeros((2, 2), np.float32), gradient)
    np.testing.assert_allclose(step, -0.01 * 0.3 * np.sign(gradient), rtol=1e-3)
