"""The original report's sixteen claims, each with a rule that turns this run's findings into a verdict."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
