"""boto3 clients for the stand-in, for tests and for people at a prompt. The product makes its own.

No retries: a test wants to see the first answer.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from sandbox.aws.world import REGION

PROD_APPLY = "AKIASANDBOXPRODAPPLY"
PROD_PLAN = "AKIASANDBOXPRODPLAN0"
NONPROD_APPLY = "AKIASANDBOXTESTAPPLY"
NONPROD_PLAN = "AKIASANDBOXTESTPLAN0"


def client(
    url: str,
    service: str,
    key_id: str = PROD_APPLY,
    *,
    region: str = REGION,
    session: tuple[str, str] | None = None,
) -> Any:
    """A client that signs with `key_id`; `session` is the secret and the token of temporary keys."""
    from botocore.config import Config

    secret, token = session or ("not-a-secret", None)
    return _session().client(
        service,
        endpoint_url=url,
        region_name=region,
        aws_access_key_id=key_id,
        aws_secret_access_key=secret,
        aws_session_token=token,
        config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
    )


@cache
def _session() -> Any:
    import boto3

    return boto3.Session()
