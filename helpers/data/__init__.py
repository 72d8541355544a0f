"""Loads cells from any accepted source, checks them, and splits them.

Start with `load_cells`. `labels` says what labels mean, `plausibility` what cannot be cells, `split` removes copies.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
