"""What comes from outside at its worst: texts that somebody would act on, any JSON, good things mutated."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

SLACK = ("<!channel>", "<!here|x>", "<@U0LEE>", "<#C0ALERTS>", "<https://evil.test|click>", "<!date^1^{date}|x>")
LINES = (
    "a\nApproved-by: lee@example.com",
    "a\r\n\r\nRequest-Id: aw-222222",
    "a\u2028b\x85c\x0bd",
    "a\n---\nid: x",
)
COMMANDS = ("::set-output name=role::x", "::add-mask::a", "##[error]x", "%0A::stop-commands::x", "a\n::error::x")
SHELL = ("$(reboot)", "`reboot`", "'; reboot #", '" && reboot', "${{ secrets.GITHUB_TOKEN }}", "{{7*7}}", "%(x)s")
PATHS = ("../../policies/people.yaml", "/etc/passwd", "a/../b", "requests\\x", "~root", "%2e%2e%2f")
QUERIES = ('" OR project = OPS ORDER BY key', "') OR 1=1 --", "\\", '\\" OR x = "')
MARKUP = ("[~accountid:1]", "{code}", "!x.png!", "@acme/admins", "<script>", "![x](y)", "|a|b|", "*b* _i_", "#1")
FORMULAS = ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", '=HYPERLINK("x")')
SIGNS = ("", " ", "\x00", "\ud800", "\udfff\ud800", "\u202e", "\u200b", "\ufeff", "\uffff", "İ", "ß", "a" * 600)
ALL = (*SLACK, *LINES, *COMMANDS, *SHELL, *PATHS, *QUERIES, *MARKUP, *FORMULAS, *SIGNS)

any_text = st.text(st.characters(codec=None, exclude_categories=()), max_size=40)
texts = st.one_of(st.sampled_from(ALL), any_text, st.tuples(any_text, st.sampled_from(ALL), any_text).map("".join))
whole_texts = texts.map(lambda text: text.encode(errors="replace").decode())  # as it comes through UTF-8

_scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**25), 10**25),
    st.floats(allow_nan=False),
    texts,
)
_deep = st.integers(30, 150).map(lambda depth: json.loads("[" * depth + "]" * depth))
values = st.one_of(
    _scalars,
    st.recursive(
        _scalars,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
        max_leaves=6,
    ),
    _deep,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of every value in *value*, itself too."""
    yield path
    if isinstance(value, dict):
        for name in value:
            yield from places(value[name], (*path, name))
    elif isinstance(value, list):
        for number in range(len(value)):
            yield from places(value[number], (*path, number))


@st.composite
def mutations(draw: st.DrawFn, good: Any, most: int = 3) -> Any:
    """Draw *good* with a few of its parts taken out or replaced by anything."""
    found = copy.deepcopy(good)
    for _ in range(draw(st.integers(1, most))):
        path = draw(st.sampled_from(list(places(found))))
        if not path:
            found = draw(values) if draw(st.integers(0, 9)) == 0 else found
            continue
        holder = found
        for step in path[:-1]:
            holder = holder[step]
        if draw(st.booleans()):
            holder[path[-1]] = draw(values)
        else:
            del holder[path[-1]]
    return found
