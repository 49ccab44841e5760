"""Account assignments of IAM Identity Center: observe, plan, write, put back.

Removals come first, and one failure keeps nothing else from being done. Sessions are ended only after their
assignment is gone. Nothing is written that `planning` did not plan.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from functools import partial

from actions.executors.attempts import Attempts
from actions.executors.aws import Clients
from actions.executors.identity_center.calls import DirectoryCalls
from actions.executors.identity_center.planning import Scene, make_plan, set_scene, sets_in, sets_of, targets_of
from actions.executors.identity_center.sessions import TooLong
from actions.executors.identity_center.state import AccountState, Grant, Provisioning, SetState, User
from actions.executors.protocol import Claims, Plan, Target, TargetFault
from actions.pacing import Now, Wait
from sallyport.changes.prod_access import Directory, PermissionSet
from sallyport.policies import Policies
from sallyport.times import format_moment

_SECOND = timedelta(seconds=1)


class IdentityCenter:
    """The executor of the flow `prod-access`; a target is one AWS account. People are looked up once a job.

    Identity Center lets ten creations be under way and takes 20 calls a second, in all
    (https://docs.aws.amazon.com/singlesignon/latest/userguide/limits.html). A target creates one at a time; half
    of that is left for another job, such as a sweep beside a merge.
    """

    width = 5
    records = True

    def __init__(self, policies: Policies, clients: Clients, *, now: Now, wait: Wait) -> None:
        self._policies = policies
        self._clients = clients
        self._now = now
        self._wait = wait
        self._users: dict[tuple[str, str], User] = {}  # by identity store and user name
        self._brought: set[tuple[str, str]] = set()  # sets and accounts to which this job brought its denials

    def managed_targets(self) -> Sequence[Target]:
        """Return every account of the catalogue in each of its environments."""
        return targets_of(self._policies.catalogue)

    def observe(self, target: Target, claims: Claims) -> AccountState:
        """Read who is assigned what matters, and the sessions of those whose access has ended."""
        scene, calls = self._scene(target, claims), self._calls(target)
        sets = {ask.permission_set.arn for ask in scene.live} | {grant.permission_set for grant in scene.made}
        assigned = frozenset(grant for arn in sorted(sets) for grant in calls.assigned(arn))
        names = {ask.user for ask in scene.live if not scene.management and not scene.known(ask, assigned)}
        users = {name: self._user(target, calls, name) for name in sorted(names)}
        gone = {g.permission_set for g in scene.ended if g not in assigned and scene.ends_sessions(g)}
        found = {
            arn: SetState(calls.inline_policy(arn), self._provisioning(calls, scene.account, arn))
            for arn in sorted(gone)
        }
        return AccountState(scene.account, users, assigned, found)

    def plan(self, target: Target, state: AccountState, claims: Claims) -> Plan[AccountState]:
        """Return the difference to make; no calls."""
        return make_plan(target, self._scene(target, claims), state)

    def apply(self, plan: Plan[AccountState], reference: str) -> tuple[str, ...]:  # noqa: ARG002  # AWS keeps none
        """Revoke, end sessions, grant. TargetFault tells every failure after all else was done."""
        calls, before, after = self._calls(plan.target), plan.observed.assigned, plan.wanted.assigned
        attempts = Attempts()
        left = {g for g in sorted(before - after) if not attempts.make(partial(_revoke, calls, g))}
        ending = sorted(plan.wanted.ending - left)
        for arn in sorted({grant.permission_set for grant in ending}):
            people = [grant.principal for grant in ending if grant.permission_set == arn]
            attempts.make(partial(self._end_sessions, calls, plan.observed.account, arn, people))
        for grant in sorted(after - before):
            attempts.make(partial(_give, calls, grant))
        return attempts.evidence()

    def restore(self, plan: Plan[AccountState], reference: str) -> tuple[str, ...]:  # noqa: ARG002  # AWS keeps none
        """Revoke what the plan granted. What it revoked stays so: an ended access never comes back."""
        calls, attempts = self._calls(plan.target), Attempts()
        made = plan.wanted.assigned - plan.observed.assigned
        there = {grant for arn in sorted({g.permission_set for g in made}) for grant in calls.assigned(arn)}
        for grant in sorted(made & there):
            attempts.make(partial(_revoke, calls, grant))
        return attempts.evidence()

    def evidence(self, state: AccountState, claims: Claims) -> Sequence[str]:
        """Say who was read back to be assigned what, and whose sessions are denied."""
        return tuple(_evidence(set_scene(state.account, claims, self._policies), state))

    def strangers(self, target: Target, claims: Claims) -> Sequence[str]:
        """Name the assignments of permission sets kept for temporary access that no entry explains."""
        scene, calls = self._scene(target, claims), self._calls(target)
        explained = {record.grant for records in scene.records.values() for record in records}
        sets = sorted(sets_in(self._policies.catalogue, target.environment))
        there = [grant for arn in sets for grant in calls.assigned(arn) if grant not in explained]
        return tuple(
            f"User {grant.principal} has {scene.name_of(grant.permission_set)} in account {scene.account}, and no "
            f"entry says why."
            for grant in there
        )

    def housekeeping(self, target: Target, claims: Claims) -> tuple[str, ...]:
        """Take out denials of this account that have nothing left to deny, for the sweep; return evidence."""
        scene, calls = self._scene(target, claims), self._calls(target)
        attempts = Attempts()
        for found in sorted(scene.sets.values(), key=lambda found: found.arn):
            if found.ends_sessions:
                attempts.make(partial(self._clean, calls, scene.account, found))
        return tuple(done for done in attempts.evidence() if done)

    def _end_sessions(self, calls: DirectoryCalls, account: str, arn: str, people: list[str]) -> str:
        found = sets_of(self._policies.catalogue)[arn]
        if calls.provisioning(arn) is Provisioning.GONE:
            return f"{found.id} has no role in account {account} any more, so that no session of it goes on"
        moment = self._now() + _SECOND  # moments are written to the second, and none of this one may be missed
        self._brought.discard((arn, account))
        with self._clients.alone(arn):  # accounts share the policy, and none is put while it is provisioned
            try:
                policy = calls.inline_policy(arn).ending(account, people, moment, found.session)
            except TooLong as error:
                raise TargetFault(f"The sessions with {found.id} could not be ended: {error}.") from error
            put = calls.put_inline_policy(arn, policy)
            provisioned = calls.provision(arn)
        self._brought.add((arn, account))
        return (
            f"Sessions with {found.id} of {', '.join(people)} begun before {format_moment(moment)} are denied: "
            f"PutInlinePolicyToPermissionSet, AWS request {put}; ProvisionPermissionSet, AWS request {provisioned}"
        )

    def _provisioning(self, calls: DirectoryCalls, account: str, arn: str) -> Provisioning:
        """Tell whether the account has what this job put; what others put since does not matter to it."""
        found = calls.provisioning(arn)
        brought = found is Provisioning.OUTDATED and (arn, account) in self._brought
        return Provisioning.CURRENT if brought else found

    def _clean(self, calls: DirectoryCalls, account: str, found: PermissionSet) -> str:
        with self._clients.alone(found.arn):  # as above
            policy = calls.inline_policy(found.arn)
            kept = policy.without_past(account, self._now(), found.session)
            if kept == policy:
                return ""
            put = calls.put_inline_policy(found.arn, kept)
            if calls.provisioning(found.arn) is not Provisioning.GONE:
                calls.provision(found.arn)
        return f"{len(policy.denials) - len(kept.denials)} past denials of {found.id} taken out: AWS request {put}"

    def _user(self, target: Target, calls: DirectoryCalls, name: str) -> User:
        key = (self._directory(target).identity_store, name)
        if key not in self._users:
            self._users[key] = calls.user(name)
        return self._users[key]

    def _scene(self, target: Target, claims: Claims) -> Scene:
        return set_scene(_account(target), claims, self._policies)

    def _calls(self, target: Target) -> DirectoryCalls:
        return DirectoryCalls(self._clients, target.access, self._directory(target), _account(target), self._wait)

    def _directory(self, target: Target) -> Directory:
        return Directory.find(self._policies.catalogue, target.environment)


def _account(target: Target) -> str:
    return target.lock.removeprefix("sso/")


def _give(calls: DirectoryCalls, grant: Grant) -> str:
    return f"CreateAccountAssignment to {grant.principal}: AWS request {calls.create(grant)}"


def _revoke(calls: DirectoryCalls, grant: Grant) -> str:
    return f"DeleteAccountAssignment from {grant.principal}: AWS request {calls.delete(grant)}"


def _evidence(scene: Scene, state: AccountState) -> Iterator[str]:
    for grant in sorted(state.assigned):
        names = [r.user for records in scene.records.values() for r in records if r.grant == grant]
        if names:
            yield f"{names[0]} ({grant.principal}) has {scene.name_of(grant.permission_set)} in {scene.account}"
    for grant in sorted(scene.ended.keys() - state.assigned):
        name = scene.name_of(grant.permission_set)
        yield f"{scene.user_of(grant)} ({grant.principal}) no longer has {name} in {scene.account}"
