"""Idempotency-Key: what was answered to the first request with a key, kept for those that repeat it.

When a node dies between the work and the keeping of its answer, the key stays taken until it is forgotten: whether the
work was done can be seen by the lists, and nothing is done twice.
"""

from __future__ import annotations

import json
import os
from datetime import timedelta

from aiohttp import hdrs, web
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from gateway.services.api_keys import KeyHolder
from gateway.store import api_records
from gateway.store.api_records import IN_HAND, AnswerKey, StoredAnswer
from gateway.web.api.operation import ApiServices
from gateway.web.api.problems import ProblemType, api_problem

REPLAYED = "Idempotency-Replayed"
KEPT_HEADERS = (hdrs.CONTENT_TYPE, hdrs.ETAG, hdrs.LOCATION)

ENCRYPTED = b"\x01"
NONCE_BYTES = 12


class IdempotentReplay:
    """One request under one key. After `claim_key` gave None, either `store_response` or `release_key` follows.

    `bearer`: the API key that the caller sent. `asked`: digest of the request, whose repetition must have the same."""

    def __init__(
        self, parts: ApiServices, holder: KeyHolder, bearer: str, operation: str, key: str, asked: bytes
    ) -> None:
        self._store = parts.store
        self._cipher = AnswerCipher(bearer)
        self._clock = parts.clock
        self._kept = timedelta(hours=parts.limits.answers_kept_hours)
        self._key = AnswerKey(holder.library, holder.prefix, operation, key)
        self._asked = asked

    async def claim_key(self) -> web.Response | None:
        """The stored answer. Raises ApiProblem (KEY_REUSED, IN_PROGRESS)."""
        now = self._clock.now()
        found = await self._store.write(
            lambda c: api_records.claim_answer(c, self._key, self._asked, now, now - self._kept)
        )
        if found is None:
            return None
        if found.request != self._asked:
            raise api_problem(ProblemType.KEY_REUSED, "Another request was sent under this Idempotency-Key.")
        if found.status == IN_HAND:
            raise api_problem(ProblemType.IN_PROGRESS, "The first request with this Idempotency-Key has no answer yet.")
        headers = {**json.loads(found.headers), REPLAYED: "true", hdrs.CACHE_CONTROL: "no-store"}
        return web.Response(body=self._cipher.decrypt(found.body), status=found.status, headers=headers)

    async def store_response(self, response: web.Response) -> None:
        body = response.body
        assert body is None or isinstance(body, bytes)
        headers = json.dumps({name: response.headers[name] for name in KEPT_HEADERS if name in response.headers})
        answer = StoredAnswer(
            request=self._asked, status=response.status, headers=headers, body=self._cipher.encrypt(body or b"")
        )
        await self._store.write(lambda c: api_records.store_answer(c, self._key, answer))

    async def release_key(self) -> None:
        """Nothing was done."""
        await self._store.write(lambda c: api_records.release_answer(c, self._key))


class AnswerCipher:
    """Kept answers name patrons and hold the secrets of new webhooks; what the store keeps of an API key is a digest.
    So each is encrypted with a key that is made from the caller's: only who may have the answer again can read it."""

    def __init__(self, bearer: str) -> None:
        derived = HKDF(SHA256(), 32, salt=None, info=b"illgate kept answer").derive(bearer.encode())
        self._key = AESGCM(derived)

    def encrypt(self, body: bytes) -> bytes:
        nonce = os.urandom(NONCE_BYTES)
        return ENCRYPTED + nonce + self._key.encrypt(nonce, body, None)

    def decrypt(self, kept: bytes) -> bytes:
        """One that was kept before answers were encrypted comes back as it is: JSON doesn't begin with ENCRYPTED."""
        if not kept.startswith(ENCRYPTED):
            return kept
        kept = kept.removeprefix(ENCRYPTED)
        return self._key.decrypt(kept[:NONCE_BYTES], kept[NONCE_BYTES:], None)
