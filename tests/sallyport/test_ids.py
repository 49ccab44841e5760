"""Request ids: short, ours, and hard to misread."""

from __future__ import annotations

import pytest

from sallyport.ids import ALPHABET, is_id, new_id


def test_a_new_id_begins_with_the_flows_letters_and_is_an_id() -> None:
    made = {new_id("aw") for _ in range(200)}
    assert all(made_id.startswith("aw-") and is_id(made_id) for made_id in made)
    assert len(made) == 200


def test_no_letter_of_an_id_can_be_taken_for_another() -> None:
    assert not set("0o1ilu") & set(ALPHABET)


@pytest.mark.parametrize(
    "text",
    [
        *("", "aw", "aw-", "aw-7k3m9", "aw-7k3m9qq", "AW-7K3M9Q", "aw-7k3m9Q", "a-7k3m9q", "aww-7k3m9q"),
        *("aw_7k3m9q", " aw-7k3m9q", "aw-7k3m9q\n", "aw-7k3m90", "aw-7k3m9l", "OPS-142", "aw-../..", "aw-7k3m9９"),
    ],
)
def test_what_only_resembles_an_id_is_none(text: str) -> None:
    assert not is_id(text)
