"""The drawings. Every ``draw_`` function returns a figure; `show_figure` and `show_table` publish in a notebook.

`style` is the look of all of them; the other modules are named for what they draw.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
