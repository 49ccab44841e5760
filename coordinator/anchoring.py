"""Makes each day's anchor and sees that the sink has it: without one a missing end of a chain is not seen."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from coordinator.alerts import Alerts, Kind
from coordinator.audit.exporting import Exporting
from sallyport.platforms.errors import PlatformError, Refused

SUBJECT = Kind.ANCHOR.about("audit")
PATIENCE = timedelta(hours=1)  # with a sink that is away: until then an anchor is late, and nothing more


@dataclass(frozen=True, slots=True)
class Anchoring:
    """Makes the anchors of one journal for one replica, and tells the operators what the sink does not take."""

    exporting: Exporting
    alerts: Alerts

    def look(self) -> None:
        """Make today's anchor if there is none, and see that the sink has all there are."""
        try:
            self.exporting.anchor()
        except PlatformError as error:
            waits = self.exporting.oldest_unkept()
            is_late = waits is not None and self.exporting.now() - waits.at >= PATIENCE
            if isinstance(error, Refused) or is_late:
                day = f" of {waits.day}" if waits else ""
                self.alerts(SUBJECT, f"The audit sink does not have the anchor{day}: {error}")
        else:
            self.alerts.over(SUBJECT)
