"""Reach: what a change of policies lets whom do, told once for all places where it is the same."""

from __future__ import annotations

import random
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sallyport.attestations import new_key_pair, public_half
from sallyport.policies import Policies, load_policies, read_folder
from sallyport.whatif.comparing import compare, cover
from sallyport.whatif.reach import Questions, Situation, Survey
from sallyport.whatif.report import FEW, markdown
from sallyport.whatif.verdicts import judge
from tests.sallyport.examples import ROOT, policies, policy_files

ACCESS, OPENING = "flows/prod-access.yaml", "flows/api-whitelisting.yaml"
PEOPLE, APIS, SETS = "people.yaml", "catalogue/apis.yaml", "catalogue/permission-sets.yaml"


def edited(*edits: tuple[str, str, str]) -> Policies:
    """Return the example policies with parts of files replaced."""
    files = dict(policy_files())
    for path, old, new in edits:
        text = files[path].decode()
        assert old in text
        files[path] = text.replace(old, new, 1).encode()
    return load_policies(files)


def without(path: str) -> Policies:
    return load_policies({name: content for name, content in policy_files().items() if name != path})


def told(new: Policies, old: Policies | None = None) -> list[str]:
    return [line for line in markdown(compare(old or policies(), new)).splitlines() if line][1:]


CHANGES = [
    (ACCESS, "quorum: 1", "quorum: 2"),
    (ACCESS, "max: 8h", "max: 1d"),
    (ACCESS, "timeout: 4h", "timeout: 1h"),
    (ACCESS, "may_request: {groups: [engineering]}", "may_request: {groups: [everyone]}"),
    (ACCESS, "approvers: {groups: [prod-approvers]}", "approvers: {groups: [team-leads], owners: true}"),
    (OPENING, "permanent: true", "permanent: false"),
    (OPENING, "when: {environment: prod}", "when: {environment: prod, method: GET}"),
    (PEOPLE, "engineering: [ana@example.com, ", "engineering: ["),
    (PEOPLE, "slack: U0LEE, ", ""),
    (PEOPLE, "slack: U0SAM", "slack: U0SAN"),
    (APIS, "a1orders", "a9orders"),
    (SETS, "ProdAdmin:", "ProdBoss:"),
]
versions = st.sets(st.sampled_from(CHANGES)).map(lambda edits: edited(*sorted(edits)))


@settings(max_examples=30, deadline=None)  # each loads policies
@given(versions)
def test_the_reach_of_policies_compared_with_themselves_is_empty(version: Policies) -> None:
    comparison = compare(version, version)
    assert not comparison
    assert markdown(comparison) == "## What these policies change\n\nNobody may do more or less than before.\n"


@settings(max_examples=30, deadline=None)  # each loads policies
@given(versions, versions)
def test_what_one_way_gives_the_other_way_takes(one: Policies, other: Policies) -> None:
    there = {s for flow in compare(one, other).flows for _, s in flow.shifts}
    back = {s for flow in compare(other, one).flows for _, s in flow.shifts}
    assert {s.may_ask for s in there if s.may_ask} == {s.may_ask_no_longer for s in back if s.may_ask_no_longer}
    assert {(t.term, t.before, t.after) for s in there for t in s.terms} == {
        (t.term, t.after, t.before) for s in back for t in s.terms
    }


@settings(max_examples=30, deadline=None)  # each loads policies
@given(versions, st.sampled_from(["ana@example.com", "sam@example.com", "dee@example.com"]))
def test_who_reaches_a_situation_is_whom_policies_let_ask_there(version: Policies, email: str) -> None:
    flow = version.flows["prod-access"]
    questions = Questions.of([flow])
    reach = Survey(version, flow, questions).reach()
    for situation, found in reach.items():
        verdict = judge(version, flow, email, dict(zip(questions.names, situation, strict=True)))
        assert (verdict.barred is None) == (email in found.askers)
        assert verdict.eligible == {who for _, who in found.approvers} - {email}


class TestEveryChangeIsTold:
    def test_of_people_terms_and_quorum_once_for_all_items_where_it_is_the_same(self) -> None:
        new = edited(CHANGES[0], CHANGES[1], (PEOPLE, "prod-approvers: [lee@", "prod-approvers: [kim@"))
        assert told(new) == [
            "### `prod-access`",
            "**environment `prod`**",
            "- may newly approve: `kim@example.com`",
            "- may no longer approve: `lee@example.com`",
            "- approvals needed: 1 → 2 (more)",
            "- longest life: 8h → 1d (longer)",
        ]

    def test_of_how_deadlines_are_rounded(self) -> None:
        new = edited((ACCESS, "min: 15m", "min: 15m, round_up_to: 15m"))
        assert told(new)[2:] == ["- what deadlines are rounded up to: none → 15m (longer)"]

    def test_that_takes_away_in_the_words_for_less(self) -> None:
        own = "timeout: 4h\n    self_approval: true"
        before = edited(CHANGES[0], CHANGES[1], (ACCESS, "timeout: 4h", own))
        assert told(policies(), before)[2:] == [
            "- approvals needed: 2 → 1 (fewer)",
            "- longest life: 1d → 8h (shorter)",
            "- people may approve their own requests: yes → no (no longer)",
        ]

    def test_for_those_who_leave_a_group(self) -> None:
        assert told(edited(CHANGES[7])) == [
            "### `api-whitelisting`",
            "**environment `prod`**",
            "- may no longer ask: `ana@example.com`",
            "### `prod-access`",
            "**environment `prod`**",
            "- may no longer ask: `ana@example.com`",
        ]

    def test_for_an_item_that_is_new_with_its_terms(self) -> None:
        item = "refunds:\n  title: Refunds\n  in:\n    prod: {rest_api: r, stage: live}\n"
        new = edited((APIS, "orders:\n", f"{item}orders:\n"))
        assert told(new) == [
            "### `api-whitelisting`",
            "**environment `prod`, api `refunds`**",
            "- may newly ask: `ana@example.com`, `kim@example.com`, `lee@example.com`",
            "- may newly approve: `dee@example.com`, `lee@example.com`, `sam@example.com`",
            "- terms: 1 approval within 8 hours; lives for 30 days without an answer, 90 days at most; "
            "the requester chooses who decides",
        ]

    def test_for_an_item_that_is_gone(self) -> None:
        assert told(policies(), edited((SETS, "ProdAdmin:", "ProdBoss:")))[-3:] == [
            "**environment `prod`, permission set `ProdBoss`**",
            "- nobody may ask any more",
            "- may no longer ask: `ana@example.com`, `kim@example.com`, `lee@example.com`",
        ]

    def test_for_a_flow_that_is_new_or_gone(self) -> None:
        assert told(policies(), without(ACCESS))[0] == "### `prod-access` (new)"
        gone = told(without(ACCESS))
        assert gone[0] == "### `prod-access` (gone)"
        assert gone.count("- nobody may ask any more") == 2

    def test_of_a_rule_for_one_answer_and_not_for_the_others(self) -> None:
        rule = """\
  - when: {environment: prod, method: DELETE}
    may_request: {groups: [engineering]}
    approvers: {groups: [managers], chosen: true}
    timeout: 8h
    duration: {default: 1d, min: 15m, max: 90d}
"""
        new = edited((OPENING, "rules:\n", f"rules:\n{rule}"))
        assert told(new) == [
            "### `api-whitelisting`",
            "**environment `prod`, method `DELETE`**",
            "- life without an answer: 30d → 1d (shorter)",
        ]

    def test_for_everybody_who_is_no_longer_recognised(self) -> None:
        lines = told(edited(CHANGES[8]))
        assert "- may no longer ask: `lee@example.com`" in lines
        assert "- may no longer approve: `lee@example.com`" in lines
        assert "- `person lee@example.com`, `slack`: `U0LEE` → nothing" in lines

    def test_for_an_item_that_may_be_left_out_and_for_a_question_that_is_asked_anew(self) -> None:
        optional = edited((ACCESS, "from: permission-sets}", "from: permission-sets, optional: true}"))
        assert "**environment `prod`, permission set (no answer)**" in told(optional)
        asked = edited((OPENING, "  path: {", "  place: {label: Place, kind: choice, from: accounts}\n  path: {"))
        assert "place (not asked)" in "".join(told(asked))


class TestOwners:
    OWNED = (OPENING, "{groups: [managers], chosen: true}", "{groups: [team-leads], owners: true}")

    def test_reach_what_they_own_and_nothing_else(self) -> None:
        with_owners = edited(self.OWNED)
        given_away = edited(self.OWNED, (APIS, "owners: [lee@example.com]", "owners: [dee@example.com]"))
        assert told(given_away, with_owners) == [
            "### `api-whitelisting`",
            "**environment `prod`, api `payments`**",
            "- may newly approve: `dee@example.com`",
        ]

    def test_that_cannot_be_told_are_told_to_be_unknown(self) -> None:
        vague = edited(self.OWNED, (OPENING, "placeholder: /v1/orders/*", "placeholder: a path"))
        comparison = compare(vague, vague)
        assert not comparison
        assert "- `“a path” is not a path of an API;" in markdown(comparison)


class TestNames:
    def test_that_stand_for_something_else_are_told_although_no_rule_changed(self) -> None:
        new = edited(CHANGES[9], CHANGES[10], ("environments.yaml", "222222222222:role/", "222222222222:role/x"))
        assert told(new) == [
            "### What names stand for",
            "- `apis: orders in prod`, `rest_api`: `a1orders` → `a9orders`",
            "- `environment prod`, `role`: `arn:aws:iam::222222222222:role/sallyport-apply` → "
            "`arn:aws:iam::222222222222:role/xsallyport-apply`",
            "- `person sam@example.com`, `slack`: `U0SAM` → `U0SAN`",
        ]

    def test_of_signing_keys_are_told(self) -> None:
        pem = public_half(new_key_pair()[0]).encode()
        (line,) = told(load_policies({**policy_files(), "keys/2027-01.pem": pem}))[1:]
        assert line.startswith("- `signing keys`, `2027-01`: nothing → `")

    def test_may_be_called_otherwise_without_reaching_further(self) -> None:
        assert not compare(policies(), edited((PEOPLE, "Ana Ruiz", "Ana R."), (APIS, "Orders API", "Orders")))


class TestTheReport:
    def test_names_large_groups_and_everybody_else(self) -> None:
        crowd = [f"p{n:02}@example.com" for n in range(FEW + 1)]
        people = "".join(f"  - {{email: {email}, slack: U{n}}}\n" for n, email in enumerate(crowd))
        grown = (PEOPLE, "groups:\n", f"{people}groups:\n  crowd: [{', '.join(crowd)}]\n")
        opened = (ACCESS, "may_request: {groups: [engineering]}", "may_request: {groups: [team-leads, crowd]}")
        lines = told(edited(grown, opened), edited(grown))
        assert f"- may newly ask: all {FEW + 1} of `crowd`, `sam@example.com`" in lines
        assert "- may no longer ask: `ana@example.com`" in lines

    def test_names_the_few_of_a_large_group_who_are_not_meant(self) -> None:
        crowd = "".join(f"  - {{email: p{n}@example.com, slack: U{n}}}\n" for n in range(FEW))
        grown = (PEOPLE, "groups:\n", f"{crowd}groups:\n")
        assert told(edited(grown, CHANGES[3]), edited(grown))[2] == (
            f"- may newly ask: all {FEW + 5} of `everyone` "
            "but `ana@example.com`, `kim@example.com`, `lee@example.com`"
        )

    def test_shows_what_stands_in_a_file_as_code_only(self) -> None:
        hostile = edited((APIS, "a1orders", '"a` <img src=x>\\n## Approved"'))
        (line,) = told(hostile)[1:]
        assert line.endswith("`rest_api`: `a1orders` → `aˋ <img src=x> ## Approved`")

    def test_is_the_same_for_the_same_policies_in_any_order_of_files(self) -> None:
        new = edited(*CHANGES[:7])
        files = list(policy_files().items())
        random.Random(7).shuffle(files)
        assert markdown(compare(load_policies(dict(files)), new)) == markdown(compare(policies(), new))


NAMES = ("one", "two", "three")
everything = list(product("ab", "cd", "efg"))
situations = st.frozensets(st.sampled_from(everything), min_size=1)


@given(situations, situations)
def test_scopes_cover_exactly_the_situations_they_describe(
    some: frozenset[Situation], more: frozenset[Situation]
) -> None:
    whole = some | more
    covered = [
        {s for s in whole if all(s[NAMES.index(name)] in values for name, values in scope)}
        for scope in cover(NAMES, some, whole)
    ]
    assert set().union(*covered) == some
    assert sum(map(len, covered)) == len(some), "no situation is told twice"


@pytest.mark.parametrize(
    ("some", "scopes"),
    [
        (everything, [()]),
        ([s for s in everything if s[0] == "a"], [(("one", ("a",)),)]),
        ([s for s in everything if s[2] in "ef"], [(("three", ("e", "f")),)]),
        ([s for s in everything if s[0] == "a" and s[2] == "g"], [(("one", ("a",)), ("three", ("g",)))]),
    ],
)
def test_a_field_that_narrows_nothing_is_not_named(some: list[Situation], scopes: list[object]) -> None:
    assert list(cover(NAMES, frozenset(some), frozenset(everything))) == scopes


GLASS = "timeout: 4h\n    break_glass: {groups: [prod-approvers], max: 1h}"


class TestEmergenciesStagesAndGroupsInSlack:
    def test_a_glass_that_can_newly_be_broken_is_told_with_who_and_for_how_long(self) -> None:
        lines = told(edited((ACCESS, "timeout: 4h", GLASS)))
        assert "- may newly go ahead in an emergency: `lee@example.com`, `sam@example.com`" in lines
        assert "- break-glass: none → 1h (longer)" in lines

    def test_a_confirmation_that_is_newly_asked_for_is_told(self) -> None:
        step_up = (ACCESS, "quorum: 1", "quorum: 1\n    step_up: github")
        assert "- confirmation after the approval in Slack: none → `github` (changed)" in told(edited(step_up))
        (terms,) = [
            line
            for line in told(edited(step_up), without(ACCESS))
            if line.startswith("- terms: 1 approval within 4 hours")
        ]
        assert "confirmed in `github` too" in terms

    def test_a_new_flow_tells_its_emergencies_and_stages_in_its_terms(self) -> None:
        manager = "{name: manager, approvers: {people: [lee@example.com]}}"
        stages = f"stages: [{manager}, {{name: it, approvers: {{owners: true}}}}]"
        plain = "approvers: {groups: [prod-approvers]}\n    quorum: 1"
        new = edited((ACCESS, plain, stages), (ACCESS, "timeout: 4h", GLASS))
        lines = told(new, without(ACCESS))
        (terms,) = [line for line in lines if line.startswith("- terms: 2 approvals")]
        assert "stages `manager (1), then it (1)`" in terms
        assert "in an emergency without an approval for 1 hour at most" in terms

    def test_a_group_that_slack_keeps_is_told_by_its_name(self) -> None:
        group = (PEOPLE, "groups:\n", "groups:\n  on-call: {slack: S0ONCALL}\n")
        lines = told(edited(group, (ACCESS, "groups: [prod-approvers]", "groups: [on-call]")))
        assert "- may newly approve: `on-call in Slack`" in lines


NIGHTS = """
nights:
  environments: [dev]
  timezone: Europe/Madrid
  working_hours: {from: "07:00", to: "20:00"}
  holidays: [2026-12-25]
"""


def sleeping(schedules: str = "{}") -> Policies:
    """The repository's own policies, since the example ones can stop nothing."""
    return load_policies({**read_folder(ROOT / "policies"), "schedules.yaml": schedules.encode()})


class TestSchedules:
    def test_that_begin_are_told_for_each_environment_with_all_that_they_say(self) -> None:
        assert told(sleeping(NIGHTS), sleeping()) == [
            "### What sleeps by itself",
            "- `dev`, `sleeps by`: nothing → `nights`",
            "- `dev`, `is up`: nothing → "
            "`Monday to Friday from 07:00 to 20:00 (Europe/Madrid), but for 1 holiday`",
            "- `dev`, `holidays`: nothing → `2026-12-25`",
            "- `dev`, `shortest stop`: nothing → `1h`",
            "- `dev`, `kept up at most`: nothing → `3d`",
        ]

    def test_that_end_are_told(self) -> None:
        assert "- `dev`, `sleeps by`: `nights` → nothing" in told(sleeping(), sleeping(NIGHTS))

    def test_are_told_by_what_differs_alone(self) -> None:
        another = NIGHTS.replace("2026-12-25", "2026-12-24")
        assert told(sleeping(another), sleeping(NIGHTS)) == [
            "### What sleeps by itself",
            "- `dev`, `holidays`: `2026-12-25` → `2026-12-24`",
        ]
        assert told(sleeping(NIGHTS), sleeping(NIGHTS)) == ["Nobody may do more or less than before."]
