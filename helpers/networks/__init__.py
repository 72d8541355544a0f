"""The networks, and how a recipe and a seed become a finished run.

`architectures` builds them, `optimizers` and `augmentation` help to train them; `training` compiles and fits them on
TensorFlow (`backend`); `runs` keeps what is finished; `cluster` spreads training runs over several machines.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
