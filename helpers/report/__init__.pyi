from .page import (
    PUBLISHED as PUBLISHED,
    find_chromium as find_chromium,
    print_pdf as print_pdf,
    render_report as render_report,
)
from .results import (
    add_run_details as add_run_details,
    save_models as save_models,
    score_models as score_models,
    write_results as write_results,
    write_tables as write_tables,
)
from .summary import (
    best_on_validation as best_on_validation,
)
