"""The labels of drift's tickets: the jobs write them, and the coordinator reads from them what stands."""

from __future__ import annotations

from typing import Final

DRIFT: Final = "sallyport-drift"  # on every ticket of a finding
DRIFT_OVER: Final = "sallyport-drift-over"  # and on those whose finding is gone
