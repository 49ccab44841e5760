"""Policies as the repository's main branch has them: a merged change is in force without a deploy.

A broken version never replaces a good one; the operators are told, once for each version.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog

from coordinator.alerts import Kind
from coordinator.head import Head
from sallyport.attestations import Signer, read_signer
from sallyport.platforms.github import GitHub
from sallyport.policies import FOLDER, Policies, load_policies
from sallyport.problems import Problems

log = structlog.get_logger()

POLICIES = Kind.POLICIES.about("main")


class PolicySource:
    """The policies in force, with the signing key matched to what they publish."""

    def __init__(self, github: GitHub, head: Head, signing_key: str, alert: Callable[[str, str], None]) -> None:
        self._github = github
        self._head = head
        self._signing_key = signing_key
        self._alert = alert
        self._blobs: dict[str, bytes] = {}
        self._files: dict[str, bytes] = {}  # of the version in force
        self._seen = ""
        self._lock = threading.Lock()
        self._current: tuple[Policies, Signer] | None = None
        self.fault = ""  # what is wrong with the newest version, a whole sentence

    def current(self) -> Policies:
        """Return the policies in force; RuntimeError before the first good version was read."""
        return self._good()[0]

    def signer(self) -> Signer:
        """Return the key that policies publish."""
        return self._good()[1]

    @property
    def is_ready(self) -> bool:
        return self._current is not None

    def refresh(self) -> None:
        """Read what changed since the last look. Problems, or ValueError for the key, if it is not usable."""
        with self._lock:
            head = self._head.latest()
            if head == self._seen:
                return
            files = self._read(head)
            self._seen = head
            if files != self._files:  # most commits bring entries and leave policies alone
                policies = load_policies(files, head)
                self._current = policies, read_signer(self._signing_key, policies.keys)
                self._files = files
                log.info("policies.loaded", version=head, flows=sorted(policies.flows))
            self.fault = ""

    def keep_fresh(self) -> None:
        """Refresh, and keep the version in force when the new one is broken or GitHub is away."""
        try:
            self.refresh()
        except (Problems, ValueError) as error:
            log.error("policies.broken", error=str(error))  # noqa: TRY400 - the sentence says it all
            self.fault = f"The policies on main are broken; the last good version stays in force.\n{error}"
            self._alert(POLICIES, self.fault)
        except Exception as error:
            log.warning("policies.unreachable", error=str(error))

    def _good(self) -> tuple[Policies, Signer]:
        if self._current is None:
            raise RuntimeError("no policies have been read yet")
        return self._current

    def _read(self, head: str) -> dict[str, bytes]:
        tree = self._github.tree(head, FOLDER)
        self._blobs = {
            sha: self._blobs[sha] if sha in self._blobs else self._github.blob(sha) for sha in set(tree.values())
        }
        return {path.removeprefix(f"{FOLDER}/"): self._blobs[sha] for path, sha in tree.items()}
