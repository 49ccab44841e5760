"""What has to be true of one request, kept by the model's own judgement and without a look at the journal."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tests.coordinator.model.company import BOUND, NOTICE, STOP

YES, NO, ELSEWHERE, CLOSES = "yes", "no", "yes to another commit", "closes it"  # said to a pull request
POLICY, BREAK_GLASS = "policy", "break-glass"  # what stands in for approvals


@dataclass(frozen=True)
class Review:
    """What a person did in GitHub with the pull request that shows a request, and when."""

    who: str
    says: str
    at: datetime


@dataclass
class Life:
    """What was asked for, and what has become of it so far."""

    requester: str
    flow: str
    lifetime: timedelta | None  # None is for ever
    grant: str = ""  # what stands in for approvals
    extends: str = ""
    first_ends: datetime | None = None  # when what it extends ends
    decided: dict[str, bool] = field(default_factory=dict)  # by person, whether it was a yes
    gave: list[timedelta] = field(default_factory=list)  # by those who approved it for some time only
    approved_at: datetime | None = None  # by all who are needed, in GitHub too
    begins_at: datetime | None = None  # where it is approved, and those who work there are warned first
    is_withdrawn: bool = False  # while it waited, or before it began
    confirm_by: datetime | None = None  # where Slack has approved it, and GitHub is to confirm that
    reviews: list[Review] = field(default_factory=list)
    heard: Review | None = None  # what ended the wait for GitHub

    @property
    def approved_by(self) -> list[str]:
        return [name for name, said_yes in self.decided.items() if said_yes]

    @property
    def is_decided(self) -> bool:
        """Whether nobody in Slack can decide it any more."""
        return bool(self.approved_at or self.confirm_by or False in self.decided.values())

    @property
    def is_denied(self) -> bool:
        return False in self.decided.values() or (self.heard is not None and self.heard.says != YES)

    @property
    def granted(self) -> timedelta | None:
        """How long it lives: as was asked for, or the least that an approver gave."""
        return min([*([self.lifetime] if self.lifetime else []), *self.gave], default=None)

    @property
    def expires_at(self) -> datetime | None:
        if self.approved_at is None or self.granted is None:
            return None
        return self.approved_at + self.granted

    def approve(self, now: datetime) -> None:
        self.approved_at = now.replace(microsecond=0)
        if self.flow == STOP and not self.extends and self.grant != BREAK_GLASS:
            self.begins_at = self.approved_at + NOTICE

    def word(self, confirmers: frozenset[str]) -> Review | None:
        """Return what of the reviews so far counts, if those are who may confirm it."""
        last = {review.who: review for review in self.reviews if review.who in confirmers & BOUND}
        said = sorted(last.values(), key=lambda review: review.at)
        noes = [review for review in said if review.says == NO]
        yeses = [
            review for review in said if review.says == YES and self.confirm_by and review.at < self.confirm_by
        ]
        closings = [review for review in self.reviews if review.says == CLOSES]
        return next(iter([*noes, *yeses, *closings]), None)

    def hear(self, review: Review) -> None:
        self.heard = review
        if review.says == YES:
            self.approve(review.at)
