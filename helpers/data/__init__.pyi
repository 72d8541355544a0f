from .audit import (
    describe_defects as describe_defects,
    dropped_images as dropped_images,
    group_by_class as group_by_class,
)
from .augmentation import (
    FORMS as FORMS,
    flip_and_turn as flip_and_turn,
    show_elsewhere as show_elsewhere,
)
from .cells import (
    UNLABELLED as UNLABELLED,
    Cells as Cells,
)
from .constants import (
    CLASS_NAMES as CLASS_NAMES,
    LUMINANCE as LUMINANCE,
    SIDE as SIDE,
    SPLIT_NAMES as SPLIT_NAMES,
)
from .conversions import (
    CROPS as CROPS,
    as_uint8 as as_uint8,
)
from .source import (
    KEYWORDS as KEYWORDS,
    Source as Source,
    load_cells as load_cells,
    resolve_source as resolve_source,
    source_fingerprint as source_fingerprint,
)
from .split import (
    DROPPED as DROPPED,
    Part as Part,
    Split as Split,
    hash_pixels as hash_pixels,
    split_cells as split_cells,
    take_sample as take_sample,
)
from .synthetic import draw_cells as draw_cells
