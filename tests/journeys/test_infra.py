"""The words of `/infra` through the whole product: a night's stop, production, an address of two people."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sallyport.attestations import read_public_key, read_signer
from sallyport.changes.infra_stop import InfraStop
from sallyport.entries import POLICY, Entry, Grant
from sallyport.platforms.github import GitHub
from sandbox.company import COORDINATOR_TOKEN, REPOSITORY, Company, open_company
from tests.journeys.scenes import git, turn_at_once, until
from tests.journeys.test_trust import push

NONPROD = "111111111111"
WEB = "sg-0de0a11000000a001"
SHARED = "198.51.100.77/32"
CHANNEL = "infra-requests"


@pytest.fixture(scope="module")
def patient_company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    """Everything running, where an approved request lives for twenty seconds unless it says how long."""
    with open_company(tmp_path_factory.mktemp("patient"), lifetime="20s") as running:
        turn_at_once(running)
        yield running


def tasks(company: Company) -> dict[str, int]:
    """How many tasks the services of development have, but for the one that runs on every machine."""
    names = ("api", "worker", "nightly")
    return {name: company.aws.ecs.find(NONPROD, "acme-dev", name).running for name in names}


def says(company: Company, line: str, who: str = "ana") -> str:
    """Type a command in the channel, and return what it is answered with."""
    answer = company.slack.person(who).types(line, channel=CHANNEL)
    assert answer.ok, answer
    return answer.text


def let_in(company: Company) -> set[str]:
    """What our rules let in at the group that serves the web."""
    return {rule.source for rule in company.aws.ec2.groups.rules(WEB) if rule.tags}


def test_a_night_without_development_and_the_morning_after(patient_company: Company) -> None:
    company = patient_company
    ana, lee = company.slack.person("ana"), company.slack.person("lee")
    by_day = tasks(company)
    assert "Asked: Stop of ECS services" in says(company, "/infra stop dev —until 08:00 --reason ‘nobody works’")
    ana.sees("Development (dev) is stopped until", CHANNEL)
    assert set(tasks(company).values()) == {0}
    assert company.aws.rds.find(NONPROD, "acme-dev-db").status == "stopped"
    says(company, "/infra status")
    shown = ana.sees("As read from AWS", CHANNEL)
    assert shown.shows("api stopped, 0 of 0 tasks")
    assert shown.shows("AWS starts it by itself")
    assert shown.shows("Stopped for Ana Ruiz until")
    assert shown.buttons == ["Start again", "Let an address in…", "Look again"]
    assert "Policy does not let you end" in says(company, "/infra start dev", who="kim")
    announced = lee.sees("Development (dev) is stopped until", CHANNEL)
    announced.press("Keep it up")
    until(lambda: tasks(company) == by_day, "as many tasks run as before")
    lee.sees("Development (dev) is up again", CHANNEL)
    assert company.aws.rds.find(NONPROD, "acme-dev-db").status == "available"
    assert "Nothing keeps Development (dev) stopped" in says(company, "/infra start")


def test_production_is_refused_by_the_coordinator_and_by_the_job(patient_company: Company, tmp_path: Path) -> None:
    company = patient_company
    for line in ("/infra stop prod", "/infra teardown prod", "/infra teardown prod --level=full"):
        assert "prod is production, which is never" in says(company, line)
    commit = push(company, tmp_path, "requests/infra-stop/is-222222.yaml", signed_by_the_coordinator(company))
    github = GitHub.connect(REPOSITORY, "main", COORDINATOR_TOKEN, None, company.addresses["github"])
    lock = "infra/222222222222/eu-west-1/prod"
    inputs = {"request_id": "is-222222", "commit": commit, "environment": "prod", "lock": lock}
    github.dispatch("apply.yml", inputs)
    company.github.wait_idle()
    run = next(run for run in company.github.runs if run.name == "apply is-222222")
    assert run.conclusion == "failure"
    assert "policy has no rule for infra-stop in prod" in run.summary
    assert company.aws.ecs.find("222222222222", "acme-prod", "api").running == 4


def signed_by_the_coordinator(company: Company) -> str:
    """An entry that stops production, with the signature of a coordinator that has lost its mind."""
    private = (company.bare.parent / "signing-key.pem").read_text()
    public = read_public_key(git(company, "show", "main:policies/keys/sandbox.pem").encode())
    now = datetime.now(UTC).replace(microsecond=0)
    entry = Entry(
        id="is-222222",
        flow="infra-stop",
        environment="prod",
        requested_by="ana@example.com",
        reason="It costs too much",
        expires_at=now + timedelta(hours=1),
        changes=(InfraStop("prod"),),
        approvals=(),
        grant=Grant(POLICY, now),
        ticket=None,
    )
    return read_signer(private, {"sandbox": public}).sign(entry).to_yaml()


def test_an_address_stays_until_the_last_of_two_people_lets_go_of_it(patient_company: Company) -> None:
    company = patient_company
    ana, kim = company.slack.person("ana"), company.slack.person("kim")
    line = "/infra whitelist add <http://198.51.100.77|198.51.100.77> --ttl=1d --description=‘Shared office’"
    assert f"Asked: {SHARED} (Shared office)" in says(company, line)
    ana.sees(f"{SHARED} (Shared office)", CHANNEL)
    until(lambda: SHARED in let_in(company), "the address is let in")
    says(company, "/infra whitelist add 198.51.100.77", who="kim")
    kim.sees("Live until")
    listed = says(company, "/infra whitelist list")
    assert listed.count(SHARED) == 2
    assert "Shared office: for Ana Ruiz until" in listed
    kim.sees("Ended")
    assert SHARED in let_in(company), "Ana still asks for it"
    assert "You hold no lease of" in says(company, "/infra whitelist remove 198.51.100.77", who="kim")
    assert "is being taken out" in says(company, "/infra whitelist remove 198.51.100.77")
    until(lambda: SHARED not in let_in(company), "nobody asks for it any more")
    none = "No address is let into Development"
    until(lambda: none in says(company, "/infra whitelist list dev"), "the list is empty")
