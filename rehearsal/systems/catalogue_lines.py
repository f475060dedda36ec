"""The listener of a catalogue that is played by TCP."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from gateway.domain.clock import Clock
from gateway.domain.problems import MalformedMessage
from gateway.ports.responder import RawMessage, TransportKind
from rehearsal.ports.rehearsals import MessageSplitter
from rehearsal.systems.catalogue_reception import PlayedCatalogue

MAX_CONNECTIONS = 50
CHUNK_BYTES = 65_536


class MockCatalogueLines:
    """`cut`: makes what cuts a stream into messages. A connection beyond the most is closed at once."""

    def __init__(self, catalogue: PlayedCatalogue, cut: Callable[[int], MessageSplitter], clock: Clock) -> None:
        self._catalogue = catalogue
        self._cut = cut
        self._clock = clock
        self._server: asyncio.Server | None = None
        self._serving: set[asyncio.Task[None]] = set()

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> str:
        """HOST:PORT. `port` 0: a free one. Raises OSError."""
        self._server = await asyncio.start_server(self._serve_connection, host, port)
        shown = f"[{host}]" if ":" in host else host
        return f"{shown}:{self._server.sockets[0].getsockname()[1]}"

    async def stop(self) -> None:
        if self._server is None:
            return
        self._server.close()
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)
        await self._server.wait_closed()

    async def _serve_connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        if len(self._serving) >= MAX_CONNECTIONS:
            writer.close()
            return
        self._serving.add(task)
        try:
            await self._answer_messages(reader, writer)
        except (ConnectionError, MalformedMessage):
            return  # who speaks otherwise, or has gone, is left
        except asyncio.CancelledError:
            return  # it is stopped: the server must not log that as an error
        finally:
            self._serving.discard(task)
            writer.close()

    async def _answer_messages(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        catalogue, splitter = self._catalogue, self._cut(self._catalogue.max_bytes)
        conversation = catalogue.open_conversation()
        while octets := await reader.read(CHUNK_BYTES):
            splitter.add_octets(octets)
            while (message := splitter.take_message()) is not None:
                arrival = RawMessage(message, self._clock.now(), TransportKind.TCP, catalogue.protocol)
                reply = catalogue.answer_message(conversation, arrival)
                if reply.after_seconds:
                    await catalogue.pass_seconds(reply.after_seconds)
                if reply.answer is None:
                    return
                writer.write(reply.answer.body)
                await writer.drain()
                if conversation.is_over:
                    return
