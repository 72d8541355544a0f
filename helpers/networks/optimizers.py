"""Muon for convolutions: updates whose singular values are all alike (Jordan et al. 2024; Liu et al. 2025)."""

import math
from typing import Any

from helpers.networks.backend import keras


class ConvolutionMuon(keras.optimizers.Muon):  # type: ignore[misc]
    """Keras' Muon, extended to the kernels of convolutions; all other variables are optimised by AdamW.

    Keras applies Muon to matrices only. A kernel (height, width, inputs, filters) is taken as the matrix of its
    filters, (height * width * inputs, filters), whose momentum is made orthogonal by a Newton-Schulz iteration
    (K. Jordan et al. 2024, https://kellerjordan.github.io/posts/muon; step size as in arXiv:2502.16982).
    """

    def _should_use_adamw(self, variable: Any) -> bool:
        return len(variable.shape) != 4

    def zeropower_via_newtonschulz5(self, x: Any, steps: int) -> Any:
        """Return the kernel ``x`` with its filters made orthogonal."""
        matrix = keras.ops.reshape(x, (-1, x.shape[-1]))
        return keras.ops.reshape(super().zeropower_via_newtonschulz5(matrix, steps), x.shape)

    def lr_adjust(self, x: Any) -> Any:
        """Return the update ``x`` scaled to the typical size of one of AdamW's, as Keras does for matrices."""
        return x * self.rms_rate * math.sqrt(max(math.prod(x.shape[:-1]), x.shape[-1]))
