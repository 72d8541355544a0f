from .data import (
    draw_by_class as draw_by_class,
    draw_label_counts as draw_label_counts,
    draw_pipeline as draw_pipeline,
)
from .evaluation import (
    draw_confusion as draw_confusion,
    draw_corruptions as draw_corruptions,
    draw_recall as draw_recall,
    draw_review as draw_review,
    draw_shift_curves as draw_shift_curves,
)
from .galleries import (
    CELLS as CELLS,
    show_errors as show_errors,
    show_examples as show_examples,
)
from .overview import (
    draw_embedding as draw_embedding,
    draw_reported as draw_reported,
    draw_slopes as draw_slopes,
)
from .publish import (
    Drawing as Drawing,
    conclude as conclude,
    drawn as drawn,
    open_chapter as open_chapter,
    show_figure as show_figure,
    show_table as show_table,
)
from .style import (
    GRID as GRID,
    INK as INK,
    MUTED as MUTED,
    PAPER as PAPER,
    use_style as use_style,
)
from .tables import (
    cell_text as cell_text,
)
from .training import (
    draw_adaptation as draw_adaptation,
    draw_calibration as draw_calibration,
    draw_explanations as draw_explanations,
    draw_ladder as draw_ladder,
    draw_training_curves as draw_training_curves,
)
