"""What a run leaves for its readers: results.json, the model card, and one HTML page.

`results` writes all files beside the page and takes its sentences from `summary`; `page` renders the executed
notebooks, with `markup` and `template/` behind it.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
