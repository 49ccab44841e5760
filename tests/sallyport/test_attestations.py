"""Attestations: a signature holds for exactly one content, under a key that policies publish, and nothing else."""

from __future__ import annotations

import base64
from dataclasses import fields, replace

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, x25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from sallyport.attestations import new_key_pair, public_half, read_public_key, read_signer, refusal
from sallyport.entries import Attestation, Entry, parse_entry
from tests.sallyport.examples import entries, entry, policies

PRIVATE, PUBLIC = new_key_pair()
OTHER_PRIVATE, OTHER_PUBLIC = new_key_pair()
KEYS = {"2026-10": read_public_key(OTHER_PUBLIC.encode()), "2026-11": read_public_key(PUBLIC.encode())}
SIGNER = read_signer(PRIVATE, KEYS)
CHANGED = "its content is not what was approved and signed"

_curve = ec.generate_private_key(ec.SECP256R1())
_exchange = x25519.X25519PrivateKey.generate()


def private_pem(key: ec.EllipticCurvePrivateKey | x25519.X25519PrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def public_pem(key: ec.EllipticCurvePublicKey | x25519.X25519PublicKey) -> str:
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def encrypted_pem() -> str:
    key = load_pem_private_key(PRIVATE.encode(), password=None)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")).decode()


class TestASignature:
    @settings(max_examples=50)
    @given(entries)
    def test_holds_for_what_was_signed_also_after_the_file(self, some: Entry) -> None:
        signed = SIGNER.sign(some)
        assert refusal(signed, KEYS) is None
        assert replace(signed, attestation=None) == replace(some, attestation=None)
        read = parse_entry(signed.to_yaml().encode(), signed.path, policies().schemas)
        assert refusal(read, KEYS) is None

    @settings(max_examples=50)
    @given(
        entries, entries, st.sampled_from([field.name for field in fields(Entry) if field.name != "attestation"])
    )
    def test_breaks_with_any_edit(self, some: Entry, other: Entry, field: str) -> None:
        signed = SIGNER.sign(some)
        edited = replace(signed, **{field: getattr(other, field)})
        assert refusal(edited, KEYS) == (None if edited == signed else CHANGED)

    @settings(max_examples=50)
    @given(st.integers(0, 511))
    def test_breaks_with_any_bit_of_itself(self, bit: int) -> None:
        signed = SIGNER.sign(entry())
        assert signed.attestation is not None
        raw = bytearray(base64.b64decode(signed.attestation.signature))
        raw[bit // 8] ^= 1 << bit % 8
        forged = replace(signed.attestation, signature=base64.b64encode(raw).decode())
        assert refusal(replace(signed, attestation=forged), KEYS) == CHANGED

    @pytest.mark.parametrize("garbage", ["", "=", "AAAA", "not base64", "é", "\x00", "A" * 128, "🚀", "AAAA\n"])
    def test_that_is_garbage_proves_nothing(self, garbage: str) -> None:
        assert refusal(entry(attestation=Attestation("2026-11", garbage)), KEYS) == CHANGED

    def test_of_one_entry_proves_nothing_for_another(self) -> None:
        stolen = SIGNER.sign(entry()).attestation
        assert refusal(entry(id="aw-222222", attestation=stolen), KEYS) == CHANGED

    def test_by_another_published_key_than_it_names_proves_nothing(self) -> None:
        signed = SIGNER.sign(entry())
        assert signed.attestation is not None
        assert refusal(replace(signed, attestation=replace(signed.attestation, key="2026-10")), KEYS) == CHANGED

    def test_by_a_key_that_is_not_published_any_more_proves_nothing(self) -> None:
        assert refusal(SIGNER.sign(entry()), {}) == (
            "its attestation names the key “2026-11”, which policies/keys/ does not publish"
        )

    def test_that_is_missing_is_said_to_be(self) -> None:
        assert refusal(entry(), KEYS) == "it carries no attestation of the coordinator"

    def test_replaces_an_older_one(self) -> None:
        older = read_signer(OTHER_PRIVATE, KEYS).sign(entry())
        assert older.attestation is not None
        assert older.attestation.key == "2026-10"
        assert SIGNER.sign(older) == SIGNER.sign(entry())


class TestASigningKey:
    def test_is_known_by_the_id_under_which_it_is_published(self) -> None:
        assert SIGNER.key_id == "2026-11"
        assert read_signer(OTHER_PRIVATE, KEYS).key_id == "2026-10"

    def test_that_is_not_published_is_refused_with_what_to_do(self) -> None:
        with pytest.raises(ValueError, match="merge it there first"):
            read_signer(PRIVATE, {"2026-10": KEYS["2026-10"]})

    @pytest.mark.parametrize(
        "pem",
        [
            *("", "garbage", PUBLIC, PRIVATE.replace("PRIVATE", "SECRET"), PRIVATE[:60], "é"),
            *(encrypted_pem(), private_pem(_curve), private_pem(_exchange)),
        ],
        ids=(
            "empty",
            "garbage",
            "public",
            "of-another-kind",
            "cut",
            "not-ascii",
            "encrypted",
            "a-curve",
            "exchange",
        ),
    )
    def test_that_is_none_is_refused_with_how_to_make_one(self, pem: str) -> None:
        for read in (lambda: read_signer(pem, KEYS), lambda: public_half(pem)):
            with pytest.raises(ValueError, match="Ed25519 private key in PEM without a passphrase; make one with"):
                read()

    def test_has_one_public_half(self) -> None:
        assert public_half(PRIVATE) == PUBLIC
        assert PRIVATE not in {PUBLIC, OTHER_PRIVATE}


@pytest.mark.parametrize(
    "pem",
    ["", "garbage", PRIVATE, public_pem(_curve.public_key()), PUBLIC[:50]],
    ids=("empty", "garbage", "private", "a-curve", "cut"),
)
def test_a_published_key_that_is_none_is_refused(pem: str) -> None:
    with pytest.raises(ValueError, match="not an Ed25519 public key in PEM"):
        read_public_key(pem.encode())
