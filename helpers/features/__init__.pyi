from .classical import (
    load_classical as load_classical,
    predict_probabilities as predict_probabilities,
)
from .colour import (
    COLOURS as COLOURS,
    GREY_THRESHOLD as GREY_THRESHOLD,
    blue_residual as blue_residual,
    colour_statistics as colour_statistics,
    has_blue_background as has_blue_background,
)
from .handcrafted import (
    HISTOGRAM_BINS as HISTOGRAM_BINS,
    PIXELS as PIXELS,
    REPORT_GROUPS as REPORT_GROUPS,
    extract_features as extract_features,
)
from .look import (
    Look as Look,
    fit_look as fit_look,
)
from .shapes import (
    in_blocks as in_blocks,
    stained_areas as stained_areas,
)
