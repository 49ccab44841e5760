"""GitHub: what was approved in Slack is shown in a pull request, and waits there for the review that confirms it.

The pull request is a question and is never merged. What its review proves, a job reads from GitHub by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from coordinator import proposing
from coordinator.directory import Directory
from coordinator.head import Head
from coordinator.journal import Again, Done, Work
from coordinator.lifecycle import (
    Happening,
    Move,
    approval,
    end_of_life,
    on_confirmers,
    on_proposal,
    shown_in_github,
)
from coordinator.outside.commits import COORDINATOR, entry_of
from coordinator.positions import grain_of, notice_of, rule_of
from coordinator.requests import Request, State, is_channel
from sallyport.audit import Deed
from sallyport.confirming import Word, may_confirm, path_of, proposal, word
from sallyport.entries import format_lasting
from sallyport.people import Person
from sallyport.platforms.errors import Refused
from sallyport.platforms.github import GitHub
from sallyport.policies import Policies
from sallyport.reviews import PullRequest
from sallyport.times import format_moment

log = structlog.get_logger()

BRANCHES = "sallyport"  # of ours begin with it
DOOR = "github"
_SOON, _LATER = timedelta(seconds=2), timedelta(seconds=15)  # between two looks, at first and at last


@dataclass(frozen=True, slots=True)
class Confirmations:
    """The effects `branch`, `proposal`, `pull`, `confirm`, `unpull` and `unbranch`."""

    github: GitHub
    directory: Directory
    policies: Callable[[], Policies]
    now: Callable[[], datetime]
    head: Head

    def branch(self, _work: Work, request: Request) -> Done:
        """Begin the branch of the pull request; nothing, where nobody waits for it any more."""
        if request.state is not State.CONFIRMING:
            return Done(asked=False)
        self.github.start_branch(branch_of(request), self.head.latest())
        return Done()

    def propose(self, work: Work, request: Request) -> Done:
        """Commit there what is to be confirmed, unless an earlier attempt has."""
        if request.state is not State.CONFIRMING:
            return Done(asked=False)
        branch, path = branch_of(request), path_of(request.id)
        shown = proposal(entry_of(request), request.granted).encode()
        head = self.github.head(branch)
        if work.uncertain and self.github.file(path, head) == shown:
            return Done({"commit": head})
        commit = self.github.commit(f"Show {request.id} to be confirmed", "", {path: shown}, (), head, branch)
        return Done({"commit": commit})

    def ask(self, work: Work, request: Request) -> Done:
        """Open the pull request, or adopt the one that an earlier attempt may have opened, if only to close it.

        One that is open already is brought up to date.
        """
        if work.result:
            return self._ask_anew(request)
        pull = self._opened(request) if work.uncertain else None
        if request.state is not State.CONFIRMING:
            return Done({"number": pull.number, "url": pull.url, "who": []} if pull else {}, asked=work.uncertain)
        policies, now = self.policies(), self.now()
        asked = self._asked(request, policies)
        pull = pull or self._open(request, policies)
        shown = on_proposal(request, now)
        if work.uncertain:  # what an earlier attempt has said there is not known
            asked, shown = asked | {"logins": []}, [*shown, shown_in_github(now)]
        return Done({"number": pull.number, "url": pull.url, **asked}, arm=tuple(shown))

    def _ask_anew(self, request: Request) -> Done:
        """Name in the pull request, and wherever it is shown, those who can confirm it now.

        Nothing is said to GitHub where they are the same. A text that GitHub does not take holds up no review.
        """
        known, policies, now = dict(request.result("pull")), self.policies(), self.now()
        asked = known | self._asked(request, policies)
        if request.state is not State.CONFIRMING or asked == known:
            return Done(known, asked=False)
        found = confirmers(request, policies)
        try:
            self.github.edit_pull(int(known["number"]), proposing.asked(request, policies, found)[1])
        except Refused as refused:
            log.warning("confirmation.old-text", request_id=request.id, error=str(refused))
        shown = tuple(on_confirmers(request, now, asked["who"]))
        if asked["who"] == known["who"]:
            return Done(asked, arm=shown)
        others = Happening(Deed.ROUTED, now, COORDINATOR, {"detail": proposing.those_now(found)})
        return Done(asked, then=lambda standing: _asked_anew(standing, others), arm=shown)

    def _asked(self, request: Request, policies: Policies) -> dict[str, list[str]]:
        """Return who can confirm it now: their names, their logins in GitHub, and whom of them a nudge reaches."""
        found = confirmers(request, policies)
        return {
            "who": [person.label for person in found],
            "logins": [person.github for person in found],
            "slack": list(reached(request, self.directory, policies)),
        }

    def watch(self, _work: Work, request: Request) -> Done | Again:
        """See what those who may confirm it have said; the clock ends what nobody confirms."""
        if request.state is not State.CONFIRMING:
            return Done(asked=False)
        number, commit = int(request.result("pull")["number"]), str(request.result("proposal")["commit"])
        pull = self.github.pull(number)
        said = word(entry_of(request), commit, self.github.reviews(number), self.policies())
        if said is not None and said.yes and said.at < request.decide_by:
            return self._confirmed(request, said, pull, commit)
        if said is not None and not said.yes:
            return self._denied(said.by, said.at, pull, proposing.refused(self.policies(), said.by))
        if pull.closed:
            return self._denied(COORDINATOR, self.now(), pull, proposing.CLOSED)
        if pull.head != commit:
            return self._denied(COORDINATOR, self.now(), pull, proposing.CHANGED)
        return Again(self.now() + self._patience(request))

    def close(self, _work: Work, request: Request) -> Done:
        """Close the pull request and say there what became of it."""
        asked = request.result("pull")
        if asked:
            self.github.close_pull(int(asked["number"]), proposing.closed(request, self.policies()))
        return Done(asked=bool(asked))

    def clear(self, _work: Work, request: Request) -> Done:
        """Remove the branch; GitHub keeps the commit that was reviewed with the pull request."""
        self.github.drop_branch(branch_of(request))
        return Done()

    def _opened(self, request: Request) -> PullRequest | None:
        return self.github.pull_of_branch(branch_of(request))

    def _open(self, request: Request, policies: Policies) -> PullRequest:
        """Open it; one that GitHub did not list a moment ago, and knows all the same, is looked for again."""
        title, body = proposing.asked(request, policies, confirmers(request, policies))
        try:
            return self.github.open_pull(branch_of(request), title, body)
        except Refused as refused:
            there = any("already exists" in reason for reason in refused.reasons)
            if there and (pull := self._opened(request)):
                return pull
            raise

    def _confirmed(self, request: Request, said: Word, pull: PullRequest, commit: str) -> Done:
        result = {
            "by": said.by,
            "at": format_moment(said.at),
            "pull": pull.number,
            "commit": commit,
            "lasting": format_lasting(request.granted),
        }
        details = {"through": DOOR, "url": pull.url, "reviewed": commit}
        confirmed = Happening(Deed.CONFIRMED, said.at, said.by, details)
        policies = self.policies()
        ends = end_of_life(said.at, request.granted, grain_of(request, policies))
        return Done(result, then=approval(confirmed, ends, notice_of(request, policies)))

    def _denied(self, by: str, at: datetime, pull: PullRequest, why: str) -> Done:
        details = {"through": DOOR, "reason": why, "url": pull.url}
        return Done(then=Move(Happening(Deed.DENIED, at, by, details), State.DENIED, closing=why))

    def _patience(self, request: Request) -> timedelta:
        """Return the pause before the next look: short while the approval is young."""
        last = max((decision.at for decision in request.approvals), default=self.now())
        return min(max((self.now() - last) / 60, _SOON), _LATER)


def _asked_anew(standing: Request, others: Happening) -> Move | None:
    """Return the fact that others are asked; None if nobody is any more."""
    return Move(others) if standing.state is State.CONFIRMING else None


def branch_of(request: Request) -> str:
    """Return the branch that shows what a request asks for."""
    return f"{BRANCHES}/{request.id}"


def confirmers(request: Request, policies: Policies) -> list[Person]:
    """Return who can confirm *request* in GitHub, under the policies of the moment."""
    found = map(policies.people.by_email, sorted(may_confirm(entry_of(request), policies)))
    return [person for person in found if person]


def reached(request: Request, directory: Directory, policies: Policies) -> tuple[str, ...]:
    """Return the Slack ids of those of them whom a nudge reaches: directly if policy asks so, or under a card."""
    rule = rule_of(request, policies)
    everybody = (rule is not None and rule.cards.direct) or any(map(is_channel, request.notify))
    found = (directory.slack_id(person.email, bound=False) for person in confirmers(request, policies))
    return tuple(slack_id for slack_id in found if slack_id and (everybody or slack_id in request.notify))
