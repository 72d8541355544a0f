"""The energy of a piece of work, where the machine tells, and what to assume where it does not."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

WATTS_PER_CORE = 12.0
"""Assumed of a busy core where no energy was measured (Lannelongue et al. 2021, doi:10.1002/advs.202100707)."""

POWERCAP = Path("/sys/class/powercap")
"""Where Linux shows the energy counters of Intel and AMD processors (RAPL); usually to root only."""


def start_energy_meter(powercap: Path = POWERCAP) -> Callable[[], float | None]:
    """Return a function that tells the joules all processors used since now, or None where none can be read."""
    before = _read_counters(powercap)

    def joules_since() -> float | None:
        after = _read_counters(powercap)
        if not before.size or before.shape != after.shape:
            return None
        # a counter starts again at 0 after its largest value
        return float(np.sum((after - before)[:, 0] % (before[:, 1] + 1)) / 1e6)

    return joules_since


def _read_counters(powercap: Path) -> np.ndarray:
    files = ("energy_uj", "max_energy_range_uj")
    try:  # "intel-rapl:0" is a package, "intel-rapl:0:1" a part of it; "psys" counts the packages again
        zones = [
            zone for zone in sorted(powercap.glob("*-rapl:[0-9]")) if "package" in (zone / "name").read_text()
        ]
        values = [[int((zone / file).read_text()) for file in files] for zone in zones]
    except (OSError, ValueError):
        return np.empty((0, 2))
    return np.array(values)
