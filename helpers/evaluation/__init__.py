"""How good the models are: scores with intervals and paired tests, and what lies behind them.

`scores`, `calibration`, `ladder` (what each change gains, and whether a training was long enough), `corruptions` and
`robustness`, `explanations`, `cost`.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
