"""Images as they are, in rows that wrap: examples, and every error on the test images.

``images`` are (N, 48, 48, 3) uint8, ``labels`` (N,) integers, ``probabilities`` (N, 8) by model.
"""

import base64
import io
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image
from skimage.util import montage

from helpers.data import CLASS_NAMES, Part
from helpers.figures.publish import publish
from helpers.notation import MODEL_NAMES, counted, model_name, percent, sentence

CELLS = "application/vnd.blood-cells+json"
"""Media type of a gallery: a sprite of images side by side, ``columns`` in a row, and what is said of each."""


def _encoded(image: np.ndarray, form: str, **options: Any) -> str:
    """Return an image as a data URI."""
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, form, **options)
    return f"data:image/{form};base64,{base64.b64encode(stream.getvalue()).decode()}"


def _sprite(images: np.ndarray) -> dict[str, Any]:
    """Return images as one image, row by row in about a square, which weighs a fifth of single files."""
    columns = int(np.ceil(np.sqrt(len(images))))
    rows = -(-len(images) // columns)
    sheet = montage(images, fill=(255, 255, 255), grid_shape=(rows, columns), channel_axis=3)
    return {"sprite": _encoded(sheet, "webp", quality=80, method=6), "columns": columns, "rows": rows}


def _grid(images: np.ndarray, words: list[str]) -> str:
    """Return what JupyterLab shows: the images in rows that wrap, words below each."""
    cell = '<span style="display: inline-block; width: 7em"><img src="{}" width="96" alt=""><br>{}</span>'
    return "".join(cell.format(_encoded(image, "png"), text) for image, text in zip(images, words, strict=True))


def show_examples(images: np.ndarray, labels: np.ndarray, caption: str) -> None:
    """Publish the first four images of each class that has any, with its number."""
    shown = pd.Series(labels).groupby(labels).head(4).sort_values(kind="stable")
    title, alt = f"Examples of {counted(shown.nunique(), 'cell type')}", "Grid of up to four cells of each class."
    names = [f"{CLASS_NAMES[label]} ({label})" for label in shown]
    cells = [{"label": label} for label in shown.tolist()]
    gallery = _sprite(images[shown.index]) | {"classes": list(CLASS_NAMES), "cells": cells}
    data = {CELLS: gallery, "text/html": _grid(images[shown.index], names), "text/plain": alt}
    publish("figure", {"slug": "examples", "title": title, "caption": caption, "alt": alt}, data, None)


def show_errors(test: Part, index: np.ndarray, probabilities: dict[str, np.ndarray], best: str, caption: str) -> None:
    """Publish every image that a model misclassifies, with what each model answers; nothing without an error.

    ``index`` (N,) is the position of each image in the data. The report lets readers choose by class and by model.
    JupyterLab shows the most confident errors of the model ``best``.
    """
    images, labels = test.images, test.labels
    values = np.stack(list(probabilities.values()), axis=1)
    answers, confidences = values.argmax(axis=2), values.max(axis=2)
    positions = np.flatnonzero((answers != labels[:, None]).any(axis=1))
    if not len(positions):
        return
    cells = pd.DataFrame({"index": index[positions], "label": labels[positions]})
    cells["answers"] = answers[positions].tolist()
    cells["confidence"] = (100 * confidences[positions]).round().astype(int).tolist()
    row = list(probabilities).index(best)
    wrong = pd.Series(confidences[:, row])[answers[:, row] != labels].sort_values()[::-1]
    title = f"{model_name(best)} makes {counted(len(wrong), 'error') if len(wrong) else 'no error'}"
    if len(wrong):
        title += f", {(wrong > 0.9).sum() or 'none'} with more than 90 % confidence"
    alt = f"Gallery of {counted(len(positions), 'test image')} that at least one model misclassifies."
    shown = wrong.head(24)
    words = [
        f"{CLASS_NAMES[labels[each]]} → {CLASS_NAMES[answers[each, row]]}, {percent(confidence, 0)}"
        for each, confidence in shown.items()
    ]
    gallery = _sprite(images[positions]) | {"classes": list(CLASS_NAMES), "cells": cells.to_dict("records")}
    gallery |= {"models": [sentence(MODEL_NAMES[name]) for name in probabilities], "best": row}
    data = {CELLS: gallery, "text/html": _grid(images[shown.index], words), "text/plain": alt}
    publish("figure", {"slug": "errors", "title": sentence(title), "caption": caption, "alt": alt}, data, len(labels))
