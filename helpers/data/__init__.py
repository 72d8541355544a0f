"""Cells from whatever form they come in, and what is done to them before anything is learnt.

`load_cells` is the door. Behind it stand `npz`, `folder`, `bloodmnist` (the download) and `synthetic` (cells drawn by
this project), with `conversions` to uint8 pixels and `labels` to the eight classes. `split` removes exact copies and
divides the images; `audit` looks for other defects.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
