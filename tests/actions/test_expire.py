"""How what has ended is found and taken back, each target on its own, and how failures are heard."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from actions.befores import before_path
from actions.deadlines import scan
from sallyport.attestations import new_key_pair, read_public_key, read_signer
from sallyport.entries import Entry
from sallyport.outcomes import Result
from sallyport.platforms.errors import Refused, TryLater, Unknown
from tests.actions.fakes import git
from tests.actions.world import ALERTS, ORDERS, PAYMENTS, PROD_ROLE, World, whitelisting

CENTER_ROLE = "arn:aws:iam::222222222222:role/sallyport-identity-center"


def accesses(world: World, *ids: str) -> list[dict[str, str]]:
    outputs = world.due(*ids)
    found: list[dict[str, str]] = json.loads(outputs["accesses"])
    assert outputs["any"] == ("true" if found else "false")
    return found


# due


def test_nothing_is_due_while_every_deadline_is_ahead(world: World) -> None:
    world.add(world.entry())
    assert accesses(world) == []


def test_each_role_with_something_to_take_back_is_named_once(world: World) -> None:
    orders = whitelisting("orders")
    world.add(world.entry("aw-222222"), world.entry("aw-333333", changes=(orders,)), world.entry("pa-444444"))
    world.now += timedelta(hours=1)
    place = {"environment": "prod", "account": "222222222222", "region": "eu-west-1", "pace": "quick"}
    assert accesses(world) == [{**place, "role": PROD_ROLE}, {**place, "role": CENTER_ROLE}]


def test_an_entry_is_due_at_the_second_of_its_deadline(world: World) -> None:
    world.add(world.entry())
    world.now += timedelta(minutes=59, seconds=59)
    assert accesses(world) == []
    world.now += timedelta(seconds=1)
    assert len(accesses(world)) == 1


def test_an_entry_without_a_deadline_is_due_where_policy_wants_one(world: World) -> None:
    world.add(world.entry(expires_at=None))
    assert len(accesses(world)) == 1


def test_a_permanent_entry_is_not_due_where_policy_allows_it(world: World) -> None:
    change = replace(whitelisting(), stage="test")
    entry = world.entry(expires_at=None, environment="non-prod", changes=(change,))
    world.add(entry)
    assert accesses(world) == []


@pytest.mark.parametrize(
    "line", ["expires_at: tomorrow", "expires_at: '9999-99-99T00:00:00Z'", "", "expires_at: [1]", "expires_at: ~x"]
)
def test_a_deadline_that_cannot_be_read_is_due(world: World, line: str) -> None:
    entry = world.entry()
    world.add(entry)
    text = entry.to_yaml().replace("expires_at: '2026-11-21T11:00:00Z'", line)
    world.commit("Edit", {entry.path: text.encode()})
    assert len(accesses(world)) == 1


def test_a_deadline_that_somebody_moved_away_is_due_at_once(world: World) -> None:
    entry = world.entry()
    world.add(entry)
    world.add(replace(entry, expires_at=world.now + timedelta(days=60)))
    assert len(accesses(world)) == 1


def test_a_deadline_that_the_coordinator_moved_is_taken_as_it_stands(world: World) -> None:
    world.add(world.entry())
    world.add(world.entry(expires_at=world.now + timedelta(minutes=1)))
    assert accesses(world) == []
    world.now += timedelta(minutes=1)
    assert len(accesses(world)) == 1


def test_a_record_without_its_entry_is_due(world: World) -> None:
    entry = world.entry()
    world.aws.wants_before = True
    world.apply(entry, world.add(entry))
    world.commit("Remove by hand", {}, [entry.path])
    assert len(accesses(world)) == 1


def test_a_shallow_clone_is_refused_rather_than_believed(world: World) -> None:
    job = world.job()
    git(job.workspace.root, "fetch", "--quiet", "--depth=1", f"file://{world.bare}", "main")
    world.add(world.entry())
    (job.workspace.root / ".git" / "shallow").write_text(git(job.workspace.root, "rev-parse", "HEAD") + "\n")
    with pytest.raises(Exception, match="fetch-depth: 0"):
        job.workspace.insist_on_history()


# expire


def test_what_is_due_is_taken_back_told_with_its_lateness_and_removed(world: World) -> None:
    entry = world.entry()
    world.apply(entry, world.add(entry))
    world.now += timedelta(hours=1, seconds=42)
    assert world.expire() == 0
    assert world.live() == frozenset()
    assert world.files == set()
    outcome = world.github.outcomes[entry.id]
    assert outcome.result is Result.REVERTED
    assert "42 seconds after its time was over" in outcome.detail
    assert "42 seconds after its time was over" in world.slack.said("C0INFRA")
    assert len(world.jira.by_ticket["OPS-142"]) == 2
    assert accesses(world) == []


def test_an_end_that_the_target_holds_up_is_loud_and_keeps_its_files_for_the_next_sweep(world: World) -> None:
    entry = world.entry()
    world.apply(entry, world.add(entry))
    world.now += timedelta(hours=1)
    world.aws.refuses[entry.id] = "Somebody's undeployed changes would be published."
    assert world.expire() == 1
    outcome = world.github.outcomes[entry.id]
    assert outcome.result is Result.FAILED
    assert "not out of force yet" in outcome.detail
    assert entry.id in world.slack.said(ALERTS)
    assert world.files == {entry.path}
    world.aws.refuses.clear()
    assert world.expire() == 0
    assert world.files == set()


def test_a_sweep_clears_away_what_earlier_ends_left_behind(world: World) -> None:
    entry = world.entry()
    world.apply(entry, world.add(entry))
    assert world.aws.tidied == []
    world.now += timedelta(hours=1)
    assert world.expire() == 0
    assert world.aws.tidied == [PAYMENTS]


def test_what_cannot_be_cleared_away_holds_up_no_end(world: World) -> None:
    entry = world.entry()
    world.apply(entry, world.add(entry))
    world.now += timedelta(hours=1)
    world.aws.untidy = "AWS is busy."
    assert world.expire() == 0
    assert world.files == set()


def test_the_commits_of_jobs_name_their_requests_by_trailers(world: World) -> None:
    world.aws.wants_before = True
    entries = [world.entry("aw-222222"), world.entry("aw-333333")]
    world.apply(entries[0], world.add(*entries))
    world.now += timedelta(hours=1)
    assert world.expire() == 0
    recorded, removed = (git(world.bare, "log", "-2", "--reverse", "--format=%B%x00", "main").split("\0"))[:2]
    for message in (recorded, removed):
        assert message.strip().endswith("\n\nRequest-Id: aw-222222\nRequest-Id: aw-333333")


def test_the_record_of_what_was_there_before_goes_with_the_entry(world: World) -> None:
    entry = world.entry()
    world.aws.wants_before = True
    world.apply(entry, world.add(entry))
    world.now += timedelta(hours=1)
    assert world.expire() == 0
    assert world.files == set()


def test_many_ends_at_one_target_are_one_write_and_one_commit(world: World) -> None:
    entries = [world.entry(f"aw-22222{n}") for n in range(2, 9)]
    world.apply(entries[0], world.add(*entries))
    world.now += timedelta(hours=1)
    before = len(world.aws.writes), len(world.github.commits)
    assert world.expire() == 0
    assert (len(world.aws.writes), len(world.github.commits)) == (before[0] + 1, before[1] + 1)
    assert world.files == set()


def test_only_what_the_role_can_take_back_is_touched(world: World) -> None:
    api, access = world.entry("aw-222222"), world.entry("pa-333333")
    world.add(api, access)
    world.now += timedelta(hours=1)
    assert world.expire() == 0
    assert world.files == {access.path}
    assert world.expire(CENTER_ROLE) == 0
    assert world.files == set()


def test_a_target_that_fails_keeps_no_other_from_its_end(world: World) -> None:
    stuck, fine = world.entry("aw-222222"), world.entry("aw-333333", changes=(whitelisting("orders"),))
    commit = world.add(stuck, fine)
    world.apply(stuck, commit)
    world.apply(fine, commit)
    world.aws.observe_faults[PAYMENTS] = "AWS refused GetRestApi (AccessDeniedException)."
    world.now += timedelta(hours=1, minutes=5)
    assert world.expire() == 1
    assert world.live(ORDERS) == frozenset()
    assert world.files == {stuck.path}
    outcome = world.github.outcomes[stuck.id]
    assert outcome.result is Result.FAILED
    assert "Its time was over at 2026-11-21 11:00:00 UTC" in outcome.detail
    assert stuck.id in world.slack.said(ALERTS)
    assert any(f"{stuck.id}:failed:" in comment for comment in world.jira.by_ticket["OPS-142"])


def test_the_log_tells_how_far_a_sweep_has_come(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.add(world.entry("aw-222222"), world.entry("aw-333333", changes=(whitelisting("orders"),)))
    world.now += timedelta(hours=1)
    capsys.readouterr()
    assert world.expire() == 0
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines() if line.startswith("{")]
    told = [(line["event"], line["progress"]) for line in lines if line["event"].startswith("settl")]
    assert told == [("settling", "1 of 2"), ("settled", "1 of 2"), ("settling", "2 of 2"), ("settled", "2 of 2")]


def test_a_fault_of_ours_at_one_target_keeps_no_other_from_its_end(world: World) -> None:
    bad, fine = world.entry("aw-222222"), world.entry("aw-333333", changes=(whitelisting("orders"),))
    commit = world.add(bad, fine)
    world.apply(bad, commit)
    world.apply(fine, commit)
    world.now += timedelta(hours=1)

    def crash() -> None:
        raise ZeroDivisionError

    world.aws.before_write.append(crash)
    assert world.expire() == 1
    assert len(world.files) == 1
    assert "Sallyport itself failed (ZeroDivisionError" in world.slack.said(ALERTS)
    assert world.expire() == 0
    assert world.files == set()


def test_a_failed_end_is_never_undone_and_is_tried_again_by_the_next_sweep(world: World) -> None:
    entry = world.entry()
    world.apply(entry, world.add(entry))
    world.now += timedelta(hours=1)
    world.aws.deaf = True
    assert world.expire() == 1
    world.aws.deaf = False
    assert world.expire() == 0
    assert world.live() == frozenset()
    assert world.files == set()


def test_what_could_not_be_taken_back_for_hours_is_tried_by_each_sweep_and_ends_with_its_lateness(
    world: World,
) -> None:
    """AWS is away at the deadline and long after it; the schedule strikes all the while."""
    entry = world.entry()
    world.apply(entry, world.add(entry))
    world.now += timedelta(hours=1)
    world.aws.mute = True
    for _ in range(12):
        assert world.expire() == 1
        world.now += timedelta(minutes=15)
        world.run_id += 1
    assert world.live() == {entry.id}
    said = "Its time was over at 2026-11-21 11:00:00 UTC. The next sweep tries again."
    assert world.slack.said("C0INFRA").count(said) == 1
    assert f"ESCALATION: {entry.id}" in world.slack.said(ALERTS)
    world.aws.mute = False
    assert world.expire() == 0
    assert (world.live(), world.files) == (frozenset(), set())
    assert "3 hours 0 minutes after its time was over" in world.github.outcomes[entry.id].detail


def test_something_stays_while_a_live_entry_asks_for_it(world: World) -> None:
    short, long = world.entry("aw-222222"), world.entry("aw-333333", expires_at=world.now + timedelta(hours=9))
    world.apply(short, world.add(short, long))
    world.now += timedelta(hours=1)
    assert world.expire() == 0
    assert world.live() == {long.id}
    assert world.files == {long.path}


def test_the_end_of_what_its_requester_has_extended_is_told_as_going_on(world: World) -> None:
    first, extension = (
        world.entry("aw-222222"),
        world.entry("aw-333333", expires_at=world.now + timedelta(hours=9)),
    )
    world.apply(first, world.add(first))
    world.apply(extension, world.add(extension))
    world.now += timedelta(hours=1)
    assert world.expire() == 0
    outcome = world.github.outcomes[first.id]
    assert (outcome.result, outcome.continued_by) == (Result.REVERTED, extension.id)
    goes_on = "goes on as aw-333333 until 2026-11-21 19:00 UTC"
    for told in (outcome.detail, world.slack.said("C0INFRA"), world.jira.by_ticket["OPS-142"][-1]):
        assert goes_on in told
        assert "Taken back" not in told


@pytest.mark.parametrize(
    "different",
    [{"requested_by": "kim@example.com"}, {"changes": (whitelisting(path="/v1/refunds"),)}],
    ids=["of somebody else", "for something else"],
)
def test_what_only_looks_like_an_extension_makes_no_end_go_on(world: World, different: dict[str, Any]) -> None:
    first = world.entry("aw-222222")
    other = world.entry("aw-333333", expires_at=world.now + timedelta(hours=9), **different)
    world.apply(first, world.add(first))
    world.apply(other, world.add(other))
    world.now += timedelta(hours=1)
    assert world.expire() == 0
    assert world.github.outcomes[first.id].continued_by == ""


def test_an_edited_entry_is_taken_back_although_its_deadline_is_ahead(world: World) -> None:
    entry = world.entry()
    world.apply(entry, world.add(entry))
    world.add(replace(entry, expires_at=world.now + timedelta(days=60)))
    assert world.expire() == 0
    assert world.live() == frozenset()
    outcome = world.github.outcomes[entry.id]
    assert outcome.result is Result.REVERTED
    assert "not what was approved and signed" in outcome.detail
    assert "not what was approved and signed" in world.slack.said(ALERTS), "operators hear of tampering"
    assert world.files == set()


def test_an_unreadable_entry_is_taken_back_by_its_last_proven_version(world: World) -> None:
    entry = world.entry()
    world.apply(entry, world.add(entry))
    world.commit("Break", {entry.path: b"id: [\n"})
    assert world.expire() == 0
    assert world.live() == frozenset()
    assert world.github.outcomes[entry.id].result is Result.REVERTED


def test_retiring_a_key_takes_back_what_it_had_signed(world: World) -> None:
    entry = world.entry()
    world.apply(entry, world.add(entry))
    assert accesses(world) == []
    world.commit("Retire", {}, ["policies/keys/2026-11.pem"])
    assert len(accesses(world)) == 1, "its deadline is ahead, and the sweep finds it by itself"
    world.now += timedelta(minutes=1)
    assert world.expire() == 0
    assert world.live() == frozenset()


def test_retiring_a_key_leaves_what_another_one_had_signed(world: World) -> None:
    entry = world.entry()
    world.apply(entry, world.add(entry))
    world.commit(
        "Publish another", {"policies/keys/2026-12.pem": world.read("policies/keys/2026-11.pem").encode()}
    )
    world.commit("Retire it", {}, ["policies/keys/2026-12.pem"])
    assert accesses(world) == []


def test_replacing_a_key_under_its_name_takes_back_what_the_former_had_signed(world: World) -> None:
    entry = world.entry()
    world.apply(entry, world.add(entry))
    private, public = new_key_pair()
    world.commit("Replace", {"policies/keys/2026-11.pem": public.encode()})
    assert len(accesses(world)) == 1, "its deadline is ahead, and the sweep finds it by itself"
    world.now += timedelta(minutes=1)
    assert world.expire() == 0
    assert world.live() == frozenset()
    assert world.files == set()
    signer = read_signer(private, {"2026-11": read_public_key(public.encode())})
    fresh = world.entry("aw-222222", signer)
    assert world.apply(fresh, world.add(fresh)) == 0
    assert accesses(world) == [], "what the new one has signed is proven, and stays"
    world.commit("Put the former back", {"policies/keys/2026-11.pem": world.public.encode()})
    assert len(accesses(world)) == 1


def test_a_key_that_is_published_again_is_the_one_it_was(world: World) -> None:
    entry = world.entry()
    world.apply(entry, world.add(entry))
    world.commit("Retire", {}, ["policies/keys/2026-11.pem"])
    world.commit("Publish it again", {"policies/keys/2026-11.pem": world.public.encode()})
    assert accesses(world) == []


def test_a_signature_whose_key_cannot_be_read_is_due(world: World) -> None:
    entry = world.entry()
    world.apply(entry, world.add(entry))
    path = world.job().workspace.root / entry.path
    [line] = [line for line in path.read_text().splitlines() if line.startswith("  key: ")]
    path.write_text(path.read_text().replace(line, "  key: |\n    2026-11"))
    due = scan(path.parents[2], world.now, lambda *_: False)
    assert [(one.id, one.why) for one in due] == [
        (entry.id, "the key that signed it is not published, or was replaced")
    ]


def test_an_entry_removed_by_hand_is_taken_back_when_the_coordinator_asks(world: World) -> None:
    entry = world.entry()
    world.aws.wants_before = True
    world.apply(entry, world.add(entry))
    world.commit("Hide", {}, [entry.path, before_path(entry.flow, entry.id)])
    assert accesses(world) == []
    assert len(accesses(world, entry.id)) == 1
    assert world.expire(PROD_ROLE, "prod", entry.id) == 0
    assert world.live() == frozenset()
    assert world.github.outcomes[entry.id].result is Result.REVERTED


def test_what_a_sweep_has_taken_back_is_not_told_again_when_the_coordinator_asks(world: World) -> None:
    entry = world.entry()
    world.apply(entry, world.add(entry))
    world.now += timedelta(hours=1)
    world.expire()
    told = len(world.slack.posts)
    assert world.expire(PROD_ROLE, "prod", entry.id) == 0
    assert len(world.slack.posts) == told
    assert world.github.outcomes[entry.id].result is Result.REVERTED
    world.now += timedelta(days=2)
    assert accesses(world, entry.id) == []


def test_what_nobody_can_attribute_is_loud_and_stays(world: World) -> None:
    world.commit("Strange", {"requests/api-whitelisting/aw-222222.yaml": b"what: is this\n"})
    [access] = accesses(world)
    assert world.expire(access["role"], access["environment"]) == 1
    assert world.github.outcomes["aw-222222"].result is Result.FAILED
    assert "Somebody must look" in world.slack.said(ALERTS)
    assert world.files == {"requests/api-whitelisting/aw-222222.yaml"}


def test_an_entry_that_never_was_approved_goes_when_its_time_is_over(world: World) -> None:
    world.add(replace(world.entry(), attestation=None))
    world.now += timedelta(hours=1)
    assert world.expire() == 1
    assert world.aws.writes == []
    assert world.files == set()
    assert "No version of it ever was" in world.slack.said(ALERTS)


def test_a_broken_policy_does_not_keep_anything_alive(world: World) -> None:
    entry = world.entry()
    world.apply(entry, world.add(entry))
    world.commit("Break", {"policies/people.yaml": b"people: 7\n"})
    world.now += timedelta(hours=1)
    assert len(accesses(world)) == 1
    assert world.expire() == 0
    assert world.live() == frozenset()
    assert "is broken at" in world.summary


def test_files_are_removed_although_others_commit_meanwhile(world: World) -> None:
    entry, late = world.entry("aw-222222"), world.entry("aw-333333", expires_at=world.now + timedelta(hours=9))
    world.apply(entry, world.add(entry))
    world.now += timedelta(hours=1)
    world.github.before_commit.append(lambda: world.add(late) and None)
    assert world.expire() == 0
    assert world.files == {late.path}


def test_a_removal_whose_outcome_is_unknown_is_looked_at_and_not_repeated_blindly(world: World) -> None:
    entry = world.entry()
    world.apply(entry, world.add(entry))
    world.now += timedelta(hours=1)
    world.github.before_commit.append(lambda: world.commit("The same, done", {}, [entry.path]) and None)
    world.github.faults.append(Unknown("GitHub", "commit", "no answer"))
    assert world.expire() == 0
    assert world.files == set()


def test_files_that_cannot_be_removed_make_the_job_fail_loudly(world: World) -> None:
    entry = world.entry()
    world.apply(entry, world.add(entry))
    world.now += timedelta(hours=1)
    world.github.faults += [
        TryLater("GitHub", "commit", "limit", after=9),
        Refused("GitHub", "commit", "protected"),
    ]
    assert world.expire() == 1
    assert world.pauses[-1] == 9
    assert world.github.outcomes[entry.id].result is Result.REVERTED
    assert "could not be removed from main" in world.slack.said(ALERTS)


def test_apply_and_expire_at_one_target_leave_what_is_live(world: World) -> None:
    """The sweep plans, then an apply writes, then the sweep writes what it had planned: the entry is put back."""
    old, fresh = world.entry("aw-222222"), world.entry("aw-333333", expires_at=world.now + timedelta(hours=9))
    world.apply(old, world.add(old))
    world.now += timedelta(hours=1)
    world.aws.before_write.append(lambda: world.apply(fresh, world.add(fresh)) and None)
    assert world.expire() == 0
    assert world.live() == {fresh.id}
    assert world.files == {fresh.path}


def test_a_sweep_with_nothing_to_do_writes_nothing(world: World) -> None:
    assert world.expire() == 0
    assert world.aws.writes == []
    assert world.github.commits == []
    assert world.slack.posts == []


class TestAFailedEnd:
    def over(self, world: World) -> Entry:
        entry = world.entry()
        world.apply(entry, world.add(entry))
        world.now += timedelta(hours=1)
        return entry

    def fails(self, world: World, why: str) -> None:
        world.aws.observe_faults[PAYMENTS] = why
        world.run_id += 1
        assert world.expire() == 1
        world.now += timedelta(minutes=15)

    def said(self, world: World, entry: Entry) -> dict[str, int]:
        """How often each place tells of it."""
        return {
            "thread": world.slack.said("C0INFRA").count("could not be taken back"),
            "ticket": sum("could not be taken back" in one for one in world.jira.by_ticket["OPS-142"]),
            "alerts": world.slack.said(ALERTS).count(f"Failed: {entry.id}"),
        }

    def test_is_told_once_until_it_fails_for_another_reason(self, world: World) -> None:
        entry = self.over(world)
        for _ in range(3):
            self.fails(world, "AWS refused GetRestApi (AccessDeniedException).")
        assert set(self.said(world, entry).values()) == {1}
        self.fails(world, "AWS did not answer GetRestApi.")
        assert set(self.said(world, entry).values()) == {2}

    def test_is_told_to_the_operators_again_each_day(self, world: World) -> None:
        entry = self.over(world)
        for _ in range(3):
            self.fails(world, "AWS refused GetRestApi (AccessDeniedException).")
            world.now += timedelta(hours=23)
        assert self.said(world, entry) == {"thread": 1, "ticket": 1, "alerts": 2}

    def test_is_reported_by_each_job_all_the_same(self, world: World) -> None:
        entry = self.over(world)
        for _ in range(2):
            world.github.outcomes.clear()
            self.fails(world, "AWS refused GetRestApi (AccessDeniedException).")
            assert world.github.outcomes[entry.id].result is Result.FAILED

    def test_of_which_nobody_can_tell_what_it_changed_is_told_once_too(self, world: World) -> None:
        world.commit("Strange", {"requests/api-whitelisting/aw-222222.yaml": b"what: is this\n"})
        [access] = accesses(world)
        for _ in range(2):
            world.run_id += 1
            assert world.expire(access["role"], access["environment"]) == 1
        assert world.slack.said(ALERTS).count("Somebody must look") == 1


class TestEscalation:
    DENIED = "AWS refused GetRestApi (AccessDeniedException)."

    def over(self, world: World) -> Entry:
        """An entry whose time is over since a minute, and that AWS does not let the job take back."""
        entry = world.entry()
        world.apply(entry, world.add(entry))
        world.aws.observe_faults[PAYMENTS] = self.DENIED
        world.now += timedelta(hours=1, minutes=1)
        return entry

    def said(self, world: World) -> str:
        return "\n".join(line for line in world.slack.said(ALERTS).splitlines() if "ESCALATION" in line)

    def test_follows_the_third_sweep_that_failed_with_the_lateness(self, world: World) -> None:
        entry = self.over(world)
        for _ in range(2):
            assert world.sweep() == 1
            world.now += timedelta(minutes=15)
        assert self.said(world) == ""
        assert world.sweep() == 1
        assert f"ESCALATION: {entry.id} ended 31 minutes ago and is still not taken back" in self.said(world)
        assert "3 sweeps have failed" in self.said(world)
        assert "Its ticket is OPS-142." in self.said(world)

    def test_is_of_each_entry_by_itself(self, world: World) -> None:
        entry = self.over(world)
        world.sweep()
        world.now += timedelta(minutes=15)
        other = world.entry("aw-222222", expires_at=world.now)
        world.add(other)
        world.sweep()
        world.now += timedelta(minutes=15)
        world.sweep()
        assert entry.id in self.said(world)
        assert other.id not in self.said(world)

    def test_does_not_count_what_the_coordinator_tries_a_minute_apart(self, world: World) -> None:
        entry = self.over(world)
        for _ in range(5):
            assert world.expire(PROD_ROLE, "prod", entry.id) == 1
            world.now += timedelta(minutes=1)
        assert self.said(world) == ""

    def test_does_not_count_a_sweep_after_which_it_ended_or_that_is_long_ago(self, world: World) -> None:
        self.over(world)
        world.sweep()
        world.github.sweeps[0] = replace(world.github.sweeps[0], created_at=world.now - timedelta(hours=3))
        world.sweep()
        del world.aws.observe_faults[PAYMENTS]
        world.now += timedelta(minutes=15)
        assert world.sweep() == 0
        assert self.said(world) == ""

    @pytest.mark.parametrize("fault", [None, Refused("GitHub", "list runs", "no actions: read", status=403)])
    def test_comes_after_the_time_of_three_sweeps_where_none_runs_or_nobody_can_tell(
        self, world: World, fault: Refused | None
    ) -> None:
        entry = self.over(world)
        world.now += timedelta(minutes=43)
        assert world.expire() == 1
        assert self.said(world) == ""
        world.github.run_faults += [fault] if fault else []
        world.now += timedelta(minutes=1)
        assert world.expire() == 1
        assert f"ESCALATION: {entry.id} ended 45 minutes ago" in self.said(world)
        assert "sweeps fail or do not run" in self.said(world)

    def test_comes_for_what_must_end_before_its_time_too(self, world: World) -> None:
        entry = world.entry(expires_at=world.now + timedelta(hours=9))
        world.apply(entry, world.add(entry))
        world.add(replace(entry, reason="Something else"))  # which nobody has signed
        world.aws.observe_faults[PAYMENTS] = self.DENIED
        for _ in range(3):
            world.sweep()
            world.now += timedelta(minutes=15)
        assert f"ESCALATION: {entry.id} was to end before its time and is still not taken back" in self.said(world)

    def test_is_not_of_what_failed_to_begin(self, world: World) -> None:
        self.over(world)
        for _ in range(3):
            world.sweep()
        fresh = world.entry("aw-333333")
        world.slack.posts.clear()
        assert world.apply(fresh, world.add(fresh)) == 1
        assert fresh.id not in self.said(world)


def test_the_escalation_of_what_was_given_back_early_speaks_of_its_end_and_of_no_deadline(world: World) -> None:
    entry = world.entry(expires_at=world.now + timedelta(hours=9))
    world.apply(entry, world.add(entry))
    world.add(world.signer.sign(replace(entry, expires_at=world.now)))
    world.aws.observe_faults[PAYMENTS] = "AWS refused GetRestApi (AccessDeniedException)."
    world.now += timedelta(minutes=50)
    assert world.expire() == 1
    said = world.slack.said(ALERTS)
    assert f"ESCALATION: {entry.id} ended 50 minutes ago" in said
    assert "deadline" not in said
