"""A partner with many connections, who takes note of what was answered."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import aiohttp

from tests.support.daemon import Installation

SECONDS = 60


def send_all(
    installation: Installation,
    bodies: Sequence[bytes],
    answered: Callable[[int], None] = lambda _count: None,
    ports: Sequence[int] = (),
) -> list[bytes | None]:
    """All at once, each over a connection of its own, to profile ncip2. `answered` is told how many answers have come.
    With `ports` the messages go there in turn. An answer that did not come whole is None."""
    return asyncio.run(_send_all(ports or (installation.port,), bodies, answered))


async def _send_all(
    ports: Sequence[int], bodies: Sequence[bytes], answered: Callable[[int], None]
) -> list[bytes | None]:
    count = 0

    async def one(session: aiohttp.ClientSession, number: int, body: bytes) -> bytes | None:
        nonlocal count
        url = f"http://127.0.0.1:{ports[number % len(ports)]}/ncip/ncip2"
        try:
            async with session.post(url, data=body, headers={"Content-Type": "application/xml"}) as answer:
                content = await answer.read()
        except aiohttp.ClientError:
            return None
        count += 1
        answered(count)
        return content

    connector = aiohttp.TCPConnector(limit=0, force_close=True)
    timeout = aiohttp.ClientTimeout(total=SECONDS)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
        return await asyncio.gather(*(one(session, number, body) for number, body in enumerate(bodies)))


def is_success(answer: bytes | None) -> bool:
    return answer is not None and b"Response>" in answer and b"Problem>" not in answer
