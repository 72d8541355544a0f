from .corruptions import (
    CORRUPTIONS as CORRUPTIONS,
    NEUTRAL_AMOUNTS as NEUTRAL_AMOUNTS,
)
from .cost import (
    cost_table as cost_table,
    count_flops as count_flops,
)
from .explanations import (
    embed as embed,
    explain as explain,
)
from .laboratories import (
    adapt as adapt,
    adaptation_curve as adaptation_curve,
    compare_methods as compare_methods,
    predict_views as predict_views,
)
from .ladder import (
    accuracy_with_renewed_statistics as accuracy_with_renewed_statistics,
    compute_ladder as compute_ladder,
    compute_scalings as compute_scalings,
    find_undertrained as find_undertrained,
    is_larger as is_larger,
)
from .robustness import (
    corrupt_and_score as corrupt_and_score,
    doubt_of_labels as doubt_of_labels,
    load_external as load_external,
    score_external as score_external,
    shift_and_score as shift_and_score,
    summarise_corruptions as summarise_corruptions,
    with_doubts as with_doubts,
    worst_small_shift as worst_small_shift,
)
from .scores import (
    RESAMPLES as RESAMPLES,
    Scores as Scores,
    accuracy_interval as accuracy_interval,
    apply_temperature as apply_temperature,
    bootstrap_intervals as bootstrap_intervals,
    compare_models as compare_models,
    correlation_interval as correlation_interval,
    expected_calibration_error as expected_calibration_error,
    fit_temperature as fit_temperature,
    paired_difference as paired_difference,
    review_rules as review_rules,
    review_until as review_until,
    score as score,
    shared_errors as shared_errors,
    spread_over_seeds as spread_over_seeds,
)
