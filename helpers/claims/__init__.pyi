from .assessment import (
    assess_claims as assess_claims,
    gather_findings as gather_findings,
)
from .rules import (
    REPORTED as REPORTED,
    VERDICTS as VERDICTS,
)
