"""A partner that sends the same message again and again, from a process of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.daemon import stopped_at_end
from tests.support.forked_processes import ForkedProcess

SENDERS = 12
PAUSE_SECONDS = 0.05
"""Of each sender, after an answer."""


def write_post(path: str, body: bytes) -> bytes:
    """A POST by HTTP, as it goes over a connection that stays open."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: gateway\r\nContent-Type: application/xml\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, post: bytes) -> tuple[int, bytes]:
    """Status and body of the answer."""
    writer.write(post)
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])
    return int(head.split(b" ", 2)[1]), await reader.readexactly(length)


def send_for_ever(port: int, post: bytes) -> None:
    """Twelve senders at once, until the process is stopped."""

    async def send() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while True:
            await ask(reader, writer, post)
            await asyncio.sleep(PAUSE_SECONDS)

    async def send_all() -> None:
        await asyncio.gather(*(send() for _ in range(SENDERS)))

    asyncio.run(send_all())


@contextmanager
def flooding(port: int, post: bytes, log: Path) -> Iterator[None]:
    with stopped_at_end(process := ForkedProcess(send_for_ever, (port, post), log)):
        yield
        assert process.poll() is None, log.read_text()
        process.kill()
