"""`coordinator audit`: what auditors ask, and that the answers are those of the trail and of nothing else."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result
from jsonschema import Draft202012Validator

from coordinator.__main__ import main
from coordinator.audit.context import aws_requests, context_of
from coordinator.audit.holding import Certainty, holdings
from coordinator.audit.records import records_of
from coordinator.audit.tables import COLUMNS, chosen, csv_lines
from coordinator.audit.telling import SENTENCES, doubt, sentence
from coordinator.audit.trail import Trail
from coordinator.journal.tables import facts
from coordinator.lifecycle import Happening, Move
from coordinator.outside.commits import entry_of
from coordinator.requests import Request, Route, State
from coordinator.wording import COMMENTS
from sallyport.audit import Deed, Fact
from sallyport.changes.prod_access import ProdAccess
from sallyport.entries import BREAK_GLASS, Grant, parse_entry
from sallyport.outcomes import Outcome
from sallyport.outcomes import Result as Came
from sandbox.faults import Fault, Moment
from sandbox.faults import Kind as Spoils
from tests.coordinator.asks import HOUR, NOW, ROOT
from tests.coordinator.conftest import Store
from tests.coordinator.desk import MINUTE, Desk
from tests.coordinator.test_newer_in_the_journal import paused

SCHEMA = json.loads((ROOT / "docs/reference/audit-record.schema.json").read_text())
EVIDENCE = (
    "CreateAccountAssignment ProdAdmin: AWS request 5b1d0a7e-1",
    "PutInlinePolicy, AWS request 5b1d-2; ProvisionPermissionSet, AWS request 5b1d-3",
)
Run = Callable[..., Result]


def at(moment: str) -> datetime:
    return datetime.fromisoformat(moment).replace(tzinfo=UTC)


def access(desk: Desk, key: str = "view:V1", **different: Any) -> Request:
    """Ana asks for ProdAdmin."""
    change = ProdAccess("prod-main", "ProdAdmin")
    usual = {"flow": "prod-access", "prefix": "pa", "changes": (change,), "reason": "=cmd|' /C calc'!A0 \x1b[31m"}
    return desk.submit(key, **(usual | different))


def live(desk: Desk, request: Request) -> Request:
    """It is approved, applied and read back, two minutes after it was asked for."""
    desk.now += MINUTE
    desk.approve(request)
    desk.work()
    desk.now += MINUTE
    run = desk.request(request).result("dispatch")["run"]
    desk.github.report(run, Outcome(request.id, Came.APPLIED, "It is live.", desk.now, evidence=EVIDENCE))
    desk.github.complete(run)
    desk.now += MINUTE
    desk.work()
    return desk.request(request)


def ended(desk: Desk, request: Request) -> Request:
    """Its time has come, and a job has taken it back."""
    desk.now = request.expires_at or desk.now
    desk.work()
    desk.github.delete(entry_of(request).path)
    desk.job_ends(request, Came.REVERTED, "It was taken back.", run="expire")
    desk.now += MINUTE
    desk.work()
    return desk.request(request)


@pytest.fixture
def run(sqlite: Store, tmp_path: Path) -> Run:
    variables = {"DATABASE_URL": sqlite.url, "AUDIT_URL": f"file:{tmp_path / 'audit'}"}
    return lambda *words: CliRunner().invoke(main, ["audit", *words], env=variables)


@pytest.fixture
def over(desk: Desk) -> Request:
    """An access from its asking to its end."""
    return ended(desk, live(desk, access(desk)))


class TestWhatIsRecorded:
    def test_every_record_fits_the_published_schema(self, desk: Desk, over: Request) -> None:
        desk.deny(desk.submit("b"))
        desk.journal.move(desk.submit("c").id, Move(Happening(Deed.CANCELLED, desk.now, "x"), State.CANCELLED))
        failing = live_or_not(desk, "d", Came.FAILED)
        live_or_not(desk, "e", Came.REFUSED)
        desk.journal.override(failing.id, "timeout", Happening(Deed.RETRIED, desk.now, "ops"), parked=False)
        desk.work()
        desk.exporting.anchor()
        validator = Draft202012Validator(SCHEMA)
        problems = [e.message for r in desk.sink.records.values() for e in validator.iter_errors(r.body)]
        assert problems == []
        kinds = {(record.body["kind"], record.body.get("deed")) for record in desk.sink.records.values()}
        wanted = {
            "asked",
            "approved",
            "denied",
            "committed",
            "dispatched",
            "applied",
            "refused",
            "failed",
            "retried",
        }
        assert wanted | {"cancelled", "reverted"} <= {deed for kind, deed in kinds if kind == "fact"}
        assert ("anchor", None) in kinds

    def test_the_schema_is_one_and_knows_every_deed(self) -> None:
        Draft202012Validator.check_schema(SCHEMA)
        assert SCHEMA["$defs"]["fact"]["properties"]["deed"]["enum"] == [deed.value for deed in Deed]

    def test_every_deed_has_its_words_in_the_story_and_in_the_ticket(self) -> None:
        assert set(SENTENCES) == set(Deed)
        assert set(COMMENTS) == set(Deed) - {Deed.ASKED}  # which is the ticket itself

    def test_the_schema_refuses_what_a_record_lacks_or_has_too_much(self, desk: Desk, over: Request) -> None:
        validator = Draft202012Validator(SCHEMA)
        good = dict(records_of(desk.journal.facts(over.id))[-1].body)
        assert validator.is_valid(good)
        assert not validator.is_valid({**good, "more": 1})
        for name in good:
            assert not validator.is_valid({key: value for key, value in good.items() if key != name}), name

    def test_the_last_record_tells_all_that_an_auditor_asks(self, desk: Desk, over: Request) -> None:
        told: Any = records_of(desk.journal.facts(over.id))[-1].body["request"]
        assert told["requester"] == "ana@example.com"
        assert told["approvers"] == ["lee@example.com"]
        assert told["reason"].startswith("=cmd")
        assert told["changes"] == [{"account": "prod-main", "permission_set": "ProdAdmin"}]
        assert (told["duration"], told["environment"], told["flow"]) == ("4h", "prod", "prod-access")
        assert (told["ticket"], told["resource"]) == (over.ticket, "sso/222222222222")
        assert told["digest"] == over.digest
        assert told["expires_at"] == "2026-11-21T13:01:00Z"
        assert told["aws_requests"] == ["5b1d0a7e-1", "5b1d-2", "5b1d-3"]
        assert told["outcome"] == "reverted"

    def test_the_entry_s_digest_is_that_of_what_was_signed(self, desk: Desk, over: Request) -> None:
        told: Any = records_of(desk.journal.facts(over.id))[-1].body["request"]
        (path,) = desk.github.commits[0][2]
        committed = parse_entry(desk.github.commits[0][2][path], path, desk.installed.policies.schemas)
        assert told["entry"] == committed.digest

    def test_facts_without_evidence_name_no_call(self) -> None:
        assert aws_requests(Fact("aw-222222", 1, Deed.APPLIED, NOW, "job", {"evidence": "none"})) == ()


def live_or_not(desk: Desk, key: str, result: Came) -> Request:
    request = desk.submit(key)
    desk.approve(request)
    desk.work()
    desk.job_ends(request, result)
    desk.now += MINUTE
    desk.work()
    return desk.request(request)


class TestTheStory:
    def test_there_is_a_sentence_for_every_deed(self) -> None:
        assert set(SENTENCES) == set(Deed)
        kept = Fact("is-222222", 5, Deed.KEPT_UP, NOW, "kim@example.com", {"kept_until": "2026-11-21T20:00:00Z"})
        assert sentence(kept) == "kim@example.com has kept up until 2026-11-21T20:00:00Z what it stops."

    def test_it_tells_everything_in_order_with_its_digests(self, run: Run, desk: Desk, over: Request) -> None:
        text = run("request", over.id).stdout
        parts = [
            "prod-access: account prod-main, permission_set ProdAdmin in prod",
            "approved by  lee@example.com",
            "2026-11-21T09:00:00Z  ana@example.com asked.",
            "2026-11-21T09:01:00Z  lee@example.com approved it",
            "The entry was committed as",
            "at sso/222222222222.",
            "2026-11-21T09:02:00Z  It was applied and read back: It is live.",
            "AWS requests 5b1d0a7e-1, 5b1d-2, 5b1d-3",
            "It ended: It was taken back.",
        ]
        places = [text.find(part) for part in parts]
        assert -1 not in places, parts[places.index(-1)]
        assert places == sorted(places)
        for _, digest in desk.journal.facts(over.id):
            assert digest in text

    def test_what_was_typed_cannot_paint_the_terminal(self, run: Run, over: Request) -> None:
        assert "\x1b" not in run("request", over.id).stdout

    def test_a_request_that_is_not_there_is_said_to_be_none(self, run: Run, desk: Desk) -> None:
        done = run("request", "aw-222222")
        assert (done.exit_code, "there is no request “aw-222222”" in done.stderr) == (1, True)

    def test_facts_of_before_their_details_were_kept_are_told_all_the_same(
        self, run: Run, sqlite: Store, over: Request
    ) -> None:
        with sqlite.engines[0].begin() as connection:
            connection.execute(sa.update(facts).values(details={}))
        assert "ana@example.com asked." in run("request", over.id).stdout


class TestAFactThatOnlyANewerVersionKnows:
    """It came at half past nine, while Ana had what she had asked for."""

    @pytest.fixture
    def paused_(self, desk: Desk) -> Request:
        request = live(desk, access(desk))
        desk.journal.move(request.id, paused(at("2026-11-21 09:30")))
        return ended(desk, request)

    def test_has_its_place_in_the_story(self, run: Run, paused_: Request) -> None:
        done = run("request", paused_.id)
        assert done.exit_code == 0
        words = "“paused”, which a newer version of Sallyport can put into words."
        assert f"2026-11-21T09:30:00Z  kim@example.com: {words}" in done.stdout
        assert "It ended: It was taken back." in done.stdout

    @pytest.mark.parametrize(
        ("moment", "had"), [("09:29", "had"), ("09:30", "may have had"), ("12:00", "may have had")]
    )
    def test_leaves_it_open_what_somebody_had_after_it_and_says_who_knows_more(
        self, run: Run, paused_: Request, moment: str, had: str
    ) -> None:
        done = run("who", "--had", "ProdAdmin", "--at", f"2026-11-21 {moment}")
        assert done.stdout.startswith(f"ana@example.com {had} prod-access")
        assert done.stderr == f"{doubt([paused_.id])}\n"

    def test_is_exported_as_it_was_recorded(self, run: Run, desk: Desk, paused_: Request) -> None:
        records = [json.loads(line) for line in run("export", "--json").stdout.splitlines()]
        [record] = [record for record in records if record["deed"] == "paused"]
        digests = [digest for _, digest in desk.journal.facts(paused_.id)]
        assert record["digest"] == digests[record["number"] - 1]
        assert record["request"]["outcome"] == "applied"


class TestWhoHadIt:
    @pytest.mark.parametrize("name", ["ProdAdmin", "prod-admin", "prod-main", "sso/222222222222", "222222222222"])
    def test_it_is_asked_by_any_name_of_it(self, run: Run, over: Request, name: str) -> None:
        done = run("who", "--had", name, "--at", "2026-11-21 10:00")
        assert done.stdout == (
            "ana@example.com had prod-access: account prod-main, permission_set ProdAdmin in prod; "
            "from 2026-11-21T09:02:00Z until 2026-11-21T13:01:00Z; approved by lee@example.com; "
            f"ticket {over.ticket}; request {over.id}\n"
        )

    @pytest.mark.parametrize(
        ("moment", "had"),
        [
            ("2026-11-21 09:01:59", False),  # approved, not applied
            ("2026-11-21 09:02:00", True),
            ("2026-11-21 10:02+01:00", True),
            ("2026-11-21 10:01+01:00", False),
            ("2026-11-21 13:00:59Z", True),
            ("2026-11-21 13:01", False),
        ],
    )
    def test_it_begins_when_it_was_read_back_and_ends_when_it_was_seen_gone(
        self, run: Run, over: Request, moment: str, had: bool
    ) -> None:
        assert ("ana@example.com had" in run("who", "--had", "ProdAdmin", "--at", moment).stdout) is had

    def test_what_is_live_is_told_with_its_deadline(self, run: Run, desk: Desk) -> None:
        live(desk, access(desk))
        told = run("who", "--had", "ProdAdmin", "--at", "2026-11-21 12:00").stdout
        assert "from 2026-11-21T09:02:00Z, to end at 2026-11-21T13:01:00Z; " in told

    def test_what_has_no_deadline_lasts_until_it_is_given_back(self, run: Run, desk: Desk) -> None:
        live(desk, access(desk, lifetime=None))
        told = run("who", "--had", "ProdAdmin", "--at", "2026-11-21 12:00").stdout
        assert "from 2026-11-21T09:02:00Z, until it is given back; " in told

    def test_what_was_taken_in_an_emergency_is_told_as_that(self, run: Run, desk: Desk) -> None:
        request = access(desk, grant=Grant(BREAK_GLASS, desk.now, "INC-4711"), lifetime=HOUR, route=Route())
        desk.work()
        desk.job_ends(request, Came.APPLIED)
        desk.settle(MINUTE)
        told = run("who", "--had", "ProdAdmin", "--at", "2026-11-21 09:30").stdout
        assert "; approved by nobody, in an emergency (INC-4711); " in told
        assert "  emergency    INC-4711\n" in run("request", request.id).stdout

    def test_past_its_deadline_and_not_seen_gone_it_is_still_had(self, run: Run, desk: Desk) -> None:
        live(desk, access(desk))
        assert "ana@example.com still had" in run("who", "--had", "ProdAdmin", "--at", "2026-11-21 14:00").stdout

    def test_a_job_that_never_reported_may_have_given_it(self, desk: Desk) -> None:
        request = access(desk)
        desk.approve(request)
        desk.work()
        desk.github.complete(1, "cancelled")
        desk.now += MINUTE
        desk.work()
        known = [fact for fact, _ in desk.journal.facts(request.id)]
        (found,) = holdings(known, NOW + timedelta(seconds=30))
        assert found.certainty is Certainty.MAY_HAVE_HAD
        desk.github.delete(entry_of(request).path)
        desk.job_ends(request, Came.REVERTED, "Nothing was left.", run="expire")
        desk.now += MINUTE
        desk.work()
        known = [fact for fact, _ in desk.journal.facts(request.id)]
        assert not list(holdings(known, desk.now))

    def test_a_report_that_came_late_still_tells_who_had_it(self, desk: Desk) -> None:
        def fact(number: int, deed: Deed, hours: int, **details: str) -> Fact:
            return Fact("pa-222222", number, deed, NOW + hours * HOUR, "job", details)

        trail = [
            fact(1, Deed.ASKED, 0),
            fact(2, Deed.FAILED, 4, result="reverted"),
            fact(3, Deed.APPLIED, 1, result="applied"),
        ]
        assert [bool(list(holdings(trail, NOW + hours * HOUR))) for hours in (0, 1, 3, 4)] == [0, 1, 1, 0]

    def test_nobody_is_an_answer_and_an_unknown_name_is_none(self, run: Run, over: Request) -> None:
        done = run("who", "--had", "ProdAdmin", "--at", "2026-11-20")
        assert (done.exit_code, done.stdout) == (0, "Nobody had ProdAdmin at 2026-11-20T00:00:00Z.\n")
        done = run("who", "--had", "ProdAdmn", "--at", "2026-11-20")
        assert (done.exit_code, "did you mean “ProdAdmin”" in done.stderr) == (1, True)

    def test_what_is_no_moment_is_said_with_examples(self, run: Run, over: Request) -> None:
        done = run("who", "--had", "ProdAdmin", "--at", "last tuesday")
        assert (done.exit_code, "2026-11-17 14:00" in done.stderr) == (2, True)


class TestATicketThatNoFactTells:
    """It is opened beside the facts: one that was denied at once, or an emergency, may be told of by none."""

    def test_is_in_the_story_and_in_the_table(self, run: Run, desk: Desk) -> None:
        denied = desk.deny(desk.submit())
        desk.work()
        ticket = desk.request(denied).ticket
        assert ticket
        assert f"  ticket       {ticket}\n" in run("request", denied.id).stdout
        rows = csv.DictReader(io.StringIO(run("export", "--csv").stdout))
        assert {row["ticket"] for row in rows} == {ticket}

    def test_is_told_of_whoever_had_something_by_it(self, run: Run, desk: Desk) -> None:
        desk.jira.faults.add(Fault(Spoils.DROP, Moment.BEFORE, times=3))
        request = live(desk, access(desk))
        assert not any(fact.details.get("ticket") for fact, _ in desk.journal.facts(request.id))
        for _ in range(5):
            desk.now += 5 * MINUTE
            desk.work()
        told = run("who", "--had", "ProdAdmin", "--at", f"{desk.now:%Y-%m-%d %H:%M}").stdout
        assert desk.request(request).ticket
        assert f"; ticket {desk.request(request).ticket};" in told


class TestExports:
    def test_json_is_the_sink_s_records(self, run: Run, desk: Desk, over: Request) -> None:
        desk.work()
        lines = run("export", "--json").stdout.splitlines()
        assert lines == [record.line for key, record in desk.sink.records.items() if key.startswith(over.id)]

    def test_csv_has_a_row_for_each_fact_and_no_formula(self, run: Run, over: Request) -> None:
        rows = list(csv.DictReader(io.StringIO(run("export", "--csv").stdout)))
        assert [row["deed"] for row in rows] == [
            *("asked", "approved", "committed", "dispatched", "applied", "reverted"),
        ]
        last = rows[-1]
        assert last["requester"] == "ana@example.com"
        assert last["reason"].startswith("'=cmd")
        assert last["changes"] == '{"account": "prod-main", "permission_set": "ProdAdmin"}'
        assert last["aws_requests"] == "5b1d0a7e-1; 5b1d-2; 5b1d-3"
        assert rows[4]["evidence"] == "; ".join(EVIDENCE)

    @pytest.mark.parametrize("text", ["=1", "+1", "-1", "@x", "\t=1", "\r=1", "\n=1"])
    def test_no_cell_begins_as_a_formula_does(self, desk: Desk, text: str) -> None:
        desk.submit(reason=text)
        lines = "\n".join(csv_lines(chosen(Trail(desk.journal), None, None), {}))
        rows = list(csv.DictReader(io.StringIO(lines, newline="")))
        assert rows[0]["reason"] == f"'{text}"

    @pytest.mark.parametrize(
        ("bounds", "deeds"),
        [
            (("--since", "2026-11-21 09:02"), ["applied", "reverted"]),
            (("--until", "2026-11-21 09:01"), ["asked"]),
            (("--since", "2026-11-21 09:02", "--until", "2026-11-21 09:03"), ["applied"]),
        ],
    )
    def test_a_time_can_be_chosen_and_its_records_are_whole(
        self, run: Run, over: Request, bounds: tuple[str, ...], deeds: list[str]
    ) -> None:
        records = [json.loads(line) for line in run("export", "--json", *bounds).stdout.splitlines()]
        assert [record["deed"] for record in records] == deeds
        assert {record["request"]["requester"] for record in records} == {"ana@example.com"}

    def test_a_form_has_to_be_chosen(self, run: Run, desk: Desk) -> None:
        assert "say --csv or --json" in run("export").stderr

    def test_columns_are_named_once(self) -> None:
        assert len(set(COLUMNS)) == len(COLUMNS)


class TestProving:
    def test_a_trail_that_nobody_touched_is_proved(
        self, run: Run, desk: Desk, over: Request, tmp_path: Path
    ) -> None:
        write(tmp_path, {key: record.line for key, record in desk.sink.records.items()})
        done = run("verify")
        assert (done.exit_code, done.stderr) == (0, "")
        assert done.stdout.startswith("1 requests, 6 facts, 0 anchors: nothing was changed, moved or dropped")

    def test_what_is_found_is_printed_and_the_command_fails(
        self, run: Run, desk: Desk, over: Request, tmp_path: Path
    ) -> None:
        lines = {key: record.line for key, record in desk.sink.records.items()}
        write(tmp_path, {key: line for key, line in lines.items() if "00002" not in key})
        done = run("verify")
        assert done.exit_code == 1
        assert f"{over.id}: fact 2 is gone from the sink" in done.stderr.splitlines()

    def test_a_sink_that_cannot_be_named_is_a_sentence(self, sqlite: Store) -> None:
        env = {"DATABASE_URL": sqlite.url, "AUDIT_URL": "ftp://x"}
        done = CliRunner().invoke(main, ["audit", "verify"], env=env)
        assert (done.exit_code, "write file:<folder>" in done.stderr) == (1, True)
        assert "Traceback" not in done.output


def write(folder: Path, lines: Mapping[str, str]) -> None:
    (folder / "audit").mkdir()
    text = "".join(f"{line}\n" for line in lines.values())
    (folder / "audit" / "2026-11-21.jsonl").write_text(text)


def test_the_context_counts_what_operators_did_as_no_outcome() -> None:
    asked = Fact("aw-222222", 1, Deed.ASKED, NOW, "ana@example.com", {"flow": "x"})
    parked = replace(asked, number=2, deed=Deed.PARKED, by="ops@example.com")
    assert context_of([asked, parked]).outcome == "asked"
