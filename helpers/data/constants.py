"""What every part of the study takes for granted: the size of the images, the classes and the splits."""

import numpy as np

SIDE = 48
"""Height and width of every image, in pixels."""

CLASS_NAMES = (
    "basophil",
    "eosinophil",
    "erythroblast",
    "immature granulocyte",
    "lymphocyte",
    "monocyte",
    "neutrophil",
    "platelet",
)
"""Class name of each label; the order is BloodMNIST's."""

LUMINANCE = np.array([0.299, 0.587, 0.114], dtype=np.float32)
"""Weights of red, green and blue in grey (ITU-R BT.601, which Pillow and the original report use)."""

SPLIT_NAMES = ("train", "validation", "test")
"""Names of the three parts of the data, in the order they are used."""
