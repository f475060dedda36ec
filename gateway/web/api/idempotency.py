"""Idempotency-Key: what was answered to the first request with a key, kept for those that repeat it.

The key is written with the work (gateway.services.outbox.keyed_work), the answer after it. When a node dies between
the two, a repeat is answered by what was done, as it is then.
"""

from __future__ import annotations

import json
import os
from datetime import timedelta

from aiohttp import hdrs, web
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from gateway.services.outbox.keyed_work import WorkKey
from gateway.services.people.api_keys import KeyHolder
from gateway.store import api_records
from gateway.store.api_records import UNANSWERED, AnswerKey, StoredAnswer
from gateway.web.api.operation import ApiServices
from gateway.web.api.problems import ApiProblem, ProblemType, api_problem

REPLAYED = "Idempotency-Replayed"
KEPT_HEADERS = (hdrs.CONTENT_TYPE, hdrs.ETAG, hdrs.LOCATION)

ENCRYPTED = b"\x01"
NONCE_BYTES = 12


class IdempotentReplay:
    """One request under one key. `bearer`: the API key that the caller sent. `asked`: digest of the request, whose
    repetition must have the same."""

    def __init__(
        self, parts: ApiServices, holder: KeyHolder, bearer: str, operation: str, key: str, asked: bytes
    ) -> None:
        self.key = AnswerKey(holder.library, holder.prefix, operation, key)
        self._store = parts.store
        self._cipher = AnswerCipher(bearer)
        self._now = parts.clock.now()
        self._forget_before = self._now - timedelta(hours=parts.limits.answers_kept_hours)
        self._asked = asked

    def make_work_key(self) -> WorkKey:
        return WorkKey(self.key, self._asked, self._now, self._forget_before)

    async def find_first(self) -> StoredAnswer | None:
        """Find what is known of the first request with this key. Raises ApiProblem (KEY_REUSED, IN_PROGRESS)."""
        answer = await self._store.read(lambda c: api_records.find_answer(c, self.key, self._forget_before))
        if answer is None:
            return None
        if answer.request != self._asked:
            raise api_problem(ProblemType.KEY_REUSED, "Another request was sent under this Idempotency-Key.")
        if answer.status == UNANSWERED and not answer.reference:
            raise in_progress_problem()
        return answer

    def restore_response(self, kept: StoredAnswer) -> web.Response:
        headers = {**json.loads(kept.headers), REPLAYED: "true", hdrs.CACHE_CONTROL: "no-store"}
        return web.Response(body=self._cipher.decrypt(kept.body), status=kept.status, headers=headers)

    async def store_response(self, response: web.Response) -> None:
        body = response.body
        assert body is None or isinstance(body, bytes)
        headers = json.dumps({name: response.headers[name] for name in KEPT_HEADERS if name in response.headers})
        answer = StoredAnswer(
            request=self._asked, status=response.status, headers=headers, body=self._cipher.encrypt(body or b"")
        )
        await self._store.write(lambda c: api_records.store_answer(c, self.key, answer, self._now))

    async def release_key(self) -> None:
        """Release the key, since nothing was done."""
        await self._store.write(lambda c: api_records.release_answer(c, self.key))


def in_progress_problem() -> ApiProblem:
    return api_problem(ProblemType.IN_PROGRESS, "The first request with this Idempotency-Key has no answer yet.")


class AnswerCipher:
    """A cipher of kept answers, which name patrons and hold the secrets of new webhooks; what the store keeps of an API
    key is a digest. So each is encrypted with a key that is made from the caller's: only who may have the answer again
    can read it."""

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
