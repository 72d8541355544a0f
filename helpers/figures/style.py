"""One look for every figure: colours, fonts and the notation of the axes."""

from pathlib import Path
from typing import Any, TypeVar

import matplotlib as mpl
from matplotlib import pyplot as plt
from matplotlib.ticker import FuncFormatter

from helpers.data import CLASS_NAMES
from helpers.notation import MODEL_NAMES

INK, MUTED, GRID, PAPER = "#1b1f27", "#59616e", "#d9dde4", "#fffffd"
"""Text and axes, secondary text, grid lines, background: the report swaps exactly these for its theme's."""

STYLE = Path(__file__).with_name("report.mplstyle")  # the look of every figure, in matplotlib's own format

_CYCLE = mpl.rc_params_from_file(STYLE)["axes.prop_cycle"]
CLASS_COLOURS: dict[str, str] = dict(zip(CLASS_NAMES, _CYCLE.by_key()["color"], strict=True))
"""Class name -> colour, the same in every figure, legible on white and on near-black.

Found by search: any two stay apart (CIEDE2000 of 11 or more) in normal vision and with full protanopia,
deuteranopia and tritanopia as simulated by Machado et al. 2009 (doi:10.1109/TVCG.2009.113).
"""

MODEL_COLOURS: dict[str, str] = {
    "forest": "#8da484",
    "handcrafted_best": "#056f78",
    "lenet_classic": "#269cfb",
    "lenet_custom": "#5744f7",
    "alexnet": "#b18ca6",
    "alexnet_fixed": "#e27e10",
    "cellnet": "#c90537",
}
"""Model name -> colour, found as above: in each family, the model as reported is the paler one."""

_MARKERS = dict(zip(MODEL_COLOURS, "oDs^vXP", strict=True))

PERCENT = FuncFormatter(lambda share, _: f"{100 * share:g} %")  # writes shares on an axis as percentages

_T = TypeVar("_T")
NARROW = (3.7, 4.5)  # the usual size of a figure for a telephone, in inches; `layout` goes by it


def layout(wide: _T, narrow: _T) -> _T:
    """Return what the layout being drawn needs: that of a page, or that of a telephone (3.7 inches wide at most)."""
    return narrow if tuple(plt.rcParams["figure.figsize"]) == NARROW else wide


def model_look(name: object) -> dict[str, Any]:
    """Return colour, marker and label of a model in a plot, so that none is told by its colour alone."""
    model = str(name)
    return {"color": MODEL_COLOURS[model], "marker": _MARKERS[model], "label": MODEL_NAMES[model]}


def use_style() -> None:
    """Set matplotlib's defaults so that plain ``plt.subplots()`` and seaborn calls look like this report."""
    plt.style.use(["default", STYLE])
