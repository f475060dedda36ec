"""Connections of ISO ILL: how they are cut into APDUs, how long they may take, who speaks on them."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import time
from pathlib import Path
from ssl import SSLContext
from typing import Any
from unittest.mock import AsyncMock

import pytest

from adapters.iso_ill.codec import encode_apdu
from adapters.iso_ill.messages import Cancel, IllAnswer, StatusOrErrorReport, StatusQuery
from adapters.iso_ill.messages.codes import Results
from adapters.iso_ill.messages.structures import (
    ApduEncoding,
    DeliveryInfo,
    DeliveryParameters,
    Extension,
    SystemAddress,
    SystemId,
)
from gateway.domain.problems import OutcomeUnknown, Unavailable
from gateway.domain.requests.events import EventDetails, EventKind
from gateway.domain.requests.views import ActionRequest
from gateway.ports.partner_channel import OutgoingMessage
from gateway.ports.responder import CallbackAddress
from gateway.ports.tls import ClientTls
from gateway.runtime.listener_tls import make_server_context
from tests.protocol.iso_ill.house import FJORDBY, HOST, House, Partner, asked, header, running
from tests.support.certificates import Authority
from tests.support.daemon import free_port
from tests.support.yaml_files import read_yaml_file, write_yaml_file

# --- what comes in ---------------------------------------------------------------------------------------


async def test_many_apdus_in_one_piece_are_answered_in_order(partner: Partner) -> None:
    groups = [f"G-{number}" for number in range(20)]
    partner.say(*(asked(group) for group in groups))
    answers = [await partner.hear() for _ in groups]
    assert [one.transaction_id.group_qualifier for one in answers if one is not None] == groups


async def test_an_apdu_octet_by_octet(partner: Partner) -> None:
    for octet in encode_apdu(asked("G-1")):
        partner.writer.write(bytes((octet,)))
        await partner.writer.drain()
    assert await partner.hear() is not None


async def test_contents_of_indefinite_length(partner: Partner) -> None:
    """As yaz writes them: 61 80 30 80 … 00 00 00 00."""
    raw = encode_apdu(asked("G-1"))
    inner = raw.index(b"\x30")
    contents = raw[inner + (2 if raw[inner + 1] < 0x80 else 2 + (raw[inner + 1] & 0x7F)) :]
    partner.writer.write(b"\x61\x80\x30\x80" + contents + b"\0\0\0\0")
    report = await partner.hear()
    assert isinstance(report, StatusOrErrorReport)
    assert report.error_report is None


async def test_who_says_no_more_is_answered_all_the_same(partner: Partner) -> None:
    partner.say(asked("G-1"), asked("G-2"))
    partner.writer.write_eof()
    assert [await partner.hear() is not None for _ in range(3)] == [True, True, False]


async def test_a_slow_sender_is_served_as_long_as_it_goes_on(house: House, partner: Partner) -> None:
    """Slow, but within the profile's time for a message."""
    raw = encode_apdu(asked("G-1"))
    for at in range(0, len(raw), 25):
        partner.writer.write(raw[at : at + 25])
        await asyncio.sleep(0.05)
    assert await partner.hear() is not None
    assert len(await house.requests()) == 1


async def test_a_sender_that_never_comes_to_an_end_is_dropped(
    template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.runtime.daemon_listeners.MAX_SILENCE_SECONDS", 0.3)
    async with running(template, tmp_path) as house, house.partner() as partner:
        partner.writer.write(encode_apdu(asked("G-1"))[:-1])
        report = await partner.hear()
        assert isinstance(report, StatusOrErrorReport)
        assert report.error_report is not None
        assert await partner.hear() is None
        assert [outcome for _, outcome, _ in await house.journal()] == ["rejected"]  # not even its sender could be read
        assert not await house.requests()


@pytest.mark.parametrize(
    "garbage",
    [
        b"GET / HTTP/1.1\r\nHost: ill.example\r\n\r\n",
        bytes(200),
        b"\xff" * 50,
        b"\x61\x84\x7f\xff\xff\xff\x30",
        b"\x61\x80" * 500,
        b"\x61\xff\x00",
        "Добрый день".encode(),
    ],
)
async def test_what_is_no_apdu_gets_a_report_and_no_more(
    house: House, partner: Partner, garbage: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    partner.writer.write(garbage)
    report = await partner.hear()
    assert isinstance(report, StatusOrErrorReport)
    assert report.error_report is not None
    assert await partner.hear() is None
    async with house.partner() as other:
        assert (await other.ask(asked("G-1"))).error_report is None
    assert "Traceback" not in "".join(capfd.readouterr())


async def test_a_length_that_is_too_great_is_not_waited_for(partner: Partner) -> None:
    partner.writer.write(b"\x61\x84\x00\xff\xff\xff\x30")
    assert await partner.hear(seconds=2) is not None


async def test_nobody_is_served_by_http(house: House) -> None:
    reader, writer = await asyncio.open_connection(HOST, house.town.gateway.http_port)
    body = encode_apdu(asked("G-1"))
    writer.write(b"POST /iso_ill/fjordby HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    assert (await reader.readline()).startswith(b"HTTP/1.1 404")
    writer.close()


# --- what we say on them ---------------------------------------------------------------------------------


async def refuse(house: House, group: str) -> None:
    request = (await house.requests())[group]
    act = ActionRequest(
        kind=EventKind.UNFILLED, details=EventDetails(reason="not-held"), actor="staff:ada", version=None
    )
    await house.town.gateway.managed.libraries["CLK"].requests.apply_action(request.id, act)


async def test_our_answer_goes_out_on_the_partners_own_connection(house: House, partner: Partner) -> None:
    await partner.ask(asked("G-1"))
    await refuse(house, "G-1")
    await house.town.gateway.managed.drain_due_work()
    answer = await partner.hear()
    assert isinstance(answer, IllAnswer)
    assert answer.results == Results.UNFILLED
    assert answer.transaction_id.group_qualifier == "G-1"


async def test_it_waits_for_a_partner_that_has_no_connection_open(house: House) -> None:
    async with house.partner() as partner:
        await partner.ask(asked("G-1"))
    await closed(house)
    await refuse(house, "G-1")
    await house.town.gateway.managed.drain_due_work()
    assert ["no open connection" in error for error in await house.unsent()] == [True]
    async with house.partner() as partner:
        await partner.ask(StatusQuery(**header("G-1", clock=time(9, 0))))
        house.clock.advance(60 * house.clock.now().resolution * 10**6)
        await house.town.gateway.managed.drain_due_work()
        heard = [await partner.hear(), await partner.hear()]
    assert {type(one) for one in heard} == {IllAnswer, StatusOrErrorReport}


async def closed(house: House) -> None:
    await until(lambda: not house.town.gateway._lines.count_connections("iso_ill", "fjordby"))


async def until(holds: Callable[[], object], seconds: float = 10) -> None:
    for _ in range(round(seconds / 0.01)):
        if holds():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never came to that")


class Peer:
    """A partner that listens, and answers each connection with these bytes."""

    def __init__(self, answer: bytes = b"", *, close: bool = True, tls: SSLContext | None = None) -> None:
        self.heard: list[bytes] = []
        self.port = free_port()
        self._answer = answer
        self._close = close
        self._tls = tls

    async def __aenter__(self) -> Peer:
        self._server = await asyncio.start_server(self._serve, HOST, self.port, ssl=self._tls)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.heard.append(await reader.read(65_536))
        if self._answer:
            writer.write(self._answer)
        if self._close:
            writer.close()
        else:
            await reader.read()
            writer.close()


def saying(port: int, **more: Any) -> OutgoingMessage:
    return OutgoingMessage(
        protocol="iso_ill", profile="fjordby", message=b"\x66\x81\x02\x30\x00", address=f"{HOST}:{port}", **more
    )


async def test_a_call_back_is_delivered_when_the_partner_closes(house: House) -> None:
    async with Peer() as peer:
        assert await house.town.gateway._lines.send(saying(peer.port, own=True)) is None
        assert len(peer.heard) == 1


async def test_no_answer_where_one_is_needed_is_an_unknown_outcome(house: House) -> None:
    lines = house.town.gateway._lines
    is_reply = bool
    async with Peer() as peer:
        with pytest.raises(OutcomeUnknown, match="closed without an answer"):
            await lines.send(saying(peer.port, own=True, is_reply=is_reply, needs_reply=True))
    async with Peer(close=False) as peer:
        with pytest.raises(OutcomeUnknown, match="no answer within"):
            await lines.send(saying(peer.port, is_reply=is_reply, needs_reply=True, seconds=0.1))
        assert not lines.count_connections("iso_ill", "fjordby")  # the next try takes another connection


async def test_the_reply_is_given_to_whoever_waits_for_it(house: House) -> None:
    reply = encode_apdu(StatusOrErrorReport(**header("G-9")))
    async with Peer(reply, close=False) as peer:
        found = await house.town.gateway._lines.send(
            saying(peer.port, is_reply=lambda raw: raw == reply, needs_reply=True, seconds=5)
        )
        assert found == reply


async def test_a_defect_on_our_connection_is_counted(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.runtime.tcp_connection.TcpConnection.run", AsyncMock(side_effect=KeyError("G-9")))
    async with Peer(close=False) as peer:
        with pytest.raises(OutcomeUnknown, match="lost"):
            await house.town.gateway._lines.send(saying(peer.port, own=True, is_reply=bool, needs_reply=True))
    figures, _content_type = house.town.gateway.metrics.render()
    assert b'illgate_defects_total{event="connection.failed"} 1.0' in figures


async def test_nobody_there_is_unavailable(house: House) -> None:
    lines = house.town.gateway._lines
    with pytest.raises(Unavailable, match=f"{HOST}:"):
        await lines.send(saying(free_port()))
    with pytest.raises(Unavailable, match="its address is not configured"):
        await lines.send(replace(saying(1), address=""))
    with pytest.raises(Unavailable, match="not host:port"):
        await lines.send(replace(saying(1), address="nowhere"))


async def test_a_request_is_answered_where_its_sender_says_if_the_profile_allows_it(
    template: Path, tmp_path: Path
) -> None:
    transport = {"mode": "call-back", "follow_sender_info": True, "reply_seconds": 2}
    follows = {**FJORDBY, "iso_ill": {"transport": transport}}
    async with running(template, tmp_path, fjordby=follows) as house, Peer() as peer, house.partner() as partner:
        info = DeliveryInfo(
            sender=(
                DeliveryParameters(
                    encoding=(ApduEncoding.BER,),
                    transport=SystemAddress(service="TCP/IP", address=f"{HOST}:{peer.port}"),
                    aliases=(SystemId.from_symbol("NO:FJORDBY"),),
                ),
            ),
            recipient=(),
        )
        partner.say(asked("G-1", who="", extensions=(Extension.from_item(info),)))
        partner.writer.write_eof()
        assert await partner.hear() is None
        await refuse(house, "G-1")
        await house.town.gateway.managed.drain_due_work()
        assert [raw[0] for raw in peer.heard] == [0x64]


async def test_reports_can_be_called_back(template: Path, tmp_path: Path) -> None:
    async with Peer() as peer:
        transport = {"mode": "call-back", "reports": "call-back", "address": f"{HOST}:{peer.port}"}
        called = {**FJORDBY, "iso_ill": {"transport": transport}}
        async with running(template, tmp_path, fjordby=called) as house, house.partner() as partner:
            partner.say(Cancel(**header("NEVER")))
            partner.writer.write_eof()
            assert await partner.hear() is None
            await until(lambda: peer.heard)
            assert peer.heard[0][0] == 0x73


async def test_reports_are_called_back_by_tls_where_the_partner_is_spoken_to_by_tls(
    template: Path, tmp_path: Path
) -> None:
    authority = Authority(tmp_path)
    pair = authority.issue("fjordby")
    async with Peer(tls=make_server_context(pair.certificate, pair.key)) as peer:
        transport = {
            "mode": "call-back",
            "reports": "call-back",
            "address": f"{HOST}:{peer.port}",
            "tls": {"use": True, "ca": authority.certificate.name},
        }
        called = {**FJORDBY, "iso_ill": {"transport": transport}}
        async with running(template, tmp_path, fjordby=called) as house, house.partner() as partner:
            partner.say(Cancel(**header("NEVER")))
            await until(lambda: peer.heard)
            assert peer.heard[0][0] == 0x73


async def test_a_partner_with_a_new_authority_is_reached_as_soon_as_its_file_is_there(
    house: House, tmp_path: Path
) -> None:
    folders = [tmp_path / "old", tmp_path / "new"]
    for folder in folders:
        folder.mkdir()
    old, new = (Authority(folder) for folder in folders)
    pair = new.issue("fjordby")
    lines, trusted = house.town.gateway._lines, ClientTls(ca=old.certificate)
    async with Peer(tls=make_server_context(pair.certificate, pair.key)) as peer:
        with pytest.raises(Unavailable, match="certificate verify failed"):
            await lines.send(saying(peer.port, own=True, tls=trusted))

        new.certificate.replace(old.certificate)

        await lines.send(saying(peer.port, own=True, tls=trusted))
        assert len(peer.heard) == 1


async def test_call_backs_that_are_not_taken_do_not_pile_up(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.runtime.partner_connections.MAX_CALLS", 2)
    lines = house.town.gateway._lines
    async with Peer(close=False) as peer:
        place = CallbackAddress(f"{HOST}:{peer.port}", "fjordby", seconds=1)
        for _ in range(5):
            lines.call_back("iso_ill", place, encode_apdu(StatusOrErrorReport(**header("G-1"))))
        await until(lambda: not lines._calls)
        assert len(peer.heard) == 2


async def test_a_partner_that_does_not_read_loses_its_connection(
    house: House, partner: Partner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or else all that is said on it would be kept for it."""
    monkeypatch.setattr("gateway.runtime.tcp_connection.ANSWER_SECONDS", 0.2)
    lines = house.town.gateway._lines
    await partner.ask(asked("G-1"))
    too_much = replace(saying(1), message=bytes(20_000_000))
    with pytest.raises(OutcomeUnknown, match="does not read"):
        await lines.send(too_much)
    await closed(house)
    assert len(await partner.reader.read()) < 20_000_000


async def test_a_changed_profile_ends_its_connections_and_no_others(house: House, partner: Partner) -> None:
    """Who is not let in any more is out at once; what it asks on a new connection is refused."""
    gateway = house.town.gateway
    async with house.partner() as other:
        await partner.ask(asked("G-1"))
        other.say(asked("G-2", who="NO:STILLE"))
        await until(lambda: gateway._lines.count_connections("iso_ill", "stille"))
        file = gateway.settings.profiles_folder / "fjordby.yml"
        nobody = {**FJORDBY, "auth": [{"kind": "network", "networks": ["192.0.2.0/28"]}]}
        write_yaml_file(file, nobody)
        assert await gateway.reload()
        assert await partner.hear() is None
        await closed(house)
        assert gateway._lines.count_connections("iso_ill", "stille") == 1
        async with house.partner() as again:
            assert (await again.ask(asked("G-3"))).error_report is not None


async def test_a_listener_of_one_partner_alone_is_spoken_on_as_well(template: Path, tmp_path: Path) -> None:
    """Its parties need not be named at all."""
    own = tmp_path / "own"
    shutil.copytree(template, own)
    settings = own / "gateway.yml"
    document = read_yaml_file(settings)
    document["tcp"] = [{"port": 0, "protocol": "iso_ill", "profile": "fjordby"}]
    write_yaml_file(settings, document)
    async with running(own, tmp_path / "house") as house, house.partner() as partner:
        assert (await partner.ask(asked("G-1", who="", to=""))).error_report is None
        await refuse(house, "G-1")
        await house.town.gateway.managed.drain_due_work()
        assert isinstance(await partner.hear(), IllAnswer)
