"""Asking one member's JSON API for its loads: bounded in time and size, no redirect followed, nothing unchecked."""

from __future__ import annotations

import asyncio
from typing import Annotated

import aiohttp
from aiohttp import hdrs
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from gateway.domain.requests.network import NetworkMember

PATH = "/api/v1/network/load"

SECONDS = 10.0
"""Longest time for the whole of one answer."""

MOST_BYTES = 1_000_000
MOST_SUPPLIERS = 10_000

_Symbol = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class _Load(BaseModel):
    """A later release may say more; it isn't read."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    symbol: _Symbol
    open: int = Field(ge=0, le=1_000_000_000)


class Loads(BaseModel):
    """The answer of `networkLoad`."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    library: _Symbol
    items: tuple[_Load, ...] = Field(max_length=MOST_SUPPLIERS)


class Silent(Exception):
    """No answer that can be used. `reason` names no key and no content."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


async def ask(session: aiohttp.ClientSession, member: NetworkMember, key: str) -> Loads:
    """Raises Silent."""
    headers = {hdrs.AUTHORIZATION: f"Bearer {key}", hdrs.ACCEPT: "application/json"}
    try:
        async with (
            asyncio.timeout(SECONDS),
            session.get(member.url + PATH, headers=headers, allow_redirects=False) as answer,
        ):
            if answer.status != 200:
                raise Silent(f"it answers with status {answer.status}")
            content = await _body(answer)
    except TimeoutError as error:
        raise Silent(f"no answer within {SECONDS:g} seconds") from error
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise Silent(f"it can't be reached ({type(error).__name__})") from error
    try:
        return Loads.model_validate_json(content)
    except ValidationError as error:
        raise Silent("its answer is not that of a gateway's API") from error


async def _body(answer: aiohttp.ClientResponse) -> bytes:
    content = b""
    async for chunk in answer.content.iter_chunked(65_536):
        content += chunk
        if len(content) > MOST_BYTES:
            raise Silent(f"its answer has more than {MOST_BYTES:,} bytes")
    return content
