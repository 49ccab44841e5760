"""Stands for aws-actions/configure-aws-credentials: the job's identity for an AWS role, through STS.

The identity token is unsigned, for a stand-in of AWS on loopback; its claims are those that GitHub sends.
"""

from __future__ import annotations

import base64
import json
import os
import re
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

NAMES = {
    "AccessKeyId": "AWS_ACCESS_KEY_ID",
    "SecretAccessKey": "AWS_SECRET_ACCESS_KEY",
    "SessionToken": "AWS_SESSION_TOKEN",
}


def main() -> None:
    facts = json.loads(Path(os.environ["STUB_FACTS"]).read_text())
    job = facts["jobs"][os.environ["GITHUB_JOB"]]
    if not job["id-token"]:
        sys.exit("::error::Credentials could not be loaded: the job has no permission id-token: write")
    role, region, session = required("ROLE_TO_ASSUME"), required("AWS_REGION"), required("ROLE_SESSION_NAME")
    if not re.fullmatch(r"[\w+=,.@-]{2,64}", session):
        sys.exit(f"::error::role-session-name {session!r} must be 2 to 64 of letters, digits and +=,.@-_")
    keys = assume(role, session, token(facts, job))
    with Path(os.environ["GITHUB_ENV"]).open("a") as environment:
        for name, value in {**keys, "AWS_REGION": region, "AWS_DEFAULT_REGION": region}.items():
            environment.write(f"{name}={value}\n")


def required(name: str) -> str:
    value = os.environ[f"INPUT_{name}"]
    if not value:
        sys.exit(f"::error::Input required and not supplied: {name.lower().replace('_', '-')}")
    return value


def token(facts: dict[str, Any], job: dict[str, Any]) -> str:
    """An identity token with GitHub's claims; the subject has the form of repositories made after 2026-07-15."""
    owner, name = facts["repository"].split("/")
    elsewhere = "pull_request" if facts["event"] == "pull_request" else f"ref:{facts['ref']}"
    scope = f"environment:{job['environment']}" if job["environment"] else elsewhere
    claims = {
        "iss": "https://token.actions.githubusercontent.com",
        "aud": "sts.amazonaws.com",
        "sub": f"repo:{owner}@1/{name}@1:{scope}",
        "exp": int(time.time()) + 300,
        "repository": facts["repository"],
        "ref": facts["ref"],
        "sha": facts["sha"],
        "event_name": facts["event"],
        "actor": facts["actor"],
        "run_id": os.environ["GITHUB_RUN_ID"],
        "job_workflow_ref": f"{facts['repository']}/{facts['workflow']}@{facts['ref']}",
        **({"environment": job["environment"]} if job["environment"] else {}),
    }
    return ".".join([encoded({"alg": "none", "typ": "JWT"}), encoded(claims), "sandbox"])


def encoded(part: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


def assume(role: str, session: str, identity: str) -> dict[str, str]:
    parameters = {
        "Action": "AssumeRoleWithWebIdentity",
        "Version": "2011-06-15",
        "RoleArn": role,
        "RoleSessionName": session,
        "DurationSeconds": os.environ["INPUT_ROLE_DURATION_SECONDS"],
        "WebIdentityToken": identity,
    }
    url = os.environ.get("AWS_ENDPOINT_URL_STS") or os.environ["AWS_ENDPOINT_URL"]
    try:
        with urllib.request.urlopen(url, urllib.parse.urlencode(parameters).encode(), timeout=30) as answer:
            found = ElementTree.fromstring(answer.read()).iter()
    except urllib.error.HTTPError as error:
        sys.exit(f"::error::Could not assume role with OIDC: {error.read().decode(errors='replace')}")
    texts = {element.tag.rpartition("}")[2]: element.text or "" for element in found}
    for secret in ("SecretAccessKey", "SessionToken"):
        print(f"::add-mask::{texts[secret]}")
    return {NAMES[name]: texts[name] for name in NAMES}


if __name__ == "__main__":
    main()
