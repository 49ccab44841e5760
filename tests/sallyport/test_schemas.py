"""JSON Schemas: every fault of a file in one pass, at its place, in words for the person who wrote it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from sallyport.documents import load
from sallyport.problems import Problems
from sallyport.schemas import Schemas
from tests.sallyport.examples import policy_files


def schemas(**properties: Any) -> Schemas:
    """Return one schema, called s, of an object with these properties and nothing else."""
    schema = {"type": "object", "properties": properties, "additionalProperties": False, "required": ["id"]}
    return Schemas({"s": json.dumps(schema).encode()})


def problems_of(found: Schemas, text: str) -> list[str]:
    return [str(problem) for problem in found.problems("s", load(text.encode(), "f"))]


def said(text: str, **properties: Any) -> list[str]:
    return problems_of(schemas(id={}, **properties), text)


def test_a_document_that_fits_has_no_problem() -> None:
    assert said("id: x\nname: y", name={"type": "string"}) == []


def test_every_fault_is_told_in_one_pass_at_its_place() -> None:
    text = "method: GTE\npath: orders\nmood: 3\ncolour: red\n"
    found = said(
        text,
        method={"enum": ["GET", "POST"]},
        path={"pattern": "^/", "description": "begin with /"},
        mood={"type": ["string", "null"], "description": "say how you feel"},
        color={},
    )
    assert sorted(found) == [
        "f:1:1: “id” is missing from the file",
        "f:1:9: method cannot be “GTE”; did you mean “GET”?",
        "f:2:7: path “orders” does not have the right form; begin with /",
        "f:3:7: mood must be of type string or null; say how you feel",
        "f:4:9: unknown field “colour”; did you mean “color”?",
    ]


@pytest.mark.parametrize(
    ("schema", "value", "words"),
    [
        ({"type": "string", "description": "a name"}, "3", "a must be of type string; a name"),
        ({"enum": [1, 2]}, "3", "a cannot be “3”; known: 1, 2"),
        ({"const": True}, "false", "a is “false”; it must be “true” here"),
        ({"maxLength": 3}, "x" * 3000, "a is longer than 3 characters"),
        ({"minLength": 3}, "''", "a is shorter than 3 characters"),
        ({"maxItems": 1}, "[1, 2, 3]", "a has more items than the 1 allowed"),
        ({"minItems": 1}, "[]", "a has fewer items than the 1 needed"),
        ({"minProperties": 1}, "{}", "a has fewer fields than the 1 needed"),
        ({"maximum": 5}, "6", "a is more than 5"),
        ({"minimum": 1, "description": "people"}, "0", "a is less than 1; people"),
        ({"pattern": "^x$"}, "y" * 99, f"a “{'y' * 60}…” does not have the right form"),
        ({"uniqueItems": True}, "[1, 1]", "a: [1, 1] has non-unique elements"),
    ],
)
def test_each_kind_of_fault_has_its_sentence(schema: Any, value: str, words: str) -> None:
    assert said(f"id: x\na: {value}", a=schema) == [f"f:2:4: {words}"]


def test_a_field_that_a_schema_forbids_by_name_is_explained_too() -> None:
    (sentence,) = said("id: x\na: 1", a=False)
    assert sentence.endswith("False schema does not allow 1")


def test_an_item_of_a_list_is_counted_as_people_count() -> None:
    integers = {"items": {"type": "integer"}}
    assert said("id: x\na: [1, two]", a=integers) == ["f:2:8: item 2 of a must be of type integer"]
    found = Schemas({"s": json.dumps(integers).encode()})
    assert problems_of(found, "- 1\n- two") == ["f:2:3: item 2 must be of type integer"]


def test_a_field_missing_from_an_item_is_told_at_the_item() -> None:
    items = {"items": {"required": ["by"], "description": "who and when"}}
    assert said("id: x\na:\n  - {at: 1}", a=items) == ["f:3:5: “by” is missing from item 1 of a; who and when"]


def test_a_name_of_the_wrong_form_is_told_at_what_it_names() -> None:
    found = said("id: x\na: {Bad Name: 1, good: 2}", a={"propertyNames": {"pattern": "^[a-z]+$"}})
    assert found == ["f:2:15: the name “Bad Name” does not have the right form; it must match ^[a-z]+$"]


def test_of_alternatives_the_one_that_came_closest_is_explained() -> None:
    either = {
        "anyOf": [
            {"type": "string"},
            {"properties": {"cidr": {"items": {"oneOf": [{"type": "string"}, {"type": "null"}]}}}},
        ]
    }
    assert said("id: x\na: {cidr: [7]}", a=either) == ["f:2:12: item 1 of cidr must be of type string"]


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        ("^[a-z]+$", '"abc"', True),
        ("^[a-z]+$", '"abc\\n"', False),
        ("^(a|b$)", '"b\\n"', False),
        ("^a\\$", '"a$"', True),
        ("^[a$]+$", '"a$a"', True),
        ("^[\\]$]+$", '"]$"', True),
        ("^x", "7", True),
    ],
)
def test_the_end_of_a_pattern_is_the_end_of_the_text(pattern: str, text: str, fits: bool) -> None:
    """A line break after what was checked could change what a line of a file or a header means."""
    assert (said(f"id: x\na: {text}", a={"pattern": pattern}) == []) is fits


@given(
    st.sampled_from(["", "x", "xyz", "1", "é", None, 1, True, 1.5, [], ["x"], {}, {"x": "x"}]),
    st.fixed_dictionaries(
        {},
        optional={
            "type": st.sampled_from(["string", "null", "array", ["string", "null"], ["integer", "boolean"]]),
            "pattern": st.sampled_from(["^x", "y", "^[0-9]$"]),
            "minLength": st.integers(0, 3),
            "maxLength": st.integers(0, 3),
            "enum": st.just(["x", "1", None]),
            "const": st.sampled_from(["x", 1]),
            "minimum": st.just(1),
            "not": st.just({"const": "xyz"}),
            "description": st.just("a thing"),
        },
    ),
)
def test_whether_a_field_fits_is_as_the_library_says(value: Any, schema: dict[str, Any]) -> None:
    """What is quick to say yes must never be a way past a rule."""
    fits = Draft202012Validator(schema).is_valid(value)
    assert (said(f"id: x\na: {json.dumps(value)}", a=schema) == []) is fits


def test_the_end_of_a_pattern_is_the_end_of_the_text_behind_a_reference_too() -> None:
    dialect = "https://json-schema.org/draft/2020-12/schema"
    base = {"$schema": dialect, "properties": {"id": {"pattern": "^x$"}}}
    both = {"s": {"$schema": dialect, "allOf": [{"$ref": "base.schema.json"}]}, "base": base}
    found = Schemas({name: json.dumps(schema).encode() for name, schema in both.items()})
    assert problems_of(found, "id: x") == []
    assert len(problems_of(found, 'id: "x\\n"')) == 1


def test_a_pattern_that_only_python_reads_is_held_to_all_the_same() -> None:
    only_python = r"^(?P<sign>[a-z])(?(sign)x|y)$"
    assert said("id: x\na: ax", a={"pattern": only_python}) == []
    assert len(said("id: x\na: ay", a={"pattern": only_python})) == 1


def test_schemas_refer_to_each_other_by_file_name() -> None:
    base = {"properties": {"id": {"$ref": "#/$defs/name"}}, "$defs": {"name": {"type": "string"}}}
    both = {"s": {"allOf": [{"$ref": "base.schema.json"}]}, "base": base}
    found = Schemas({name: json.dumps(schema).encode() for name, schema in both.items()})
    assert "base" in found
    assert "absent" not in found
    assert problems_of(found, "id: 3") == ["f:1:5: id must be of type string"]


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (b'{"a": 1,\n "b" 2}', "policies/schemas/s.schema.json:2:6: this is not JSON: Expecting ':' delimiter"),
        (b'"\xff"', "policies/schemas/s.schema.json: this is not UTF-8; save the file as UTF-8"),
        (b'{"type": "strnig"}', "policies/schemas/s.schema.json: this is no JSON Schema: at $.type, 'strnig'"),
        (
            b'{"properties": {"a": {"pattern": "("}}}',
            "policies/schemas/s.schema.json: this is no JSON Schema: at $.pr",
        ),
        (
            b'{"items": [], "allOf": [{"$ref": "bse.schema.json#/x"}]}'.replace(b'"items": [], ', b""),
            "policies/schemas/s.schema.json: it refers to “bse.schema.json”, which does not exist; did you mean "
            "“base.schema.json”?",
        ),
        (
            b'{"properties": {"a": {"$id": "https://elsewhere.test/", "$ref": "base.schema.json"}}}',
            "policies/schemas/s.schema.json: it says $id: “https://elsewhere.test/”; its only $id may be s.s",
        ),
    ],
)
def test_a_schema_that_cannot_be_used_is_a_problem_of_its_file(source: bytes, words: str) -> None:
    with pytest.raises(Problems) as error:
        Schemas({"s": source, "base": b"{}"})
    assert str(error.value).startswith(words)


def test_all_schemas_that_cannot_be_used_are_told_in_one_pass() -> None:
    with pytest.raises(Problems) as error:
        Schemas({"a": b"{", "b": b"[]", "c": b'{"$ref": "d.schema.json"}'})
    assert [problem.place.file[-13:] for problem in error.value.problems if problem.place] == [
        *("a.schema.json", "b.schema.json", "c.schema.json")
    ]


def test_every_schema_of_the_repository_can_be_used() -> None:
    files = {path: content for path, content in policy_files().items() if path.startswith("schemas/")}
    assert Schemas({path.split("/")[1].removesuffix(".schema.json"): content for path, content in files.items()})
