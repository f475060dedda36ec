"""Requests with an Idempotency-Key: the first is carried out, the others get its answer.

When a node dies between the work and the keeping of its answer, the key stays taken until it is forgotten: whether the
work was done can be seen by the lists, and nothing is done twice.
"""

from __future__ import annotations

import json
from datetime import timedelta

from aiohttp import hdrs, web

from gateway.services.api_keys import KeyHolder
from gateway.store.api import answers
from gateway.store.api.answers import IN_HAND, AnswerKey, StoredAnswer
from gateway.web.api.parts import Parts
from gateway.web.api.problem import ProblemType, fail

REPLAYED = "Idempotency-Replayed"
KEPT_HEADERS = (hdrs.CONTENT_TYPE, hdrs.ETAG, hdrs.LOCATION)


class Repetition:
    """One request under one key. After `begin` gave None, either `keep` or `give_up` follows."""

    def __init__(self, parts: Parts, holder: KeyHolder, operation: str, key: str, asked: bytes) -> None:
        self._store = parts.store
        self._clock = parts.clock
        self._kept = timedelta(hours=parts.limits.answers_kept_hours)
        self._key = AnswerKey(holder.library, holder.prefix, operation, key)
        self._asked = asked

    async def begin(self) -> web.Response | None:
        """The stored answer. Raises ApiProblem (KEY_REUSED, IN_PROGRESS)."""
        now = self._clock.now()
        found = await self._store.write(lambda c: answers.claim(c, self._key, self._asked, now, now - self._kept))
        if found is None:
            return None
        if found.request != self._asked:
            raise fail(ProblemType.KEY_REUSED, "Another request was sent under this Idempotency-Key.")
        if found.status == IN_HAND:
            raise fail(ProblemType.IN_PROGRESS, "The first request with this Idempotency-Key has no answer yet.")
        headers = {**json.loads(found.headers), REPLAYED: "true", hdrs.CACHE_CONTROL: "no-store"}
        return web.Response(body=found.body, status=found.status, headers=headers)

    async def keep(self, response: web.Response) -> None:
        body = response.body
        assert body is None or isinstance(body, bytes)
        headers = json.dumps({name: response.headers[name] for name in KEPT_HEADERS if name in response.headers})
        answer = StoredAnswer(request=self._asked, status=response.status, headers=headers, body=body or b"")
        await self._store.write(lambda c: answers.keep(c, self._key, answer))

    async def give_up(self) -> None:
        """Nothing was done."""
        await self._store.write(lambda c: answers.release(c, self._key))
