"""How drift is found, told once, mended where policy says so, and told to be gone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from actions.commands import watched
from actions.commands.drift import Scope, repair, report, show
from actions.drift import QUIET, Kind, drifts_of
from actions.drift_looking import SETTLING
from actions.executors.api_gateway.state import targets_of
from actions.executors.identity_center.planning import targets_of as accounts_of
from actions.executors.protocol import Claims, Plan, Step, Target, Verb
from actions.job import Job
from actions.reporting import Channels
from actions.verification import Site
from sallyport.changes.protocol import Access
from sallyport.changes.removal_override import FLOW, RemovalOverride
from sallyport.entries import Thread
from sallyport.platforms.errors import Unknown
from sallyport.platforms.jira import Jira
from sallyport.policies import Policies
from sallyport.problems import Problems
from sandbox.faults import Fault, Moment
from sandbox.faults import Kind as Spoilt
from sandbox.jira import JiraStandIn, sample_site
from sandbox.serving import Server
from tests.actions.fakes import FakeExecutor
from tests.actions.world import ALERTS, ORDERS, PAYMENTS, PROD_ROLE, World, whitelisting

READER = "arn:aws:iam::222222222222:role/sallyport-plan"
PROD = Scope("prod", READER)
HERE = Site("api-whitelisting", Target(PAYMENTS, "prod", Access("222222222222", "eu-west-1", PROD_ROLE, READER)))


class Drifting(World):
    """The world of a job, with a real JIRA client and a catalogue whose targets the fake executor manages."""

    stand_in: JiraStandIn
    client: Jira

    def job(self, run_id: str | None = None) -> Job:
        channels = Channels(cast(Any, self.slack), self.client, ALERTS, "OPS")
        return replace(super().job(run_id), channels=channels, make_executor=self.executor)

    def executor(self, flow: str, policies: Policies) -> FakeExecutor:
        targets = {"api-whitelisting": targets_of, "prod-access": accounts_of}.get(flow, lambda _: ())
        return FakeExecutor(self.aws, targets(policies.catalogue))

    def report(self, scope: Scope = PROD) -> int:
        return report(self.job(), scope)

    def policy(self, drift: str) -> None:
        path = "policies/flows/api-whitelisting.yaml"
        source = Path(__file__).parents[2] / path
        self.commit("Decide", {path: f"{source.read_text()}drift: {drift}\n".encode()})

    @property
    def tickets(self) -> dict[str, str]:
        """The status category of each drift ticket, by key."""
        return {one.key: one.status_category for one in self.client.issues_by_label("OPS", "sallyport-drift")}


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Drifting]:
    """Commits are as old as the clock of the jobs says; an hour passes after each test's preparations."""
    made = Drifting(tmp_path)
    made.stand_in = JiraStandIn(sample_site())
    commit = made.commit

    def dated(*arguments: Any) -> str:
        monkeypatch.setenv("GIT_COMMITTER_DATE", made.now.isoformat())
        return commit(*arguments)

    made.commit = dated  # type: ignore[method-assign]
    with Server(made.stand_in.app) as server:
        made.client = Jira.connect(server.url, "jira-token", project="OPS")
        yield made
        made.client.close()


def applied(world: Drifting, entry_id: str = "aw-222222", **facts: Any) -> str:
    entry = world.entry(entry_id, expires_at=world.now + timedelta(hours=9), **facts)
    world.apply(entry, world.add(entry))
    world.now += QUIET
    return entry.id


def findings(world: Drifting, capsys: pytest.CaptureFixture[str], scope: Scope = PROD) -> list[tuple[str, str]]:
    capsys.readouterr()
    show(world.job(), scope, as_json=True)
    told = json.loads(capsys.readouterr().out)
    return [(one["kind"], one["target"]) for one in told["findings"]]


class TestWhatIsDrift:
    def test_nothing_is_while_aws_is_as_the_entries_say(
        self, world: Drifting, capsys: pytest.CaptureFixture[str]
    ) -> None:
        applied(world)
        assert findings(world, capsys) == []
        assert SETTLING not in world.pauses, "nothing differs, so nobody waits to look again"

    def test_what_is_there_without_an_entry_is(self, world: Drifting, capsys: pytest.CaptureFixture[str]) -> None:
        world.aws.live[ORDERS] = world.aws.drafted[ORDERS] = frozenset({"aw-999999"})
        assert findings(world, capsys) == [("extra", ORDERS)], "although no entry is at that target"

    def test_what_is_missing_despite_an_entry_is(
        self, world: Drifting, capsys: pytest.CaptureFixture[str]
    ) -> None:
        applied(world)
        world.aws.live.clear()
        world.aws.drafted.clear()
        assert findings(world, capsys) == [("missing", PAYMENTS)]

    def test_what_a_live_entry_cannot_get_is_missing(
        self, world: Drifting, capsys: pytest.CaptureFixture[str]
    ) -> None:
        world.aws.refuses[applied(world)] = "AWS has no such API."
        assert ("missing", PAYMENTS) in findings(world, capsys)

    def test_what_is_not_ours_where_only_entries_should_bring_it_is(
        self, world: Drifting, capsys: pytest.CaptureFixture[str]
    ) -> None:
        world.aws.strange["sso/222222222222"] = ("User kim has ProdReadOnly.",)
        assert findings(world, capsys) == [("strange", "sso/222222222222")]

    def test_what_is_being_applied_is_not(self, world: Drifting, capsys: pytest.CaptureFixture[str]) -> None:
        world.add(world.entry(expires_at=world.now + timedelta(hours=9)))
        assert findings(world, capsys) == []
        world.now += QUIET
        assert findings(world, capsys) == [("missing", PAYMENTS)]

    def test_what_has_just_ended_is_not(self, world: Drifting, capsys: pytest.CaptureFixture[str]) -> None:
        applied(world)
        world.now += timedelta(hours=9) - QUIET
        assert findings(world, capsys) == []
        world.now += QUIET
        assert findings(world, capsys) == [("extra", PAYMENTS)]

    def test_what_only_one_of_two_looks_sees_is_not(
        self, world: Drifting, capsys: pytest.CaptureFixture[str]
    ) -> None:
        world.aws.live[ORDERS] = world.aws.drafted[ORDERS] = frozenset({"aw-999999"})
        job, paused = world.job(), list[float]()

        def settled(seconds: float) -> None:
            paused.append(seconds)
            if seconds == SETTLING:
                world.aws.live.clear()
                world.aws.drafted.clear()

        capsys.readouterr()
        assert show(replace(job, pause=settled), PROD, as_json=True) == 0
        assert json.loads(capsys.readouterr().out)["findings"] == []
        assert SETTLING in paused

    def test_a_step_that_completes_others_is_drift_only_when_it_is_alone(self) -> None:
        claims = Claims((), (), {}, datetime.fromisoformat("2026-11-21T10:00:00Z"))
        deploy = Step(Verb.REMOVE, "Deploy.", (), completes=True)
        broken = Step(Verb.REMOVE, "Remove what is not as we wrote it.", (), altered=True)

        def kinds(*steps: Step) -> list[Kind]:
            plan = Plan(HERE.target, None, None, steps)
            return [drift.kind for drift in drifts_of(HERE, plan, (), claims, lambda _: None)]

        assert kinds(broken, deploy) == [Kind.CHANGED]
        assert kinds(deploy) == [Kind.EXTRA]


class TestLooking:
    def test_a_target_that_cannot_be_looked_at_is_told_and_hides_no_other(
        self, world: Drifting, capsys: pytest.CaptureFixture[str]
    ) -> None:
        world.aws.observe_faults[PAYMENTS] = "AWS refused GetRestApi (AccessDeniedException)."
        world.aws.live[ORDERS] = world.aws.drafted[ORDERS] = frozenset({"aw-999999"})
        assert show(world.job(), PROD, as_json=False) == 1
        text = capsys.readouterr().out
        assert f"{PAYMENTS} could not be looked at: AWS refused GetRestApi" in text
        assert "Close aw-999999." in text
        assert "1 difference from the entries; 1 could not be looked at." in text
        assert "Close aw-999999" in world.summary

    def test_an_environment_that_is_none_is_told_with_the_nearest(self, world: Drifting) -> None:
        with pytest.raises(Problems, match="there is no environment “prd”; did you mean “prod”"):
            show(world.job(), Scope("prd"), as_json=False)

    def test_nothing_looked_at_is_no_success(self, world: Drifting, capsys: pytest.CaptureFixture[str]) -> None:
        assert show(world.job(), Scope(role="arn:aws:iam::222222222222:role/other"), as_json=False) == 1
        said = capsys.readouterr().out
        assert "No target was looked at, so nothing is known" in said
        assert "AWS is as the entries say" not in said

    def test_only_what_was_asked_for_is_looked_at(
        self, world: Drifting, capsys: pytest.CaptureFixture[str]
    ) -> None:
        world.aws.live[PAYMENTS] = world.aws.drafted[PAYMENTS] = frozenset({"aw-999999"})
        assert findings(world, capsys, Scope("non-prod")) == []
        assert findings(world, capsys, Scope(role="arn:aws:iam::222222222222:role/other")) == []
        assert findings(world, capsys, Scope(role=PROD_ROLE)) == [("extra", PAYMENTS)]
        assert world.aws.writes == []


class TestTelling:
    @pytest.fixture(autouse=True)
    def _extra(self, world: Drifting) -> None:
        world.aws.live[ORDERS] = world.aws.drafted[ORDERS] = frozenset({"aw-999999"})

    def test_a_finding_is_one_ticket_and_one_alert_however_often_it_is_found(self, world: Drifting) -> None:
        assert [world.report() for _ in range(3)] == [0, 0, 0]
        [key] = world.tickets
        ticket = world.stand_in.issue(key)
        assert ticket.summary == f"Drift at {ORDERS}: there without an entry"
        assert "What would mend it: Close aw\\-999999." in ticket.description.replace("-", "\\-")
        assert len(world.slack.posts) == 1
        assert key in world.slack.said(ALERTS)
        assert "Close aw-999999." in world.slack.said(ALERTS)
        assert "mend it, or close a ticket to accept what it tells" in world.slack.said(ALERTS)

    def test_its_ticket_is_closed_when_it_is_gone_and_a_new_one_opened_when_it_is_back(
        self, world: Drifting
    ) -> None:
        world.report()
        [key] = world.tickets
        world.aws.live.clear()
        world.aws.drafted.clear()
        world.report()
        assert world.tickets == {key: "done"}
        assert "no longer found" in world.client.comments(key)[0].body
        world.report()
        assert len(world.client.comments(key)) == 1
        world.aws.live[ORDERS] = world.aws.drafted[ORDERS] = frozenset({"aw-999999"})
        world.report()
        assert len(world.tickets) == 2
        assert len(world.slack.posts) == 2

    def test_a_ticket_that_a_person_closed_is_an_acceptance(self, world: Drifting) -> None:
        world.report()
        [key] = world.tickets
        world.client.move(key, "Cancelled", "Cancelled")
        world.report()
        assert len(world.tickets) == 1
        assert len(world.slack.posts) == 1

    def test_two_tickets_of_one_finding_are_both_closed(self, world: Drifting) -> None:
        world.stand_in.switches.search_lag = "until reconciled"
        world.report()
        world.report()
        world.stand_in.reindex()
        world.stand_in.switches.search_lag = 0
        assert len(world.tickets) == 2
        world.aws.live.clear()
        world.aws.drafted.clear()
        world.report()
        assert list(world.tickets.values()) == ["done", "done"]

    def test_what_this_job_cannot_see_is_not_gone(self, world: Drifting) -> None:
        world.report()
        world.report(Scope("non-prod"))
        world.aws.observe_faults[ORDERS] = "AWS is busy."
        assert world.report() == 1
        assert "done" not in world.tickets.values()

    def test_while_jira_is_down_the_operators_hear_and_the_job_fails(self, world: Drifting) -> None:
        world.stand_in.faults.add(Fault(Spoilt.STATUS, Moment.BEFORE, status=503, times=9))
        assert world.report() == 1
        assert "no ticket" in world.slack.said(ALERTS)
        world.stand_in.faults.clear()
        assert world.report() == 0
        assert len(world.tickets) == 1

    def test_without_jira_everything_is_new(self, world: Drifting) -> None:
        job = replace(world.job(), channels=Channels(cast(Any, world.slack), None, ALERTS))
        assert report(job, PROD) == 0
        assert "no ticket" in world.slack.said(ALERTS)

    def test_an_alert_that_cannot_be_delivered_makes_the_job_fail(self, world: Drifting) -> None:
        world.slack.faults += [Unknown("Slack", "post a message", "no answer")] * 3
        assert world.report() == 1

    def test_a_finding_of_many_words_fits_its_ticket(self, world: Drifting) -> None:
        world.aws.strange["sso/222222222222"] = ("Kim has [~lee] {panel} @here. " * 50,)
        assert world.report() == 0
        described = [world.stand_in.issue(key).description for key in world.tickets]
        assert all("[~lee]" not in text for text in described)
        assert any("What was found:" in text for text in described)


class TestMending:
    @pytest.fixture(autouse=True)
    def _extra(self, world: Drifting) -> None:
        world.aws.live[ORDERS] = world.aws.drafted[ORDERS] = frozenset({"aw-999999"})

    def mend(self, world: Drifting) -> int:
        return repair(world.job(), Scope("prod", PROD_ROLE))

    def test_nothing_is_mended_unless_policy_says_so(self, world: Drifting) -> None:
        world.report()
        assert self.mend(world) == 0
        world.policy("report")
        assert self.mend(world) == 0
        assert world.aws.writes == []

    def test_what_was_told_is_mended_by_the_next_run_and_told(
        self, world: Drifting, capsys: pytest.CaptureFixture[str]
    ) -> None:
        world.policy("repair")
        assert self.mend(world) == 0
        assert world.aws.writes == [], "it was not told yet"
        world.report()
        assert self.mend(world) == 0
        assert world.live(ORDERS) == frozenset()
        assert f"1 difference at {ORDERS} is mended" in world.slack.said(ALERTS)
        world.report()
        assert set(world.tickets.values()) == {"done"}

    def test_what_is_new_beside_it_holds_the_target_up_until_it_is_told_too(self, world: Drifting) -> None:
        world.policy("repair")
        world.report()
        world.aws.live[ORDERS] = world.aws.drafted[ORDERS] = frozenset({"aw-999999", "aw-888888"})
        assert self.mend(world) == 0
        assert world.aws.writes == []

    def test_what_a_person_accepted_is_not_mended(self, world: Drifting) -> None:
        world.policy("repair")
        world.report()
        [key] = world.tickets
        world.client.move(key, "Cancelled", "Cancelled")
        assert self.mend(world) == 0
        assert world.aws.writes == []

    def test_what_is_not_ours_is_never_mended(self, world: Drifting) -> None:
        world.policy("repair")
        world.aws.live.clear()
        world.aws.drafted.clear()
        world.aws.strange[ORDERS] = ("Somebody's statement.",)
        world.report()
        assert self.mend(world) == 0
        assert world.aws.writes == []

    def test_a_live_entry_is_put_back(self, world: Drifting) -> None:
        world.aws.live.clear()
        world.aws.drafted.clear()
        entry_id = applied(world, changes=(whitelisting("orders"),), ticket=None)
        world.policy("repair")
        world.aws.live[ORDERS] = world.aws.drafted[ORDERS] = frozenset()
        world.report()
        assert self.mend(world) == 0
        assert world.live(ORDERS) == {entry_id}

    def test_the_people_of_what_is_put_back_hear_of_it_in_their_thread_and_ticket(self, world: Drifting) -> None:
        world.aws.live.clear()
        world.aws.drafted.clear()
        ticket = world.client.create_issue("OPS", "Task", "Orders", "For the go-live", [], {})
        thread = Thread("C0REQUESTS", "1700000000.000100")
        applied(world, changes=(whitelisting("orders"),), ticket=ticket, thread=thread)
        others = applied(world, "aw-333333", ticket=None, thread=Thread("C0REQUESTS", "1700000000.000200"))
        world.policy("repair")
        world.aws.live[ORDERS] = world.aws.drafted[ORDERS] = frozenset()
        world.report()
        world.slack.posts.clear()
        assert self.mend(world) == 0
        [reply] = [post for post in world.slack.posts if post["thread_ts"]]
        assert (reply["channel"], reply["thread_ts"]) == (thread.channel, thread.ts)
        assert "Somebody had changed" in reply["text"]
        assert "It is put back until" in reply["text"]
        assert any("It is put back until" in one.body for one in world.client.comments(ticket))
        assert world.live(PAYMENTS) == {others}

    def test_what_cannot_be_mended_is_loud(self, world: Drifting) -> None:
        world.policy("repair")
        world.report()
        world.aws.deaf = True
        assert self.mend(world) == 1
        assert f"The differences at {ORDERS} could not be mended" in world.slack.said(ALERTS)

    def test_what_was_mended_and_nobody_could_be_told_makes_the_job_fail(
        self, world: Drifting, capsys: pytest.CaptureFixture[str]
    ) -> None:
        world.policy("repair")
        world.report()
        world.slack.faults += [Unknown("Slack", "post a message", "no answer")] * 3
        assert self.mend(world) == 1
        assert "could not be told in the alert channel" in capsys.readouterr().out

    def test_what_a_threshold_leaves_in_force_is_not_said_to_be_mended(self, world: Drifting) -> None:
        many = [world.entry(f"aw-2222{letter}2", expires_at=world.now + timedelta(days=1)) for letter in "234"]
        world.apply(many[0], world.add(*many))
        world.commit("A slip", {}, ["policies/keys/2026-11.pem"])
        world.policy("repair")
        world.now += timedelta(hours=1)
        world.report()
        assert self.mend(world) == 1
        assert len(world.live()) == 3
        assert "3 of 3 entries" in world.slack.said(ALERTS)

    def test_what_an_override_lets_end_is_left_to_the_sweep_which_tells_it(
        self, world: Drifting, capsys: pytest.CaptureFixture[str]
    ) -> None:
        applied(world)
        world.aws.live[PAYMENTS] = world.aws.drafted[PAYMENTS] = frozenset()
        world.policy("repair")
        world.report()
        override = (RemovalOverride("api-whitelisting", PAYMENTS, 2),)
        facts = {"flow": FLOW, "requested_by": "kim@example.com", "asked": "", "changes": override}
        world.add(world.entry("ro-222222", **facts))
        world.aws.writes.clear()
        self.mend(world)
        assert world.aws.writes == [ORDERS]
        assert f"{PAYMENTS} is left to the next sweep" in capsys.readouterr().out

    def test_without_tickets_nothing_is_mended(self, world: Drifting) -> None:
        world.policy("repair")
        world.report()
        world.stand_in.faults.add(Fault(Spoilt.STATUS, Moment.BEFORE, status=503, times=9))
        assert self.mend(world) == 1
        assert world.aws.writes == []


class TestMendingMany:
    """Two findings at each of thirty APIs, and three entries at Payments that have lost their proof."""

    APIS = tuple(f"api{number:02}" for number in range(30))
    STRAY = frozenset({"aw-888888", "aw-999999"})

    @staticmethod
    def lock(api: str) -> str:
        return f"apigateway/222222222222/eu-west-1/z{api}"

    def findings_at(self, world: Drifting, api: str) -> dict[str, str]:
        """The tickets about one API with their status categories."""
        head = f"Drift at {self.lock(api)}:"
        issues = {key: world.stand_in.issue(key) for key in world.tickets}
        return {key: world.tickets[key] for key, issue in issues.items() if issue.summary.startswith(head)}

    def mend(self, world: Drifting) -> int:
        return repair(world.job(), Scope("prod", PROD_ROLE))

    def alerts(self, world: Drifting) -> list[str]:
        return [post["text"] for post in world.slack.posts if post["channel"] == ALERTS]

    @pytest.fixture(autouse=True)
    def _wide(self, world: Drifting) -> None:
        place = "policies/catalogue/apis.yaml"
        rows = "".join(
            f"{api}:\n  title: API {api}\n  owners: [sam@example.com]\n"
            f"  in:\n    prod: {{rest_api: z{api}, stage: live, endpoint: regional}}\n"
            for api in self.APIS
        )
        world.commit("More APIs", {place: (world.read(place) + rows).encode()})
        world.policy("repair")
        for api in self.APIS:
            world.aws.live[self.lock(api)] = world.aws.drafted[self.lock(api)] = self.STRAY

    def test_the_first_run_only_tells_each_finding_by_a_ticket_of_its_own_and_the_next_mends(
        self, world: Drifting
    ) -> None:
        assert self.mend(world) == 0
        assert world.aws.writes == [], "nothing was told yet"
        assert world.report() == 0
        assert len(world.tickets) == len(self.APIS) * len(self.STRAY)
        assert all(len(self.findings_at(world, api)) == len(self.STRAY) for api in self.APIS)
        assert world.aws.writes == []
        assert self.mend(world) == 0
        assert sorted(world.aws.writes) == [self.lock(api) for api in self.APIS], "each target by one write"
        assert not any(world.aws.live[self.lock(api)] for api in self.APIS)
        assert world.report() == 0
        assert len(world.tickets) == len(self.APIS) * len(self.STRAY)
        assert set(world.tickets.values()) == {"done"}

    def test_the_alert_channel_hears_of_all_of_it_in_one_message(self, world: Drifting) -> None:
        world.report()
        world.slack.posts.clear()
        assert self.mend(world) == 0
        [alert] = self.alerts(world)
        assert f"2 differences at {self.lock(self.APIS[0])} are mended" in alert
        assert "And 20 more targets: the job's summary names them all." in alert
        assert self.lock(self.APIS[-1]) in world.summary

    def test_each_target_is_mended_or_left_by_itself(self, world: Drifting) -> None:
        doubted = [world.entry(f"aw-2222{one}2", expires_at=world.now + timedelta(days=1)) for one in "234"]
        world.apply(doubted[0], world.add(*doubted))
        world.commit("A slip", {}, ["policies/keys/2026-11.pem"])
        world.now += timedelta(hours=1)
        world.report()
        accepted, unseen, fresh, *others = self.APIS
        [key, _] = self.findings_at(world, accepted)
        world.client.move(key, "Cancelled", "Cancelled")
        world.aws.observe_faults[self.lock(unseen)] = "AWS refused GetRestApi (AccessDeniedException)."
        world.aws.live[self.lock(fresh)] = self.STRAY | {"aw-777777"}
        world.slack.posts.clear()
        world.aws.writes.clear()
        assert self.mend(world) == 1, "one could not be looked at, and one is held by the threshold"
        assert world.aws.writes == [self.lock(api) for api in others]
        for left in (accepted, unseen, fresh):
            assert world.aws.live[self.lock(left)] >= self.STRAY
        assert len(world.live(PAYMENTS)) == 3, "the threshold on removals holds for a repair too"
        [alert] = self.alerts(world)
        assert alert.index("3 of 3 entries") < alert.index("are mended"), "what is not mended comes first"
        assert world.report() == 1
        open_at = {api: "new" in self.findings_at(world, api).values() for api in self.APIS}
        assert [api for api, is_open in open_at.items() if is_open] == [accepted, unseen, fresh]


class TestWhoLooks:
    def watched(self, world: Drifting) -> dict[str, Any]:
        (world.folder / "output").unlink(missing_ok=True)
        assert watched.run(world.job()) == 0
        return {name: json.loads(value) for name, value in world.outputs.items()}

    def test_each_environment_is_looked_at_by_its_role_that_only_reads(self, world: Drifting) -> None:
        told = self.watched(world)
        place = {"role": READER, "region": "eu-west-1", "account": "222222222222"}
        assert {"environment": "prod", **place} in told["readers"]
        assert len({json.dumps(row) for row in told["readers"]}) == len(told["readers"])
        assert (told["looks"], told["mends"], told["menders"]) == (True, False, [])

    def test_a_flow_that_is_mended_is_mended_by_the_role_that_applies(self, world: Drifting) -> None:
        world.policy("repair")
        told = self.watched(world)
        assert told["mends"] is True
        assert {row["role"] for row in told["menders"] if row["environment"] == "prod"} == {PROD_ROLE}

    def test_an_environment_without_such_a_role_is_named(
        self, world: Drifting, capsys: pytest.CaptureFixture[str]
    ) -> None:
        path = "policies/environments.yaml"
        source = (Path(__file__).parents[2] / path).read_text()
        without = "\n".join(line for line in source.split("\n") if "  reader: " not in line)
        world.commit("Forget", {path: without.encode()})
        told = self.watched(world)
        assert {row["environment"] for row in told["readers"]} == {"prod", "non-prod"}
        said = capsys.readouterr().out
        assert "api-whitelisting in prod is not looked at: no read-only role is known there." in said
