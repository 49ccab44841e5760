"""A production access: one permission set in one account, both from the catalogue."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sallyport.catalogue import Catalogue
from sallyport.changes.prod_access import Directory, PermissionSet, ProdAccess
from sallyport.problems import Problems
from tests.sallyport.examples import policies

CATALOGUE = policies().catalogue
CHANGE = ProdAccess("prod-main", "ProdReadOnly")


def test_a_form_makes_the_change() -> None:
    answers = {"environment": "prod", "account": "prod-main", "permission_set": "ProdReadOnly"}
    assert ProdAccess.from_answers(answers, CATALOGUE) == CHANGE


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        (
            {"environment": "prod", "account": "prod-mian", "permission_set": "Admin"},
            {
                "account": "“prod-mian” is not in the catalogue of accounts: did you mean “prod-main”?",
                "permission_set": "“Admin” is not in the catalogue of permission-sets: did you mean “DevAdmin”?",
            },
        ),
        (
            {"environment": "non-prod", "account": "dev-main", "permission_set": "ProdAdmin"},
            {"permission_set": "Production administrator does not exist in non-prod: did you mean “prod”?"},
        ),
        (
            {},
            {
                "account": "“” is not in the catalogue of accounts: known: dev-main, prod-main",
                "permission_set": "“” is not in the catalogue of permission-sets: known: DevAdmin, ProdAdmin, "
                "ProdReadOnly",
            },
        ),
    ],
)
def test_every_wrong_answer_is_told_at_its_field(answers: dict[str, str], said: dict[str, str]) -> None:
    with pytest.raises(Problems) as error:
        ProdAccess.from_answers(answers, CATALOGUE)
    assert {problem.field: problem.sentence for problem in error.value.problems} == said


def test_a_recorded_change_reads_as_the_same_change() -> None:
    assert ProdAccess.from_mapping(CHANGE.to_mapping()) == CHANGE


def test_a_change_names_its_target_its_role_and_its_owners() -> None:
    assert CHANGE.lock("prod", CATALOGUE) == "sso/222222222222"
    assert CHANGE.access("prod", CATALOGUE).role.endswith(":role/sallyport-identity-center")
    assert CHANGE.access("non-prod", CATALOGUE).role.endswith(":role/sallyport-identity-center-dev")
    assert CHANGE.owners(CATALOGUE) == {"lee@example.com"}
    assert ProdAccess("gone", "gone").owners(CATALOGUE) == frozenset()


def test_a_change_is_said_in_words() -> None:
    assert CHANGE.title(CATALOGUE) == "Production read-only in Production (222222222222)"
    assert CHANGE.details(CATALOGUE) == (
        ("Account", "Production (222222222222)"),
        ("Permission set", "Production read-only"),
    )
    assert CHANGE.effect("prod", CATALOGUE) == (
        "The requester can sign in to account 222222222222 with the permission set Production read-only. "
        "Sessions that still run when it ends are ended too."
    )
    assert CHANGE.undo().startswith("When it ends, ")


def test_who_approves_learns_how_long_sessions_may_go_on_after_the_end() -> None:
    effect = ProdAccess("dev-main", "DevAdmin").effect("non-prod", CATALOGUE)
    assert effect.endswith("Sessions that still run when it ends may go on for up to 1 hour.")


def test_a_change_of_what_is_gone_still_has_a_title() -> None:
    assert CHANGE.title(Catalogue()) == "ProdReadOnly in prod-main"


def test_a_permission_set_tells_how_long_its_sessions_live_and_whether_they_are_ended() -> None:
    found = PermissionSet.find(CATALOGUE, "ProdReadOnly", "prod")
    assert found.ends_sessions
    assert found.session == timedelta(hours=1)
    assert not PermissionSet.find(CATALOGUE, "DevAdmin", "non-prod").ends_sessions


def test_the_directory_is_changed_from_its_own_account() -> None:
    found = Directory.find(CATALOGUE, "prod")
    assert found.identity_store == "d-9367012345"
    assert found.access.account == "222222222222"
