"""The jobs of GitHub Actions, played by a script: what the real ones report and commit, without AWS.

It tells by the executor's own reporter. No mishap of the matrix concerns it: its faults have tests of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from actions.reporting import Channels, Reporter
from actions.results import News
from sallyport.entries import Entry, parse_entry, path_of
from sallyport.outcomes import Outcome, Result
from sallyport.platforms.github import GitHub
from sallyport.policies import Policies
from sandbox.github.repository import Repository
from sandbox.github.runs import Order, Ticket

WORDS = {
    Result.APPLIED: "It is in force, as read back.",
    Result.REFUSED: "The target says no. Nothing was changed.",
    Result.REVERTED: "It is out of force, as read back.",
}


@dataclass(frozen=True)
class Executor:
    """Carries out runs of the queue. *applying* is how an apply ends; *channels* is whom the job can tell."""

    repository: Repository
    github: GitHub
    channels: Channels
    policies: Callable[[], Policies]
    now: Callable[[], datetime]
    applying: Result = Result.APPLIED

    def __call__(self, ticket: Ticket) -> str:
        """Do what the workflow does, and return the run's conclusion."""
        order = ticket.order
        if order.workflow == "apply.yml":
            return self._apply(order)
        if order.workflow == "validate.yml":
            return "success"  # what a pull request proposes to be confirmed is no entry
        assert order.workflow == "expire.yml", f"nobody asks for {order.workflow}"
        return self._expire(order)

    def _apply(self, order: Order) -> str:
        ids = [order.inputs["request_id"], *order.inputs.get("also", "").split()]
        entries = [self._entry(path_of(self._flow(order), one)) for one in ids]
        return self._report(order, [self._news(entry, self.applying) for entry in entries])

    def _expire(self, order: Order) -> str:
        head = self.repository.head("main") or ""
        names = [e.path for e in self.repository.tree(head, recursive=True) if e.path.startswith("requests/")]
        entries = [self._entry(name) for name in names if name.endswith(".yaml")]
        ended = [entry for entry in entries if not entry.is_live(self.now())]
        conclusion = self._report(order, [self._news(entry, Result.REVERTED) for entry in ended])
        if ended:
            ids = " and ".join(entry.id for entry in ended)
            self.github.commit(f"Remove {ids}", "Taken back.", {}, [entry.path for entry in ended], head)
        return conclusion

    def _report(self, order: Order, news: Sequence[News]) -> str:
        url = f"{self.github.html_url_of_commit(order.head_sha)}/runs/{order.id}"
        of_run = (str(order.id), url, order.head_sha)
        reporter = Reporter(self.channels, self.github, *of_run, lambda _: None, self.now)
        faults = reporter.report(news, "What the job did.")
        assert not faults, faults
        return "success" if all(item.outcome.result.good for item in news) else "failure"

    def _news(self, entry: Entry, result: Result) -> News:
        outcome = Outcome(entry.id, result, WORDS[result], self.now(), entry.expires_at)
        return News(outcome, entry)

    def _entry(self, path: str) -> Entry:
        content = self.repository.file(self.repository.head("main") or "", path)
        assert content is not None, f"{path} is not on main"
        return parse_entry(content, path, self.policies().schemas)

    def _flow(self, order: Order) -> str:
        prefix = order.inputs["request_id"].partition("-")[0]
        return next(flow.id for flow in self.policies().flows.values() if flow.prefix == prefix)
