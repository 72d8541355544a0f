"""Loads cells from any accepted source, checks them, and splits them.

Start with `load_cells`. It uses `npz`, `folder`, `bloodmnist` (the download) and `synthetic` (generated images), and
`conversions` brings what they read to one form. `split` removes exact copies and splits the images. `audit`
looks for other defects.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
