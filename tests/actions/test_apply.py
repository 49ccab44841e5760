"""What `actions apply` does with one approved request, and what it refuses."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from sallyport.attestations import new_key_pair, read_public_key, read_signer
from sallyport.entries import Approval, Entry
from sallyport.outcomes import CHECK_NAME, Result
from sallyport.platforms.errors import Refused, TryLater, Unknown
from tests.actions.world import ALERTS, ORDERS, PAYMENTS, POLICIES, World, whitelisting


def result(world: World, entry: Entry) -> Result:
    return world.github.outcomes[entry.id].result


def test_an_approved_entry_is_applied_and_everybody_is_told_once(world: World) -> None:
    entry = world.entry()
    assert world.apply(entry, world.add(entry)) == 0
    assert world.live() == {entry.id}
    assert result(world, entry) is Result.APPLIED
    [check] = world.github.checks
    assert (check["name"], check["conclusion"], check["external_id"]) == (CHECK_NAME, "success", str(world.run_id))
    [post] = world.slack.posts
    assert (post["channel"], post["thread_ts"]) == ("C0INFRA", "1732180364.000200")
    assert "is in force until 2026-11-21 11:00 UTC" in post["text"]
    [comment] = world.jira.by_ticket["OPS-142"]
    assert comment.endswith(f"\n{entry.id}:applied:{world.run_id}")
    assert "How to undo" in world.summary


def test_the_check_goes_to_the_commit_at_which_github_shows_the_run(world: World) -> None:
    entry = world.entry()
    world.apply(entry, world.add(entry))
    assert world.github.checks[0]["sha"] == world.job().sha


def test_a_second_run_finds_it_in_force_and_writes_nothing(world: World) -> None:
    entry = world.entry()
    commit = world.add(entry)
    world.apply(entry, commit)
    writes = len(world.aws.writes)
    assert world.apply(entry, commit) == 0
    assert len(world.aws.writes) == writes
    assert result(world, entry) is Result.ALREADY


def test_one_write_needs_two_looks_and_no_more(world: World) -> None:
    entry = world.entry()
    world.apply(entry, world.add(entry))
    assert (len(world.aws.writes), world.aws.observations) == (1, 2)


def test_a_re_run_of_the_same_job_tells_nobody_twice(world: World) -> None:
    entry = world.entry()
    commit = world.add(entry)
    world.apply(entry, commit, run_id="7")
    world.aws.live.clear()
    world.aws.drafted.clear()
    world.apply(entry, commit, run_id="7")
    assert result(world, entry) is Result.APPLIED
    assert len(world.slack.posts) == 1
    assert len(world.jira.by_ticket["OPS-142"]) == 1


def test_a_crash_after_the_update_and_before_it_is_published_is_mended_by_the_next_run(world: World) -> None:
    entry = world.entry()
    commit = world.add(entry)

    def die() -> None:
        raise KeyboardInterrupt

    world.aws.between.append(die)
    with pytest.raises(KeyboardInterrupt):
        world.apply(entry, commit)
    assert world.live() == frozenset()
    assert world.github.checks == []
    assert world.slack.posts == []
    assert world.apply(entry, commit) == 0
    assert world.live() == {entry.id}
    assert result(world, entry) is Result.APPLIED


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"lock": ORDERS}, "the job holds the lock"),
        ({"environment": "non-prod"}, "started for non-prod"),
        ({"commit": "f" * 40}, "is not on the main branch"),
        ({"commit": "main"}, "is not on the main branch"),
        ({"commit": "--output=x"}, "is not on the main branch"),
    ],
)
def test_inputs_that_do_not_agree_with_the_repository_are_refused(
    world: World, wrong: dict[str, str], words: str
) -> None:
    entry = world.entry()
    assert world.apply(entry, world.add(entry), **wrong) == 1
    assert world.aws.writes == []
    assert result(world, entry) is Result.REFUSED
    assert words in world.github.outcomes[entry.id].detail


def test_a_commit_that_does_not_hold_the_entry_is_refused(world: World) -> None:
    entry = world.entry()
    early = world.commit("Something else", {"README.md": b"x"})
    world.add(entry)
    assert world.apply(entry, early) == 1
    assert "does not hold" in world.github.outcomes[entry.id].detail


def test_an_entry_whose_time_is_over_is_not_applied(world: World) -> None:
    entry = world.entry()
    commit = world.add(entry)
    world.now += timedelta(hours=2)
    assert world.apply(entry, commit) == 1
    assert world.aws.writes == []
    assert result(world, entry) is Result.REFUSED
    assert "its time was over" in world.slack.said("C0INFRA")


def test_an_entry_that_is_no_longer_on_main_is_not_applied(world: World) -> None:
    entry = world.entry()
    commit = world.add(entry)
    world.commit("Remove", {}, [entry.path])
    assert world.apply(entry, commit) == 1
    assert world.aws.writes == []
    assert "is not on the main branch" in world.github.outcomes[entry.id].detail


def test_an_edited_entry_is_refused_and_the_operators_hear_of_it_or_its_people(world: World) -> None:
    entry = world.entry()
    commit = world.add(entry)
    edited = replace(entry, changes=(whitelisting(path="/v1/admin"),))
    world.add(edited)
    assert world.apply(entry, commit) == 1
    assert world.aws.writes == []
    assert "its content is not what was approved and signed" in world.github.outcomes[entry.id].detail


def test_an_entry_signed_with_an_unknown_key_is_refused(world: World) -> None:
    private, public = new_key_pair()
    stranger = read_signer(private, {"2026-12": read_public_key(public.encode())})
    entry = world.entry(signer=stranger)
    assert world.apply(entry, world.add(entry)) == 1
    assert world.aws.writes == []
    assert "which policies/keys/ does not publish" in world.github.outcomes[entry.id].detail
    assert entry.id in world.slack.said(ALERTS)
    assert world.slack.said("C0INFRA") == ""


def test_an_id_that_ended_cannot_come_back(world: World) -> None:
    entry = world.entry()
    world.add(entry)
    world.commit("End", {}, [entry.path])
    assert world.apply(entry, world.add(entry)) == 1
    assert world.aws.writes == []
    assert "an id cannot come back" in world.github.outcomes[entry.id].detail


def test_an_older_signed_version_cannot_come_back_either(world: World) -> None:
    long = world.entry()
    world.add(long)
    short = world.entry(expires_at=world.now + timedelta(minutes=1))
    world.add(short)
    assert world.apply(long, world.add(long)) == 1
    assert "older version of itself" in world.github.outcomes[long.id].detail


def test_policy_is_asked_again(world: World) -> None:
    own = Approval("ana@example.com", world.now, "slack")
    entry = world.entry(approvals=(own,), asked="ana@example.com")
    assert world.apply(entry, world.add(entry)) == 1
    assert world.aws.writes == []
    assert "nobody approves their own request" in world.github.outcomes[entry.id].detail


def test_an_approver_who_leaves_takes_nothing_away_that_is_live(world: World) -> None:
    """A policy holds for what is asked from then on: else cleaning up people.yaml would be an outage."""
    old, new = world.entry("aw-222222"), world.entry("aw-333333")
    assert world.apply(old, world.add(old)) == 0
    people = (POLICIES / "people.yaml").read_text()
    without_lee = people.replace("managers: [lee@example.com, ", "managers: [").encode()
    world.commit("Lee has left", {"policies/people.yaml": without_lee})
    assert world.apply(new, world.add(new)) == 1
    assert result(world, new) is Result.REFUSED
    assert world.live() == {old.id}
    assert world.expire() == 0
    assert world.live() == {old.id}


def test_of_two_live_entries_the_refused_one_does_not_keep_the_other_back(world: World) -> None:
    one, other = world.entry("aw-222222"), world.entry("aw-333333", ticket="OPS-7")
    world.aws.refuses[other.id] = "The API denies this address by another statement."
    commit = world.add(one, other)
    assert world.apply(one, commit) == 0
    assert world.live() == {one.id}
    assert result(world, one) is Result.APPLIED
    assert result(world, other) is Result.REFUSED
    assert "OPS-7" not in world.jira.by_ticket
    assert world.apply(other, commit) == 1
    assert "denies this address" in world.jira.by_ticket["OPS-7"][0]


def test_every_live_entry_of_the_target_is_put_in_place_by_any_run(world: World) -> None:
    one, other = world.entry("aw-222222"), world.entry("aw-333333")
    assert world.apply(one, world.add(one, other)) == 0
    assert world.live() == {one.id, other.id}
    assert result(world, other) is Result.APPLIED


def test_those_who_wait_with_it_are_told_too_even_where_another_job_was_faster(world: World) -> None:
    one, other, third = (world.entry(f"aw-{number}22222") for number in (2, 3, 4))
    commit = world.add(one, other, third)
    world.apply(one, commit)
    assert world.apply(one, commit, also=(other.id, third.id)) == 0
    assert [result(world, entry) for entry in (one, other, third)] == [Result.ALREADY] * 3


def test_of_whom_the_job_cannot_be_for_it_says_nothing(world: World) -> None:
    one, edited, ended = (world.entry(f"aw-{number}22222") for number in (2, 3, 4))
    elsewhere = world.entry("aw-522222", changes=(whitelisting("orders"),))
    commit = world.add(one, ended, elsewhere)
    world.add(replace(edited, reason="Something else"))
    world.commit("Remove", {}, [ended.path])
    others = (edited.id, ended.id, elsewhere.id, "aw-999999", "no id")
    assert world.apply(one, commit, also=others) == 0
    assert set(world.github.outcomes) == {one.id}


def test_an_update_lost_to_a_racing_job_is_put_back(world: World) -> None:
    """The other job read main before our entry was there and writes after us."""
    other, entry = world.entry("aw-222222"), world.entry("aw-333333")
    world.add(other)
    commit = world.add(entry)

    def overwrite() -> None:
        world.aws.live[PAYMENTS] = world.aws.drafted[PAYMENTS] = frozenset({other.id})

    looks = FinalLook(world, overwrite)
    world.aws.observe_faults = looks  # type: ignore[assignment]  # a dict that acts when it is looked into
    assert world.apply(entry, commit) == 0
    assert world.live() == {entry.id, other.id}


class FinalLook(dict[str, str]):
    """Runs *act* once, just before the second look at AWS."""

    def __init__(self, world: World, act: object) -> None:
        super().__init__()
        self.world, self.act = world, act

    def __contains__(self, lock: object) -> bool:
        if self.world.aws.observations == 2 and callable(self.act):
            act, self.act = self.act, None
            act()
        return False


def test_an_entry_committed_while_the_job_writes_is_seen_before_it_ends(world: World) -> None:
    entry, late = world.entry("aw-222222"), world.entry("aw-333333")
    commit = world.add(entry)
    world.aws.before_write.append(lambda: world.add(late) and None)
    assert world.apply(entry, commit) == 0
    assert world.live() == {entry.id, late.id}


def test_what_cannot_be_verified_is_put_back_and_said(world: World) -> None:
    entry = world.entry()
    world.aws.deaf = True
    assert world.apply(entry, world.add(entry)) == 1
    outcome = world.github.outcomes[entry.id]
    assert outcome.result is Result.FAILED
    assert "AWS still differs" in outcome.detail
    assert "has been put back" in outcome.detail
    assert len(world.aws.writes) == 4
    assert entry.id in world.slack.said(ALERTS)


def test_a_passing_fault_of_aws_is_waited_out_and_nothing_is_written_twice(world: World) -> None:
    entry = world.entry()
    world.aws.losing = 1
    assert world.apply(entry, world.add(entry)) == 0
    assert world.github.outcomes[entry.id].result is Result.APPLIED
    assert len(world.aws.writes) == 1
    assert world.pauses == [5]


def test_an_aws_that_does_not_answer_for_long_is_put_back_and_said(world: World) -> None:
    entry = world.entry()
    world.aws.mute = True
    assert world.apply(entry, world.add(entry)) == 1
    assert world.github.outcomes[entry.id].result is Result.FAILED
    assert world.pauses[:3] == [5, 10, 15]
    assert world.live() == frozenset()


def test_a_restore_that_fails_is_loud_everywhere(world: World) -> None:
    entry = world.entry()
    world.aws.deaf = True
    world.aws.restore_fault = "AWS refused UpdateRestApi (TooManyRequestsException)"
    assert world.apply(entry, world.add(entry)) == 1
    for words in (world.slack.said(ALERTS), world.slack.said("C0INFRA"), world.github.outcomes[entry.id].detail):
        assert "could NOT be put back" in words
    assert "could NOT be put back" in world.jira.by_ticket["OPS-142"][0].replace("\\", "")


def test_a_fault_before_the_first_write_changes_nothing_and_says_so(world: World) -> None:
    entry = world.entry()
    world.aws.observe_faults[PAYMENTS] = "AWS refused GetRestApi (AccessDeniedException)."
    assert world.apply(entry, world.add(entry)) == 1
    assert "Nothing was changed" in world.github.outcomes[entry.id].detail
    assert world.aws.writes == []


# What was there before


def test_what_was_there_before_is_committed_before_the_first_write(world: World) -> None:
    entry = world.entry()
    world.aws.wants_before = True
    seen: list[set[str]] = []
    world.aws.before_write.append(lambda: seen.append(world.files))
    assert world.apply(entry, world.add(entry)) == 0
    assert seen == [{entry.path, entry.path.replace(".yaml", ".before.yaml")}]


def test_a_stale_head_while_recording_means_to_plan_again(world: World) -> None:
    entry, other = world.entry("aw-222222"), world.entry("aw-333333")
    world.aws.wants_before = True
    commit = world.add(entry)
    world.github.before_commit.append(lambda: world.add(other) and None)
    assert world.apply(entry, commit) == 0
    assert world.live() == {entry.id, other.id}
    assert len(world.aws.writes) == 1
    assert {
        entry.path.replace(".yaml", ".before.yaml"),
        other.path.replace(".yaml", ".before.yaml"),
    } <= world.files


def test_a_record_whose_commit_has_an_unknown_outcome_is_looked_for_and_not_doubled(world: World) -> None:
    entry = world.entry()
    world.aws.wants_before = True
    commit = world.add(entry)
    world.github.faults.append(Unknown("GitHub", "commit", "no answer"))
    assert world.apply(entry, commit) == 0
    assert len(world.github.commits) == 1


def test_without_the_record_nothing_is_written(world: World) -> None:
    entry = world.entry()
    world.aws.wants_before = True
    commit = world.add(entry)
    world.github.faults.append(Refused("GitHub", "commit", "Resource not accessible by integration"))
    assert world.apply(entry, commit) == 1
    assert world.aws.writes == []
    assert "Nothing was changed" in world.github.outcomes[entry.id].detail


def test_what_is_there_already_is_recorded_without_a_write(world: World) -> None:
    entry = world.entry()
    world.aws.wants_before = True
    world.aws.live[PAYMENTS] = world.aws.drafted[PAYMENTS] = frozenset({entry.id})
    assert world.apply(entry, world.add(entry)) == 0
    assert world.aws.writes == []
    assert result(world, entry) is Result.ALREADY
    assert entry.path.replace(".yaml", ".before.yaml") in world.files


def test_a_crash_of_ours_is_reported_with_a_name_that_finds_it_in_the_log(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    entry = world.entry()

    def crash() -> None:
        raise ZeroDivisionError("division by zero")

    world.aws.between.append(crash)
    assert world.apply(entry, world.add(entry)) == 1
    detail = world.github.outcomes[entry.id].detail
    assert "Sallyport itself failed (ZeroDivisionError, see " in detail
    assert detail.partition("see ")[2].partition(" ")[0] in capsys.readouterr().out
    assert world.live() == frozenset()
    assert world.aws.drafted[PAYMENTS] == frozenset()


# Reporting


def test_the_summary_leads_to_the_ticket_and_the_thread_and_says_how_to_undo(world: World) -> None:
    entry = world.entry()
    world.apply(entry, world.add(entry))
    thread = "https://acme.slack.example/archives/C0INFRA/p1732180364000200"
    links = f"[OPS-142](https://jira.example/browse/OPS-142) · [thread]({thread})"
    assert f"- {entry.id}: {links}" in world.summary
    assert "How to undo" in world.summary
    assert "deployment 1" in world.summary


def test_a_thread_that_slack_does_not_find_has_no_link_and_nothing_fails(world: World) -> None:
    world.slack.link_faults = [Refused("Slack", "give a message's address", "message_not_found")]
    entry = world.entry()
    assert world.apply(entry, world.add(entry)) == 0
    assert f"- {entry.id}: [OPS-142](https://jira.example/browse/OPS-142)\n" in world.summary


def test_a_report_that_comes_late_is_not_lost(world: World) -> None:
    entry = world.entry()
    world.slack.faults += [TryLater("Slack", "post a message", "too many requests", after=3)]
    assert world.apply(entry, world.add(entry)) == 0
    assert world.pauses == [3]
    assert len(world.slack.posts) == 1


def test_a_report_that_fails_makes_the_job_fail_and_changes_nothing_in_aws(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    entry = world.entry()
    world.jira.faults += [Unknown("JIRA", "comment", "no answer")] * 3
    assert world.apply(entry, world.add(entry)) == 1
    assert world.live() == {entry.id}
    assert result(world, entry) is Result.APPLIED
    assert "could not be told in the ticket OPS-142" in capsys.readouterr().err
    assert len(world.slack.posts) == 1


def test_a_check_that_fails_does_not_keep_people_from_being_told(world: World) -> None:
    entry = world.entry()
    world.github.check_faults += [Refused("GitHub", "report a check", "Resource not accessible")]
    assert world.apply(entry, world.add(entry)) == 1
    assert len(world.slack.posts) == 1


def test_an_expired_entry_met_on_the_way_is_taken_back_told_and_removed(world: World) -> None:
    old = world.entry("aw-222222", ticket="OPS-1")
    world.apply(old, world.add(old))
    world.now += timedelta(hours=2)
    fresh = world.entry("aw-333333")
    assert world.apply(fresh, world.add(fresh)) == 0
    assert world.live() == {fresh.id}
    assert result(world, old) is Result.REVERTED
    assert world.files == {fresh.path}
    assert "1 hour" in world.github.outcomes[old.id].detail or "60 minutes" in world.github.outcomes[old.id].detail


HOSTILE = "<!channel> `x` [a](https://evil.example) <img src=x> | *bold* @team :tada: {code} www.evil.example $a$"


def test_what_a_person_typed_shows_as_typed_everywhere(world: World) -> None:
    entry = world.entry(reason=HOSTILE)
    assert world.apply(entry, world.add(entry)) == 0
    for markup in ("<!channel>", "`x`", "[a](", "<img", "*bold*", " | *", "@team", ":tada:", "www.", "$a$"):
        assert markup not in world.summary
    for post in world.slack.posts:
        assert "<!channel>" not in post["text"]


def test_a_hostile_fault_of_aws_is_inert_in_every_report(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    entry = world.entry()
    world.aws.observe_faults[PAYMENTS] = f"AWS said\n::error::{HOSTILE}"
    world.apply(entry, world.add(entry))
    output = capsys.readouterr()
    assert not any(line.startswith("::") for line in (output.out + output.err).split("\n"))
    [thread, alert] = world.slack.posts
    for post in (thread, alert):
        assert "<!channel>" not in post["text"]
        assert post["blocks"][0]["text"]["type"] == "plain_text"
    assert "{code}" not in world.jira.by_ticket["OPS-142"][0]
    assert "<img" not in world.github.checks[0]["summary"]
