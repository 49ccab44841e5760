"""Policies: a good version is one value, and every broken one is refused with what, where and how to mend it."""

from __future__ import annotations

from datetime import time, timedelta
from pathlib import Path

import pytest

from sallyport.changes import KINDS
from sallyport.changes.api_whitelisting import Api
from sallyport.flows import PERMANENT, BreakGlass, Cards, Nudges, StepUp
from sallyport.policies import load_policies, read_folder
from sallyport.problems import Problems
from tests.sallyport.examples import ROOT, policies, policy_files

FLOW, ACCESS = "flows/api-whitelisting.yaml", "flows/prod-access.yaml"
PEOPLE, APIS, ENVIRONMENTS = "people.yaml", "catalogue/apis.yaml", "environments.yaml"


def said(files: dict[str, bytes]) -> list[str]:
    with pytest.raises(Problems) as error:
        load_policies(files)
    return [str(problem).removeprefix("policies/") for problem in error.value.problems]


def edited(path: str, old: str, new: str, files: dict[str, bytes] | None = None) -> dict[str, bytes]:
    """Return the repository's policies with one part of one file replaced."""
    before = (files or policy_files())[path].decode()
    assert before.count(old) >= 1
    return {**(files or policy_files()), path: before.replace(old, new, 1).encode()}


def without(path: str) -> dict[str, bytes]:
    return {name: content for name, content in policy_files().items() if name != path}


def test_the_policies_of_this_repository_hold_together() -> None:
    assert load_policies(read_folder(ROOT / "policies")).flows


class TestPolicies:
    def test_are_what_their_files_say(self) -> None:
        found = policies()
        assert set(found.flows) == {"api-whitelisting", "infra-whitelist", "prod-access"}
        assert found.version == "0123456789abcdef"
        assert found.ticket_statuses["timed-out"].resolution == "Timed out"
        assert found.ticket_statuses["cancelled"].resolution is None

    def test_deny_by_default_and_are_short_for_production(self) -> None:
        for flow in policies().flows.values():
            production = flow.rule_for({"environment": "prod"})
            assert production is not None
            assert production.bound_identity
            assert not production.self_approval
            assert not production.lifetime.permanent
            assert flow.rule_for({"environment": "anywhere else"}) is None

    def test_are_read_from_the_folder_with_paths_relative_to_it(self, tmp_path: Path) -> None:
        (tmp_path / "flows").mkdir()
        (tmp_path / "people.yaml").write_bytes(b"people")
        (tmp_path / "flows" / "a.yaml").write_bytes(b"a")
        assert read_folder(tmp_path) == {"people.yaml": b"people", "flows/a.yaml": b"a"}

    def test_publish_the_keys_that_stand_in_their_folder(self) -> None:
        public = (
            "-----BEGIN PUBLIC KEY-----\n"
            "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n"
            "-----END PUBLIC KEY-----\n"
        )
        found = load_policies({**policy_files(), "keys/2026-11.pem": public.encode(), "keys/README": b"x"})
        assert set(found.keys) == {"2026-11"}

    def test_are_read_from_files_of_the_right_name_and_folder_only(self) -> None:
        strays = {"flows/notes.txt": b"x", "flows/old/prod-access.yaml": b"x", "other.yaml": b"x"}
        assert set(load_policies({**policy_files(), **strays}).flows) == set(policies().flows)

    def test_of_two_loads_are_two_values(self) -> None:
        assert load_policies(policy_files()) != load_policies(policy_files())


@pytest.mark.parametrize("path", [PEOPLE, ENVIRONMENTS, "jira.yaml"])
def test_a_file_that_every_installation_has_is_missed(path: str) -> None:
    assert said(without(path)) == [f"{path}: policies/{path} does not exist; every installation has one"]


@pytest.mark.parametrize("name", ["people", "environments", "catalogue", "flow", "jira"])
def test_a_schema_that_every_installation_has_is_missed_once(name: str) -> None:
    path = f"schemas/{name}.schema.json"
    assert said(without(path)) == [f"{path}: policies/{path} does not exist; every installation has one"]


def test_a_flows_own_schema_is_missed_where_the_flow_is_named() -> None:
    assert said(without("schemas/prod-access.schema.json")) == [
        "flows/prod-access.yaml:1:7: the flow prod-access has no JSON Schema; add schemas/prod-access.schema.json"
    ]


def test_schemas_that_cannot_be_used_stop_the_reading_with_their_problems() -> None:
    files = {**without("schemas/entry.schema.json"), "schemas/flow.schema.json": b"{"}
    of_flows = tuple(KINDS)
    broken = sorted(f"schemas/{name}.schema.json" for name in ("flow", *of_flows))
    assert [line.split(":")[0] for line in said(files)] == broken


@pytest.mark.parametrize(
    ("path", "old", "new", "line"),
    [
        # groups and people
        (FLOW, "[engineering]", "[enginering]",
         ":25:28: there is no group “enginering”; did you mean “engineering”?"),
        (FLOW, "[managers]", "[bosses]",
         ":26:26: there is no group “bosses”; known: engineering, everyone, managers, prod-approvers, "
         "team-leads"),
        (FLOW, "groups: [managers]", "people: [li@example.com]",
         ":26:25: “li@example.com” is not among people; did you mean “lee@example.com”?"),
        (FLOW, "{groups: [managers], chosen: true}", "{}",
         ":26:16: production has no approvers, so nobody could ever be approved; name a group"),
        (PEOPLE, "managers: [lee@", "managers: [lea@",
         ":9:13: lea@example.com is in the group managers but not among people; did you mean "
         "“lee@example.com”?"),
        (PEOPLE, "slack: U0LEE", "slack: U0ANA",
         ":2:3: lee@example.com and ana@example.com share the Slack id “u0ana”; give each identity to "
         "one person"),
        (PEOPLE, "jira: lee", "jira: ANA",
         ":2:3: lee@example.com and ana@example.com share the JIRA account “ana”; give each identity to "
         "one person"),
        (PEOPLE, "email: lee", "email: ANA",
         ":2:3: ANA@example.com and ana@example.com share the e-mail address “ana@example.com”; give "
         "each identity to one person"),
        (PEOPLE, "slack: U0LEE", "slack: '@lee'",
         ":3:53: slack “@lee” does not have the right form; a Slack member id such as U024BE7LH"),
        (PEOPLE, "name: Ana Ruiz", "nmae: Ana Ruiz",
         ":2:36: unknown field “nmae”; did you mean “name”?"),
        (APIS, "owners: [lee@", "owners: [lea@",
         ":3:11: “lea@example.com” is not among people; did you mean “lee@example.com”?"),
        # environments
        (FLOW, "when: {environment: prod}", "when: {environment: production}",
         ":24:25: production names the environment “production”; known: non-prod, prod"),
        (APIS, "    non-prod: {rest", "    nonprod: {rest",
         ":6:14: payments is in “nonprod”, which is no environment; did you mean “non-prod”?"),
        (ENVIRONMENTS, '"222222222222"', "222222222222",
         ":3:12: account must be of type string; write the 12 digits of the AWS account, in quotes"),
        (ENVIRONMENTS, "eu-west-1", "ireland",
         ":4:11: region “ireland” does not have the right form; write a region such as eu-west-1"),
        # the form
        (FLOW, "from: apis", "from: api",
         ":11:49: api takes its options from “api”, which is no list; did you mean “apis”?"),
        (FLOW, "when: {environment: prod}", "when: {enviroment: prod}",
         ":24:24: the form has no field “enviroment”; did you mean “environment”?"),
        (ACCESS, "account: prod-main", "acount: prod-main",
         ":8:39: the form has no field “acount”; did you mean “account”?"),
        (FLOW, "kind: choice", "kind: select",
         ":9:43: kind cannot be “select”; known: choice, paragraph, text"),
        (ACCESS, "channel: C0INFRA", "announce_end: true",
         ":6:15: prod-access has no channel that could be told of an end; add channel, or take announce_end out"),
        # durations and quorum
        (FLOW, "default: 30d", "default: 91d",
         ":28:15: production has durations out of order; min ≤ default ≤ max must hold"),
        (FLOW, "min: 15m", "min: 31d",
         ":28:15: production has durations out of order; min ≤ default ≤ max must hold"),
        (FLOW, "min: 15m", "min: 15m, round_up_to: 1h",
         ":28:53: production rounds deadlines up to 1h, which is longer than the shortest life; round up to no "
         "more than 15m"),
        (FLOW, "min: 15m", "min: 1h, round_up_to: 7m",
         ":28:52: production rounds deadlines up to 7m, which does not divide a day; write 15m, 1h, 6h or 1d"),
        (ACCESS, "duration: {default: 4h, min: 15m,",
         "break_glass: {groups: [engineering], max: 30m}\n    duration: {default: 4h, round_up_to: 1h, min: 1h,",
         ":23:42: production rounds deadlines up to 1h, which is longer than the shortest life; round up to no "
         "more than 30m"),
        (FLOW, "min: 15m", "min: 1h, round_up_to: an hour",
         ":28:52: round_up_to “an hour” does not have the right form; write what divides a day, such as 15m or "
         "1h: an end counted from an approval waits for the next full one in UTC"),
        (FLOW, "timeout: 8h", "timeout: 8 hours",
         ":27:14: timeout “8 hours” does not have the right form; write a number and s, m, h or d, such as 4h"),
        (FLOW, "timeout: 8h", "quorum: 2\n    timeout: 8h",
         ":27:13: production needs 2 approvals of the one approver whom the requester chooses; take out "
         "“chosen” or the quorum"),
        (ACCESS, "quorum: 1", "step_up: slack",
         ":20:14: step_up cannot be “slack”; known: github"),
        (ACCESS, "quorum: 1", "quorum: 0",
         ":20:13: quorum is less than 1"),
        # names of files, flows, commands and prefixes
        (FLOW, "flow: api-whitelisting", "flow: whitelist",
         ":1:7: the file of the flow whitelist is api-whitelisting.yaml; name the file whitelist.yaml"),
        (ACCESS, "/prod-access\n", "/apiwhitelisting\n",
         ":3:10: the command /apiwhitelisting is that of api-whitelisting too; choose another"),
        (ACCESS, "/prod-access\n", "/apiwhitelisting access\n",
         ":3:10: the commands /apiwhitelisting access and /apiwhitelisting (api-whitelisting) begin with the same "
         "words; choose another"),
        (ACCESS, "/prod-access\n", "/access help\n",
         ":3:10: the command /access help cannot be told from asking for help; choose another"),
        (ACCESS, "/prod-access\n", "/access Prod\n",
         ":3:10: command “/access Prod” does not have the right form; write the slash command, with a word of "
         "the flow's own where several share it: /infra stop"),
        (FLOW, "fields:\n", "examples: [now]\nfields:\n",
         ":8:11: /apiwhitelisting takes no words, so there can be no examples of them; take them out, or give "
         "the flow defaults"),
        (ACCESS, "prefix: pa", "prefix: aw",
         ":2:9: the prefix aw is that of api-whitelisting too; choose another"),
        # the catalogue's facts
        (APIS, "rest_api: a1payments, ", "",
         ":5:11: payments has no fact “rest_api” in prod; add it"),
        (APIS, "endpoint: regional", "endpoint: regionl",
         ":5:11: payments in prod: “regionl” is no endpoint type; did you mean “regional”?"),
        ("catalogue/accounts.yaml", 'account: "222222222222"', "x: 1",
         ":5:11: prod-main has no fact “account” in prod; add it"),
        ("catalogue/permission-sets.yaml", "session: 1h", "session: 1",
         ":4:11: ProdReadOnly in prod: “1” is not a duration: write a number and s, m, h or d, such as "
         "30m, 4h or 7d"),
        ("catalogue/identity-center.yaml", "      region: eu-west-1\n", "",
         ":5:7: main has no fact “region” in prod; add it"),
        # JIRA and keys
        ("jira.yaml", "denied: {status: Declined, resolution: Declined}\n", "",
         ":1:1: “denied” is missing from the file"),
        ("jira.yaml", "status: Done, ", "",
         ":3:9: “status” is missing from active"),
        ("jira.yaml", "pending:", "pendng:",
         ":1:9: unknown field “pendng”; did you mean “pending”?"),
        # YAML itself
        (FLOW, "verb:", "title: twice\nverb:",
         ":5:1: “title” stands here twice; keep one of the two"),
        (PEOPLE, "groups:", "  groups: [",
         ":7:3: this is not YAML: did not find expected '-' indicator while parsing a block collection; "
         "check indentation, colons and quotes around this place"),
    ],
)  # fmt: skip
def test_a_fault_is_told_at_its_place_with_the_remedy(path: str, old: str, new: str, line: str) -> None:
    found = said(edited(path, old, new))
    assert path + line in found


@pytest.mark.parametrize(
    ("approvers", "told"),
    [
        ("{groups: [prod-approvers]}", False),
        ("{owners: true}", False),
        ("{people: [dee@example.com]}", True),
        ("{groups: [on-call]}", True),
    ],
    ids=["who have logins", "owners of something", "somebody without a login", "a group kept in Slack"],
)
def test_a_rule_that_wants_a_confirmation_which_nobody_could_give_is_refused(approvers: str, told: bool) -> None:
    files = edited(ACCESS, "{groups: [prod-approvers]}\n    quorum: 1", f"{approvers}\n    step_up: github")
    people = files[PEOPLE].decode().replace("groups:\n", "groups:\n  on-call: {slack: S0ONCALL}\n")
    files = {**files, PEOPLE: people.encode()}
    if not told:
        assert load_policies(files).flows["prod-access"].rules[0].step_up is StepUp.GITHUB
        return
    assert said(files) == [
        "flows/prod-access.yaml:20:14: production wants a confirmation in GitHub, and nobody who may approve has "
        "a login there; name approvers in people.yaml, each with a `github` login; a group kept in Slack does "
        "not count"
    ]


def test_the_rule_in_sight_is_the_first_that_the_missing_answers_may_lead_to() -> None:
    files = edited(ACCESS, "when: {environment: prod}", "when: {environment: prod, permission_set: ProdAdmin}")
    policies = load_policies(files)
    flow = policies.flows["prod-access"]

    def names(**answers: str) -> tuple[str, str]:
        found = policies.rule_for(flow, answers), policies.rule_in_sight(flow, answers)
        return tuple(rule.name if rule else "" for rule in found)  # type: ignore[return-value]  # there are two

    assert names(environment="prod") == ("", "production")
    assert names(environment="prod", permission_set="") == ("", "production")
    assert names(environment="prod", permission_set="ProdAdmin") == ("production", "production")
    assert names(environment="prod", permission_set="ProdReadOnly") == ("", "")
    assert names(environment="non-prod") == ("development", "development")


def test_a_flow_for_which_no_change_is_written_is_refused() -> None:
    files = edited(ACCESS, "flow: prod-access", "flow: prod-excess")
    files["flows/prod-excess.yaml"] = files.pop(ACCESS)
    assert said(files) == [
        "flows/prod-excess.yaml:1:7: no change is written for prod-excess; did you mean “prod-access”?",
        "flows/prod-excess.yaml:1:7: the flow prod-excess has no JSON Schema; add schemas/prod-excess.schema.json",
    ]


def test_a_list_that_no_change_reads_may_hold_any_facts() -> None:
    files = {**policy_files(), "catalogue/queues.yaml": b"main: {title: Main, in: {prod: {anything: 1}}}"}
    assert load_policies(files).catalogue.options("queues", "prod")[0].label == "Main"


def test_a_list_may_hold_thousands_of_things_but_not_any_number() -> None:
    many = "".join(f"item-{n:05}: {{title: Item {n}, in: {{prod: {{fact: {'x' * 20}}}}}}}\n" for n in range(5000))
    files = {**policy_files(), "catalogue/queues.yaml": many.encode()}
    assert len(load_policies(files).catalogue.options("queues", "prod")) == 5000
    (line,) = said({**files, "catalogue/queues.yaml": b"#" * 3_000_000})
    assert "keep it under 2097152" in line


def test_a_key_that_is_none_is_refused() -> None:
    assert said({**policy_files(), "keys/2026-11.pem": b"garbage"}) == [
        "keys/2026-11.pem: this is not an Ed25519 public key in PEM; “coordinator keys public” prints one"
    ]


def test_all_problems_of_all_files_are_told_in_one_pass_in_their_order() -> None:
    files = edited(FLOW, "groups: [managers]", "groups: [manager]")
    files = edited(FLOW, "default: 30d", "default: 91d", files)
    files = edited(PEOPLE, "slack: U0LEE", "slack: U0ANA", files)
    files = edited(ACCESS, "quorum: 1", "quorum: 9", files)
    files = edited("jira.yaml", "status: Done", "state: Done", files)
    files["keys/k.pem"] = b""
    assert [line.split(": ")[0] for line in said(files)] == [
        "flows/api-whitelisting.yaml:26:26",
        "flows/api-whitelisting.yaml:28:15",
        "flows/prod-access.yaml:20:13",
        "jira.yaml:3:9",
        "jira.yaml:3:17",
        "keys/k.pem",
        "people.yaml:2:3",
    ]


def test_names_are_not_called_unknown_while_the_file_that_defines_them_cannot_be_read() -> None:
    files = edited(PEOPLE, "people:\n", "people: *\n")
    assert [line.split(":")[0] for line in said(files)] == [PEOPLE]


def test_a_rules_facts_become_what_decisions_read() -> None:
    rule = policies().flows["api-whitelisting"].rules[1]
    assert rule.name == "non-production"
    assert rule.may_request == ("everyone",)
    assert rule.lets_choose
    assert rule.seats == 1
    assert rule.lifetime.permanent
    assert not rule.bound_identity
    field = policies().flows["api-whitelisting"].field("source")
    assert field is not None
    assert field.optional
    assert field.placeholder == "198.51.100.10/32"
    assert PERMANENT not in field.options


STAGES = """
    stages:
      - {name: manager, approvers: {groups: [managers], chosen: true}}
      - {name: security, approvers: {groups: [prod-approvers, on-call]}, quorum: 2, distinct_groups: true}
    timeout: 4h"""
PLAIN = """
    approvers: {groups: [prod-approvers]}
    quorum: 1
    timeout: 4h"""
ON_CALL = ("people.yaml", "groups:\n", "groups:\n  on-call: {slack: S0ONCALL}\n")


def test_a_rule_may_have_stages_and_groups_that_slack_keeps() -> None:
    found = load_policies(edited(ACCESS, PLAIN, STAGES, edited(*ON_CALL)))
    rule = found.flows["prod-access"].rules[0]
    assert [(stage.name, stage.quorum, stage.distinct_groups) for stage in rule.stages] == [
        ("manager", 1, False),
        ("security", 2, True),
    ]
    assert rule.seats == 3
    assert found.people.external == {"on-call": "S0ONCALL"}


def test_a_rule_says_everything_else_that_it_may() -> None:
    more = """
    break_glass: {groups: [prod-approvers], max: 1h}
    extension: false
    early_return: false
    confirm: false
    cards: {direct: false, channel: C0APPROVE}
    timeout: 4h"""
    files = edited(ACCESS, "\n    timeout: 4h", more)
    files = edited(ACCESS, "max: 8h}", "max: 8h, approver_may_shorten: true}", files)
    nudges = (
        'nudges: {automatic: 2, working_hours: {timezone: Europe/Madrid, from: "09:00", to: "18:00"}}\nfields:'
    )
    flow = load_policies(edited(ACCESS, "fields:", nudges, files)).flows["prod-access"]
    rule = flow.rules[0]
    assert rule.break_glass == BreakGlass(("prod-approvers",), timedelta(hours=1))
    assert (rule.extension, rule.early_return, rule.confirm) == (False, False, False)
    assert rule.cards == Cards(direct=False, channel="C0APPROVE")
    assert rule.lifetime.approver_may_shorten
    assert flow.nudges == Nudges(2, "Europe/Madrid", time(9), time(18))


@pytest.mark.parametrize(
    ("hours", "said"),
    [
        ('timezone: Europe/Madird, from: "09:00", to: "18:00"', "“Europe/Madird” is no time zone"),
        ('timezone: UTC, from: "18:00", to: "09:00"', "working hours from 18:00 to 09:00 have no length"),
    ],
)
def test_working_hours_that_nobody_could_keep_are_told_with_their_place(hours: str, said: str) -> None:
    nudges = f"nudges: {{automatic: 1, working_hours: {{{hours}}}}}\nfields:"
    with pytest.raises(Problems) as caught:
        load_policies(edited(ACCESS, "fields:", nudges))
    (problem,) = caught.value.problems
    assert said in str(problem)
    assert str(problem).startswith("policies/flows/prod-access.yaml:")


@pytest.mark.parametrize(
    ("instead", "said"),
    [
        ("\n    timeout: 4h", "production says neither who approves nor that nobody needs to"),
        (PLAIN.replace("quorum", "auto_approve: true\n    quorum"), "production says approvers and auto_approve"),
        (
            STAGES.replace("prod-approvers, on-call", "prod-approvers"),
            "needs 2 people of different groups and names 1",
        ),
        (STAGES.replace("quorum: 2", "quorum: 3"), "needs 3 people of different groups and names 2"),
        (
            STAGES.replace("distinct_groups: true", "distinct_groups: 2"),
            "distinct_groups must be of type boolean",
        ),
        (STAGES.replace("on-call]}", "on-call], chosen: true}"), "choose an approver at more than one stage"),
        (PLAIN + "\n    break_glass: {groups: [on-call], max: 1h}", "the group “on-call” is kept in Slack"),
        (
            "\n    auto_approve: true\n    break_glass: {groups: [managers], max: 1h}\n    timeout: 4h",
            "nothing to break",
        ),
        (PLAIN + "\n    cards: {direct: false}", "production asks its approvers nowhere"),
    ],
)
def test_a_rule_that_makes_no_sense_is_told_with_its_place(instead: str, said: str) -> None:
    with pytest.raises(Problems) as caught:
        load_policies(edited(ACCESS, PLAIN, instead, edited(*ON_CALL)))
    assert any(
        said in str(problem) and str(problem).startswith("policies/flows/prod-access.yaml:")
        for problem in caught.value.problems
    )


def test_nobody_may_be_required_to_ask_from_a_group_that_slack_keeps() -> None:
    with pytest.raises(Problems, match="the group “on-call” is kept in Slack, where a job cannot look"):
        load_policies(
            edited(
                ACCESS,
                "may_request: {groups: [engineering]}",
                "may_request: {groups: [on-call]}",
                edited(*ON_CALL),
            )
        )


def test_a_tag_that_nothing_carries_is_told() -> None:
    with pytest.raises(Problems, match="nothing in the catalogue has the tag “pci”"):
        load_policies(edited(ACCESS, "when: {environment: prod}", "when: {environment: prod, tags: [pci]}"))


def test_a_rule_without_a_name_is_called_by_its_number() -> None:
    found = load_policies(edited(ACCESS, "name: development\n    ", ""))
    assert [rule.name for rule in found.flows["prod-access"].rules] == ["production", "rule 2"]


def test_two_environments_cannot_name_the_same_api() -> None:
    shared = edited(APIS, "rest_api: b2payments", "rest_api: a1payments")
    shared = edited(ENVIRONMENTS, 'account: "111111111111"', 'account: "222222222222"', shared)
    with pytest.raises(Problems, match="payments in non-prod is the same as payments in prod: apigateway/2222"):
        load_policies(shared)


class TestIpSetsOfTheCatalogue:
    SET = "arn:aws:wafv2:eu-west-1:222222222222:regional/ipset/orders/0a1b2c3d-0000-4000-8000-000000000004"
    ORDERS = "rest_api: a1orders, stage: live, endpoint: regional"

    def files(self, facts: str, old: str = ORDERS, before: dict[str, bytes] | None = None) -> dict[str, bytes]:
        return edited(APIS, old, f"{old}, {facts}", before)

    def test_name_sets_where_the_api_is(self) -> None:
        found = Api.find(load_policies(self.files(f"ip_sets: {{ipv4: '{self.SET}'}}")).catalogue, "orders", "prod")
        assert {version: one.name for version, one in found.ip_sets.items()} == {4: "orders"}

    @pytest.mark.parametrize(
        ("facts", "line"),
        [
            ("ip_sets: {}", "ip_sets"),
            ("ip_sets: {ipv5: x}", "unknown field “ipv5”; did you mean “ipv"),
            ("ip_sets: {ipv4: orders}", "the ARN of a WAF IP set of the regional scope, as AWS shows it"),
            ("ip_sets: {ipv4: GLOBAL}", "is of the scope global, and an API needs a regional one"),
            ("ip_sets: {ipv4: ELSEWHERE}", "is not in 222222222222, eu-west-1, where the API is"),
            ("ip_sets: {ipv4: FOREIGN}", "is not in 222222222222, eu-west-1, where the API is"),
            ("ip_sets: {ipv4: SET, ipv6: SET}", "ip_sets names one set for both IP versions"),
            ("ip_sets: {ipv4: SET}, may_be_anywhere: true", "ip_sets and may_be_anywhere contradict each other"),
        ],
    )
    def test_are_told_when_they_are_wrong(self, facts: str, line: str) -> None:
        arns = {
            "GLOBAL": self.SET.replace(":regional", ":global"),
            "ELSEWHERE": self.SET.replace("eu-west-1", "us-east-1"),
            "FOREIGN": self.SET.replace("222222222222", "111111111111"),
            "SET": self.SET,
        }
        for name, arn in arns.items():
            facts = facts.replace(name, f"'{arn}'")
        (found,) = said(self.files(facts))
        assert found.startswith(f"{APIS}:11:")
        assert line in found

    def test_keep_a_regional_api_only(self) -> None:
        old = "rest_api: a1internal, stage: live, endpoint: private"
        (found,) = said(self.files(f"ip_sets: {{ipv4: '{self.SET}'}}", old))
        assert "internal in prod: ip_sets can keep a regional API only, and it is private" in found

    def test_keep_no_two_apis(self) -> None:
        sets = f"ip_sets: {{ipv4: '{self.SET}'}}"
        both = self.files(sets, "rest_api: a1legacy, stage: live, endpoint: regional", self.files(sets))
        found = said(both)
        assert [line.split(": ", 2)[1] for line in found] == ["orders in prod", "legacy in prod"]
        assert all("keeps another API or stage too, and lets its callers in at both" in line for line in found)

    def test_keep_all_of_a_stage_that_is_named_once(self) -> None:
        same = edited(
            APIS, "rest_api: a1legacy", "rest_api: a1orders", self.files(f"ip_sets: {{ipv4: '{self.SET}'}}")
        )
        (found,) = said(same)
        assert "orders in prod: stage live of a1orders is named twice, and its ip_sets keep all of it" in found

    def test_in_an_environment_that_is_none_are_told_once(self) -> None:
        wrong = edited(APIS, "    prod: {rest_api: a1orders", "    prdo: {rest_api: a1orders")
        (found,) = said(self.files(f"ip_sets: {{ipv4: '{self.SET}'}}", before=wrong))
        assert "orders is in “prdo”, which is no environment" in found


@pytest.mark.parametrize("automatic", [-1, 3])
def test_nobody_is_reminded_by_itself_more_than_twice(automatic: int) -> None:
    hours = 'timezone: Europe/Madrid, from: "09:00", to: "18:00"'
    nudges = f"nudges: {{automatic: {automatic}, working_hours: {{{hours}}}}}\nfields:"
    with pytest.raises(Problems, match="automatic"):
        load_policies(edited(ACCESS, "fields:", nudges))
