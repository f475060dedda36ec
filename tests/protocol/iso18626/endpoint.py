"""One gateway whose endpoint for ISO 18626 is asked over real HTTP, and messages as partners write them."""

from __future__ import annotations

import contextlib
import io
import shutil
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import aiohttp
from lxml import etree
from sqlalchemy import select

from adapters.iso18626.codec import NAMESPACE, decode_message
from adapters.iso18626.messages import Confirmation
from demo.world import START, Site, Town, make_installation
from gateway.domain.clock import FixedClock
from gateway.domain.requests.request import Request
from gateway.store.requests.request_rows import parse_request
from gateway.store.requests.tables import request
from gateway.store.schema import message
from tests.support.yaml_files import read_yaml_file, write_yaml_file

HERE = {"kind": "network", "networks": ["127.0.0.0/8"]}
FJORDBY: dict[str, Any] = {
    "auth": [HERE],
    "partner": {"symbols": ["ISIL:NO-0030101"], "name": "Fjordby bibliotek", "channel": "iso18626"},
    "iso18626": {"version": "1.2"},
}
SIGNED: dict[str, Any] = {
    **FJORDBY,
    "auth": [{"kind": "system-secret", "secret": "file:secret"}],
    "partner": {"symbols": ["ISIL:NO-0030102"], "name": "Hemmelig bibliotek"},
}
KEYED: dict[str, Any] = {
    **FJORDBY,
    "auth": [{"kind": "header", "header": "X-ILL-Key", "secret": "file:secret"}],
    "partner": {"symbols": ["ISIL:NO-0030105"], "name": "Nøkkel bibliotek"},
}
KOHA: dict[str, Any] = {
    **FJORDBY,
    "partner": {"symbols": ["ISIL:NO-0030103"], "name": "Koha-bibliotek"},
    "iso18626": {"version": "2021-3", "http": {"ok_status": 201, "error_status": 400}},
}
PORTAL: dict[str, Any] = {"auth": [HERE], "circulation": {"requests": {"managed": "borrowing"}}, "iso18626": {}}
PROFILES = {"portal": PORTAL, "fjordby": FJORDBY, "hemmelig": SIGNED, "nokkel": KEYED, "koha": KOHA}
ROOT = f'<ISO18626Message xmlns="{NAMESPACE}" xmlns:ill="{NAMESPACE}" ill:version="1.2">'


def make_template(folder: Path, store_url: str = "") -> Path:
    make_installation(folder, Site("CLK", "Bibliothèque de Clarens", PROFILES), mail_port=25, store_url=store_url)
    for shipped in (folder / "profiles").glob("*.yml"):
        if shipped.stem not in PROFILES:
            shipped.unlink()
    (folder / "secret").write_text("fjord:åpen sesam\n", "utf-8")
    return folder


@dataclass(frozen=True)
class Answer:
    status: int
    content_type: str
    body: bytes
    allow: str = ""

    @property
    def confirmation(self) -> Confirmation:
        found = decode_message(self.body).message
        assert isinstance(found, Confirmation), self.body
        return found

    @property
    def verdict(self) -> tuple[str, str, str]:
        """messageStatus, and type and value of the first error."""
        confirmation = self.confirmation
        assert confirmation.header is not None
        error = confirmation.errors[0] if confirmation.errors else None
        return (
            confirmation.header.message_status or "",
            (error.type or "") if error is not None else "",
            (error.value or "") if error is not None else "",
        )

    @property
    def root(self) -> etree._Element:
        return etree.fromstring(self.body)


class Endpoint:
    def __init__(self, town: Town, session: aiohttp.ClientSession) -> None:
        self.town = town
        self._session = session

    async def post(
        self,
        body: str | bytes,
        *,
        path: str = "/iso18626",
        content_type: str = 'application/xml; charset="utf-8"',
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        octets = body.encode() if isinstance(body, str) else body
        return await self.send("POST", path, octets, content_type, headers or {})

    async def send(
        self,
        method: str,
        path: str,
        body: bytes,
        content_type: str = "application/xml",
        more: Mapping[str, str] = MappingProxyType({}),
    ) -> Answer:
        url = f"http://127.0.0.1:{self.town.gateway.http_port}{path}"
        headers = {"Content-Type": content_type, **more}
        async with self._session.request(method, url, data=io.BytesIO(body), headers=headers) as response:
            allow = response.headers.get("Allow", "")
            return Answer(response.status, response.content_type, await response.read(), allow)

    async def requests(self) -> dict[str, Request]:
        """By the partner's id."""
        return {one.transaction: one for one in await self.list_requests()}

    async def list_requests(self) -> list[Request]:
        query = select(request.c.document).order_by(request.c.id)
        found = await self.town.context.store.read(lambda c: c.execute(query).scalars().all())
        return list(map(parse_request, found))

    async def journal(self) -> list[dict[str, Any]]:
        query = select(message).order_by(message.c.id)
        found = await self.town.context.store.read(lambda c: c.execute(query).mappings().all())
        return [dict(row) for row in found]


@contextlib.asynccontextmanager
async def run_endpoint(template: Path, folder: Path) -> AsyncIterator[Endpoint]:
    shutil.copytree(template, folder, dirs_exist_ok=True)
    settings = read_yaml_file(folder / "gateway.yml")
    settings.setdefault("http", {})["port"] = 0
    write_yaml_file(folder / "gateway.yml", settings)
    town = Town(folder / "gateway.yml", FixedClock(START))
    await town.start()
    try:
        async with aiohttp.ClientSession() as session:
            yield Endpoint(town, session)
    finally:
        await town.stop()


# --- messages --------------------------------------------------------------------------------------------


def write_header(id_: str, who: str = "NO-0030101", to: str = "CLK", extra: str = "") -> str:
    return (
        f"<header><supplyingAgencyId><agencyIdType>ISIL</agencyIdType><agencyIdValue>{to}</agencyIdValue>"
        f"</supplyingAgencyId><requestingAgencyId><agencyIdType>ISIL</agencyIdType><agencyIdValue>{who}</agencyIdValue>"
        "</requestingAgencyId><multipleItemRequestId/><timestamp>2026-03-02T07:59:00Z</timestamp>"
        f"<requestingAgencyRequestId>{id_}</requestingAgencyRequestId>{extra}</header>"
    )


def write_request(id_: str, title: str = "Sult", service: str = "", *, root: str = ROOT, **header: str) -> str:
    return (
        f"{root}<request>{write_header(id_, **header)}<bibliographicInfo><title>{title}</title></bibliographicInfo>"
        f"<serviceInfo>{service}<serviceType>Loan</serviceType></serviceInfo></request></ISO18626Message>"
    )


def write_action(id_: str, action: str, note: str = "", **header: str) -> str:
    return (
        f"{ROOT}<requestingAgencyMessage>{write_header(id_, **header)}<action>{action}</action>"
        f"{f'<note>{note}</note>' if note else ''}</requestingAgencyMessage></ISO18626Message>"
    )


def write_status(id_: str, status: str, reason: str = "StatusChange", due: str = "") -> str:
    """What fjordby says of a request of ours."""
    day = f"<dueDate>{due}</dueDate>" if due else ""
    return (
        f"{ROOT}<supplyingAgencyMessage>{write_header(id_, who='CLK', to='NO-0030101')}<messageInfo><reasonForMessage>"
        f"{reason}</reasonForMessage></messageInfo><statusInfo><status>{status}</status>{day}<lastChange>"
        "2026-03-02T07:58:00Z</lastChange></statusInfo></supplyingAgencyMessage></ISO18626Message>"
    )
