"""The original report's sixteen claims, each with a rule that turns this run's findings into a verdict.

`assessment` lists them, `about_data` and `about_models` hold the rules, `findings` what a rule may look at.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
