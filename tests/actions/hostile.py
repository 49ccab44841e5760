"""Bad files as people write and send them. What their authors must read of each stands in `hostile.yaml`.

The good file is ENTRY; most cases replace a part of it.
"""

from __future__ import annotations

from dataclasses import dataclass

FOLDER = "requests/api-whitelisting"
PATH = f"{FOLDER}/aw-7k3m9q.yaml"
ENTRY = """\
id: aw-7k3m9q
flow: api-whitelisting
environment: prod
requested_by: ana@example.com
reason: Partner go-live, contract 4711
expires_at: 2026-12-01T10:00:00Z
changes:
  - api: payments
    stage: live
    method: POST
    path: /v1/charges
    source: {cidr: [198.51.100.10/32]}
"""


@dataclass(frozen=True)
class Bad:
    """A bad file and where it stands."""

    name: str
    content: bytes
    path: str = PATH


def _put(name: str, old: str, new: str, path: str = PATH) -> Bad:
    assert ENTRY.count(old) == 1, (name, old)
    return Bad(name, ENTRY.replace(old, new).encode(), path)


def _text(name: str, content: str | bytes, path: str = PATH) -> Bad:
    return Bad(name, content if isinstance(content, bytes) else content.encode(), path)


def _at(name: str, path: str) -> Bad:
    return Bad(name, ENTRY.encode(), path)


DEADLINE = "expires_at: 2026-12-01T10:00:00Z\n"
SOURCE = "{cidr: [198.51.100.10/32]}"
BOMB = "a: &a [x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [*{chr(97 + n)}, *{chr(97 + n)}]\n" for n in range(9)
)

ENCODINGS = (
    _text("empty", ""),
    _text("only comments", "# nothing\n"),
    _text("only spaces", "  \n"),
    _text("2 MB", ENTRY + "#" * 2_000_000),
    _text("Latin-1", ENTRY.replace("go-live", "gö-live").encode("latin-1")),
    _text("UTF-16", ENTRY.encode("utf-16")),
    _text("a byte order mark", "\ufeff" + ENTRY),
    _text("a NUL", ENTRY.replace("Partner", "Par\0tner")),
    _text("an escape sequence", ENTRY.replace("Partner", "\x1b[31mPartner")),
    _text("a ZIP archive", b"PK\x03\x04" + bytes(range(256))),
    _text("a truncated sign", ENTRY.encode() + b"\xe2\x82"),
    _text("a surrogate", ENTRY.encode() + b"# \xed\xa0\x80\n"),
)
SYNTAX = (
    _put("a tab for an indent", "    stage: live", "\tstage: live"),
    _put("a bracket left open", SOURCE, "{cidr: [198.51.100.10/32}"),
    _put("a quote left open", "Partner go-live, contract 4711", '"Partner go-live'),
    _put("a colon too many", "Partner go-live, contract", "Partner: go-live: contract"),
    _put("an indent too few", "    method: POST", "   method: POST"),
    _text("JSON that ends early", '{"id": "aw-7k3m9q", '),
    _text("a merge conflict", "<<<<<<< HEAD\n" + ENTRY + "=======\n" + ENTRY + ">>>>>>> theirs\n"),
    _text("two documents", ENTRY + "---\n" + ENTRY),
    _text("a list", "- " + ENTRY.replace("\n", "\n  ")),
    _text("a word", "approved\n"),
    _text("a number", "42\n"),
    _text("brackets alone", "[" * 100_000),
    _text("braces 25 deep", "{a: " * 25 + "1" + "}" * 25),
    _text("a bomb of anchors", BOMB),
    _put("an anchor", "reason: Partner", "reason: &r Partner"),
    _put("an alias", "requested_by: ana@example.com", "requested_by: *someone"),
    _put("a merge key", "environment: prod", "<<: {environment: prod}"),
    _put("a tag that makes objects", "reason: Partner", "reason: !!python/object/apply:os.system Partner"),
    _put("a tag of one's own", "environment: prod", "environment: !secret prod"),
    _put("a key twice", "environment: prod\n", "environment: non-prod\nenvironment: prod\n"),
    _put("a key twice in a change", "    stage: live\n", "    stage: live\n    stage: test\n"),
    _put("a key that is a list", "reason: Partner", "? [reason]\n: Partner"),
    _put("a key that is no text", "reason: Partner", "yes: 1\nreason: Partner"),
)
PATHS = (
    _at("no flow's folder", "requests/aw-7k3m9q.yaml"),
    _at("an unknown flow", "requests/api-whitelist/aw-7k3m9q.yaml"),
    _at("another flow's folder", "requests/prod-access/aw-7k3m9q.yaml"),
    _at("a flow's folder in another case", "requests/API-Whitelisting/aw-7k3m9q.yaml"),
    _at("a folder below the flow's", f"{FOLDER}/team/aw-7k3m9q.yaml"),
    _at("another id's name", f"{FOLDER}/aw-222222.yaml"),
    _at("an id in another case", f"{FOLDER}/AW-7K3M9Q.yaml"),
    _at("another ending", f"{FOLDER}/aw-7k3m9q.yml"),
    _at("no ending", f"{FOLDER}/aw-7k3m9q"),
    _at("two endings", f"{FOLDER}/aw-7k3m9q.yaml.yaml"),
    _at("a hidden file", f"{FOLDER}/.aw-7k3m9q.yaml"),
    _at("a name that reads alike", f"{FOLDER}/аw-7k3m9q.yaml"),
    _at("a name with a line break", f"{FOLDER}/aw-7k3m9q\n::error::x.yaml"),
    _at("a name with a space", f"{FOLDER}/aw-7k3m9q .yaml"),
    _at("a way out", f"{FOLDER}/../../policies/aw-7k3m9q.yaml"),
    _at("a record without facts", f"{FOLDER}/aw-7k3m9q.before.yaml"),
)
FIELDS = (
    _put("no id", "id: aw-7k3m9q\n", ""),
    _put("a bad id", "id: aw-7k3m9q", "id: aw-1l0o0u"),
    _put("an id that is a path", "id: aw-7k3m9q", "id: ../../aw-7k3m9q"),
    _put("another flow's id", "id: aw-7k3m9q", "id: pa-7k3m9q", path=f"{FOLDER}/pa-7k3m9q.yaml"),
    _put("an unknown field", "reason:", "raeson:"),
    _put("a field of nobody's", "reason:", "approved: true\nreason:"),
    _put("an unknown field in a change", "    stage: live", "    stagge: live"),
    _put("an environment that is not there", "environment: prod", "environment: production"),
    _put("an environment that is a list", "environment: prod", "environment: [prod]"),
    _put("another flow", "flow: api-whitelisting", "flow: prod-access"),
    _put("no e-mail address", "requested_by: ana@example.com", "requested_by: ana"),
    _put("one who may not ask", "requested_by: ana@example.com", "requested_by: eve@example.com"),
    _put("no reason", "reason: Partner go-live, contract 4711", "reason: ''"),
    _put("a reason that is a number", "reason: Partner go-live, contract 4711", "reason: 4711"),
    _put("a reason without end", "Partner go-live, contract 4711", "x" * 2001),
    _put("no changes", ENTRY[ENTRY.index("changes:") :], "changes: []\n"),
    _put("changes that are one", "  - api: payments", "    api: payments"),
    _put(
        "501 changes",
        ENTRY[ENTRY.index("changes:") :],
        "changes:\n" + 501 * f"  - {{api: payments, stage: live, method: POST, path: /v1, source: {SOURCE}}}\n",
    ),
    _put("an API that is not there", "api: payments", "api: paymnets"),
    _put("a stage that is not there", "stage: live", "stage: prod"),
    _put("a method misspelt", "method: POST", "method: PSOT"),
    _put("a path without a slash", "path: /v1/charges", "path: v1/charges"),
    _put("a path with a quote", "path: /v1/charges", "path: '/v1/\"charges'"),
    _put("an address that is none", "198.51.100.10/32", "198.51.100.256/32"),
    _put("everybody's addresses", "198.51.100.10/32", "0.0.0.0/0"),
    _put("a private address", "198.51.100.10/32", "10.0.0.1/32"),
    _put("a range with host bits", "198.51.100.10/32", "198.51.100.10/24"),
    _put("an octal number", SOURCE, "{account: 0123456789012}"),
    _put("an account without quotes", SOURCE, "{account: 222222222222}"),
    _put("two sources", SOURCE, "{cidr: [198.51.100.10/32], vpce: vpce-0a1b2c3d4e5f67890}"),
    _put("no source", SOURCE, "{}"),
    _put("a role that is a command", SOURCE, "{role: '$(id)'}"),
    _put("approvals that are text", "changes:", "approvals: lee@example.com\nchanges:"),
    _put(
        "an approval through nothing",
        "changes:",
        "approvals: [{by: lee@example.com, at: '2026-11-21T09:00:00Z', through: mail}]\nchanges:",
    ),
    _put("a ticket that is none", "changes:", "ticket: please\nchanges:"),
    _put("an attestation by nobody", "changes:", "attestation: {key: '1999-01', signature: AAAA}\nchanges:"),
    _put(
        "an attestation of something else", "changes:", "attestation: {key: '2026-11', signature: AAAA}\nchanges:"
    ),
    _put("a page of markup", "Partner go-live, contract 4711", "'<img src=x onerror=alert(1)>'\nfoo: 1"),
)
DEADLINES = (
    _put("no deadline", DEADLINE, ""),
    _put("a deadline in the past", "2026-12-01T", "2026-11-01T"),
    _put("a deadline too far ahead", "2026-12-01T", "2027-12-01T"),
    _put("no end where policy wants one", "2026-12-01T10:00:00Z", "null"),
    _put("a day that is not there", "2026-12-01T", "2026-11-31T"),
    _put("a local time", "10:00:00Z", "10:00:00+01:00"),
    _put("a day alone", "2026-12-01T10:00:00Z", "2026-12-01"),
    _put("words", "2026-12-01T10:00:00Z", "in 3 dayz"),
    _put("never", "2026-12-01T10:00:00Z", "never"),
    _put("24 o'clock", "2026-12-01T10", "2026-12-01T24"),
    _put("both deadlines", DEADLINE, DEADLINE + "expires_in: 30d\n"),
    _put("a duration in words", DEADLINE, "expires_in: 3 days\n"),
    _put("no duration", DEADLINE, "expires_in: 0d\n"),
    _put("a duration that is a number", DEADLINE, "expires_in: 30\n"),
    _put("a duration too long", DEADLINE, "expires_in: 120d\n"),
    _put("2700 years", DEADLINE, "expires_in: 999999d\n"),
)
ALL = (*ENCODINGS, *SYNTAX, *PATHS, *FIELDS, *DEADLINES)
