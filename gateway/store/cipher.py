"""Encryption at rest of message bodies: AES-256-GCM, with keys that can be changed while old rows stay readable."""

from __future__ import annotations

import os
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

SECRET_MIN = 16
"""Shortest secret in characters. It must be random, not a phrase: nothing here slows a guesser down."""

NONCE = 12
"""Bytes; random, which is safe for 2**32 messages with one key (NIST SP 800-38D section 8.3)."""


class BodyUnreadable(Exception):
    """A body can't be decrypted: its key is not among those given, or the row was tampered with."""


class BodyCipher:
    """The first secret writes; all of them read. A row keeps the id of the key that wrote it."""

    def __init__(self, secrets: Sequence[str]) -> None:
        """Raises ValueError when there is no secret, or one is too short."""
        if not secrets:
            raise ValueError("encryption of bodies needs at least one secret")
        if any(len(secret) < SECRET_MIN for secret in secrets):
            raise ValueError(f"a secret for the encryption of bodies needs at least {SECRET_MIN} characters")
        self._keys = {_derive(secret, b"key id", 4).hex(): AESGCM(_derive(secret, b"body", 32)) for secret in secrets}
        self.key_id = next(iter(self._keys))
        self._writing = self._keys[self.key_id]

    def encrypt(self, body: bytes, row: str) -> bytes:
        """`row` (library and id) is bound in, so that a body can't be moved to another row."""
        nonce = os.urandom(NONCE)
        return nonce + self._writing.encrypt(nonce, body, row.encode())

    def decrypt(self, body: bytes, key_id: str, row: str) -> bytes:
        """Raises BodyUnreadable."""
        key = self._keys.get(key_id)
        if key is None:
            raise BodyUnreadable(f"the body was encrypted with key {key_id}, which is not configured")
        try:
            return key.decrypt(body[:NONCE], body[NONCE:], row.encode())
        except (InvalidTag, ValueError) as error:
            raise BodyUnreadable(f"the body does not fit its row or key {key_id}") from error


def _derive(secret: str, purpose: bytes, length: int) -> bytes:
    return HKDF(SHA256(), length, salt=None, info=b"illgate journal " + purpose).derive(secret.encode())
