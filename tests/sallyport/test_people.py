"""Who is who: identities are compared without case, groups hold known people, and no double passes."""

from __future__ import annotations

import pytest

from sallyport.people import EVERYONE, People, Person

ANA = Person("Ana@Example.com", "Ana Ruiz", slack="U0ANA", jira="ana", github="Ana-Ruiz", identity_center="aruiz")
LEE = Person("lee@example.com")
PEOPLE = People(
    (ANA, LEE), {"managers": frozenset({"lee@example.com"}), "engineering": frozenset({"ana@example.com"})}
)


def test_a_person_is_found_by_each_identity() -> None:
    assert PEOPLE.by_email("ANA@example.COM") is ANA
    assert PEOPLE.by_slack("U0ANA") is ANA
    assert PEOPLE.by_github("ana-ruiz") is ANA


@pytest.mark.parametrize("unknown", ["", "nobody"])
def test_an_unknown_or_empty_identity_is_nobody_not_the_first_who_has_none(unknown: str) -> None:
    assert PEOPLE.by_email(unknown) is None
    assert PEOPLE.by_slack(unknown) is None
    assert PEOPLE.by_github(unknown) is None


def test_a_slack_id_is_compared_exactly() -> None:
    assert PEOPLE.by_slack("u0ana") is None


def test_the_name_in_identity_center_is_the_address_unless_another_is_known() -> None:
    assert ANA.identity_store_name == "aruiz"
    assert LEE.identity_store_name == "lee@example.com"


def test_a_person_is_called_by_name_or_else_by_address() -> None:
    assert ANA.label == "Ana Ruiz"
    assert LEE.label == "lee@example.com"


@pytest.mark.parametrize(
    ("email", "groups", "belongs"),
    [
        ("lee@example.com", ["managers"], True),
        ("LEE@EXAMPLE.COM", ["managers"], True),
        ("lee@example.com", ["engineering", "managers"], True),
        ("ana@example.com", ["managers"], False),
        ("ana@example.com", ["unheard-of"], False),
        ("ana@example.com", [], False),
        ("ana@example.com", [EVERYONE], True),
        ("stranger@example.com", [EVERYONE], False),
    ],
)
def test_people_belong_to_groups(email: str, groups: list[str], belongs: bool) -> None:
    assert PEOPLE.in_groups(email, groups) is belongs


def test_the_members_of_groups_are_addresses_in_one_case() -> None:
    assert PEOPLE.members(["engineering", "managers"]) == {"ana@example.com", "lee@example.com"}
    assert PEOPLE.members([EVERYONE]) == {"ana@example.com", "lee@example.com"}
    assert PEOPLE.members(["unheard-of"]) == frozenset()


def test_a_group_member_who_is_nobody_is_no_member() -> None:
    people = People((LEE,), {"managers": frozenset({"lee@example.com", "ghost@example.com"})})
    assert people.members(["managers"]) == {"lee@example.com"}


@pytest.mark.parametrize(
    ("other", "sentence"),
    [
        (
            Person("ANA@example.com"),
            "ANA@example.com and Ana@Example.com share the e-mail address “ana@example.com”",
        ),
        (Person("x@example.com", slack="U0ANA"), "x@example.com and Ana@Example.com share the Slack id “u0ana”"),
        (Person("x@example.com", jira="ANA"), "x@example.com and Ana@Example.com share the JIRA account “ana”"),
        (
            Person("x@example.com", github="ana-ruiz"),
            "x@example.com and Ana@Example.com share the GitHub login “ana-ruiz”",
        ),
        (
            Person("x@example.com", identity_center="ARUIZ"),
            "x@example.com and Ana@Example.com share the name in Identity Center “aruiz”",
        ),
        (
            Person("x@example.com", identity_center="lee@example.com"),
            "x@example.com and lee@example.com share the name in Identity Center “lee@example.com”",
        ),
    ],
)
def test_an_identity_that_two_people_share_is_told(other: Person, sentence: str) -> None:
    assert list(People((ANA, LEE, other)).doubles()) == [sentence]


def test_people_with_different_or_unknown_identities_share_none() -> None:
    assert list(PEOPLE.doubles()) == []


def test_addresses_that_differ_in_case_are_one_persons() -> None:
    assert PEOPLE.is_same("Ana@Example.com", "ana@example.COM")
    assert not PEOPLE.is_same("ana@example.com", "ana@example.org")


def test_all_addresses_of_a_person_are_that_persons() -> None:
    people = People(
        (Person("ana@example.com", aliases=("a.ruiz@example.org",)),), {"team": frozenset({"a.ruiz@example.org"})}
    )
    assert people.by_email("A.RUIZ@example.org") is people.persons[0]
    assert people.is_same("a.ruiz@example.org", "ana@example.com")
    assert people.members(["team"]) == {"ana@example.com"}
    assert people.in_groups("a.ruiz@example.org", ["team"])


def test_an_alias_that_is_another_persons_address_is_told() -> None:
    people = People((Person("ana@example.com", aliases=("Lee@example.com",)), Person("lee@example.com")))
    assert list(people.doubles()) == [
        "lee@example.com and ana@example.com share the e-mail address “lee@example.com”"
    ]


def test_a_group_that_slack_keeps_is_empty_until_somebody_says_who_is_in_it() -> None:
    people = People((Person("ana@example.com"),), {"team": frozenset()}, {"on-call": "S0ONCALL"})
    assert not people.in_groups("ana@example.com", ["on-call"])
    filled = people.with_members({"on-call": ["ANA@example.com"], "team": ["ana@example.com"]})
    assert filled.speaks_for("ana@example.com") == ("on-call",)
    assert not filled.in_groups("ana@example.com", ["team"])
