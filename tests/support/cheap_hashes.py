"""Hashes of passwords at a thousandth of their cost: most tests sign somebody in, and few are about that."""

from __future__ import annotations

from argon2 import PasswordHasher

from adapters.library.embedded import patrons
from gateway.services.people import passwords

HASHERS_IN_LIFE = (passwords._hasher, patrons._hasher)
NOBODY_IN_LIFE = patrons.HASH_OF_NOBODY

_HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


def hash_cheaply() -> None:
    """From now on, in this process. An installation that was made by it can be served by another process."""
    passwords._hasher = _HASHER
    patrons._hasher = _HASHER
    patrons.HASH_OF_NOBODY = _HASHER.hash("no patron has this password")
