"""A company of five whose coordinator has two replicas on one database: whatever the model's people act upon.

They ask for access to production, and for stops of development, of which those who work there are warned first.

Each replica knows the policies and Slack's members as of its own last look; nothing but the database is shared.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
import yaml

from coordinator.asking import Asking
from coordinator.deciding import Deciding
from coordinator.directory import Directory
from coordinator.ending import Ending
from coordinator.extending import Extending
from coordinator.journal import Journal
from coordinator.keeping import Keeping
from coordinator.nudging import Nudging
from coordinator.routing import Rerouting, Routing
from coordinator.sleeping import Sleeping
from coordinator.withdrawing import Withdrawing
from sallyport.policies import Policies, load_policies
from sallyport.times import format_duration
from tests.coordinator.asks import ROOT
from tests.coordinator.conftest import Installed
from tests.coordinator.fakes import FakeGitHub
from tests.coordinator.model.seats import Seats, View
from tests.coordinator.test_directory import user
from tests.coordinator.test_routing import Members

MONDAY = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)  # in working hours, so that nudges are due
ADDRESSES = {
    "U0ANA": "ana@example.com",
    "U0LEE": "lee@example.com",
    "U0SAM": "sam@example.com",
    "U0KIM": "kim@example.com",
    "U0MAX": "max@example.com",
    "U0MAXOPS": "max.ops@example.com",  # a second account of Max
}
LOGINS = {name: f"{name}-hub" for name in ("ana", "lee", "sam", "kim", "max")}  # in GitHub
BOUND = frozenset(LOGINS) - {"kim"}  # to their login
PEOPLE = [
    *(
        {"email": f"{name}@example.com", "slack": f"U0{name.upper()}"}
        | ({"github": LOGINS[name]} if name in BOUND else {})
        for name in ("ana", "lee", "sam", "kim")
    ),
    {"email": "max@example.com", "aliases": ["max.ops@example.com"], "github": LOGINS["max"]},  # no Slack id
]
REQUESTERS = frozenset({"ana", "lee", "max"})
BREAKERS = frozenset({"lee"})
TO_CONFIRM = timedelta(hours=4)  # after the approval in Slack
ACCESS, STOP = "prod-access", "infra-stop"  # the flows; those who work in an environment are warned of its stop
PLACES = {ACCESS: "prod", STOP: "dev"}
NOTICE = timedelta(minutes=10)
SHORTEST, LONGEST = timedelta(minutes=15), timedelta(hours=8)  # that an entry lives, if it has an end
LONGEST_WORD = timedelta(days=3)  # that anybody keeps an environment up
GROUPS = {
    "engineering": sorted(REQUESTERS),
    "managers": ["lee", "sam"],
    "security": ["sam", "kim", "max"],
    "breakers": sorted(BREAKERS),
}


@dataclass(frozen=True)
class Variant:
    """A version of the policies: what each flow's only rule says, and the same as the model understands it."""

    rule: Mapping[str, Any]
    seats: tuple[Seats, ...]
    bound: bool = True
    goes_on: bool = True  # may be extended, and given back
    glass: bool = True
    step_up: bool = False  # what is approved in Slack waits for a review in GitHub


def _of(*groups: str, by: frozenset[str] = frozenset(), quorum: int = 1, apart: bool = False) -> Seats:
    named = {name: frozenset(GROUPS[name]) for name in groups} | ({"by name": by} if by else {})
    return Seats(named, quorum, apart)


EVERYBODY = frozenset({"lee", "sam", "kim", "max"})
NAMED = {"people": sorted(f"{name}@example.com" for name in EVERYBODY)}
ALL = _of(by=EVERYBODY)
VARIANTS: Mapping[str, Variant] = {
    "one of them": Variant({"approvers": NAMED, "bound_identity": False}, (ALL,), bound=False),
    "two of them": Variant(
        {"approvers": NAMED, "quorum": 2, "bound_identity": False}, (replace(ALL, quorum=2),), bound=False
    ),
    "bound": Variant({"approvers": NAMED, "quorum": 2}, (replace(ALL, quorum=2),)),
    "staged": Variant(
        {
            "stages": [
                {"name": "manager", "approvers": {"groups": ["managers"]}},
                {"name": "security", "approvers": {"groups": ["security"]}, "quorum": 2},
            ],
            "bound_identity": False,
        },
        (_of("managers"), _of("security", quorum=2)),
        bound=False,
    ),
    "apart": Variant(
        {
            "stages": [
                {
                    "name": "both",
                    "approvers": {"groups": ["managers", "security"]},
                    "quorum": 2,
                    "distinct_groups": True,
                }
            ]
        },
        (_of("managers", "security", quorum=2, apart=True),),
    ),
    "confirmed": Variant(
        {"approvers": NAMED, "bound_identity": False, "step_up": "github"}, (ALL,), bound=False, step_up=True
    ),
    "on call": Variant(
        {"approvers": {"groups": ["on-call"], "people": ["lee@example.com"]}},
        (Seats({"on-call": frozenset(), "by name": frozenset({"lee"})}),),
    ),
    "kept": Variant({"approvers": NAMED, "extension": False, "early_return": False}, (ALL,), goes_on=False),
    "by itself": Variant({"auto_approve": True}, (), glass=False),
}


def all_policies(installed: Installed) -> dict[str, Policies]:
    """Load every variant once; `version` names it."""
    return {name: _policies(installed, name, variant) for name, variant in VARIANTS.items()}


def _policies(installed: Installed, name: str, variant: Variant) -> Policies:
    access = yaml.safe_load(installed.files["flows/prod-access.yaml"])
    production = {**access["rules"][0], "break_glass": {"groups": ["breakers"], "max": "1h"}}
    production["timeout"] = format_duration(TO_CONFIRM)
    shortest, longest = format_duration(SHORTEST), format_duration(LONGEST)
    production["duration"] = {"default": "4h", "min": shortest, "max": longest, "approver_may_shorten": True}
    production["duration"]["permanent"] = True
    for part in ("approvers", "quorum", *(() if variant.glass else ("break_glass",))):
        del production[part]
    stop = yaml.safe_load((ROOT / "policies/flows/infra-stop.yaml").read_bytes())
    stop |= {"notice": format_duration(NOTICE), "nudges": access["nudges"]}
    for flow in (access, stop):
        flow["rules"] = [production | variant.rule | {"when": {"environment": PLACES[flow["flow"]]}}]
    groups = {group: [f"{name}@example.com" for name in names] for group, names in GROUPS.items()}
    people = {"people": PEOPLE, "groups": {**groups, "on-call": {"slack": "S0ONCALL"}}}
    documents = {"flows/prod-access.yaml": access, "flows/infra-stop.yaml": stop, "people.yaml": people}
    others = {path: content for path, content in installed.files.items() if not path.startswith("flows/")}
    files = others | {path: yaml.safe_dump(document).encode() for path, document in documents.items()}
    return load_policies(files, name)


@dataclass
class Company:
    """What replicas look at: the policies that were merged, and Slack with its members; and the clock."""

    policies: Mapping[str, Policies]
    installed: Installed
    now: datetime = MONDAY
    variant: str = "one of them"
    slack: Members = field(
        default_factory=lambda: Members(
            {slack_id: user(slack_id, email) for slack_id, email in ADDRESSES.items()},
            groups={"S0ONCALL": ("U0KIM",)},
        )
    )

    def __post_init__(self) -> None:
        self.github = FakeGitHub(lambda: self.now)

    @property
    def in_force(self) -> Policies:
        return self.policies[self.variant]

    def leaves(self, slack_id: str, *, is_gone: bool = True) -> None:
        self.slack.members[slack_id] = replace(self.slack.members[slack_id], deleted=is_gone)


class Replica:
    """One process of the coordinator: what it knows, and what people do through it."""

    def __init__(self, company: Company, engine: sa.Engine) -> None:
        self.company = company
        self.journal = Journal(engine)
        self._seen = company.in_force
        self.directory = Directory(company.slack, lambda: self._seen)  # type: ignore[arg-type]  # what it uses of it
        policies, clock = self.directory.policies, lambda: company.now
        self.routing = Routing(policies, self.directory)
        self.asking = Asking(self.journal, policies, self.directory, self.routing, clock)
        self.deciding = Deciding(self.journal, self.routing, self.directory, clock)
        self.rerouting = Rerouting(self.journal, self.routing, clock)
        self.extending = Extending(self.journal, self.asking, clock)
        self.withdrawing = Withdrawing(self.journal, policies, clock)
        self.ending = Ending(self.journal, policies, self.directory, clock)
        self.nudging = Nudging(self.journal, clock)
        sleeping = Sleeping(self.journal, policies, clock)  # there is no schedule
        self.keeping = Keeping(self.ending, sleeping, policies)
        self.look_around()

    def look_around(self) -> None:
        """Learn of merged policies, of who is there, and of who is on call."""
        company = self.company
        self._seen = company.in_force
        self.directory.refresh()
        active = {slack_id for slack_id, one in company.slack.members.items() if not one.deleted}
        on_call = frozenset(map(name_of, company.slack.groups["S0ONCALL"]))
        self.variant = VARIANTS[company.variant]
        self.view = View(self.variant.seats, self.variant.bound, active, on_call, REQUESTERS)


def name_of(slack_id: str) -> str:
    """Return whose account this is."""
    return "max" if slack_id == "U0MAXOPS" else slack_id.removeprefix("U0").lower()
