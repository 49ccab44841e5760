"""The change of a production access: one permission set in one account for the person who asks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar, Self

from sallyport.catalogue import Catalogue
from sallyport.changes.protocol import Access
from sallyport.documents import JSON
from sallyport.flows import ENVIRONMENT
from sallyport.problems import Problem, Problems
from sallyport.times import parse_duration, say_duration

ACCOUNTS, PERMISSION_SETS, DIRECTORY = "accounts", "permission-sets", "identity-center"


@dataclass(frozen=True, slots=True)
class PermissionSet:
    """A permission set of IAM Identity Center."""

    id: str
    arn: str
    ends_sessions: bool  # deny the person's running sessions when the access ends
    session: timedelta  # how long a session can live: after that the denial can be cleaned up

    @classmethod
    def find(cls, catalogue: Catalogue, name: str, environment: str) -> PermissionSet:
        item, facts = catalogue.item(PERMISSION_SETS, name, environment)
        session = parse_duration(str(facts.get("session", "1h")))
        return cls(item.id, str(facts["arn"]), facts.get("ends_sessions") is True, session)


@dataclass(frozen=True, slots=True)
class Directory:
    """The Identity Center instance; it lives in one region and is changed from one account."""

    instance: str
    identity_store: str
    access: Access

    @classmethod
    def find(cls, catalogue: Catalogue, environment: str) -> Directory:
        _, facts = catalogue.item(DIRECTORY, "main", environment)
        reader = str(facts.get("reader", ""))
        access = Access(str(facts["account"]), str(facts["region"]), str(facts["role"]), reader)
        return cls(str(facts["instance"]), str(facts["identity_store"]), access)


@dataclass(frozen=True, slots=True)
class ProdAccess:
    """The requester of the entry gets *permission_set* in the account that the catalogue calls *account*."""

    title_says_where: ClassVar[bool] = True  # it names the account

    account: str
    permission_set: str

    @classmethod
    def from_answers(cls, answers: Mapping[str, str], catalogue: Catalogue) -> Self:
        change = cls(answers.get("account", ""), answers.get("permission_set", ""))
        if found := change.problems(answers.get(ENVIRONMENT, ""), catalogue):
            raise Problems(found)
        return change

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, JSON]) -> Self:
        return cls(str(mapping["account"]), str(mapping["permission_set"]))

    def to_mapping(self) -> dict[str, JSON]:
        return {"account": self.account, "permission_set": self.permission_set}

    def problems(self, environment: str, catalogue: Catalogue) -> Sequence[Problem]:
        found: list[Problem] = []
        for field, name, value in (
            ("account", ACCOUNTS, self.account),
            ("permission_set", PERMISSION_SETS, self.permission_set),
        ):
            try:
                catalogue.item(name, value, environment)
            except LookupError as error:
                found.append(Problem(str(error), field=field))
        return found

    def account_id(self, environment: str, catalogue: Catalogue) -> str:
        """Return the 12 digits of the AWS account."""
        _, facts = catalogue.item(ACCOUNTS, self.account, environment)
        return str(facts["account"])

    def lock(self, environment: str, catalogue: Catalogue) -> str:
        return f"sso/{self.account_id(environment, catalogue)}"

    def access(self, environment: str, catalogue: Catalogue) -> Access:
        return Directory.find(catalogue, environment).access

    def owners(self, catalogue: Catalogue) -> frozenset[str]:
        item = catalogue.lists.get(ACCOUNTS, {}).get(self.account)
        return item.owners if item else frozenset()

    def title(self, catalogue: Catalogue) -> str:
        return f"{self._set_title(catalogue)} in {self._account_title(catalogue)}"

    def details(self, catalogue: Catalogue) -> Sequence[tuple[str, str]]:
        return (("Account", self._account_title(catalogue)), ("Permission set", self._set_title(catalogue)))

    def effect(self, environment: str, catalogue: Catalogue) -> str:
        account = self.account_id(environment, catalogue)
        title = self._set_title(catalogue)
        found = PermissionSet.find(catalogue, self.permission_set, environment)
        after = f"may go on for up to {say_duration(found.session)}"
        sessions = "are ended too" if found.ends_sessions else after
        return (
            f"The requester can sign in to account {account} with the permission set {title}. "
            f"Sessions that still run when it ends {sessions}."
        )

    def undo(self) -> str:
        return "When it ends, the assignment is removed."

    def _account_title(self, catalogue: Catalogue) -> str:
        item = catalogue.lists.get(ACCOUNTS, {}).get(self.account)
        return item.title if item else self.account

    def _set_title(self, catalogue: Catalogue) -> str:
        item = catalogue.lists.get(PERMISSION_SETS, {}).get(self.permission_set)
        return item.title if item else self.permission_set
