"""PINs and passwords, hashed with argon2id."""

from __future__ import annotations

import asyncio

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
"""The parameters that OWASP recommends at least: some 20 ms, and little memory where many sign in at once."""


def hash_pin(secret: str) -> str:
    return _hasher.hash(secret)


async def hash_secret(secret: str) -> str:
    return await asyncio.to_thread(hash_pin, secret)


class Verifier:
    """Checks secrets off the event loop. Where no hash is known it works as long, so that time tells nothing."""

    def __init__(self) -> None:
        self._nobody = hash_pin("no patron has this secret")

    async def fits(self, secret_hash: str, secret: str) -> bool:
        fits = await asyncio.to_thread(_verify, secret_hash or self._nobody, secret)
        return fits and bool(secret_hash)


def _verify(secret_hash: str, secret: str) -> bool:
    try:
        return _hasher.verify(secret_hash, secret)
    except (VerificationError, InvalidHashError):
        return False
