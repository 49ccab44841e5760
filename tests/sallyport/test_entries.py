"""Entries: what a file says is exactly what was approved, and what cannot be read asks for nothing."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sallyport.changes.prod_access import ProdAccess
from sallyport.entries import (
    Approval,
    Attestation,
    Confirmation,
    Entry,
    Grant,
    Thread,
    changes_digest,
    parse_entry,
    path_of,
)
from sallyport.problems import Problems
from sallyport.schemas import Schemas
from tests.sallyport.examples import NOW, access_entry, entries, entry, policies, texts, whitelisting

SCHEMAS = policies().schemas
CONFIRMED = Confirmation("lee@example.com", NOW, 12, "c" * 40, timedelta(hours=4))


def read(text: str, path: str = entry().path) -> Entry:
    return parse_entry(text.encode(), path, SCHEMAS)


def refusals(text: str, path: str = entry().path) -> list[str]:
    """Return what is said about a file, without its path."""
    with pytest.raises(Problems) as error:
        read(text, path)
    return [str(problem).removeprefix(f"{path}:") for problem in error.value.problems]


def edited(old: str, new: str) -> str:
    """Return the good entry's file with a part replaced."""
    text = entry().to_yaml()
    assert text.count(old) == 1
    return text.replace(old, new)


class TestTheFile:
    def test_is_written_for_a_reader(self) -> None:
        written = entry(attestation=Attestation("2026-11", "c2ln")).to_yaml()
        assert written == (
            "# yaml-language-server: $schema=../../policies/schemas/api-whitelisting.schema.json\n"
            "id: aw-7k3m9q\n"
            "flow: api-whitelisting\n"
            "environment: prod\n"
            "requested_by: ana@example.com\n"
            "reason: Partner go-live, contract 4711\n"
            "ticket: OPS-142\n"
            "expires_at: '2026-12-21T09:12:44Z'\n"
            "changes:\n"
            "- api: payments\n"
            "  stage: live\n"
            "  method: POST\n"
            "  path: /v1/charges\n"
            "  source:\n"
            "    cidr:\n"
            "    - 198.51.100.10/32\n"
            "approvals:\n"
            "- by: lee@example.com\n"
            "  at: '2026-11-21T09:12:44Z'\n"
            "  through: slack\n"
            "asked: lee@example.com\n"
            "thread:\n"
            "  channel: C0INFRA\n"
            "  ts: '1732180364.000200'\n"
            "attestation:\n"
            "  key: 2026-11\n"
            "  signature: c2ln\n"
        )

    @pytest.mark.parametrize("good", [entry(), access_entry()])
    def test_reads_as_the_entry_it_was_written_from(self, good: Entry) -> None:
        assert read(good.to_yaml(), good.path) == good

    @settings(max_examples=50)
    @given(entries)
    def test_reads_as_the_entry_it_was_written_from_whatever_the_entry(self, some: Entry) -> None:
        assert read(some.to_yaml(), some.path) == some

    @given(texts)
    @example("a\nb\n\n  c\n")
    @example("---\nid: aw-222222")
    @example("# comment")
    @example("reason: with: colons")
    @example("   leading and trailing   ")
    @example("\ttabs\t")
    @example("🚀 emoji, “quotes”, ‘more’, e\u0301")
    @example("CR\rLF\r\nNEL\x85LS\u2028PS\u2029BOM\ufeffNUL\x00BEL\x07")
    @example("{{ github.token }} ${{ secrets.X }} `id` $(id) <!channel> @here")
    @example("null")
    @example("2026-12-21")
    @example("*alias &anchor !tag %directive")
    @example("x" * 2000)
    @example("word " * 400)
    def test_keeps_a_reason_whatever_was_typed(self, reason: str) -> None:
        good = entry(reason=reason)
        assert read(good.to_yaml()) == good

    def test_may_leave_out_what_an_entry_may_lack(self) -> None:
        bare = entry(asked="", ticket=None, thread=None, attestation=None, expires_at=None, approvals=())
        assert read(bare.to_yaml()) == bare
        assert "asked" not in bare.to_yaml()


class TestAFileThatIsNoEntry:
    @pytest.mark.parametrize(
        "path",
        [
            *("requests/api-whitelisting/aw-222222.yaml", "requests/api-whitelisting/aw-7k3m9q.yml"),
            *(
                "requests/api-whitelisting/AW-7K3M9Q.yaml",
                "requests/api-whitelisting/.yaml",
                "requests/prod-access/",
            ),
            *("elsewhere/api-whitelisting/aw-7k3m9q.yaml", "/api-whitelisting/aw-7k3m9q.yaml"),
            *("requests/aw-7k3m9q.yaml", "requests/api-whitelisting/x/aw-7k3m9q.yaml", "aw-7k3m9q.yaml", ""),
            *("requests/../api-whitelisting/aw-7k3m9q.yaml", "./requests/api-whitelisting/aw-7k3m9q.yaml"),
            *("requests/api-whitelisting/../aw-7k3m9q.yaml", "requests//aw-7k3m9q.yaml", "requests/entry/x.yaml"),
        ],
    )
    def test_stands_under_another_name(self, path: str) -> None:
        assert refusals(entry().to_yaml(), path)

    def test_is_told_what_its_name_would_be(self) -> None:
        assert refusals(entry().to_yaml(), "requests/api-whitelisting/aw-222222.yaml") == [
            "2:5: the file is named requests/api-whitelisting/aw-222222.yaml; "
            "an entry aw-7k3m9q is requests/api-whitelisting/aw-7k3m9q.yaml"
        ]

    def test_is_told_the_nearest_flow(self) -> None:
        assert refusals(entry().to_yaml(), "requests/api-whitelist/aw-7k3m9q.yaml") == [
            "2:1: “requests/api-whitelist/aw-7k3m9q.yaml” is in no flow's folder; put it in "
            "requests/<flow>/<id>.yaml, with a flow that exists; did you mean “api-whitelisting”?"
        ]

    def test_is_of_a_flow_that_policies_have_no_schema_for(self) -> None:
        with pytest.raises(Problems, match="is in no flow's folder"):
            parse_entry(entry().to_yaml().encode(), entry().path, Schemas({}))

    def test_is_of_another_flow_than_its_folder(self) -> None:
        said = refusals(access_entry().to_yaml(), "requests/api-whitelisting/pa-7k3m9q.yaml")
        assert "3:7: flow is “prod-access”; it must be “api-whitelisting” here" in said

    @pytest.mark.parametrize(
        ("old", "new", "said"),
        [
            ("'2026-12-21T09:12:44Z'", "never", "8:13: expires_at “never” does not have the right form; a moment"),
            ("'2026-12-21T09:12:44Z'", "2026-12-21T09:12:44", "8:13: expires_at “2026-12-21T09:12:44” does not"),
            ("'2026-12-21T09:12:44Z'", "2026-12-21T09:12:44+01:00", "8:13: expires_at"),
            (
                "'2026-12-21T09:12:44Z'",
                "'2026-12-32T09:12:44Z'",
                "8:13: “2026-12-32T09:12:44Z” is not a moment: day",
            ),
            ("'2026-12-21T09:12:44Z'", "'٢٠٢٦-12-21T09:12:44Z'", "8:13: “٢٠٢٦-12-21T09:12:44Z” is not a moment"),
            (
                "'2026-12-21T09:12:44Z'",
                '"2026-12-21T09:12:44Z\\n"',
                "8:13: expires_at “2026-12-21T09:12:44Z\n” does not have the right form",
            ),
            (
                "'2026-12-21T09:12:44Z'",
                "1797844364",
                "8:13: expires_at must be of type string or null; a moment in",
            ),
            ("expires_at: '2026-12-21T09:12:44Z'\n", "", "2:1: “expires_at” is missing from the file"),
            ("at: '2026-11-21T09:12:44Z'", "at: '2026-11-31T09:12:44Z'", "19:7: “2026-11-31T09:12:44Z” is not a"),
            ("ana@example.com", '"ana@example.com\\n"', "5:15: requested_by"),
            (
                "ana@example.com",
                "ana",
                "5:15: requested_by “ana” does not have the right form; write an e-mail addr",
            ),
            ("Partner go-live, contract 4711", "''", "6:9: reason is shorter than 1 characters"),
            ("Partner go-live, contract 4711", "x" * 2001, "6:9: reason is longer than 2000 characters"),
            (
                "OPS-142",
                "ops-142",
                "7:9: ticket “ops-142” does not have the right form; a JIRA key such as OPS-142",
            ),
            ("aw-7k3m9q", "aw-../..", "2:5: id “aw-../..” does not have the right form; an id such as aw-7k3m9q"),
            ("method: POST", "method: post", "12:11: method cannot be “post”; did you mean “POST”?"),
            ("    cidr:\n    - 198.51.100.10/32\n", "    {}\n", "15:5: source has fewer fields than the 1 needed"),
            (
                "    - 198.51.100.10/32",
                "    - 1\n    vpce: vpce-0a1b2c3d",
                "15:5: source has more fields than the 1",
            ),
            (
                "through: slack",
                "through: telephone",
                "20:12: through cannot be “telephone”; known: pull-request, sl",
            ),
            ("asked:", "askd:", "21:7: unknown field “askd”; did you mean “asked”?"),
            ("reason: Partner go-live, contract 4711\n", "", "2:1: “reason” is missing from the file"),
            ("ticket: OPS-142\n", "expires_in: 30d\n", "7:13: both expires_at and expires_in are given; keep one"),
        ],
    )
    def test_is_told_what_is_wrong_at_its_place(self, old: str, new: str, said: str) -> None:
        found = refusals(edited(old, new))
        assert any(sentence.startswith(said) for sentence in found), found

    def test_is_told_that_a_relative_deadline_needs_a_merge(self) -> None:
        [said] = refusals(edited("expires_at: '2026-12-21T09:12:44Z'", "expires_in: 30d"))
        assert said == (
            "8:13: expires_in counts from the merge of a reviewed pull request, and there was none; "
            "bring the entry by a pull request, or write expires_at"
        )

    def test_is_told_every_unreadable_moment_in_one_pass(self) -> None:
        text = edited("12-21T", "12-32T").replace("11-21T", "11-31T")
        assert [said[:5] for said in refusals(text)] == ["8:13:", "19:7:"]

    @given(st.data())
    @settings(max_examples=100)
    def test_is_refused_in_words_whatever_was_done_to_it(self, data: st.DataObject) -> None:
        text = entry().to_yaml()
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, min(len(text), start + 30)))
        damaged = text[:start] + data.draw(st.text(max_size=5)) + text[end:]
        try:
            found = parse_entry(damaged.encode(errors="ignore"), entry().path, SCHEMAS)
        except Problems:
            return
        assert found.id == entry().id


class TestTheSignedBytes:
    def test_leave_out_the_attestation_alone(self) -> None:
        signed = entry(attestation=Attestation("2026-11", "c2ln"))
        assert signed.signed_bytes() == entry().signed_bytes()
        assert signed.signed_bytes().startswith(b"sallyport entry v1\n{")

    @pytest.mark.parametrize(
        ("field", "other"),
        [
            ("id", "aw-222222"),
            ("flow", "prod-access"),
            ("environment", "non-prod"),
            ("requested_by", "kim@example.com"),
            ("reason", "Partner go-live, contract 4712"),
            ("expires_at", NOW + timedelta(days=30, seconds=1)),
            ("expires_at", None),
            ("changes", (whitelisting(path="/v1/*"),)),
            ("changes", (whitelisting(), whitelisting(method="GET"))),
            ("changes", (ProdAccess("prod-main", "ProdAdmin"),)),
            ("approvals", ()),
            ("approvals", (Approval("sam@example.com", NOW, "slack"),)),
            ("approvals", (Approval("lee@example.com", NOW + timedelta(seconds=1), "slack"),)),
            ("approvals", (Approval("lee@example.com", NOW, "pull-request"),)),
            ("approvals", (Approval("lee@example.com", NOW, "slack", ("on-call",)),)),
            ("asked", "sam@example.com"),
            ("asked", ""),
            ("grant", Grant("policy", NOW)),
            ("grant", Grant("break-glass", NOW, "INC-4711")),
            ("confirmation", CONFIRMED),
            ("confirmation", replace(CONFIRMED, by="sam@example.com")),
            ("confirmation", replace(CONFIRMED, at=NOW + timedelta(seconds=1))),
            ("confirmation", replace(CONFIRMED, pull=13)),
            ("confirmation", replace(CONFIRMED, commit="d" * 40)),
            ("confirmation", replace(CONFIRMED, lasting=None)),
            ("ticket", "OPS-143"),
            ("ticket", None),
            ("thread", Thread("C0INFRA", "1732180364.000201")),
            ("thread", Thread("C0ALERTS", "1732180364.000200")),
            ("thread", None),
        ],
    )
    def test_change_with_every_field(self, field: str, other: object) -> None:
        assert entry(**{field: other}).signed_bytes() != entry().signed_bytes()

    def test_cover_every_field_that_an_entry_has(self) -> None:
        table: Any = self.test_change_with_every_field.pytestmark[0].args[1]  # type: ignore[attr-defined]  # the mark above
        assert {field for field, _ in table} == {field.name for field in fields(Entry)} - {"attestation"}

    @given(
        entries, entries, st.sampled_from([field.name for field in fields(Entry) if field.name != "attestation"])
    )
    def test_are_equal_only_for_equal_content(self, some: Entry, other: Entry, field: str) -> None:
        grafted = replace(some, **{field: getattr(other, field)})
        assert (grafted.signed_bytes() == some.signed_bytes()) is (grafted == some)

    @settings(max_examples=50)
    @given(entries)
    def test_survive_the_file(self, some: Entry) -> None:
        assert read(some.to_yaml(), some.path).signed_bytes() == some.signed_bytes()

    def test_name_the_moment_and_not_how_its_time_zone_was_written(self) -> None:
        elsewhere = entry().expires_at.astimezone(timezone(timedelta(hours=2)))  # type: ignore[union-attr]  # it has one
        assert entry(expires_at=elsewhere).signed_bytes() == entry().signed_bytes()

    def test_do_not_exist_for_a_moment_without_a_time_zone(self) -> None:
        naive = datetime(2026, 11, 21)  # noqa: DTZ001 - the fault under test
        for broken in (entry(expires_at=naive), entry(approvals=(Approval("lee@example.com", naive, "slack"),))):
            with pytest.raises(ValueError, match="no time zone"):
                broken.signed_bytes()
            with pytest.raises(ValueError, match="no time zone"):
                broken.to_yaml()


def test_an_entry_is_live_until_the_second_of_its_deadline() -> None:
    deadline = NOW + timedelta(days=30)
    assert entry().is_live(deadline - timedelta(seconds=1))
    assert not entry().is_live(deadline)
    assert entry(expires_at=None).is_live(deadline + timedelta(days=9999))


def test_an_entry_stands_in_its_flows_folder_under_its_id() -> None:
    assert entry().path == path_of("api-whitelisting", "aw-7k3m9q") == "requests/api-whitelisting/aw-7k3m9q.yaml"


def test_a_digest_names_exactly_these_changes() -> None:
    digest = changes_digest("api-whitelisting", "prod", (whitelisting(),))
    assert len(digest) == 12
    assert digest == changes_digest("api-whitelisting", "prod", (whitelisting(),))
    others = [
        changes_digest("prod-access", "prod", (whitelisting(),)),
        changes_digest("api-whitelisting", "non-prod", (whitelisting(),)),
        changes_digest("api-whitelisting", "prod", (whitelisting(method="GET"),)),
        changes_digest("api-whitelisting", "prod", (whitelisting(), whitelisting())),
        changes_digest("api-whitelisting", "prod", ()),
    ]
    assert len({digest, *others}) == 6


class TestARelativeDeadline:
    text = edited("expires_at: '2026-12-21T09:12:44Z'", "expires_in: 30d")

    def test_counts_from_the_merge(self) -> None:
        merged = datetime(2026, 11, 21, 9, 12, 44, tzinfo=UTC)
        assert parse_entry(self.text.encode(), entry().path, SCHEMAS, merged) == entry()

    def test_beyond_the_calendar_is_refused(self) -> None:
        with pytest.raises(Problems, match="beyond the year 9999"):
            parse_entry(self.text.encode(), entry().path, SCHEMAS, datetime(9999, 12, 30, tzinfo=UTC))


def test_what_only_the_record_knows_may_be_left_out_by_a_person() -> None:
    text = entry().to_yaml().replace("ticket: OPS-142\n", "")
    start, end = text.index("approvals:"), text.index("asked:")
    made = read(text[:start] + text[end:])
    assert (made.ticket, made.approvals) == (None, ())
