"""Images as they are, in rows that wrap: examples, and every error on the test images.

``images`` are (N, 48, 48, 3) uint8, ``labels`` (N,) integers, ``probabilities`` (N, 8) by model.
"""

import base64
import html
import io
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image
from skimage.util import montage

from helpers.data import CLASS_NAMES
from helpers.figures.publish import publish, with_n
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
    cells = (
        f'<figure style="width: 112px; margin: 0"><img src="{_encoded(image, "png")}" width="96" alt="">'
        f'<figcaption style="font-size: 11px">{html.escape(text)}</figcaption></figure>'
        for image, text in zip(images, words, strict=True)
    )
    return f'<div style="display: flex; flex-wrap: wrap; gap: 12px">{"".join(cells)}</div>'


def show_examples(images: np.ndarray, labels: np.ndarray, slug: str, caption: str) -> None:
    """Publish the first four images of each class that has any, with its number."""
    present = np.unique(labels)
    positions = np.concatenate([np.flatnonzero(labels == label)[:4] for label in present])
    title = f"Examples of {counted(len(present), 'cell type')}"
    alt = "Grid of up to four cells of each class."
    cells = [{"label": label} for label in labels[positions].tolist()]
    names = [f"{CLASS_NAMES[label]} ({label})" for label in labels[positions]]
    gallery = _sprite(images[positions]) | {"classes": list(CLASS_NAMES), "cells": cells}
    data = {CELLS: gallery, "text/html": _grid(images[positions], names), "text/plain": alt}
    publish("figure", {"slug": slug, "title": title, "caption": caption, "alt": alt}, data, {})


def show_errors(
    images: np.ndarray,
    labels: np.ndarray,
    index: np.ndarray,
    probabilities: dict[str, np.ndarray],
    best: str,
    slug: str,
    caption: str,
) -> None:
    """Publish every image that a model misclassifies, with what each model answers; nothing without an error.

    ``index`` (N,) is the position of each image in the data. The report lets readers choose by class and by model.
    JupyterLab shows the most confident errors of the model ``best``.
    """
    answers = np.array([values.argmax(axis=1) for values in probabilities.values()])
    confidences = np.array([values.max(axis=1) for values in probabilities.values()])
    positions = np.flatnonzero((answers != labels).any(axis=0))
    if not len(positions):
        return
    cells = pd.DataFrame({"index": index[positions], "label": labels[positions]})
    cells["answers"] = answers[:, positions].T.tolist()
    cells["confidence"] = (100 * confidences[:, positions]).round().astype(int).T.tolist()
    row = list(probabilities).index(best)
    is_wrong = answers[row] != labels
    errors = counted(is_wrong.sum(), "error") if is_wrong.any() else "no error"
    title = sentence(f"{model_name(best)} makes {errors}")
    if is_wrong.any():
        title += f", {(confidences[row][is_wrong] > 0.9).sum() or 'none'} with more than 90 % confidence"
    alt = f"Gallery of {counted(len(positions), 'test image')} that at least one model misclassifies."
    shown = sorted(np.flatnonzero(is_wrong), key=lambda position: -confidences[row][position])[:24]
    words = [
        f"{CLASS_NAMES[labels[each]]} → {CLASS_NAMES[answers[row][each]]}, {percent(confidences[row][each], 0)}"
        for each in shown
    ]
    gallery = _sprite(images[positions]) | {"classes": list(CLASS_NAMES), "cells": cells.to_dict("records")}
    gallery |= {"models": [sentence(MODEL_NAMES[name]) for name in probabilities], "best": row}
    data = {CELLS: gallery, "text/html": _grid(images[shown], words), "text/plain": alt}
    caption = with_n(caption, len(labels))
    publish("figure", {"slug": slug, "title": title, "caption": caption, "alt": alt}, data, {})
