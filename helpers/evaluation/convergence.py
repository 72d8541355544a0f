"""Whether a training went far enough to say what its network can do."""

from collections.abc import Mapping, Sequence

import numpy as np

from helpers.data import Part
from helpers.networks import Run


def undertrained(runs: Mapping[str, Sequence[Run]]) -> dict[str, str]:
    """Return the networks whose first seed was trained too briefly to assess them, and why."""
    doubts = {name: why_undertrained(seeds[0]) for name, seeds in runs.items()}
    return {name: why for name, why in doubts.items() if why}


def why_undertrained(run: Run) -> str | None:
    """Return why a training says too little about what its network can do, or None where it says enough.

    The network saw fewer images than there are, or each of them once only; validation accuracy was still rising, by
    more than a point over its best before the last epoch; or it ended at less than half the training accuracy, so
    that the running averages of a batch normalisation have not caught up.
    """
    history = run.history()
    accuracy, in_training = history["val_accuracy"].to_numpy(), history["accuracy"].to_numpy()
    if len(accuracy) * int(run.record["epoch_images"]) < run.record["train_images"]:
        return "it saw fewer images than there are"
    if len(accuracy) < 2:
        return "a single epoch does not tell whether its validation accuracy was still rising"
    if accuracy[-1] > accuracy[:-1].max() + 0.01:
        return "its validation accuracy was still rising"
    if accuracy[-1] < in_training[-1] / 2:
        return "its validation accuracy ended below half its training accuracy"
    return None


def renewed_accuracy(run: Run, images: np.ndarray, validation: Part) -> float:
    """Return a run's validation accuracy with its running averages replaced by averages over ``images``."""
    from helpers.networks import predict_probabilities, renew_batch_statistics
    from helpers.saved_models import load_network

    network = load_network(run.model_path)
    renew_batch_statistics(network, images)
    predicted = predict_probabilities(network, validation.images).argmax(axis=1)
    return float(np.mean(predicted == validation.labels))
