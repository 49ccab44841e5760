"""Sinks: a record is there once it was taken, as it was taken, once; a wrong address is told at the start."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, cast
from unittest import mock

import pytest
from botocore.exceptions import ClientError

from coordinator.audit.file_sink import FileSink
from coordinator.audit.records import Record
from coordinator.audit.s3_sink import S3Sink
from coordinator.audit.sink import Found, Sink
from coordinator.audit.sinks import DEFAULT, open_sink
from sallyport.platforms.errors import Refused, TryLater, Unknown
from sallyport.problems import Problems
from sandbox.aws import AwsStandIn, sample_world
from sandbox.faults import Fault, Kind, Moment
from sandbox.serving import Server
from tests.coordinator.asks import NOW

BUCKET = "acme-audit"


def record(number: int, note: str = "") -> Record:
    return Record(f"aw-7k3m9q/{number:05d}-asked", {"number": number, "note": note})


def texts(sink: Sink) -> list[str]:
    return [found.text for found in sink.read()]


@dataclass
class Vault:
    """The bucket as its owner made it, at the stand-in."""

    stand_in: AwsStandIn
    client: Any

    def sink(self, prefix: str = "trail", now: Callable[[], Any] = lambda: NOW, options: str = "") -> Sink:
        return open_sink(f"s3://{BUCKET}/{prefix}{options}", now)


@pytest.fixture
def vault(monkeypatch: pytest.MonkeyPatch) -> Iterator[Vault]:
    import boto3

    stand_in = AwsStandIn(sample_world())
    with Server(stand_in.app) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIASANDBOXPRODAPPLY")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
        client = boto3.Session().client("s3")
        place: Any = {"LocationConstraint": "eu-west-1"}
        client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration=place, ObjectLockEnabledForBucket=True)
        yield Vault(stand_in, client)


@pytest.fixture(params=["file", "s3"])
def sink(request: pytest.FixtureRequest, tmp_path: Path) -> Sink:
    if request.param == "file":
        return FileSink(tmp_path / "audit", lambda: NOW)
    vault: Vault = request.getfixturevalue("vault")
    return vault.sink()


class TestEverySink:
    def test_an_empty_one_has_nothing(self, sink: Sink) -> None:
        assert list(sink.read()) == []

    def test_what_was_taken_is_read_back_in_order_to_the_letter(self, sink: Sink) -> None:
        records = [record(1, "Zoë’s\nsecond line\u2028 \ud800 🚀"), record(2), record(3)]
        sink.put(records[:1])
        sink.put(records[1:])
        assert texts(sink) == [one.line for one in records]
        assert not [found.fault for found in sink.read() if found.fault]

    def test_the_same_record_again_is_no_harm(self, sink: Sink) -> None:
        sink.put([record(1)])
        sink.put([record(1), record(2)])
        assert list(dict.fromkeys(texts(sink))) == [record(1).line, record(2).line]


class TestFiles:
    def test_each_day_has_its_file_that_nobody_else_can_read(self, tmp_path: Path) -> None:
        now = [NOW]
        sink = FileSink(tmp_path / "deep" / "audit", lambda: now[0])
        sink.put([record(1)])
        now[0] += timedelta(days=1)
        sink.put([record(2)])
        files = sorted((tmp_path / "deep" / "audit").iterdir())
        assert [file.name for file in files] == ["2026-11-21.jsonl", "2026-11-22.jsonl"]
        assert {file.stat().st_mode & 0o077 for file in files} == {0}
        assert [found.place for found in sink.read()] == ["2026-11-21.jsonl:1", "2026-11-22.jsonl:1"]

    def test_what_a_crash_cut_off_is_no_record_once_it_was_written_again(self, tmp_path: Path) -> None:
        sink = FileSink(tmp_path, lambda: NOW)
        (tmp_path / "2026-11-21.jsonl").write_text(f"{record(1).line}\n{record(2).line[:20]}")
        sink.put([record(2)])
        assert texts(sink) == [record(1).line, record(2).line]

    def test_a_torn_line_that_was_never_written_again_is_shown(self, tmp_path: Path) -> None:
        (tmp_path / "2026-11-21.jsonl").write_text(record(2).line[:20])
        assert texts(FileSink(tmp_path, lambda: NOW)) == [record(2).line[:20]]

    def test_many_writers_tear_nothing(self, tmp_path: Path) -> None:
        start = threading.Barrier(4)

        def write(writer: int) -> None:
            sink = FileSink(tmp_path, lambda: NOW)
            start.wait(10)
            for number in range(20):
                sink.put([record(writer * 100 + number, "x" * 3000)])

        with ThreadPoolExecutor(4) as threads:
            list(threads.map(write, range(4)))
        expected = {record(w * 100 + n, "x" * 3000).line for w in range(4) for n in range(20)}
        assert sorted(texts(FileSink(tmp_path, lambda: NOW))) == sorted(expected)

    def test_a_folder_that_cannot_be_written_is_said_with_its_name(self, tmp_path: Path) -> None:
        (tmp_path / "audit").write_text("a file")
        with pytest.raises(Unknown, match=r"take a record: .*audit"):
            FileSink(tmp_path / "audit", lambda: NOW).put([record(1)])


class TestS3:
    def test_a_record_is_locked_for_as_long_as_it_is_to_be_kept(self, vault: Vault) -> None:
        vault.sink(options="?retention=30d&mode=governance").put([record(1)])
        head = vault.client.head_object(Bucket=BUCKET, Key="trail/aw-7k3m9q/00001-asked.json")
        assert head["ObjectLockMode"] == "GOVERNANCE"
        assert head["ObjectLockRetainUntilDate"] == NOW + timedelta(days=30)
        assert head["ContentType"] == "application/json"

    def test_by_default_nobody_can_shorten_that(self, vault: Vault) -> None:
        vault.sink().put([record(1)])
        head = vault.client.head_object(Bucket=BUCKET, Key="trail/aw-7k3m9q/00001-asked.json")
        assert (head["ObjectLockMode"], head["ObjectLockRetainUntilDate"]) == ("COMPLIANCE", NOW + timedelta(400))

    def test_another_record_under_the_same_key_is_refused_and_changes_nothing(self, vault: Vault) -> None:
        vault.sink().put([record(1)])
        with pytest.raises(Refused, match="another record stands there"):
            vault.sink().put([record(1, "forged")])
        assert texts(vault.sink()) == [record(1).line]

    def test_a_lost_answer_leaves_one_version(self, vault: Vault) -> None:
        vault.stand_in.faults.add(Fault(Kind.DROP, Moment.AFTER, "PUT", ".*", None))
        sink = vault.sink()
        with pytest.raises(Unknown):
            sink.put([record(1)])
        sink.put([record(1)])
        assert list(sink.read()) == [Found(f"s3://{BUCKET}/trail/aw-7k3m9q/00001-asked.json", record(1).line)]

    def test_a_second_version_and_a_deletion_are_shown(self, vault: Vault) -> None:
        sink = vault.sink()
        sink.put([record(1), record(2)])
        vault.client.put_object(Bucket=BUCKET, Key="trail/aw-7k3m9q/00001-asked.json", Body=b"forged")
        vault.client.delete_object(Bucket=BUCKET, Key="trail/aw-7k3m9q/00002-asked.json")
        faults = [(found.place.rpartition("/")[2], found.fault) for found in sink.read() if found.fault]
        assert [name for name, _ in faults] == ["00001-asked.json", "00002-asked.json"]
        assert "more than one version" in faults[0][1]
        assert "delete marker" in faults[1][1]
        assert {record(1).line, record(2).line} <= set(texts(sink)), "what was locked is still there"

    def test_records_of_another_prefix_are_not_ours(self, vault: Vault) -> None:
        vault.sink("other").put([record(1)])
        assert texts(vault.sink()) == []

    @pytest.mark.parametrize(
        ("status", "kind"), [(503, TryLater), (409, TryLater), (500, Unknown), (403, Refused)]
    )
    def test_every_failure_says_whether_it_is_worth_trying_again(
        self, vault: Vault, status: int, kind: type[Exception]
    ) -> None:
        vault.stand_in.faults.add(Fault(Kind.STATUS, Moment.BEFORE, "PUT", ".*", status))
        with pytest.raises(kind):
            vault.sink().put([record(1)])

    def test_without_credentials_somebody_has_to_do_something(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
        monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
        monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
        with pytest.raises(Refused, match="no AWS credentials") as refused:
            open_sink(f"s3://{BUCKET}/trail", lambda: NOW).put([record(1)])
        assert refused.value.is_of_credentials

    @pytest.mark.parametrize(
        ("status", "code", "of_credentials"),
        [
            (403, "AccessDenied", True),
            (403, "InvalidAccessKeyId", True),
            (400, "ExpiredToken", True),
            (403, "RequestTimeTooSkewed", False),
            (400, "InvalidRetentionPeriod", False),
            (404, "NoSuchBucket", False),
        ],
    )
    def test_a_refusal_of_who_asks_is_told_apart_from_one_of_what_is_asked(
        self, vault: Vault, monkeypatch: pytest.MonkeyPatch, status: int, code: str, of_credentials: bool
    ) -> None:
        sink = cast("S3Sink", vault.sink())
        answer = {"Error": {"Code": code, "Message": "No."}, "ResponseMetadata": {"HTTPStatusCode": status}}
        refusal = ClientError(cast("Any", answer), "PutObject")
        monkeypatch.setattr(sink._client, "put_object", mock.Mock(side_effect=refusal))
        with pytest.raises(Refused) as refused:
            sink.put([record(1)])
        assert refused.value.is_of_credentials is of_credentials


class TestAddresses:
    @pytest.mark.parametrize(
        ("url", "folder"),
        [
            (DEFAULT, "sallyport-audit"),
            ("file:audit/trail", "audit/trail"),
            ("file:/var/lib/audit", "/var/lib/audit"),
            ("file:///var/lib/audit", "/var/lib/audit"),
            ("file://localhost/var/my%20audit", "/var/my audit"),
        ],
    )
    def test_a_folder(self, url: str, folder: str) -> None:
        sink = open_sink(url, lambda: NOW)
        assert isinstance(sink, FileSink)
        assert str(sink.folder) == folder

    @pytest.mark.parametrize("url", ["s3://acme-audit", "s3://acme-audit/a/b/?mode=governance"])
    def test_a_bucket_is_opened_without_a_call(self, url: str) -> None:
        assert isinstance(open_sink(url, lambda: NOW), S3Sink)

    @pytest.mark.parametrize(
        ("url", "said"),
        [
            ("", "write file:<folder> or s3://"),
            ("s3:", "write file:<folder> or s3://"),
            ("https://acme", "write file:<folder> or s3://"),
            ("file:", "names no folder"),
            ("file://elsewhere/audit", "names no folder"),
            ("s3://b/p?mode=loose", "write compliance or governance"),
            ("s3://b/p?retention=ever", "such as 400d"),
            ("s3://b/p?lock=1&mode=x", "it takes retention and mode"),
        ],
    )
    def test_what_is_wrong_with_it_is_said(self, url: str, said: str) -> None:
        with pytest.raises(Problems, match=said):
            open_sink(url, lambda: NOW)
