"""What a typed line means: which flow its first words name, what is left for it, and which answers that gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from sallyport import commands
from sallyport.changes.prod_access import ProdAccess
from sallyport.commands import ambiguities, answers_from_words, is_complete, read_line, takes_words
from sallyport.flows import Flow
from sallyport.problems import Problem, Problems
from tests.sallyport.examples import policies

ACCESS = policies().flows["prod-access"]
FORM_ONLY = policies().flows["api-whitelisting"]
STOP = replace(ACCESS, id="infra-stop", command="/infra stop")
LIST = replace(ACCESS, id="infra-whitelist", command="/infra whitelist")
PAIR = replace(ACCESS, id="infra-pair", command="/infra tear down")
NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
ALL = (ACCESS, STOP, LIST, PAIR)


class Worded(ProdAccess):
    """A kind of change that reads the words after its command."""

    @classmethod
    def answers_from_words(cls, text: str, typed_at: datetime) -> Mapping[str, str]:
        assert typed_at == NOW
        environment, _, rest = text.partition(" ")
        if environment not in {"prod", "non-prod"}:
            raise Problems([Problem(f"{environment} is no environment", field="environment")])
        return {"environment": environment, **({"reason": rest} if rest else {})}


@pytest.fixture
def worded(monkeypatch: pytest.MonkeyPatch) -> Flow:
    monkeypatch.setattr(commands, "KINDS", {"prod-access": Worded})
    return ACCESS


class TestReadingALine:
    @pytest.mark.parametrize(
        ("slash", "text", "flow", "rest"),
        [
            ("/prod-access", "", ACCESS, ""),
            ("/prod-access", "debugging the 500s", ACCESS, "debugging the 500s"),
            ("/Prod-Access", "stop it", ACCESS, "stop it"),
            ("/infra", "stop dev --for 12h", STOP, "dev --for 12h"),
            ("/infra", "Stop  dev", STOP, "dev"),
            ("/infra", "stop", STOP, ""),
            ("/infra", "stop\ndev\nnow", STOP, "dev\nnow"),
            ("/infra", "tear down dev", PAIR, "dev"),
            ("/infra", "whitelist help", LIST, "help"),
            ("/infra", "tear", None, "tear"),
            ("/infra", "stopp dev", None, "stopp dev"),
            ("/infra", "", None, ""),
            ("/infra", "help", None, "help"),
            ("/unknown", "stop dev", None, "stop dev"),
        ],
    )
    def test_the_first_words_name_the_flow_and_the_rest_is_for_it(
        self, slash: str, text: str, flow: Flow | None, rest: str
    ) -> None:
        typed = read_line(slash, text, ALL)
        assert (typed.flow, typed.rest) == (flow, rest)

    def test_the_flows_that_share_a_command_are_known_together(self) -> None:
        assert read_line("/infra", "", ALL).sharing == (STOP, LIST, PAIR)
        assert read_line("/prod-access", "", ALL).sharing == (ACCESS,)
        assert read_line("/unknown", "", ALL).sharing == ()

    @pytest.mark.parametrize("word", ["help", "HELP", "?", "--help", "-h"])
    def test_help_is_asked_for_of_a_command_or_of_one_flow(self, word: str) -> None:
        assert read_line("/infra", word, ALL).wants_help
        assert read_line("/infra", f"stop {word}", ALL).wants_help
        assert not read_line("/infra", f"stop {word} dev", ALL).wants_help

    def test_a_word_that_is_nearly_right_is_recognised(self) -> None:
        assert read_line("/infra", "stpo dev", ALL).hint == "did you mean “stop”?"
        assert read_line("/infra", "dance", ALL).hint == "known: stop, tear down, whitelist"


class TestWhatCannotBeToldApart:
    def test_one_command_for_two_flows(self) -> None:
        assert list(ambiguities(replace(STOP, id="other"), [STOP])) == [
            "the command /infra stop is that of infra-stop too"
        ]

    @pytest.mark.parametrize(("one", "other"), [("/infra", "/infra stop"), ("/infra stop all", "/infra stop")])
    def test_a_command_that_begins_another(self, one: str, other: str) -> None:
        first, second = replace(STOP, command=one), replace(LIST, command=other)
        for flow, earlier in ((first, second), (second, first)):
            (sentence,) = ambiguities(flow, [earlier])
            assert "begin with the same words" in sentence

    def test_a_command_that_is_the_word_for_help(self) -> None:
        (sentence,) = ambiguities(replace(STOP, command="/infra help"), [])
        assert "asking for help" in sentence

    def test_different_words_of_one_command_and_the_same_words_of_two(self) -> None:
        assert list(ambiguities(STOP, [ACCESS, LIST, PAIR, replace(STOP, id="x", command="/other stop")])) == []


class TestAnswersFromWords:
    def test_words_are_the_reason_where_the_flow_has_defaults_for_the_rest(self) -> None:
        answers = answers_from_words(ACCESS, "debugging the 500s", NOW)
        assert answers == {**ACCESS.defaults, "reason": "debugging the 500s"}
        assert is_complete(ACCESS, answers)

    def test_a_flow_without_defaults_takes_no_words(self) -> None:
        assert answers_from_words(FORM_ONLY, "let me in", NOW) is None
        assert not takes_words(FORM_ONLY)

    def test_a_kind_that_reads_words_itself_is_asked_and_goes_before_the_defaults(self, worded: Flow) -> None:
        assert takes_words(replace(worded, defaults={}))
        assert answers_from_words(worded, "non-prod a look", NOW) == {
            **worded.defaults,
            "environment": "non-prod",
            "reason": "a look",
        }

    def test_what_is_still_missing_makes_them_incomplete_but_a_duration_has_its_default(
        self, worded: Flow
    ) -> None:
        answers = answers_from_words(worded, "non-prod", NOW)
        assert answers is not None
        assert not is_complete(worded, answers)
        assert is_complete(worded, {**answers, "reason": "why"})

    def test_words_that_make_no_answer_are_told_as_problems(self, worded: Flow) -> None:
        with pytest.raises(Problems, match="moon is no environment"):
            answers_from_words(worded, "moon", NOW)
