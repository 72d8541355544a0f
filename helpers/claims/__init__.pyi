from .findings import (
    REPORTED as REPORTED,
    VERDICTS as VERDICTS,
)
from .ledger import (
    gather_findings as gather_findings,
    settle_claims as settle_claims,
)
