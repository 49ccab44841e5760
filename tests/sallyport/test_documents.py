"""YAML as the product reads it: data and places for an honest file, a precise refusal for any other."""

from __future__ import annotations

import math
from contextlib import suppress
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sallyport.documents import JSON, MAX_BYTES, MAX_DEPTH, dump, load
from sallyport.problems import Place, Problems


def refusals(content: bytes | str) -> list[str]:
    """What is said about a file named f."""
    with pytest.raises(Problems) as error:
        load(content.encode() if isinstance(content, str) else content, "f")
    return [str(problem) for problem in error.value.problems]


def only_refusal(content: bytes | str) -> str:
    (said,) = refusals(content)
    return said


def nested(depth: int) -> Any:
    """Return a list *depth* levels deep."""
    value: list[Any] = []
    for _ in range(depth - 1):
        value = [value]
    return value


class TestAnHonestFile:
    @pytest.mark.parametrize(
        ("text", "data"),
        [
            ("a: 1", {"a": 1}),
            ("a: -17", {"a": -17}),
            ("a: 1.5", {"a": 1.5}),
            ("a: true\nb: False", {"a": True, "b": False}),
            ("a:\nb: ~\nc: null", {"a": None, "b": None, "c": None}),
            ("[1, two, '3']", [1, "two", "3"]),
            ("just text", "just text"),
            ("a: |\n  two\n  lines\n", {"a": "two\nlines\n"}),
            ("{}", {}),
            ("# comment\n---\na: 1 # more\n...\n", {"a": 1}),
            ("%YAML 1.1\n---\na: 1", {"a": 1}),
            ("ключ: значение 🚀", {"ключ": "значение 🚀"}),
        ],
    )
    def test_is_plain_data(self, text: str, data: object) -> None:
        assert load(text.encode(), "f").data == data

    @pytest.mark.parametrize("text", ["2026-12-21", "2026-12-21T00:00:00Z", "2026-12-21 00:00:00 +02:00"])
    def test_keeps_dates_as_the_text_that_was_written(self, text: str) -> None:
        assert load(f"a: {text}\n{text}: b".encode(), "f").data == {"a": text, text: "b"}

    @pytest.mark.parametrize("text", ["0x1G", "089", "1.2.3", "12h", "1e3", "y", "n", "0o17", "222-222"])
    def test_reads_what_only_resembles_a_number_or_switch_as_text(self, text: str) -> None:
        assert load(f"a: {text}".encode(), "f").data == {"a": text}

    def test_may_be_as_large_and_as_deep_as_the_limits(self) -> None:
        assert load(b"a: " + b"x" * (MAX_BYTES - 3), "f").data == {"a": "x" * (MAX_BYTES - 3)}
        assert load(str(nested(MAX_DEPTH)).encode(), "f").data == nested(MAX_DEPTH)

    def test_knows_where_every_value_stands(self) -> None:
        document = load("id: x\nchanges:\n  - {api: payments, ключ: 7}\n  - two\n".encode(), "dir/f.yaml")
        assert document.place() == Place("dir/f.yaml", 1, 1)
        assert document.place(("id",)) == Place("dir/f.yaml", 1, 5)
        assert document.place(("changes", 0)) == Place("dir/f.yaml", 3, 5)
        assert document.place(("changes", 0, "api")) == Place("dir/f.yaml", 3, 11)
        assert document.place(("changes", 0, "ключ")) == Place("dir/f.yaml", 3, 27)
        assert document.place(("changes", 1)) == Place("dir/f.yaml", 4, 5)

    def test_points_to_the_nearest_value_around_what_is_missing(self) -> None:
        document = load(b"a:\n  b: 1\n", "f")
        assert document.place(("a", "c")) == Place("f", 2, 3)
        assert document.place(("a", "b", "c")) == Place("f", 2, 6)
        assert document.place((7, "b")) == Place("f", 1, 1)


class TestAHostileOrCarelessFile:
    @pytest.mark.parametrize(
        ("content", "said"),
        [
            ("a: 1\nb: 2\na: 3", "f:3:1: “a” stands here twice; keep one of the two"),
            ("{a: 1, 'a': 2}", "f:1:8: “a” stands here twice; keep one of the two"),
            ("a: &x 1", "f:1:4: an anchor (&x) is not allowed; take it out"),
            ("&x a: 1", "f:1:1: an anchor (&x) is not allowed; take it out"),
            ("a: *x", "f:1:4: an alias (*x) is not allowed; write the value out"),
            ("<<: {a: 1}", "f:1:1: a merge key (<<) is not allowed; write the fields out"),
            ("a: !!python/object/apply:os.system [ls]", "f:1:4: a tag (!) is not allowed; take it out"),
            ("!!python/object:x.Y {a: 1}", "f:1:1: a tag (!) is not allowed; take it out"),
            ("a: !!str 5", "f:1:4: a tag (!) is not allowed; take it out"),
            ("a: ! 5", "f:1:4: a tag (!) is not allowed; take it out"),
            ("!!str a: 5", "f:1:1: a tag (!) is not allowed; take it out"),
            ("a: 1\n---\nb: 2", "f:2:1: a second document begins here; write one file for each"),
            ("1: a", "f:1:1: the key “1” is not text; put it in quotes"),
            ("on: a", "f:1:1: the key “on” is not text; put it in quotes"),
            ("~: a", "f:1:1: the key “~” is not text; put it in quotes"),
            ("? [a]\n: 1", "f:1:3: this key is not text; write a word"),
            ("? {a: 1}\n: 1", "f:1:3: this key is not text; write a word"),
            (
                "a: 010",
                "f:1:4: “010” is no plain value; write a decimal number, or put it in quotes if it is text",
            ),
            ("a: 0b1", "f:1:4: “0b1” is no plain value; write a decimal"),
            ("a: 0x1f", "f:1:4: “0x1f” is no plain value; write a decimal"),
            ("a: 12:30", "f:1:4: “12:30” is no plain value; write a decimal"),
            ("a: 12:30.5", "f:1:4: “12:30.5” is no plain value; write a decimal"),
            ("a: 1_000", "f:1:4: “1_000” is no plain value; write a decimal"),
            ("a: 1_000.5", "f:1:4: “1_000.5” is no plain value; write a decimal"),
            ("a: .inf", "f:1:4: “.inf” is no plain value; write a decimal"),
            ("a: 1.0e+999", "f:1:4: “1.0e+999” is no plain value; write a decimal"),
            ("a: " + "9" * 5000, f"f:1:4: “{'9' * 60}…” is no plain value; write a decimal"),
            ("a: yes", "f:1:4: “yes” is no plain value; write true or false, or put it in quotes if it is text"),
            ("a: =", "f:1:4: “=” is no plain value; put it in quotes if it is text"),
            (b"\xef\xbb\xbfa: 1", "f:1:1: the file begins with a byte order mark; save it as UTF-8"),
            ("", "f:1:1: the file is empty; write something"),
            ("# only a comment\n", "f:1:1: the file is empty; write something"),
            ("a:\n\tb: 1", "f:2:1: this is not YAML: found character that cannot start any token"),
            ("a: b: c", "f:1:5: this is not YAML: mapping values are not allowed in this context; check indent"),
            ("a: 'open", "f:1:9: this is not YAML: found unexpected end of stream while scanning a quoted scalar"),
            ("é: 1\nö: \x07", "f:2:4: the character U+0007 is not allowed; take it out, or write it as an escape"),
            (b"\xc3\xa9: 1\na: \xff", "f:2:4: this is not UTF-8; save the file as UTF-8"),
            ("a: 1".encode("utf-16"), "f:1:1: this is not UTF-8; save the file as UTF-8"),
            (b"a: " + b"x" * 300 * 1024, "f:1:1: the file has 307203 bytes; keep it under 262144"),
        ],
    )
    def test_is_refused_at_its_place_with_the_remedy(self, content: bytes | str, said: str) -> None:
        assert only_refusal(content).startswith(said)

    def test_all_faults_before_the_end_are_told_in_one_pass(self) -> None:
        assert [said[:6] for said in refusals("a: &x 1\nb: *x\na: yes\n1: 2\nc: !t {d: 010}\ne: 'open")] == [
            *("f:1:4:", "f:2:4:", "f:3:1:", "f:3:4:", "f:4:1:", "f:5:4:", "f:5:11"),
            "f:6:9:",
        ]

    def test_a_laughing_billion_is_refused_before_it_grows(self) -> None:
        lines = ["a0: &a0 [ha, ha]", *(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 40))]
        assert len(refusals("\n".join(lines))) == 40 + 2 * 39

    @pytest.mark.parametrize("opening", ["[", "- ", "{a: ", "[{a: ", "? "])
    def test_bottomless_nesting_is_refused_and_never_ends_the_process(self, opening: str) -> None:
        said = refusals(opening * (MAX_BYTES // len(opening)))
        assert said[-1].endswith(f"nested deeper than {MAX_DEPTH} levels; flatten it")

    def test_nesting_one_too_deep_is_refused_where_it_happens(self) -> None:
        assert only_refusal(str(nested(MAX_DEPTH + 2))) == "f:1:22: nested deeper than 20 levels; flatten it"

    @given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode(errors="ignore")))
    @settings(max_examples=150)
    def test_whatever_the_bytes_there_is_data_or_a_problem_and_nothing_else(self, content: bytes) -> None:
        with suppress(Problems):
            load(content, "f")

    @given(st.text("ab:-?[]{}&*!|>'\"%#\n\t ,0._~<", max_size=40))
    @settings(max_examples=150)
    def test_whatever_the_yaml_it_means_what_a_safe_loader_reads_or_is_refused(self, text: str) -> None:
        """Where we read a file at all, our reading is the common one (dates apart, which cannot arise here)."""
        try:
            data = load(text.encode(), "f").data
        except Problems:
            return
        assert data == yaml.load(text, Loader=yaml.CSafeLoader)


scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=("Cs",)))
)
data = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=("Cs",))), inner, max_size=4)
    ),
    max_leaves=10,
)


@given(data)
@example({"a": "2026-12-21", "b": "010", "c": "yes", "d": "null", "e": "<<", "f": "=", "g": "1:30", "h": ""})
@example({"<<": 1, "": 2, "yes": 3, "1": 4, "~": 5, "# no": 6, "a: b": 7, "- c": 8})
@example("line\nbreaks\r\n\x85\u2028\u2029 and\ttabs\x00\ufeff 🚀 --- ... %")
@settings(max_examples=150)
def test_data_dumped_by_yaml_loads_equal(value: JSON) -> None:
    read = load(yaml.safe_dump(value, sort_keys=False).encode(), "f").data
    assert repr(read) == repr(value)  # 1, 1.0 and True are not the same
    assert repr(load(dump({"value": value}).encode(), "f").data) == repr({"value": value})


def test_a_dump_keeps_the_order_and_writes_a_shared_value_twice() -> None:
    shared: list[JSON] = ["x"]
    assert dump({"b": shared, "a": shared}) == "b:\n- x\na:\n- x\n"


def test_a_fraction_keeps_its_value() -> None:
    assert load(b"a: 3.141592653589793", "f").data == {"a": math.pi}
