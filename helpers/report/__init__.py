"""What a run leaves for its readers: results.json, the model card and one HTML page.

`results` writes the files beside the page, with sentences from `summary`. `page` renders the executed notebooks with
`markup` and `template/`.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
