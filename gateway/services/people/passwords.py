"""Passwords of staff: what makes a good one, and their argon2 hashes (RFC 9106).

A check takes some 20 ms and 19 MB, so only a few are made at once, in threads.
"""

from __future__ import annotations

import asyncio
from functools import cached_property

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from gateway.domain.value import value_object
from gateway.services.people.common_passwords import MIN_PIECES, count_unguessable_pieces

MIN_PASSWORD_CHARS = 12
MAX_PASSWORD_CHARS = 500
"""A longer one is refused: hashing it would be work for nothing."""

AT_ONCE = 4

_hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
"""The parameters that OWASP recommends at least. An older hash is made anew when its password comes in."""


class WeakPasswordError(Exception):
    """The text says what is wrong with it; `word` is for pages: short, long, name, same, common."""

    def __init__(self, word: str, text: str) -> None:
        super().__init__(text)
        self.word = word


@value_object
class PasswordVerdict:
    """`outdated`: it is right, and its hash should be made anew."""

    is_right: bool
    outdated: bool = False


def check_password_strength(password: str, name: str) -> None:
    """Length is what counts, and that nobody guesses it (NIST SP 800-63B, 5.1.1.2). Raises WeakPasswordError."""
    if len(password) < MIN_PASSWORD_CHARS:
        raise WeakPasswordError("short", f"the password has fewer than {MIN_PASSWORD_CHARS} characters")
    if len(password) > MAX_PASSWORD_CHARS:
        raise WeakPasswordError("long", f"the password has more than {MAX_PASSWORD_CHARS} characters")
    if name.casefold() in password.casefold():
        raise WeakPasswordError("name", "the password holds the user's name")
    if len(set(password)) < 5:
        raise WeakPasswordError("same", "the password has fewer than five different characters")
    if count_unguessable_pieces(password, name) < MIN_PIECES:
        raise WeakPasswordError("common", "the password is made of common words and sequences")


class PasswordKeeper:
    """Makes and checks hashes without holding up the event loop."""

    def __init__(self) -> None:
        self._turn = asyncio.Semaphore(AT_ONCE)

    async def hash_password(self, password: str) -> str:
        async with self._turn:
            return await asyncio.to_thread(_hasher.hash, password)

    async def verify_password(self, password_hash: str, password: str) -> PasswordVerdict:
        """An empty hash fits nothing, and takes as long to say so."""
        if len(password) > MAX_PASSWORD_CHARS:
            return PasswordVerdict(False)
        async with self._turn:
            fits = await asyncio.to_thread(_verify_hash, password_hash or self._hash_of_nobody, password)
        if not fits or not password_hash:
            return PasswordVerdict(False)
        return PasswordVerdict(True, _hasher.check_needs_rehash(password_hash))

    @cached_property
    def _hash_of_nobody(self) -> str:
        return _hasher.hash("no user has this password")


def _verify_hash(password_hash: str, password: str) -> bool:
    try:
        return _hasher.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False
