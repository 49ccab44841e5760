"""The command line and the settings: what operators type, and what they are told when it is wrong."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
import yaml
from click.testing import CliRunner, Result

from coordinator.__main__ import main
from coordinator.config import read_config
from coordinator.journal.tables import facts
from coordinator.lifecycle import Lane
from coordinator.slack.manifest import SCOPES, manifest_yaml
from sallyport.attestations import read_public_key, read_signer
from sallyport.policies import Policies
from sallyport.problems import Problems
from tests.coordinator.asks import HOUR, NOW, ROOT, approve, ask, claim
from tests.coordinator.conftest import Store

Run = Callable[..., Result]
COMPLETE = {
    "SLACK_BOT_TOKEN": "xoxb-secret-1",
    "SLACK_APP_TOKEN": "xapp-secret-2",
    "SLACK_SIGNING_SECRET": "secret-3",
    "JIRA_URL": "https://jira.test",
    "JIRA_TOKEN": "secret-4",
    "JIRA_PROJECT": "OPS",
    "GITHUB_REPOSITORY": "acme/infra",
    "GITHUB_TOKEN": "secret-5",
    "GITHUB_APP_ID": "1",
    "GITHUB_APP_INSTALLATION_ID": "2",
    "GITHUB_APP_PRIVATE_KEY": "secret-6",
    "COORDINATOR_SIGNING_KEY": "secret-7",
    "DATABASE_URL": "postgresql://sallyport:secret-8@db.test/sallyport",
}
_SECRETS = {"SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "JIRA_TOKEN", "GITHUB_TOKEN", "COORDINATOR_SIGNING_KEY"}


@pytest.fixture
def run(sqlite: Store, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The coordinator's command line in the repository, on a fresh database."""
    monkeypatch.chdir(ROOT)

    def run(*words: str, stdin: str | None = None) -> Result:
        return CliRunner().invoke(main, words, input=stdin, env={"DATABASE_URL": sqlite.url})

    return run


class TestPolicies:
    def test_the_repository_s_own_hold_together(self, run: Run) -> None:
        done = run("policies", "check")
        assert (done.exit_code, done.stderr) == (0, "")
        assert "flows, 5 people: all policies hold together." in done.stdout

    def test_all_that_is_wrong_is_printed_in_one_pass_with_its_place(self, run: Run, tmp_path: Path) -> None:
        folder = tmp_path / "policies"
        shutil.copytree(ROOT / "policies", folder)
        people = folder / "people.yaml"
        people.write_text(people.read_text().replace("lee@example.com, sam@example.com, dee", "nobody"))
        flow = folder / "flows" / "prod-access.yaml"
        flow.write_text(flow.read_text().replace("quorum: 1", "quorum: none"))
        done = run("policies", "check", str(folder))
        assert done.exit_code == 1
        assert "policies/people.yaml:" in done.stderr
        assert "policies/flows/prod-access.yaml:" in done.stderr
        assert "Traceback" not in done.output


class TestKeys:
    def test_a_new_key_and_its_public_half_fit_together(self, run: Run, tmp_path: Path) -> None:
        private = run("keys", "new").stdout
        assert private.startswith("-----BEGIN PRIVATE KEY-----")
        public = run("keys", "public", stdin=private).stdout
        assert "PRIVATE" not in public
        signer = read_signer(private, {"2026-11": read_public_key(public.encode())})
        assert signer.key_id == "2026-11"
        file = tmp_path / "key.pem"
        file.write_text(private)
        assert run("keys", "public", str(file)).stdout == public

    def test_every_new_key_is_another(self, run: Run) -> None:
        assert run("keys", "new").stdout != run("keys", "new").stdout


class TestTheQueue:
    def test_it_says_what_waits_and_why(self, run: Run, sqlite: Store) -> None:
        journal = sqlite.journal()
        request = journal.submit(ask())
        journal.retry(claim(journal, Lane.JIRA, "ticket"), NOW + HOUR, "JIRA is away", uncertain=False)
        lines = run("queue").stdout.splitlines()
        assert f"2026-11-21T10:00:00Z  {request.id}  ticket  1 attempts: JIRA is away" in lines
        assert [line.split()[2] for line in lines[-1:]] == ["timeout"]


class TestTheAudit:
    @pytest.fixture
    def store(self, sqlite: Store) -> Store:
        journal = sqlite.journal()
        for key in ("a", "b"):
            approve(journal, journal.submit(ask(key)).id)
        return sqlite

    def test_a_trail_that_nobody_touched_is_proved(self, run: Run, store: Store) -> None:
        done = run("audit", "verify")
        assert (done.exit_code, done.stdout) == (
            0,
            "2 requests: no fact was changed, moved, or dropped from between others.\n",
        )

    @pytest.mark.parametrize(
        "tamper",
        [
            sa.update(facts).where(facts.c.number == 2).values(by="sam@example.com"),
            sa.update(facts).where(facts.c.number == 2).values(deed="denied"),
            sa.update(facts).where(facts.c.number == 2).values(details={}),
            sa.update(facts).where(facts.c.number == 2).values(at=NOW + HOUR),
            sa.update(facts).where(facts.c.number == 1).values(digest="0" * 64),
            sa.update(facts).where(facts.c.number == 2).values(previous="0" * 64),
            sa.delete(facts).where(facts.c.number == 1),
        ],
        ids=["who", "what", "details", "when", "digest", "link", "dropped"],
    )
    def test_an_edit_or_a_gap_is_found(self, run: Run, store: Store, tamper: sa.Executable) -> None:
        with store.engines[0].begin() as connection:
            connection.execute(tamper)
        done = run("audit", "verify")
        assert done.exit_code == 1
        assert len(done.stderr.splitlines()) == 2, "one sentence for each request"


class TestTheManifest:
    @pytest.mark.parametrize("url", ["", "https://sallyport.test/slack/events"])
    def test_it_has_every_command_and_scope_and_nothing_else(self, run: Run, policies: Policies, url: str) -> None:
        done = run("manifest", *(["--request-url", url] if url else []))
        manifest = yaml.safe_load(done.stdout)
        commands = {command["command"] for command in manifest["features"]["slash_commands"]}
        assert commands == {flow.command for flow in policies.flows.values()}
        assert manifest["oauth_config"] == {"scopes": {"bot": SCOPES}}
        assert manifest["settings"]["socket_mode_enabled"] is not bool(url)
        addresses = {command.get("url", "") for command in manifest["features"]["slash_commands"]}
        addresses.add(manifest["settings"]["interactivity"].get("request_url", ""))
        addresses.add(manifest["settings"]["event_subscriptions"].get("request_url", ""))
        assert addresses == {url}

    def test_what_slack_bounds_is_within_its_bounds(self, policies: Policies) -> None:
        manifest = yaml.safe_load(manifest_yaml(policies))
        assert len(manifest["display_information"]["name"]) <= 35
        assert len(manifest["display_information"]["description"]) <= 140
        for command in manifest["features"]["slash_commands"]:
            assert len(command["command"]) <= 32
            assert command["description"]


class TestSettings:
    def test_all_that_is_missing_is_told_at_once(self) -> None:
        with pytest.raises(Problems) as raised:
            read_config({})
        text = str(raised.value)
        for name in (
            "SLACK_BOT_TOKEN",
            "SLACK_APP_TOKEN",
            "SLACK_SIGNING_SECRET",
            "JIRA_URL",
            "JIRA_TOKEN",
            "JIRA_PROJECT",
            "GITHUB_REPOSITORY",
            "GITHUB_TOKEN",
            "GITHUB_APP_ID",
            "COORDINATOR_SIGNING_KEY",
        ):
            assert name in text, name

    def test_starting_without_settings_says_so_and_shows_no_traceback(
        self, run: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in COMPLETE:
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setattr("coordinator.serving.configure_logging", lambda: None)
        done = run("serve")
        assert done.exit_code == 1
        assert "the coordinator cannot start" in done.stderr
        assert "JIRA_PROJECT is not set" in done.stderr
        assert "Traceback" not in done.output

    def test_no_secret_shows_in_a_representation(self) -> None:
        shown = repr(read_config(COMPLETE))
        assert "secret" not in shown
        assert "acme/infra" in shown

    @pytest.mark.parametrize("name", sorted(_SECRETS))
    def test_every_secret_may_stand_in_a_file(self, tmp_path: Path, name: str) -> None:
        file = tmp_path / "secret"
        file.write_text(f"{COMPLETE[name]}\n")
        variables = {key: value for key, value in COMPLETE.items() if key != name}
        assert read_config({**variables, f"{name}_FILE": str(file)}) == read_config(COMPLETE)

    def test_either_of_slack_s_transports_is_enough(self) -> None:
        without = {**COMPLETE, "SLACK_APP_TOKEN": ""}
        assert not read_config(without).socket_mode
        assert read_config({**COMPLETE, "SLACK_SIGNING_SECRET": ""}).socket_mode

    def test_what_is_no_number_is_said_to_be_none(self) -> None:
        with pytest.raises(Problems, match="PORT is “http”"):
            read_config({**COMPLETE, "PORT": "http"})

    def test_what_may_be_left_out_has_a_sensible_value(self) -> None:
        needed = {
            k: v for k, v in COMPLETE.items() if not k.startswith(("DATABASE", "GITHUB_APP", "SLACK_SIGNING"))
        }
        config = read_config(needed)
        assert (config.github_branch, config.port, config.github_app) == ("main", 8080, None)
        assert config.database_url.startswith("sqlite:///")
