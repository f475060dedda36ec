"""Most tests hash cheaply. In life a hash costs what OWASP recommends at least, for an unknown patron too."""

from __future__ import annotations

import pytest
from argon2 import PasswordHasher, extract_parameters

from tests.support.cheap_hashes import HASHERS_IN_LIFE, NOBODY_IN_LIFE


@pytest.mark.parametrize("hasher", HASHERS_IN_LIFE, ids=["staff", "patrons"])
def test_a_hash_is_dear(hasher: PasswordHasher) -> None:
    found = extract_parameters(hasher.hash("hvit lavendel ved havet"))

    assert (found.type.name, found.time_cost, found.memory_cost, found.parallelism) == ("ID", 2, 19_456, 1)


def test_who_is_not_known_is_refused_as_slowly() -> None:
    assert not HASHERS_IN_LIFE[1].check_needs_rehash(NOBODY_IN_LIFE)
