"""REST calls about the repository: branches, refs, trees, blobs, contents, commits, comparisons, check runs."""

from __future__ import annotations

from collections.abc import Callable

from sandbox.github.answers import Answers
from sandbox.github.checks import CheckError, CheckRuns
from sandbox.github.repository import Commit, Repository
from sandbox.github.rest import Answer, Call, Endpoint, Refusal, not_found, paged


class GitCalls:
    def __init__(self, repository: Repository, checks: CheckRuns, answers: Callable[[], Answers]) -> None:
        self._repository = repository
        self._checks = checks
        self._answers = answers

    def endpoints(self) -> list[Endpoint]:
        return [
            Endpoint("GET", "", self.repository),
            Endpoint("GET", "/branches/{branch:path}", self.branch, "contents"),
            Endpoint("GET", "/git/ref/{ref:path}", self.ref, "contents"),
            Endpoint("GET", "/git/refs/{ref:path}", self.ref, "contents"),
            Endpoint("POST", "/git/refs", self.create_ref, "contents", "write"),
            Endpoint("DELETE", "/git/refs/{ref:path}", self.delete_ref, "contents", "write"),
            Endpoint("GET", "/git/trees/{sha:path}", self.tree, "contents", query=frozenset({"recursive"})),
            Endpoint("GET", "/git/blobs/{sha}", self.blob, "contents"),
            Endpoint("GET", "/contents", self.contents, "contents", query=frozenset({"ref"})),
            Endpoint("GET", "/contents/{path:path}", self.contents, "contents", query=frozenset({"ref"})),
            Endpoint("GET", "/compare/{range:path}", self.compare, "contents", paged=True),
            Endpoint("GET", "/commits", self.commits, "contents", query=frozenset({"path", "sha"}), paged=True),
            Endpoint(
                "GET",
                "/commits/{ref:path}/check-runs",
                self.check_runs,
                "checks",
                query=frozenset({"check_name", "filter", "status"}),
                paged=True,
            ),
            Endpoint("GET", "/commits/{ref:path}", self.commit, "contents", paged=True),
            Endpoint("POST", "/check-runs", self.create_check_run, "checks", "write"),
            Endpoint("PATCH", "/check-runs/{number:int}", self.update_check_run, "checks", "write"),
        ]

    def repository(self, call: Call) -> Answer:
        levels = {"pull": call.token.may("contents", "read"), "push": call.token.may("contents", "write")}
        return Answer(self._answers().repository(self._repository.default_branch, levels))

    def branch(self, call: Call) -> Answer:
        name = call.path["branch"]
        head = self._repository.head(name)
        if head is None:
            not_found("Branch not found")
        commit = self._repository.commit(head)
        return Answer(self._answers().branch(name, commit, signed=self._repository.is_signed(head)))

    def ref(self, call: Call) -> Answer:
        full = f"refs/{call.path['ref'].removeprefix('refs/')}"
        sha = self._repository.ref(full)
        if sha is None:
            not_found()
        return Answer(self._answers().ref(full, sha))

    def create_ref(self, call: Call) -> Answer:
        """Begin a branch; the stand-in makes no other ref."""
        body = call.body if isinstance(call.body, dict) else {}
        full, sha = str(body.get("ref", "")), str(body.get("sha", ""))
        if set(body) != {"ref", "sha"} or not full.startswith("refs/heads/"):
            raise Refusal(422, "Reference name must start with 'refs/heads/' here, and a sha is needed")
        if self._repository.ref(full) is not None:
            raise Refusal(422, "Reference already exists")
        if self._repository.resolve(sha) != sha:
            raise Refusal(422, "Object does not exist")
        self._repository.point(full, sha)
        return Answer(self._answers().ref(full, sha), 201)

    def delete_ref(self, call: Call) -> Answer:
        full = f"refs/{call.path['ref']}"
        if self._repository.ref(full) is None or full == f"refs/heads/{self._repository.default_branch}":
            raise Refusal(422, "Reference does not exist")
        self._repository.drop(full)
        return Answer(None, 204)

    def tree(self, call: Call) -> Answer:
        sha = self._repository.tree_sha(call.path["sha"])
        if sha is None:
            not_found()
        recursive = "recursive" in call.query  # any value counts, as on GitHub
        return Answer(self._answers().tree(sha, self._repository.tree(sha, recursive=recursive)))

    def blob(self, call: Call) -> Answer:
        content = self._repository.blob(call.path["sha"])
        if content is None:
            not_found()
        return Answer(self._answers().blob(call.path["sha"], content))

    def contents(self, call: Call) -> Answer:
        ref = call.query.get("ref", self._repository.default_branch)
        sha = self._repository.resolve(ref)
        if sha is None:
            not_found(f"No commit found for the ref {ref}")
        path = call.path.get("path", "").strip("/")
        if not path:
            return self._folder(sha, ref, "")
        entry = self._repository.entry(sha, path)
        if entry is None:
            not_found()
        if entry.type == "tree":
            return self._folder(sha, ref, path)
        return Answer(self._answers().content(entry, path, ref, self._repository.blob(entry.sha)))

    def _folder(self, sha: str, ref: str, path: str) -> Answer:
        entries = self._repository.tree(f"{sha}:{path}")
        prefix = f"{path}/" if path else ""
        return Answer([self._answers().content(entry, prefix + entry.path, ref, None) for entry in entries])

    def commit(self, call: Call) -> Answer:
        """Without its files, whose pages PyGithub asks for: nobody here reads them."""
        return Answer(self._shown(self._found(call.path["ref"])))

    def commits(self, call: Call) -> Answer:
        start = self._found(call.query.get("sha", self._repository.default_branch))
        found = self._repository.log(start.sha, path=call.query.get("path", ""))
        return paged(call, found, lambda page: [self._shown(commit) for commit in page])

    def compare(self, call: Call) -> Answer:
        base, dots, head = call.path["range"].partition("...")
        if not dots:
            not_found()
        shas = self._found(base, 404).sha, self._found(head, 404).sha
        return Answer(self._answers().comparison(base, head, *self._repository.ahead_behind(*shas)))

    def _found(self, name: str, status: int = 422) -> Commit:
        sha = self._repository.resolve(name)
        if sha is None:
            raise Refusal(status, "Not Found" if status == 404 else f"No commit found for SHA: {name}")
        return self._repository.commit(sha)

    def _shown(self, commit: Commit) -> object:
        return self._answers().commit(commit, signed=self._repository.is_signed(commit.sha))

    # -- check runs --------------------------------------------------------------------------------------

    def create_check_run(self, call: Call) -> Answer:
        if isinstance(call.body, dict) and "head_sha" in call.body:
            self._found(str(call.body["head_sha"]))
        try:
            return Answer(self._answers().check_run(self._checks.create(call.body, call.token.app)), 201)
        except CheckError as error:
            raise Refusal(422, str(error)) from error

    def update_check_run(self, call: Call) -> Answer:
        try:
            updated = self._checks.update(int(call.path["number"]), call.body)
        except CheckError as error:
            raise Refusal(422, str(error)) from error
        if updated is None:
            not_found()
        return Answer(self._answers().check_run(updated))

    def check_runs(self, call: Call) -> Answer:
        sha = self._found(call.path["ref"]).sha
        wanted = call.query.get("filter", "latest")
        if wanted not in {"latest", "all"}:
            raise Refusal(422, "filter is latest or all")
        name, status = call.query.get("check_name", ""), call.query.get("status", "")
        found = self._checks.of(sha, name=name, status=status, latest=wanted == "latest")
        shown = [self._answers().check_run(run) for run in found]
        return paged(call, shown, lambda page: {"total_count": len(shown), "check_runs": page})
