"""Optimizers by name; Muon for convolutions gives updates whose singular values are all alike."""

import math
from functools import partial
from typing import Any

from helpers.networks.backend import keras
from helpers.recipes import Recipe

DECAY = 0.05
"""Weight decay of AdamW and Muon, decoupled from the gradient (Loshchilov & Hutter 2019, arXiv:1711.05101)."""


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


OPTIMIZERS = {
    "adam": keras.optimizers.Adam,
    "adamw": partial(keras.optimizers.AdamW, weight_decay=DECAY),
    "muon": partial(ConvolutionMuon, weight_decay=DECAY, adam_weight_decay=DECAY, adam_lr_ratio=0.3),
}
"""By name in a recipe; Muon has a smaller learning rate for variables that are no kernels."""


def optimizer_for(recipe: Recipe, steps: int) -> keras.optimizers.Optimizer:
    """Return the optimizer of a recipe that trains for so many steps."""
    rate: Any = recipe.learning_rate
    if recipe.cosine_decay:
        warmup = max(1, steps // 20)
        rate = keras.optimizers.schedules.CosineDecay(
            0.0, max(1, steps - warmup), warmup_target=recipe.learning_rate, warmup_steps=warmup
        )
    optimizer = OPTIMIZERS[recipe.optimizer](rate)
    # One replica has nothing to sum, and TensorFlow's sum would keep every network ever trained in memory.
    optimizer._all_reduce_sum_gradients = list
    return optimizer
