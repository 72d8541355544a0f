"""The look of training images, by which others that look like nothing a model has seen are told apart.

Colour, brightness and sharpness of an image are 36 numbers. A Gaussian mixture holds how they occur together among the
training images (Bishop 2006, Pattern Recognition and Machine Learning, chapter 9), and an image is unfamiliar where it
is less likely than nearly all validation images.
"""

import warnings
from dataclasses import dataclass, replace

import numpy as np
from sklearn.mixture import GaussianMixture
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from helpers.features.shapes import in_blocks

COLOUR_BANDS = np.array([0, 5, 15, 35, 65, 85, 95, 100])
"""Percentiles of a channel's sorted values between which they are averaged; the ends are left to no single pixel."""
EDGE_BANDS = np.array([0, 50, 80, 95, 100])
"""The same for the absolute Laplacian, which says how sharp and how noisy an image is."""

IMAGES_PER_COMPONENT, MOST_COMPONENTS = 500, 20
UNFAMILIAR_SHARE = 0.005
"""Share of validation images that count as unfamiliar."""


@in_blocks
def measure_look(images: np.ndarray) -> np.ndarray:
    """Return (N, 36) float64 of uint8 images (N, 48, 48, 3): per channel, seven means of grey levels and five edges."""

    def means_between(values: np.ndarray, percentiles: np.ndarray) -> np.ndarray:
        ordered = np.sort(values.reshape(len(values), 3, -1), axis=2, kind="stable")
        at = ordered.shape[2] * percentiles // 100
        sums = np.add.reduceat(ordered, at[:-1], axis=2, dtype=np.float64)
        return np.asarray(sums / np.diff(at)).reshape(len(values), -1)

    x = np.moveaxis(images, 3, 1).astype(np.int16, order="C")
    slopes = [np.diff(x, axis=axis).astype(np.float32) for axis in (2, 3)]
    squares = np.mean(slopes[0][..., 1:] ** 2 + slopes[1][:, :, 1:] ** 2, axis=(2, 3), dtype=np.float64)
    centre, rows, columns = x[..., 1:-1, 1:-1], x[..., 1:-1], x[..., 1:-1, :]
    laplacian = 4 * centre - rows[..., :-2, :] - rows[..., 2:, :] - columns[..., :-2] - columns[..., 2:]
    edges = np.hstack([squares, means_between(np.abs(laplacian), EDGE_BANDS)])
    return np.hstack([means_between(x, COLOUR_BANDS), np.log1p(edges)])


@dataclass(frozen=True)
class Look:
    """A Gaussian mixture of K components over F = 36 quantities, and the least log-likelihood of a familiar image."""

    weights: np.ndarray  # (K,) float32
    means: np.ndarray  # (K · F,) float32
    roots: np.ndarray  # (K · F · F,) float32, of the precisions (Cholesky)
    threshold: float = -np.inf

    def log_likelihood(self, images: np.ndarray) -> np.ndarray:
        """Return (N,) float64 for uint8 images (N, 48, 48, 3)."""
        measured, count = measure_look(images), len(self.weights)
        mixture = GaussianMixture(count)
        mixture.weights_, mixture.means_ = self.weights, self.means.reshape(count, -1)
        mixture.precisions_cholesky_ = self.roots.reshape(count, *2 * measured.shape[1:])
        return np.asarray(mixture.score_samples(measured))

    def is_familiar(self, images: np.ndarray) -> np.ndarray:
        """Return (N,) whether each image looks like those of the training."""
        return np.asarray(self.log_likelihood(images) >= self.threshold)


def fit_look(images: np.ndarray, validation_images: np.ndarray) -> Look:
    """Return the look of training ``images``, with a threshold from others of their source; same images, same digits.

    Few validation images do not show how unlikely one may be, so the threshold is lower by 20 / N of its distance from
    their median.
    """
    scaler = StandardScaler()
    components = int(np.clip(len(images) // IMAGES_PER_COMPONENT, 1, MOST_COMPONENTS))
    mixture = GaussianMixture(components, reg_covar=1e-4, random_state=0)
    with threadpool_limits(1), warnings.catch_warnings():  # sums depend on the number of threads
        warnings.simplefilter("ignore")  # of a mixture not converged, or of images that are all alike
        mixture.fit(scaler.fit_transform(measure_look(images)))
        means = mixture.means_ * scaler.scale_ + scaler.mean_
        roots = mixture.precisions_cholesky_ / scaler.scale_[:, None]
        look = Look(*(values.astype(np.float32).ravel() for values in (mixture.weights_, means, roots)))
        likelihood = look.log_likelihood(validation_images)
    lowest = np.quantile(likelihood, UNFAMILIAR_SHARE)
    margin = 20 / len(likelihood) * (np.median(likelihood) - lowest)
    return replace(look, threshold=float(lowest - margin))
