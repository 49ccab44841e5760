"""Ed25519 signatures that prove to a job that an entry is what the coordinator recorded as approved.

Public keys stand in `policies/keys/<id>.pem` on the main branch; a key is retired by deleting its file.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, replace

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from sallyport.entries import Attestation, Entry

PublicKeys = Mapping[str, Ed25519PublicKey]


@dataclass(frozen=True, slots=True)
class Signer:
    """The coordinator's private key with the id under which its public half is published."""

    key_id: str
    key: Ed25519PrivateKey

    def sign(self, entry: Entry) -> Entry:
        """Return *entry* with its attestation."""
        signature = base64.b64encode(self.key.sign(entry.signed_bytes())).decode()
        return replace(entry, attestation=Attestation(self.key_id, signature))


def read_signer(private_pem: str, published: PublicKeys) -> Signer:
    """Match a private key with its published half; ValueError if it is none, or policies do not publish it."""
    key = _read_private_key(private_pem)
    mine = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    for key_id, public in published.items():
        if public.public_bytes(Encoding.Raw, PublicFormat.Raw) == mine:
            return Signer(key_id, key)
    raise ValueError(
        "the signing key's public half is not in policies/keys/; merge it there first (“coordinator keys public”)"
    )


def read_public_key(pem: bytes) -> Ed25519PublicKey:
    """Read a published key; ValueError if it is not an Ed25519 public key in PEM."""
    try:
        key = load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError("this is not an Ed25519 public key in PEM; “coordinator keys public” prints one")  # noqa: TRY004
    return key


def refusal(entry: Entry, keys: PublicKeys) -> str | None:
    """Say why the attestation of *entry* proves nothing; None if it holds."""
    attestation = entry.attestation
    if attestation is None:
        return "it carries no attestation of the coordinator"
    key = keys.get(attestation.key)
    if key is None:
        return f"its attestation names the key “{attestation.key}”, which policies/keys/ does not publish"
    try:
        key.verify(base64.b64decode(attestation.signature, validate=True), entry.signed_bytes())
    except (InvalidSignature, ValueError):  # ValueError: not even base64
        return "its content is not what was approved and signed"
    return None


def new_key_pair() -> tuple[str, str]:
    """Return a new private and public key, both in PEM."""
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return private.decode(), public_half(private.decode())


def public_half(private_pem: str) -> str:
    """Return the public key of a private one, in PEM; ValueError if that is not an Ed25519 key."""
    public = _read_private_key(private_pem).public_key()
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def _read_private_key(pem: str) -> Ed25519PrivateKey:
    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):  # TypeError: it is encrypted
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError(  # noqa: TRY004
            "the signing key is not an Ed25519 private key in PEM without a passphrase; "
            "make one with “coordinator keys new”"
        )
    return key
