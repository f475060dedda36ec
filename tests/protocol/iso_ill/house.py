"""One gateway with a listener for all ISO ILL partners, and partners at real sockets that say what they like."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import date, time
from pathlib import Path
from typing import Any

from click.testing import CliRunner
from sqlalchemy import delete, select

from adapters.iso_ill.codec import ApduSplitter, decode_apdu, encode_apdu
from adapters.iso_ill.messages import Apdu, IllRequest, StatusOrErrorReport
from adapters.iso_ill.messages.codes import ServiceType, Wish
from adapters.iso_ill.messages.request_phase import RequesterOptionalMessages
from adapters.iso_ill.messages.structures import ItemId, Moment, ServiceDateTime, SystemId, TransactionId
from demo.world import START, Site, Town, make_installation
from gateway.cli.app import main
from gateway.domain.clock import FixedClock
from gateway.domain.requests.request import Request
from gateway.store.requests.request_rows import parse_request
from gateway.store.requests.tables import outbox, partner_message, request, request_event
from gateway.store.schema import message
from tests.support.yaml_files import read_yaml_file, write_yaml_file

HOST = "127.0.0.1"
HERE = {"kind": "network", "networks": ["127.0.0.0/8"]}

FJORDBY: dict[str, Any] = {
    "auth": [HERE],
    "partner": {"symbols": ["NO:FJORDBY"], "name": "Fjordby bibliotek", "channel": "iso-ill"},
    "iso_ill": {
        "answers": "all",
        "transport": {"mode": "same-connection", "idle_seconds": 5, "message_seconds": 1.5, "reply_seconds": 1},
    },
}
SILENT: dict[str, Any] = {
    **FJORDBY,
    "partner": {"symbols": ["NO:STILLE"], "name": "Stille bibliotek"},
    "iso_ill": {"transport": {"mode": "call-back"}},
}
SIGNED: dict[str, Any] = {
    **FJORDBY,
    "auth": [{"kind": "agency-secret", "secret": "file:secret"}],
    "partner": {"symbols": ["NO:HEMMELIG"], "name": "Hemmelig bibliotek"},
}
PROFILES = {"fjordby": FJORDBY, "stille": SILENT, "hemmelig": SIGNED}


def make_template(folder: Path) -> Path:
    make_installation(folder, Site("CLK", "Bibliothèque de Clarens", PROFILES), mail_port=25)
    for shipped in (folder / "profiles").glob("*.yml"):
        if shipped.stem not in PROFILES:
            shipped.unlink()
    settings = read_yaml_file(folder / "gateway.yml")
    settings["tcp"] = [{"port": 0, "protocol": "iso_ill", "per_peer": 2000, "connections": 2000}]
    write_yaml_file(folder / "gateway.yml", settings)
    (folder / "secret").write_text("åpen sesam\n", "utf-8")
    return folder


class House:
    def __init__(self, town: Town, clock: FixedClock) -> None:
        self.town = town
        self.clock = clock

    @property
    def port(self) -> int:
        return self.town.gateway.tcp_ports[0]

    async def requests(self) -> dict[str, Request]:
        """By the transaction's group-qualifier."""
        return {one.transaction.partition("/")[0]: one for one in await self.list_requests()}

    async def list_requests(self) -> list[Request]:
        return list(map(parse_request, await self._all(select(request.c.document).order_by(request.c.id))))

    async def journal(self) -> list[tuple[str, str, str]]:
        """Service, outcome and note of what came in."""
        c = message.c
        query = select(c.service, c.outcome, c.note).where(c.direction == "in").order_by(c.id)
        found = await self.town.context.store.read(lambda connection: connection.execute(query).all())
        return [tuple(row) for row in found]

    async def denied(self) -> list[str]:
        return [one for one in await self._all(select(request_event.c.denied).order_by(request_event.c.id)) if one]

    async def ids(self) -> list[str]:
        """Of what came in."""
        return await self._all(select(message.c.id).where(message.c.direction == "in").order_by(message.c.id))

    async def forget_messages(self) -> None:
        """As if they had come under other ids."""
        await self.town.context.store.write(lambda c: c.execute(delete(partner_message)))

    async def unsent(self) -> list[str]:
        """Why messages to partners wait."""
        query = select(outbox.c.error).where(outbox.c.kind == "partner", outbox.c.status == "waiting")
        return await self._all(query)

    async def illgate(self, *arguments: str) -> str:
        config = str(self.town.settings.folder / "gateway.yml")
        done = await asyncio.to_thread(CliRunner().invoke, main, ["--config", config, *arguments])
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return done.output

    async def _all(self, query: Any) -> list[Any]:
        return list(await self.town.context.store.read(lambda connection: connection.execute(query).scalars().all()))

    @contextlib.asynccontextmanager
    async def partner(self) -> AsyncIterator[Partner]:
        reader, writer = await asyncio.open_connection(HOST, self.port)
        try:
            yield Partner(reader, writer)
        finally:
            writer.close()


@contextlib.asynccontextmanager
async def running(template: Path, folder: Path, **profiles: Mapping[str, Any]) -> AsyncIterator[House]:
    shutil.copytree(template, folder, dirs_exist_ok=True)
    for name, profile in profiles.items():
        write_yaml_file(folder / "profiles" / f"{name}.yml", profile)
    clock = FixedClock(START)
    town = Town(folder / "gateway.yml", clock)
    await town.start()
    try:
        yield House(town, clock)
    finally:
        await town.stop()


class Partner:
    """A connection, as the other side has it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self._frames = ApduSplitter()

    def say(self, *apdus: Apdu) -> None:
        self.writer.write(b"".join(map(encode_apdu, apdus)))

    async def hear(self, seconds: float = 10) -> Apdu | None:
        """The next APDU; None: the connection has ended."""
        async with asyncio.timeout(seconds):
            while (found := self._frames.take_message()) is None:
                data = await self.reader.read(65_536)
                if not data:
                    assert not self._frames.begun
                    return None
                self._frames.add_octets(data)
        return decode_apdu(found).apdu

    async def ask(self, apdu: Apdu) -> StatusOrErrorReport:
        self.say(apdu)
        answer = await self.hear()
        assert isinstance(answer, StatusOrErrorReport), answer
        return answer


def header(
    group: str, who: str = "NO:FJORDBY", clock: time | None = time(8, 0), to: str = "CLK", **more: Any
) -> dict[str, Any]:
    """Of what a requester says: names us the responder."""
    return {
        "protocol_version": 2,
        "transaction_id": TransactionId(group_qualifier=group, qualifier="1"),
        "service_date_time": ServiceDateTime(this=Moment(day=date(2026, 3, 2), clock=clock)),
        "requester_id": SystemId.from_symbol(who) if who else None,
        "responder_id": SystemId.from_symbol(to) if to else None,
        **more,
    }


def asked(group: str, title: str = "Sult", **more: Any) -> IllRequest:
    wishes = RequesterOptionalMessages(
        can_send_received=True, can_send_returned=True, shipped=Wish.DESIRES, checked_in=Wish.DESIRES
    )
    return IllRequest(
        **header(group, **more),
        service_types=(ServiceType.LOAN,),
        optional_messages=wishes,
        item=ItemId(title=title),
    )


def again(apdu: Apdu, clock: time) -> Any:
    """The repeat that the standard has for it."""
    times = ServiceDateTime(this=Moment(day=date(2026, 3, 2), clock=clock), original=apdu.service_date_time.this)
    return replace(apdu, service_date_time=times)
