"""Scripted Z39.50 targets: what a server does, said in a few lines, and answers to script with.

A script is given each APDU that comes, as asn1tools reads it, and writes octets; None ends the connection.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from adapters.ber import BerSplitter
from adapters.z3950.codec import load_asn1_module
from adapters.z3950.dialect import Z3950Dialect
from gateway.domain.profile import Profile

MARC21 = "1.2.840.10003.5.10"
BIB_1 = "1.2.840.10003.4.1"
LEAVE_SECONDS = 5.0

Body = dict[str, Any]
Script = Callable[[str, Body], Awaitable[bytes | None]]


@dataclass
class Target:
    port: int = 0
    asked: list[tuple[str, Body]] = field(default_factory=list)
    connections: int = 0
    open: int = 0
    _change: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def left(self) -> None:
        """Until no connection is open. Raises TimeoutError."""
        async with asyncio.timeout(LEAVE_SECONDS), self._change:
            await self._change.wait_for(lambda: self.open == 0)

    async def counted(self, difference: int) -> None:
        async with self._change:
            self.connections += max(0, difference)
            self.open += difference
            self._change.notify_all()

    @property
    def kinds(self) -> list[str]:
        return [kind for kind, _ in self.asked]

    def profile(self, name: str = "target", **section: Any) -> Profile:
        section.setdefault("address", f"127.0.0.1:{self.port}")
        return Profile(name=name, dialects={"z3950": Z3950Dialect.model_validate(section)})


@asynccontextmanager
async def target(script: Script, tls: ssl.SSLContext | None = None) -> AsyncIterator[Target]:
    """A server that follows the script on each connection, on a free port."""
    made = Target()
    handlers: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        handlers.add(task)
        await made.counted(1)
        frames = BerSplitter()
        try:
            while octets := await reader.read(65_536):
                frames.add_octets(octets)
                while (apdu := frames.take_message()) is not None:
                    kind, body = load_asn1_module().decode("APDU", apdu)
                    made.asked.append((kind, body))
                    answer = await script(kind, body)
                    if answer is None:
                        return
                    writer.write(answer)
                    await writer.drain()
        except (ConnectionError, asyncio.CancelledError):
            return
        finally:
            writer.close()
            await made.counted(-1)
            handlers.discard(task)

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
        for task in tuple(handlers):
            task.cancel()
        await asyncio.gather(*handlers, return_exceptions=True)
        await server.wait_closed()


def apdu(kind: str, **body: Any) -> bytes:
    return bytes(load_asn1_module().encode("APDU", (kind, body)))


def accepted(result: bool = True, **more: Any) -> bytes:
    return apdu(
        "initResponse",
        protocolVersion=(b"\xe0", 3),
        options=more.pop("options", (b"\xe9\x02", 15)),
        preferredMessageSize=1_000_000,
        exceptionalRecordSize=1_000_000,
        result=result,
        **more,
    )


def found(hits: int, records: Sequence[bytes] = (), syntax: str = MARC21, **more: Any) -> bytes:
    """An answer to a search. `no`: the number of a diagnostic in place of records."""
    return apdu(
        "searchResponse",
        resultCount=hits,
        numberOfRecordsReturned=len(records),
        nextResultSetPosition=len(records) + 1,
        searchStatus=more.pop("succeeded", True),
        **_records(records, syntax, more.pop("no", 0)),
        **more,
    )


def presented(records: Sequence[bytes] = (), syntax: str = MARC21, no: int = 0) -> bytes:
    return apdu(
        "presentResponse",
        numberOfRecordsReturned=len(records),
        nextResultSetPosition=1,
        presentStatus=0 if records else 5,
        **_records(records, syntax, no),
    )


def _records(records: Sequence[bytes], syntax: str, no: int) -> Body:
    if no:
        return {"records": refusal(no)}
    return {"records": ("responseRecords", listed(records, syntax))} if records else {}


def listed(records: Sequence[bytes], syntax: str = MARC21) -> list[Body]:
    return [
        {
            "name": b"Default",
            "record": ("retrievalRecord", {"direct-reference": syntax, "encoding": ("octet-aligned", one)}),
        }
        for one in records
    ]


def diagnostic(condition: int, additional: str = "") -> Body:
    return {"diagnosticSetId": BIB_1, "condition": condition, "addinfo": ("v2Addinfo", additional.encode())}


def refusal(condition: int, additional: str = "") -> tuple[str, Body]:
    """`records` that are a diagnostic for the whole."""
    return "nonSurrogateDiagnostic", diagnostic(condition, additional)
