"""The main job, end to end: two requests go all the way from a slash command to their revert.

Every line says what was just seen; the first thing that is not as it should be ends the demo with a failure.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.panel import Panel

from sandbox.company import Company, open_company
from sandbox.slack import Message

LIFETIME = "20s"
CALLER = "198.51.100.10"  # the partner's server
PROD = "222222222222"


class NotAsItShouldBe(Exception):
    """Something the demo looked at was wrong."""


class Story:
    """Tells what happens, with the seconds since the start."""

    def __init__(self) -> None:
        self._console = Console(highlight=False, width=118)
        self._start = time.monotonic()

    def chapter(self, title: str) -> None:
        self._console.print(f"\n[bold]{escape(title)}[/bold]")

    def tell(self, sentence: str) -> None:
        self._console.print(f"[dim]{time.monotonic() - self._start:5.1f} s[/dim]  {escape(sentence)}")

    def show(self, title: str, text: str) -> None:
        self._console.print(
            Panel(escape(text.strip()), title=escape(title), title_align="left", border_style="dim")
        )

    def prove(self, holds: bool, sentence: str) -> None:
        """Tell *sentence* if it holds; end the demo if it does not."""
        if not holds:
            raise NotAsItShouldBe(sentence)
        self.tell(f"✓ {sentence}")

    def wait(self, holds: Callable[[], bool], sentence: str, timeout: float = 40) -> None:
        """Wait until *sentence* is true, and tell it."""
        deadline = time.monotonic() + timeout
        while not holds():
            if time.monotonic() > deadline:
                raise NotAsItShouldBe(f"after {timeout:.0f} s it is not so that {sentence}")
            time.sleep(0.05)
        self.tell(f"✓ {sentence}")


def run() -> int:
    """Play the demo; the exit code says whether everything was as it should be."""
    story = Story()
    with tempfile.TemporaryDirectory(prefix="sallyport-") as folder:
        story.tell("Starting Slack, JIRA, GitHub and AWS stand-ins, a bare git repository, and the coordinator …")
        with open_company(Path(folder), lifetime=LIFETIME) as company:
            try:
                _play(story, company)
            except (NotAsItShouldBe, AssertionError) as error:
                story.tell(f"✗ {error}")
                story.show("coordinator's log", company.coordinator.log[-3000:])
                for run_ in company.github.runs:
                    story.show(f"{run_.name}: {run_.conclusion}", run_.log[-3000:])
                return 1
    story.chapter("Everything was as it should be.")
    return 0


def _play(story: Story, company: Company) -> None:
    story.tell("Ready. Durations are 20 seconds in this demo; everything else is as policies/ says.")
    whitelisting, access = _ask(story, company)
    _decide(story, company)
    _see_it_live(story, company, whitelisting, access)
    _deny_one(story, company)
    _see_it_end(story, company, whitelisting, access)


def _ask(story: Story, company: Company) -> tuple[Message, Message]:
    story.chapter("Ana asks")
    ana = company.slack.person("ana")
    ana.types("/apiwhitelisting", channel="infra-requests")
    form = ana.waits_for_form("API whitelisting")
    story.tell(f"Ana types /apiwhitelisting. A form opens and asks for {', '.join(form.labels)}.")
    form.choose("HTTP method", "POST")
    form.choose("API Gateway", "Payments API")
    form.fill("Path", "/v1/charges")
    form.fill("Source", "198.51.100.10/24")
    form.choose("Manager", "Lee Wong")
    form.fill("Reason", "Partner go-live, contract 4711")
    errors = form.submit()
    story.prove(
        "198.51.100.10/32" in errors.get("Source", ""), f"A slip is answered in the form: {errors['Source']}"
    )
    form.fill("Source", "198.51.100.10/32")
    story.prove(form.submit() == {}, "Corrected, the form is taken.")
    answer = ana.types("/prod-access debugging the checkout 500s", channel="infra-requests")
    story.tell(f"Ana types /prod-access debugging the checkout 500s and is told: {answer.text}")
    whitelisting = ana.sees("asks for POST /v1/charges", where="infra-requests")
    access = ana.sees("asks for Production read-only", where="infra-requests")
    story.wait(lambda: len(company.jira.issues) == 2, "JIRA has both tickets from the first second")
    return whitelisting, access


def _decide(story: Story, company: Company) -> None:
    story.chapter("Lee decides")
    story.prove(not _lets_in(company), f"AWS refuses POST /v1/charges from {CALLER}")
    story.prove(not _has_access(company), "Ana has no access to production")
    kim, lee = company.slack.person("kim"), company.slack.person("lee")
    card = lee.sees("asks you to approve POST /v1/charges")
    story.show("What Lee sees", card.visible_text)
    story.prove(not kim.messages("dm"), "Nobody else is asked")
    card.press("Approve whitelisting")
    lee.sees("asks you to approve Production read-only").press("Approve production access")
    story.tell("Lee presses Approve on both cards.")
    lee.sees("Approved by Lee Wong")


def _see_it_live(story: Story, company: Company, whitelisting: Message, access: Message) -> None:
    story.chapter("GitHub Actions changes AWS")
    ana = company.slack.person("ana")
    story.wait(
        lambda: bool(company.github.runs), "The coordinator has committed the entries and dispatched the jobs"
    )
    for name, text in _entries(company).items():
        story.show(name, text)
    story.wait(lambda: _lets_in(company), f"AWS lets POST /v1/charges in from {CALLER}")
    story.prove(not _lets_in(company, source="198.51.100.11"), "and from no neighbour of it")
    story.prove(_lets_in(company, source="192.0.2.7"), "The office's own statement in the policy is untouched")
    story.wait(lambda: _has_access(company), "Ana holds ProdReadOnly in production")
    ana.sees("Live until", where="infra-requests", timeout=30)
    roots = {"whitelisting": whitelisting, "access": access}
    story.wait(
        lambda: all(r.replies() for r in roots.values()), "The jobs have posted their results in the threads"
    )
    for name, root in roots.items():
        story.show(f"The thread of the {name}", root.replies()[-1].visible_text)
    story.wait(lambda: all(i.status == "Done" for i in company.jira.issues), "Both tickets are Done")
    labels = company.jira.issues[0].labels
    story.prove("approved-by:lee@example.com" in labels, f"and labelled for auditors: {', '.join(labels)}")
    story.show(company.jira.issues[0].key, "\n\n".join(c.body for c in company.jira.issues[0].comments))


def _deny_one(story: Story, company: Company) -> None:
    story.chapter("Not everything is approved")
    ana, sam = company.slack.person("ana"), company.slack.person("sam")
    ana.types("/prod-access because I said so")
    sam.sees("because I said so").press("Deny")
    form = sam.waits_for_form("Deny")
    form.fill("Reason", "Which incident is it for?")
    form.submit()
    told = ana.sees("Denied by Sam Okafor")
    story.show("What Ana is told", told.visible_text)
    story.wait(lambda: company.jira.issues[-1].status == "Declined", "The ticket is closed with the reason")


def _see_it_end(story: Story, company: Company, whitelisting: Message, access: Message) -> None:
    story.chapter("Twenty seconds later")
    ana = company.slack.person("ana")
    story.wait(
        lambda: not _lets_in(company), "AWS has stopped letting the partner in, at the second, by itself", 60
    )
    story.wait(lambda: not _has_access(company), "Ana's access to production is gone", 60)
    story.wait(lambda: _sessions_end(company), "Her running sessions are denied")
    story.wait(lambda: not _entries(company), "requests/ is empty again; the log keeps what happened", 60)
    story.wait(lambda: whitelisting.shows("Ended") and access.shows("Ended"), "Both threads say that it has ended")
    ana.sees("Ended: it was taken back")
    standing = (PROD, "ProdReadOnly", "kim@example.com") in company.aws.identity_center.assignments()
    story.prove(standing, "Kim's standing access, which was there before, is untouched")
    story.show("git log", _git(company, "log", "--format=%h %an: %s%n%w(0,4,4)%b", "-4"))


def _lets_in(company: Company, source: str = CALLER) -> bool:
    now = datetime.now(UTC)
    return company.aws.apigateway.allows("a1payments", "live", "POST", "/v1/charges", source_ip=source, at=now)


def _has_access(company: Company) -> bool:
    return (PROD, "ProdReadOnly", "ana@example.com") in company.aws.identity_center.assignments()


def _sessions_end(company: Company) -> bool:
    policy = company.aws.identity_center.provisioned_inline_policy("ProdReadOnly", PROD)
    return "aws:TokenIssueTime" in json.dumps(policy)


def _entries(company: Company) -> dict[str, str]:
    names = _git(company, "ls-tree", "-r", "--name-only", "main", "requests/").split()
    return {name: _git(company, "show", f"main:{name}") for name in names if name.endswith(".yaml")}


def _git(company: Company, *words: str) -> str:
    done = subprocess.run(["git", "-C", company.bare, *words], capture_output=True, text=True, check=True)
    return done.stdout
