"""The words and options of a line that somebody typed: `dev --for 12h`, as phones, habits and Slack write it.

Every text has a reading; nothing here judges a value, and nothing is ever run.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from sallyport.problems import Problem, nearest, quoted

_DASHES = "-‐‑‒–—―−"  # phones make these of hyphens
_OPTION = re.compile(rf"[{_DASHES}]+([a-z][\w-]*)(=.*)?", re.DOTALL | re.IGNORECASE)
_LINK = re.compile(r"<(?:https?://|mailto:|tel:)([^<>|]*)(?:\|([^<>]*))?>")
_BARE_LINK = re.compile(r"(?:https?://)?([^/\s]+(?:/\d+)?)/?")
_DOUBLE, _SINGLE = '"“”„«»', "'‘’‚‹›"  # each closes what another of its kind has opened


@dataclass(frozen=True, slots=True)
class Line:
    """What was typed: the plain words, and the options by name in lower case, empty where no value came."""

    words: tuple[str, ...]
    options: Mapping[str, str]

    def problems(self, known: Mapping[str, str]) -> Iterator[Problem]:
        """Yield what cannot be meant, where options are *known* with an example of their value."""
        for name, value in self.options.items():
            if name not in known:
                yield Problem(
                    f"{quoted(f'--{name}')} is no option here", nearest(f"--{name}", (f"--{one}" for one in known))
                )
            elif not value:
                yield Problem(f"--{name} has no value", f"write it as --{name} {known[name]}")

    def too_many(self, most: int) -> Iterator[Problem]:
        """Yield the first word that has no meaning after *most* words."""
        for word in self.words[most : most + 1]:
            yield Problem(f"{quoted(word)} is not understood at that place", "options begin with --")


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    quoted: bool  # from its beginning, so that it is no option; or as the value after its “=”

    @property
    def option(self) -> re.Match[str] | None:
        starts_as_one = self.text[:1] in _DASHES if self.text else False
        return _OPTION.fullmatch(self.text) if starts_as_one else None


def read_words(text: str, *, wordy: Collection[str] = (), bare: Collection[str] = ()) -> Line:
    """Read *text*. Options in *wordy* take several words without quotes; those in *bare* need no dashes."""
    words: list[str] = []
    options: dict[str, str] = {}
    name = ""  # of the option that may still take a word
    for token in _tokens(_plain(text)):
        found = None if token.quoted and not _is_assigned(token) else token.option
        if found:
            name, value = found[1].casefold(), (found[2] or "").removeprefix("=")
            options[name] = value
            if value and (token.quoted or name not in wordy):
                name = ""
        elif not token.quoted and not name and token.text.casefold() in bare:
            name = token.text.casefold()
            options[name] = ""
        elif not name:
            words.append(token.text)
        elif token.text != "=" or token.quoted:
            options[name] = f"{options[name]} {token.text.removeprefix('=')}".strip()
            name = name if name in wordy and not token.quoted else ""
    return Line(tuple(words), options)


def unlinked(word: str) -> str:
    """Return an address without the scheme and slash that pasting it from a browser adds."""
    found = _BARE_LINK.fullmatch(word)
    return found[1] if found else word


def _plain(text: str) -> str:
    """Return *text* as it was typed, before Slack made links of its addresses and escaped its signs."""
    shown = _LINK.sub(lambda found: (found[2] or found[1]).removesuffix("/"), text)
    return shown.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _is_assigned(token: _Token) -> bool:
    """Tell whether the quotes were around the value of an option, as in `--reason='…'`."""
    return bool(token.text) and token.text[0] in _DASHES and "=" in token.text


def _tokens(text: str) -> Iterator[_Token]:
    at = 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        start, inside = at, False
        parts: list[str] = []
        while at < len(text) and not text[at].isspace():
            closers = _closers(text[at]) if at == start or text[at - 1] == "=" else ""
            end = _closing(text, at + 1, closers) if closers else at
            parts.append(text[at + 1 : end] if closers else text[at])
            inside, at = inside or bool(closers), end + 1
        yield _Token("".join(parts), inside)


def _closers(character: str) -> str:
    return next((kind for kind in (_DOUBLE, _SINGLE) if character in kind), "")


def _closing(text: str, at: int, closers: str) -> int:
    """Return where a quotation ends: at a closing sign before a space, or at the end of the text."""
    for position in range(at, len(text)):
        if text[position] in closers and (position + 1 == len(text) or text[position + 1].isspace()):
            return position
    return len(text)
