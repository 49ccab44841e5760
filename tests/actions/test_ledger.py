"""Who asks for what at a target, found without proving every entry of the flow."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from actions import ledger as module
from actions.ledger import Ledger
from actions.verification import Site, sites_of
from sallyport.attestations import Signer, new_key_pair, read_public_key, read_signer
from sallyport.entries import Entry
from tests.actions.fakes import git
from tests.actions.world import ORDERS, PAYMENTS, World, whitelisting

THERE = whitelisting("orders", "/v1/orders")


def site(ledger: Ledger, lock: str) -> Site:
    entry = next(f.entry for f in ledger.findings("api-whitelisting") if f.entry and lock in places(ledger, f.id))
    return next(s for s in ledger.sites(ledger.finding("api-whitelisting", entry.id)) if s.target.lock == lock)


def somebody() -> Signer:
    """A key of which policies know nothing."""
    private, public = new_key_pair()
    return read_signer(private, {"2026-11": read_public_key(public.encode())})


def places(ledger: Ledger, entry_id: str) -> set[str]:
    return {s.target.lock for s in ledger.sites(ledger.finding("api-whitelisting", entry_id))}


@pytest.mark.parametrize("judged_before", [True, False])
def test_the_claims_on_a_target_are_those_of_all_findings_that_are_or_were_there(
    world: World, *, judged_before: bool
) -> None:
    moved, edited, gone = world.entry("aw-222222"), world.entry("aw-333333"), world.entry("aw-444444")
    world.add(moved, edited, gone, world.entry(), world.entry("aw-555555", changes=(THERE,)))
    world.add(world.entry("aw-666666", changes=(THERE,), signer=somebody()))
    world.add(world.signer.sign(replace(moved, changes=(THERE,))))
    elsewhere = edited.to_yaml().replace("api: payments", "api: orders").encode()
    world.commit("Edit", {edited.path: elsewhere})
    world.commit("Break", {"requests/api-whitelisting/aw-777777.yaml": b"["}, [gone.path])
    world.land(world.written("aw-888888"), world.written("aw-999999", changes=(THERE,)))
    ledger = world.job().books().ledger
    for lock in (PAYMENTS, ORDERS):
        place = site(ledger, lock)
        found = [f for f in ledger.findings(place.flow) if f.entry and place in sites_of(f, ledger.policies)]
        asked = ledger if judged_before else world.job().books().ledger
        claims = asked.claims(place, world.now)
        assert found
        assert {e.id for e in claims.live} == {f.id for f in found if f.is_wanted(world.now)}
        assert {e.id for e in claims.ended} == {f.id for f in found if not f.is_wanted(world.now)}
        assert place in ledger.sites_of_flow(place.flow)


def test_what_was_judged_is_not_read_again_to_tell_where_it_is(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.add(*(world.entry(f"aw-{n}{n}{n}{n}{n}{n}") for n in range(2, 9)))
    read: list[str] = []
    real = module.parse_entry

    def spy(content: bytes, path: str, *rest: Any) -> Entry:
        read.append(path)
        return real(content, path, *rest)

    monkeypatch.setattr(module, "parse_entry", spy)
    ledger = world.job().books().ledger
    ledger.claims(site(ledger, PAYMENTS), world.now)
    assert len(read) == len(set(read)) == 7


def test_a_job_proves_only_the_entries_that_may_be_at_its_target(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.add(*(world.entry(f"aw-{n}{n}{n}{n}{n}{n}", changes=(THERE,)) for n in range(2, 9)))
    world.add(world.entry())
    proven: list[str] = []
    real = module.proof_refusal

    def spy(entry: Entry, policies: module.Policies) -> str:
        proven.append(entry.id)
        return real(entry, policies)

    here = site(world.job().books().ledger, PAYMENTS)
    monkeypatch.setattr(module, "proof_refusal", spy)
    claims = world.job().books().ledger.claims(here, world.now)
    assert [entry.id for entry in claims.live] == proven == ["aw-7k3m9q"]


def test_a_merge_cannot_hide_where_an_entry_was(world: World) -> None:
    """The branch, on which the same file says something else, is the first parent: no commit shows a change."""
    start = git(world.bare, "rev-parse", "main")
    entry = world.entry()
    applied = world.add(entry)
    git(world.bare, "update-ref", "refs/heads/main", start)
    elsewhere = world.commit("Say otherwise", {entry.path: entry.to_yaml().replace("payments", "orders").encode()})
    tree = git(world.bare, "rev-parse", f"{elsewhere}^{{tree}}")
    merge = git(world.bare, "commit-tree", tree, "-p", elsewhere, "-p", applied, "-m", "Merge")
    git(world.bare, "update-ref", "refs/heads/main", merge)
    ledger = world.job().books().ledger
    assert entry.path not in world.job().workspace.disturbed(merge, "requests/")
    claims = ledger.claims(site(ledger, PAYMENTS), world.now)
    assert (claims.live, claims.ended) == ((), (entry,))


def test_what_is_new_on_main_is_found_by_the_next_look(world: World) -> None:
    world.add(world.entry())
    job = world.job()
    books = job.books()
    here = site(books.ledger, PAYMENTS)
    assert len(books.ledger.claims(here, world.now).live) == 1
    world.add(world.entry("aw-222222"))
    world.commit("Edit", {world.entry().path: world.entry().to_yaml().replace("payments", "orders").encode()})
    claims = books.refresh().claims(here, world.now)
    assert ([e.id for e in claims.live], [e.id for e in claims.ended]) == (["aw-222222"], ["aw-7k3m9q"])
