"""The drawings. A ``draw_`` function returns a `Drawing`, a figure with its finding and its alternative text.

`publish` shows them in a notebook, beside tables as `tables` writes them and what a chapter found. `style` is the look
of all; the other modules are named for what they draw.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
