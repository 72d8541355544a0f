from .findings import (
    REPORTED as REPORTED,
    VERDICTS as VERDICTS,
)
from .ledger import (
    assess_claims as assess_claims,
    gather_findings as gather_findings,
)
