"""How good the models are: scores with intervals and paired tests, calibration, robustness, explanations and cost."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
