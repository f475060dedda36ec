"""'Started' means that a listener has answered: what a partner would see is tried once before we say so."""

from __future__ import annotations

import asyncio
import ssl

from gateway.runtime.http import HttpListener
from gateway.runtime.tcp import TcpListener

SECONDS = 5.0

_HERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}

_ALIVE = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


class NotAnswering(OSError):
    """A listener was started but does not answer."""


async def probe_http(listener: HttpListener) -> None:
    """Ask /healthz. Where clients must show a certificate, only whether we are connected. Raises NotAnswering."""
    place = listener.place
    if place.tls is not None and place.tls.verify_mode is ssl.CERT_REQUIRED:
        await _connect(place.host, listener.port, listener.name)
        return
    tls = None
    if place.tls is not None:
        tls = ssl.create_default_context()
        tls.check_hostname = False
        tls.verify_mode = ssl.CERT_NONE  # it is ourselves, by an address that the certificate may not have
    answer = await _connect(place.host, listener.port, listener.name, _ALIVE, tls)
    if not answer.startswith(b"HTTP/1.1 200 "):
        raise NotAnswering(f"{listener.name} does not answer as it should")


async def probe_tcp(listener: TcpListener) -> None:
    """Whether we are connected. Raises NotAnswering."""
    await _connect(listener.place.host, listener.port, listener.name)


async def _connect(host: str, port: int, name: str, question: bytes = b"", tls: ssl.SSLContext | None = None) -> bytes:
    try:
        async with asyncio.timeout(SECONDS):
            reader, writer = await asyncio.open_connection(_HERE.get(host, host), port, ssl=tls)
            try:
                if not question:
                    return b""
                writer.write(question)
                return await reader.read(1000)
            finally:
                writer.close()
    except OSError as error:  # includes the time-out
        raise NotAnswering(f"{name} does not answer: {error or type(error).__name__}") from error
