"""The HTTP listener: aiohttp behind `web.front`, with TLS and a graceful stop."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import MutableMapping
from typing import Any

import structlog
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from gateway.domain.frozen import frozen
from gateway.runtime.seldom import Seldom
from gateway.web.app import Site, make_app
from gateway.web.front import Front

http_logger = structlog.get_logger(component="http")

KEEP_ALIVE_SECONDS = 75.0
"""How long an idle connection, or one whose head doesn't end, is kept."""

LINGER_SECONDS = 2.0

CONNECTIONS = 5_000
"""Most connections at once; each may hold a message of the largest size in memory."""

LONGEST_LINE = 65_536
"""Bytes of a request's first line: links of discovery systems have 8 kB and more (facts/openurl.md section 1)."""


@frozen
class HttpPlace:
    host: str
    port: int
    tls: ssl.SSLContext | None = None
    head_seconds: float = 15.0
    connections: int = CONNECTIONS


class _HttpLog(logging.LoggerAdapter[logging.Logger]):
    """aiohttp reports each bad request as an error, with traceback and the bytes it stumbled over, which may be
    a patron's: say only what kind of thing it was."""

    def __init__(self) -> None:
        super().__init__(logging.getLogger("gateway.http"), {})

    def exception(self, msg: object, *args: object, **kwargs: Any) -> None:
        error = kwargs.get("exc_info")
        if isinstance(error, HttpProcessingError):
            peer = args[0] if args else ""
            self.logger.info("not HTTP, answered with 400: %s from %s", type(error).__name__, peer)
            return
        super().exception(msg, *args, **kwargs)

    def process(self, msg: Any, kwargs: MutableMapping[str, Any]) -> tuple[Any, MutableMapping[str, Any]]:
        return msg, kwargs


class HttpListener:
    """`start`, then `stop` once."""

    def __init__(self, place: HttpPlace, site: Site) -> None:
        self.place = place
        self._site = site
        self._runner: web.AppRunner | None = None
        self._server: asyncio.Server | None = None
        self._fronts: set[Front] = set()
        self._too_many = Seldom(http_logger)

    @property
    def name(self) -> str:
        return f"listener {'https' if self.place.tls else 'http'} {self.place.host}:{self.port}"

    @property
    def port(self) -> int:
        """The port in use; differs from the one asked for where that is 0."""
        if self._server is None or not self._server.sockets:
            return self.place.port
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    @property
    def listening(self) -> bool:
        return self._server is not None and self._server.is_serving()

    async def start(self) -> None:
        """Raises OSError when the address can't be had."""
        self._runner = web.AppRunner(
            make_app(self._site),
            access_log=None,
            logger=_HttpLog(),
            keepalive_timeout=KEEP_ALIVE_SECONDS,
            lingering_time=LINGER_SECONDS,
            max_line_size=LONGEST_LINE,
        )
        await self._runner.setup()
        self._server = await asyncio.get_running_loop().create_server(
            self._front, self.place.host, self.place.port, ssl=self.place.tls, backlog=1024, reuse_address=True
        )

    def _front(self) -> Front:
        assert self._runner is not None
        assert self._runner.server is not None
        site, place = self._site, self.place
        if len(self._fronts) >= place.connections:
            self._too_many.warning("too many connections", listener=self.name, open=len(self._fronts))
        return Front(
            self._runner.server, self._fronts, place.connections, site.limit(), site.patience, place.head_seconds
        )

    async def stop(self, seconds: float) -> None:
        """Take no more connections, answer the messages in hand, then close. Never longer than `seconds`."""
        if self._runner is None or self._server is None:
            return
        self._server.close()
        for front in list(self._fronts):
            front.close_unheard()
        server = self._runner.server
        assert server is not None
        server.pre_shutdown()
        try:
            async with asyncio.timeout(seconds):
                await server.shutdown(None)
        except TimeoutError:
            http_logger.warning("messages cut off at stop", listener=self.name, connections=len(server.connections))
            await server.shutdown(0.05)
        await self._runner.cleanup()
        self._server = self._runner = None
