"""Settings: a variable or the file it names, empty means unset, and all faults told at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from sallyport.problems import Problem, Problems
from sallyport.settings import Environment


def faults(settings: Environment) -> list[str]:
    with pytest.raises(Problems) as error:
        settings.check()
    return [problem.sentence for problem in error.value.problems]


def test_a_variable_is_read_and_an_empty_one_counts_as_unset() -> None:
    settings = Environment({"JIRA_URL": "https://jira", "GITHUB_BRANCH": ""})
    assert settings.text("JIRA_URL") == "https://jira"
    assert settings.text("GITHUB_BRANCH", "main") == "main"
    assert settings.text("SLACK_API_URL") == ""
    settings.check()


def test_a_secret_may_stand_in_a_file_whose_last_line_break_does_not_count(tmp_path: Path) -> None:
    secret = tmp_path / "token"
    secret.write_text("s3cret\n")
    assert Environment({"JIRA_TOKEN_FILE": str(secret), "JIRA_TOKEN": "other"}).text("JIRA_TOKEN") == "s3cret"
    assert Environment({"JIRA_TOKEN_FILE": "", "JIRA_TOKEN": "other"}).text("JIRA_TOKEN") == "other"


def test_an_empty_file_counts_as_unset_too(tmp_path: Path) -> None:
    empty = tmp_path / "token"
    empty.write_text("\n")
    settings = Environment({"JIRA_TOKEN_FILE": str(empty)})
    assert settings.text("JIRA_TOKEN", "default") == "default"
    assert settings.required("JIRA_TOKEN", "an API token") == ""
    assert faults(settings) == ["JIRA_TOKEN is not set; an API token"]


def test_a_file_that_cannot_be_read_is_one_fault_with_its_reason(tmp_path: Path) -> None:
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    settings = Environment({"A_FILE": str(tmp_path / "absent"), "B_FILE": str(tmp_path / "bytes")})
    assert settings.required("A", "a secret") == ""
    assert settings.text("B", "default") == "default"
    assert faults(settings) == [
        f"A_FILE names {tmp_path / 'absent'}, which cannot be read: No such file or directory",
        f"B_FILE names {tmp_path / 'bytes'}, which cannot be read: it is not text in UTF-8",
    ]


@pytest.mark.parametrize("text", ["eight", "8.5", "-1", " 8", "0x10", "²"])
def test_a_number_is_whole(text: str) -> None:
    settings = Environment({"PORT": text})
    assert settings.number("PORT", 8080) == 8080
    assert faults(settings) == [f"PORT is “{text}”; write a whole number"]


def test_a_number_that_is_unset_is_its_default() -> None:
    assert Environment({}).number("PORT", 8080) == 8080
    assert Environment({"PORT": "9000"}).number("PORT", 8080) == 9000


def test_all_that_is_missing_or_wrong_is_told_at_once_in_the_order_of_asking() -> None:
    settings = Environment({"PORT": "x", "JIRA_PROJECT": "OPS"})
    settings.required("JIRA_URL", "the address of your JIRA")
    settings.required("JIRA_PROJECT", "its key")
    settings.number("PORT", 8080)
    settings.refuse(Problem("these two do not go together", "set one"))
    assert faults(settings) == [
        "JIRA_URL is not set; the address of your JIRA",
        "PORT is “x”; write a whole number",
        "these two do not go together; set one",
    ]
