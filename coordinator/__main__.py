"""The coordinator's command line. Each command imports what it needs, so that `--help` is quick."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

from coordinator.commands.audit import audit
from coordinator.commands.queue import queue
from sallyport.problems import Problems

if TYPE_CHECKING:
    from sallyport.policies import Policies
    from sallyport.whatif.cases import Case


@click.group()
def main() -> None:
    """Self-service infrastructure from Slack: the service, and its operators' tools."""


main.add_command(audit)
main.add_command(queue)


@main.command()
def serve() -> None:
    """Run the coordinator until it is told to stop (SIGTERM, SIGINT)."""
    from coordinator.serving import run

    try:
        run(os.environ)
    except (Problems, ValueError) as error:
        raise click.ClickException(f"the coordinator cannot start:\n{error}") from None


@main.group()
def policies() -> None:
    """Look at the policies of this checkout."""


_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@policies.command()
@click.argument("folder", type=_FOLDER, default=Path("policies"))
def check(folder: Path) -> None:
    """Check every policy file and example case, and print all problems in one pass."""
    loaded, _ = _with_cases(folder)
    click.echo(f"{len(loaded.flows)} flows, {len(loaded.people.persons)} people: all policies hold together.")


@policies.command("test")
@click.argument("folder", type=_FOLDER, default=Path("policies"))
def try_cases(folder: Path) -> None:
    """Try the example cases of policies/cases/ and print all that policy answers otherwise than expected."""
    from sallyport.whatif.cases import failures

    loaded, cases = _with_cases(folder)
    if found := failures(cases, loaded):
        click.echo("\n".join(map(str, found)), err=True)
        sys.exit(1)
    untried = sorted(loaded.flows.keys() - {case.flow for case in cases})
    tail = f" No case tries {', '.join(untried)}." if untried else ""
    click.echo(f"{len(cases)} cases: policy says what they expect.{tail}")


@policies.command()
@click.argument("flow")
@click.option("--as", "requester", required=True, metavar="EMAIL", help="Who asks.")
@click.option(
    "--answer", "answers", multiple=True, metavar="NAME=VALUE", help="An answer of the form; repeatable."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")
@click.option("--folder", type=_FOLDER, default=Path("policies"), help="Where the policies are.")
def explain(flow: str, requester: str, answers: tuple[str, ...], as_json: bool, folder: Path) -> None:  # noqa: FBT001 - click's
    """Explain what policy says when EMAIL asks for FLOW; the form may be answered in part."""
    from sallyport.problems import nearest
    from sallyport.whatif import machine_readable, sentences
    from sallyport.whatif.explaining import explain as explained
    from sallyport.whatif.verdicts import unknown_answers

    loaded = _policies(folder)
    if flow not in loaded.flows:
        raise click.ClickException(f"there is no flow {flow}; {nearest(flow, loaded.flows)}")
    given = _pairs(answers)
    if wrong := list(unknown_answers(loaded.flows[flow], given)):
        raise click.ClickException("\n".join(problem.sentence for problem in wrong))
    explanation = explained(loaded, loaded.flows[flow], requester, given)
    if as_json:
        click.echo(json.dumps(machine_readable.mapping(explanation), indent=2, ensure_ascii=False))
    else:
        click.echo(sentences.text(explanation), nl=False)


@policies.command()
@click.argument("old", type=_FOLDER)
@click.argument("new", type=_FOLDER)
def reach(old: Path, new: Path) -> None:
    """Print, as Markdown, who may do more or less under the policies in NEW than under those in OLD."""
    from sallyport.whatif.comparing import compare
    from sallyport.whatif.report import markdown

    click.echo(markdown(compare(_policies(old), _policies(new))), nl=False)


def _policies(folder: Path) -> Policies:
    from sallyport.policies import load_policies, read_folder

    try:
        return load_policies(read_folder(folder))
    except Problems as error:
        raise click.ClickException(f"the policies in {folder} are broken:\n{error}") from None


def _with_cases(folder: Path) -> tuple[Policies, tuple[Case, ...]]:
    from sallyport.policies import load_policies, read_folder
    from sallyport.whatif.cases import read_cases

    files = read_folder(folder)
    try:
        loaded = load_policies(files)
        return loaded, read_cases(files, loaded)
    except Problems as error:
        click.echo(str(error), err=True)
        sys.exit(1)


def _pairs(answers: tuple[str, ...]) -> dict[str, str]:
    pairs = {}
    for answer in answers:
        name, is_pair, value = answer.partition("=")
        if not is_pair:
            raise click.BadParameter(f"“{answer}” is not NAME=VALUE", param_hint="--answer")
        pairs[name.strip()] = value
    return pairs


@main.group()
def keys() -> None:
    """Make and publish the keys that attest entries."""


@keys.command()
def new() -> None:
    """Print a new private key for COORDINATOR_SIGNING_KEY."""
    from sallyport.attestations import new_key_pair

    click.echo(new_key_pair()[0], nl=False)


@keys.command()
@click.argument("private", type=click.File("r"), default="-")
def public(private: TextIO) -> None:
    """Print the public half of PRIVATE (a file, or standard input) for policies/keys/<id>.pem."""
    from sallyport.attestations import public_half

    click.echo(public_half(private.read()), nl=False)


@main.command()
@click.option("--request-url", default="", help="Address of /slack/events; leave it out for Socket Mode.")
def manifest(request_url: str) -> None:
    """Print the Slack app manifest for the flows of this checkout."""
    from coordinator.slack.manifest import manifest_yaml
    from sallyport.policies import load_policies, read_folder

    click.echo(manifest_yaml(load_policies(read_folder(Path("policies"))), request_url), nl=False)


if __name__ == "__main__":
    main()
