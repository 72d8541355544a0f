"""Hand-crafted features, and the models that learn from them without a network.

`colour` holds the six statistics of the exploration, `handcrafted` the features with `shapes` behind them, `classical`
the random forest and the support vector machine, `look` what images look like those of a training.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
