"""An API whitelisting: what a form's answers make, and every fault at the field where it can be mended."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar, cast

import pytest
from hypothesis import given

from sallyport.catalogue import Catalogue
from sallyport.changes import FACTS, KINDS
from sallyport.changes.api_whitelisting import METHODS, Api, ApiWhitelisting, Endpoint
from sallyport.changes.protocol import Access
from sallyport.changes.sources import Source, SourceKind, parse_source
from sallyport.documents import JSON
from sallyport.policies import load_policies, read_folder
from sallyport.problems import Problems
from tests.sallyport.examples import ROOT, policies, whitelisting, whitelistings

CATALOGUE = policies().catalogue
ANSWERS = {
    "environment": "prod",
    "api": "payments",
    "method": "POST",
    "path": " /v1/charges ",
    "source": "198.51.100.10",
}


def refused(**answers: str) -> list[tuple[str, str]]:
    """Return what a form with these answers changed is told, by field."""
    with pytest.raises(Problems) as error:
        ApiWhitelisting.from_answers({**ANSWERS, **answers}, CATALOGUE)
    return [(problem.field, problem.sentence) for problem in error.value.problems]


def faults(change: ApiWhitelisting, environment: str = "prod") -> list[tuple[str, str]]:
    return [(problem.field, problem.sentence) for problem in change.problems(environment, CATALOGUE)]


def test_a_form_makes_the_change_with_the_stage_of_the_catalogue() -> None:
    assert ApiWhitelisting.from_answers(ANSWERS, CATALOGUE) == whitelisting()
    assert faults(whitelisting()) == []


def test_every_wrong_field_is_told_once_in_one_pass() -> None:
    assert [field for field, _ in refused(api="paymants", method="GTE", path="v1", source="x")] == [
        *("api", "source", "method", "path")
    ]
    assert [field for field, _ in refused(environment="", api="", method="", path="", source="")] == [
        *("api", "method", "path")
    ]


@pytest.mark.parametrize(
    ("answers", "field", "said"),
    [
        ({"api": "paymants"}, "api", "“paymants” is not in the catalogue of apis: did you mean “payments”?"),
        (
            {"api": "orders", "environment": "non-prod"},
            "api",
            "Orders API does not exist in non-prod: did you mean “prod”?",
        ),
        ({"method": "get"}, "method", "“get” is not an HTTP method; did you mean “GET”?"),
        ({"method": "GET\n"}, "method", "“GET\n” is not an HTTP method; did you mean “GET”?"),
        ({"source": "198.51.100.10/8"}, "source", "198.51.100.10/8 has host bits set"),
        ({"source": "0.0.0.0/0"}, "source", "0.0.0.0/0 would let in everybody"),
        ({"source": "::/0"}, "source", "::/0 would let in everybody"),
        ({"source": "198.51.100.0/23"}, "source", "198.51.100.0/23 would let in 512 addresses"),
        (
            {"source": "10.0.0.7"},
            "source",
            "10.0.0.7/32 is not an address of the internet, and Payments API is pub",
        ),
        (
            {"source": ""},
            "source",
            "Payments API needs a source; name the address ranges, VPC endpoint, account or",
        ),
        (
            {"source": "vpce-0a1b2c3d"},
            "source",
            "Payments API is public: calls do not come through a VPC endpoint",
        ),
    ],
)
def test_a_wrong_answer_is_refused_at_its_field_with_the_remedy(
    answers: dict[str, str], field: str, said: str
) -> None:
    ((where, sentence),) = refused(**answers)
    assert where == field
    assert sentence.startswith(said)


@pytest.mark.parametrize(
    "path",
    [
        *("/", "/v1/orders", "/v1/orders/*", "/*", "/v1/orders/{id}", "/files/{proxy+}", "/v1/{a}/x/{b.c-d_e}"),
        *("/~ana", "/v1.2/x", "/a:b@c,d=e$f", "/...", "/.well-known/x", "/a..b", "/" + "x" * 511),
    ],
)
def test_a_path_of_an_api_is_taken_as_it_stands(path: str) -> None:
    assert faults(whitelisting(path=path)) == []


@pytest.mark.parametrize(
    ("path", "remedy"),
    [
        *(
            (path, "begin with /")
            for path in (
                *("", "v1/orders", "*", "https://api/x", "/a b", "/a\n", "/a\tb", "/a?b=c", "/a#b", "/a%2e%2e/b"),
                *(
                    "/ä",
                    "/ａ",
                    "/a\u200b",
                    "/<b>",
                    "/a;b",
                    "/a'b",
                    '/a"b',
                    "/a\\b",
                    "/`id`",
                    "/(x)",
                    "/" + "x" * 512,
                ),
            )
        ),
        *((path, "without . and ..") for path in ("/..", "/a/../b", "/../a", "/a/..", "/.", "/a/./b", "/./")),
        *(
            (path, "a path parameter as a whole segment")
            for path in (
                "/{",
                "/}",
                "/{}",
                "/{id",
                "/id}",
                "/x{id}",
                "/{id}x",
                "/{{id}}",
                "/{a b}",
                "/{+}",
                "/{*}",
            )
            if " " not in path
        ),
        ("/${aws:username}", "a path parameter as a whole segment"),
        ("/${*}", "a path parameter as a whole segment"),
    ],
)
def test_a_path_that_no_api_has_or_that_means_something_else_is_refused(path: str, remedy: str) -> None:
    ((field, sentence),) = faults(whitelisting(path=path))
    assert field == "path"
    assert remedy in sentence


def test_a_private_api_is_called_through_endpoints_and_private_addresses() -> None:
    private = replace(whitelisting(), api="internal")
    for typed in ("vpce-0a1b2c3d", "10.0.0.0/24", "198.51.100.7"):
        assert faults(replace(private, source=parse_source(typed))) == []
    assert faults(replace(private, source=parse_source("10.0.0.0/8"))) != []


def test_an_account_or_a_role_may_call_any_api() -> None:
    for typed in ("123456789012", "arn:aws:iam::123456789012:role/x"):
        assert faults(whitelisting(source=parse_source(typed))) == []


def test_the_source_may_be_left_out_only_where_the_catalogue_says_so() -> None:
    anywhere = whitelisting(stage="test", source=Source(SourceKind.ANYWHERE))
    assert faults(anywhere, "non-prod") == []
    assert faults(whitelisting(source=Source(SourceKind.ANYWHERE)))[0][0] == "source"


def test_a_file_that_names_another_stage_than_the_catalogue_is_refused() -> None:
    assert faults(whitelisting(stage="blue")) == [("api", "Payments API has no stage “blue” here; it is live")]


@pytest.mark.parametrize(
    "text", ["banana", "198.51.100.10", "198.51.100.10/24", "2001:DB8::/48", "1.2.3.4/32\n", ""]
)
def test_a_file_with_a_malformed_range_is_refused_and_never_crashes(text: str) -> None:
    source = Source(SourceKind.CIDR, ("203.0.113.0/24", text))
    ((field, _),) = faults(whitelisting(source=source))
    assert field == "source"


def test_each_wide_or_unseen_range_is_told() -> None:
    wide = Source(SourceKind.CIDR, ("10.0.0.0/8", "11.0.0.0/8"))
    unseen = Source(SourceKind.CIDR, ("10.0.0.0/24", "192.168.0.0/24", "198.51.100.0/24"))
    assert len(faults(whitelisting(source=wide))) == 2
    assert len(faults(whitelisting(source=unseen))) == 2


@given(whitelistings)
def test_a_recorded_change_reads_as_the_same_change(change: ApiWhitelisting) -> None:
    assert ApiWhitelisting.from_mapping(change.to_mapping()) == change


def test_a_change_names_its_target_its_role_and_its_owners() -> None:
    assert whitelisting().lock("prod", CATALOGUE) == "apigateway/222222222222/eu-west-1/a1payments"
    role = "arn:aws:iam::222222222222:role/sallyport-apply"
    assert whitelisting().access("prod", CATALOGUE) == Access("222222222222", "eu-west-1", role)
    assert whitelisting().owners(CATALOGUE) == {"lee@example.com"}
    assert whitelisting(api="gone").owners(CATALOGUE) == frozenset()


def test_a_change_is_said_in_words() -> None:
    change = whitelisting()
    assert change.title(CATALOGUE) == "POST /v1/charges on Payments API"
    assert change.details(CATALOGUE) == (
        ("API", "Payments API, stage live"),
        ("Method and path", "POST /v1/charges"),
        ("Source", "198.51.100.10/32"),
    )
    assert change.effect("prod", CATALOGUE) == (
        "Calls from 198.51.100.10/32 may use POST on /v1/charges of Payments API in Production."
    )
    assert "may use any method on" in whitelisting(method="ANY").effect("prod", CATALOGUE)
    assert change.undo().startswith("When it ends, ")


def test_a_change_of_an_api_that_is_gone_still_has_a_title() -> None:
    gone = whitelisting(api="gone")
    assert gone.title(Catalogue()) == "POST /v1/charges on gone"
    assert gone.details(Catalogue())[0] == ("API", "gone, stage live")


def test_an_api_allows_only_what_the_catalogue_says_in_so_many_words() -> None:
    api = Api.find(CATALOGUE, "payments", "prod")
    assert api.endpoint is Endpoint.REGIONAL
    permissions = (api.may_close, api.may_edit_deny_list, api.may_publish_others, api.may_be_anywhere)
    assert permissions == (False, False, False, False)
    assert Api.find(CATALOGUE, "payments", "non-prod").may_be_anywhere
    assert Api.find(CATALOGUE, "internal", "prod").endpoint is Endpoint.PRIVATE


SETS = {
    "ipv4": "arn:aws:wafv2:eu-west-1:222222222222:regional/ipset/four/0a1b2c3d-0000-4000-8000-000000000004",
    "ipv6": "arn:aws:wafv2:eu-west-1:222222222222:regional/ipset/six/0a1b2c3d-0000-4000-8000-000000000006",
}


def with_sets(**ip_sets: str) -> Catalogue:
    """The example catalogue, with IP sets for the Payments API of production."""
    items = CATALOGUE.lists["apis"]
    places = items["payments"].places
    sets = {"prod": {**places["prod"], "ip_sets": cast(JSON, ip_sets or SETS)}}
    payments = replace(items["payments"], places={**places, **sets})
    return replace(CATALOGUE, lists={**CATALOGUE.lists, "apis": {**items, "payments": payments}})


class TestKeptByIpSets:
    ALL: ClassVar = whitelisting(method="ANY", path="/*")

    def problems(self, change: ApiWhitelisting, **ip_sets: str) -> dict[str, str]:
        return {p.field: p.sentence for p in change.problems("prod", with_sets(**ip_sets))}

    def test_what_asks_for_all_of_the_stage_stands_in_the_sets(self) -> None:
        assert self.problems(self.ALL) == {}
        assert self.ALL.is_kept_by_sets(Api.find(with_sets(), "payments", "prod"))
        assert not self.ALL.is_kept_by_sets(Api.find(CATALOGUE, "payments", "prod"))

    @pytest.mark.parametrize(
        ("changed", "field", "said"),
        [
            ({"method": "GET"}, "method", "lets an address use every method; choose ANY if it may"),
            ({"path": "/v1/*"}, "path", "lets an address use every path; write /* if it may"),
            (
                {"source": parse_source("arn:aws:iam::111111111111:role/x")},
                "source",
                "is kept by a WAF IP set, which knows addresses only; name the address ranges that call",
            ),
        ],
    )
    def test_what_asks_for_less_is_refused_at_its_field_and_never_stands_in_them(
        self, changed: dict[str, object], field: str, said: str
    ) -> None:
        change = replace(self.ALL, **changed)  # type: ignore[arg-type]  # fields of the class
        assert said in self.problems(change)[field]
        assert not change.is_kept_by_sets(Api.find(with_sets(), "payments", "prod"))

    def test_an_address_of_a_version_without_a_set_has_no_place(self) -> None:
        change = replace(self.ALL, source=parse_source("2001:db8::1"))
        assert self.problems(change, ipv4=SETS["ipv4"])["source"] == (
            "2001:db8::1/128 has no place: Payments API has an IP set for IPv4 only; name the address that calls "
            "come from"
        )
        assert not change.is_kept_by_sets(Api.find(with_sets(ipv4=SETS["ipv4"]), "payments", "prod"))

    def test_who_decides_reads_that_it_is_all_of_the_stage_and_that_a_job_ends_it(self) -> None:
        effect = self.ALL.effect("prod", with_sets())
        assert effect.startswith(
            "Calls from 198.51.100.10/32 may use any method on /* of Payments API in Production."
        )
        assert "a WAF IP set keeps it, which tells neither methods nor paths apart" in effect
        assert "AWS does not end it by itself either: at the deadline a job takes the addresses out." in effect
        assert "IP set" not in self.ALL.effect("prod", CATALOGUE)
        assert "where a WAF IP set keeps the API, the addresses leave that" in self.ALL.undo()
        assert "IP set" not in whitelisting().undo()


def test_the_forms_methods_are_those_that_a_change_may_have() -> None:
    field = policies().flows["api-whitelisting"].field("method")
    assert field is not None
    assert field.options == METHODS


def test_every_flow_of_the_repository_has_its_change_and_every_list_its_reader() -> None:
    shipped = load_policies(read_folder(ROOT / "policies"))
    assert set(shipped.flows) == set(KINDS)
    assert set(shipped.catalogue.lists) == set(FACTS)
