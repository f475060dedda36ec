"""A brokered loan of which both parties are played: NORTH asks us, we ask EAST, and five messages go through us.

    async with LoanParties("DEMO") as parties:
        write_broker(folder, parties.urls)
        ...
        await parties.play_loan(1)

Both answer by HTTP as partners of ISO 18626 do, with octets written here. `LOAN_MESSAGES` are ten exchanges: each comes
in, and goes out again.
"""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.support.yaml_files import write_yaml_file

NAMESPACE = "http://illtransactions.org/2013/iso18626"
ROOT = f'<ISO18626Message xmlns="{NAMESPACE}" xmlns:ill="{NAMESPACE}" ill:version="1.2">'
LOAN_MESSAGES = ("Request", "Loaned", "Received", "ShippedReturn", "LoanCompleted")
NORTH, EAST = "NO-NORTH", "NO-EAST"
PATIENCE = 60.0
"""Seconds in which a message must have come through."""

REQUESTS: dict[str, Any] = {
    "rotas": {"others": {"lines": [{"partner": "east"}], "only_owning": "no"}},
    "brokering": {"rota": "others", "what": "everything"},
}


def write_broker(folder: Path, urls: dict[str, str]) -> None:
    """Profiles and requests.yml of a gateway that passes NORTH's requests on to EAST. `urls`: of both, by profile."""
    for name, symbol in (("north", NORTH), ("east", EAST)):
        profile = {
            "extends": "iso18626-2017",
            "auth": [{"kind": "network", "networks": ["127.0.0.0/8"]}],
            "partner": {"symbols": [f"ISIL:{symbol}"], "name": name.title(), "channel": "iso18626"},
            "iso18626": {"http": {"url": urls[name]}},
        }
        write_yaml_file(folder / "profiles" / f"{name}.yml", profile)
    write_yaml_file(folder / "requests.yml", REQUESTS)


class LoanParties:
    """`symbol`: the broker's. `port`: where it listens, known once it runs."""

    def __init__(self, symbol: str = "DEMO", port: int = 0) -> None:
        self.symbol = symbol
        self.port = port
        self._asked: dict[str, str] = {}
        """By NORTH's number, that by which EAST was asked."""
        self._come: defaultdict[tuple[str, str], asyncio.Event] = defaultdict(asyncio.Event)
        """By NORTH's number and what was said."""

    async def __aenter__(self) -> Self:
        site = web.Application()
        site.router.add_post("/{party}", self._take_message)
        self._server = TestServer(site)
        await self._server.start_server()
        self._session = aiohttp.ClientSession()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._session.close()
        await self._server.close()

    @property
    def urls(self) -> dict[str, str]:
        return {name: str(self._server.make_url(f"/{name}")) for name in ("north", "east")}

    async def play_loan(self, number: int) -> None:
        """From the request to its end, as both parties see it."""
        name = await self.begin_loan(number)
        for action in ("Received", "ShippedReturn"):
            await self.pass_on_action(name, action)
        await self._tell_status(name, "LoanCompleted")
        del self._asked[name]

    async def begin_loan(self, number: int) -> str:
        """Until the item is on its way; NORTH's number."""
        name = f"N-{number}"
        asked = _REQUEST.replace("NUMBER", name)
        await self._post_message("request", NORTH, self.symbol, name, asked)
        await self._await_message(name, "Request")
        await self._tell_status(name, "Loaned")
        return name

    async def pass_on_action(self, name: str, action: str) -> None:
        """NORTH says it, and EAST hears it."""
        await self._post_message("requestingAgencyMessage", NORTH, self.symbol, name, f"<action>{action}</action>")
        await self._await_message(name, action)

    async def _tell_status(self, name: str, status: str) -> None:
        await self._post_message("supplyingAgencyMessage", self.symbol, EAST, self._asked[name], _status(status))
        await self._await_message(name, status)

    async def _await_message(self, name: str, said: str) -> None:
        async with asyncio.timeout(PATIENCE):
            await self._come[name, said].wait()
        del self._come[name, said]

    async def _post_message(self, kind: str, who: str, to: str, id_: str, inner: str) -> None:
        header = (
            f"<header><supplyingAgencyId><agencyIdType>ISIL</agencyIdType><agencyIdValue>{to}</agencyIdValue>"
            f"</supplyingAgencyId><requestingAgencyId><agencyIdType>ISIL</agencyIdType><agencyIdValue>{who}"
            "</agencyIdValue></requestingAgencyId><multipleItemRequestId/><timestamp>2026-03-02T07:59:00Z</timestamp>"
            f"<requestingAgencyRequestId>{id_}</requestingAgencyRequestId></header>"
        )
        body = f"{ROOT}<{kind}>{header}{inner}</{kind}></ISO18626Message>"
        url = f"http://127.0.0.1:{self.port}/iso18626"
        async with self._session.post(url, data=body.encode(), headers={"Content-Type": "application/xml"}) as answer:
            told = await answer.text()
        assert "<messageStatus>OK</messageStatus>" in told, told

    async def _take_message(self, message: web.Request) -> web.Response:
        octets = (await message.read()).decode()
        id_ = _text_of(octets, "requestingAgencyRequestId")
        said = _text_of(octets, "status") or _text_of(octets, "action") or "Request"
        if said == "Request":
            found = re.search(r"N-\d+", _text_of(octets, "title"))
            assert found is not None, octets
            self._asked[found[0]] = id_
        name = next((name for name, number in self._asked.items() if number == id_), id_)
        self._come[name, said].set()
        return web.Response(text=_write_confirmation(octets), content_type="application/xml")


_REQUEST = (
    "<bibliographicInfo><title>Markens grøde NUMBER</title><author>Knut Hamsun</author></bibliographicInfo>"
    "<serviceInfo><serviceType>Loan</serviceType></serviceInfo>"
)


def _status(status: str) -> str:
    return (
        "<messageInfo><reasonForMessage>StatusChange</reasonForMessage></messageInfo><statusInfo>"
        f"<status>{status}</status><lastChange>2026-03-02T07:58:00Z</lastChange></statusInfo>"
    )


def _text_of(octets: str, name: str) -> str:
    found = re.search(rf"<(?:\w+:)?{name}>([^<]*)<", octets)
    return found[1] if found is not None else ""


def _write_confirmation(octets: str) -> str:
    kind = next(one for one in ("supplyingAgencyMessage", "requestingAgencyMessage", "request") if f"{one}>" in octets)
    action = _text_of(octets, "action")
    reason = _text_of(octets, "reasonForMessage")
    return (
        f"{ROOT}<{kind}Confirmation><confirmationHeader><supplyingAgencyId><agencyIdType>ISIL</agencyIdType>"
        f"<agencyIdValue>{EAST}</agencyIdValue></supplyingAgencyId><requestingAgencyId><agencyIdType>ISIL</agencyIdType>"
        f"<agencyIdValue>{NORTH}</agencyIdValue></requestingAgencyId><timestamp>2026-03-02T08:00:01Z</timestamp>"
        f"<requestingAgencyRequestId>{_text_of(octets, 'requestingAgencyRequestId')}</requestingAgencyRequestId>"
        "<timestampReceived>2026-03-02T08:00:00Z</timestampReceived><messageStatus>OK</messageStatus>"
        f"</confirmationHeader>{f'<action>{action}</action>' if action else ''}"
        f"{f'<reasonForMessage>{reason}</reasonForMessage>' if reason else ''}</{kind}Confirmation></ISO18626Message>"
    )
