"""Where records go, by AUDIT_URL: files on this machine, or a bucket that lets nobody take them back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from coordinator.audit.file_sink import FileSink
from coordinator.audit.sink import Sink
from sallyport.problems import Problem, Problems
from sallyport.times import parse_duration

DEFAULT = "file:sallyport-audit"
RETENTION = "400d"  # a year, and time to look at it
_OPTIONS = {"retention", "mode"}
_MODES = ("compliance", "governance")


def open_sink(url: str, now: Callable[[], datetime]) -> Sink:
    """Return the sink that AUDIT_URL names; Problems says what is wrong with it. It calls nobody yet."""
    parts = urlsplit(url)
    if parts.scheme == "file":
        return FileSink(Path(_folder(url)), now)
    if parts.scheme == "s3" and parts.netloc:
        from coordinator.audit.s3_sink import Bucket, S3Sink  # boto3 takes 20 MB, which no folder needs

        mode, retention = _options(url)
        prefix = f"{parts.path.strip('/')}/".lstrip("/")
        return S3Sink(Bucket(parts.netloc, prefix, mode.upper(), retention), now)
    what = f"AUDIT_URL is “{url}”"
    raise Problems([Problem(what, "write file:<folder> or s3://<bucket>/<prefix>", field="AUDIT_URL")])


def _folder(url: str) -> str:
    """Return the folder of a `file:` URL, which may be relative: `file:audit`, `file:///var/lib/audit`."""
    rest = url.removeprefix("file:")
    if rest.startswith("//"):
        host, _, path = rest.removeprefix("//").partition("/")
        rest = f"/{path}" if host in {"", "localhost"} else ""
    if not rest:
        what = f"AUDIT_URL is “{url}”, which names no folder of this machine"
        raise Problems([Problem(what, "write file:<folder>, such as file:///var/lib/sallyport/audit")])
    return unquote(rest)


def _options(url: str) -> tuple[str, timedelta]:
    options = {name: values[-1] for name, values in parse_qs(urlsplit(url).query, keep_blank_values=True).items()}
    problems = [
        Problem(f"AUDIT_URL has the option “{name}”", "it takes retention and mode")
        for name in sorted(options.keys() - _OPTIONS)
    ]
    mode = options.get("mode", _MODES[0])
    if mode not in _MODES:
        problems.append(Problem(f"AUDIT_URL has the mode “{mode}”", "write compliance or governance"))
    retention = timedelta()
    try:
        retention = parse_duration(options.get("retention", RETENTION))
    except ValueError as error:
        problems.append(Problem(f"AUDIT_URL: {error}", "write a retention such as 400d"))
    if problems:
        raise Problems(problems)
    return mode, retention
