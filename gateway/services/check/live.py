"""Does a configured address answer at all? No message is sent."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

MAX_PROBE_SECONDS = 10.0
_PORTS = {"https": 443, "http": 80}


async def probe(address: str) -> str:
    """Why a URL or host:port can't be reached; empty when a connection was made (and closed at once)."""
    try:
        host, port = _place(address)
    except ValueError as error:
        return str(error)
    try:
        async with asyncio.timeout(MAX_PROBE_SECONDS):
            _, writer = await asyncio.open_connection(host, port)
    except TimeoutError:
        return f"no connection within {MAX_PROBE_SECONDS:g} seconds"
    except OSError as error:
        return f"no connection: {error.strerror or error}"
    writer.close()
    return ""


def _place(address: str) -> tuple[str, int]:
    parts = urlsplit(address if "://" in address else f"//{address}")
    port = parts.port or _PORTS.get(parts.scheme)  # a port that is no number raises ValueError itself
    if not parts.hostname or port is None:
        raise ValueError("not a URL or host:port")
    return parts.hostname, port
