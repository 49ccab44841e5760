"""The parts of a report that must fit where they go."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from actions.messages import check_title, lateness
from actions.reporting import CHECK_BYTES, parts
from actions.results import News
from actions.telling import jira_comment, slack_reply, summary_markdown
from sallyport.outcomes import Outcome, Result, dump_outcomes, load_outcomes

NOW = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)


def outcome(number: int = 2, detail: str = "Done.", result: Result = Result.APPLIED) -> Outcome:
    return Outcome(f"aw-22222{number}", result, detail, NOW, None, ("deployment x",))


def test_outcomes_that_do_not_fit_one_check_are_put_into_several_that_each_can_be_read() -> None:
    many = tuple(outcome(n % 8 + 2, "x" * 1000) for n in range(200))
    found = parts(many)
    assert len(found) > 1
    assert all(len(dump_outcomes(part).encode()) <= CHECK_BYTES for part in found)
    assert tuple(o for part in found for o in load_outcomes(dump_outcomes(part))) == many


def test_a_job_without_outcomes_still_has_a_check() -> None:
    assert parts(()) == [()]
    assert check_title(()) == "Nothing to do"


def test_the_title_counts_the_bad_ones_first() -> None:
    assert check_title((outcome(), outcome(result=Result.FAILED))) == "1 failed, 1 applied"


def test_a_very_long_fault_fits_into_a_slack_message() -> None:
    text, blocks = slack_reply(outcome(detail="x" * 50_000), "https://github.example/runs/1")
    assert len(blocks[0]["text"]["text"]) <= 3000
    assert len(text) <= 4000


def test_the_marker_is_the_last_line_of_a_comment() -> None:
    comment = jira_comment(News(outcome()), "https://github.example/runs/1", "aw-222222:applied:1")
    assert comment.split("\n")[-1] == "aw-222222:applied:1"


def test_a_summary_without_outcomes_says_so() -> None:
    assert summary_markdown("Expire in prod: 0 due", []) == "### Expire in prod&#58; 0 due\n"


def test_lateness_is_said_to_the_second_while_that_matters() -> None:
    spans = {
        1: "1 second",
        119: "119 seconds",
        120: "2 minutes",
        3601: "60 minutes 1 second",
        7260: "2 hours 1 minute",
    }
    assert {seconds: lateness(timedelta(seconds=seconds)) for seconds in spans} == spans
