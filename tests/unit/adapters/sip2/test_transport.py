"""What a server can do to a connection: nothing is done twice, nothing hangs, and no answer is taken for another."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from adapters.library.sip2.client import Sip2Client
from adapters.library.sip2.codec import Query, add_checksum
from adapters.library.sip2.messages import QueryWriter
from adapters.library.sip2.options import Sip2Options
from gateway.domain.problems import OutcomeUnknown, Unavailable
from tests.support.certificates import Authority
from tests.unit.adapters.sip2.scripted_server import Line, Script, ScriptedServer, answer_well

WRITER = QueryWriter("LIB", "", UTC)
NOW = datetime(2026, 11, 24, 12, 40, 7, tzinfo=UTC)
QUESTION = WRITER.item_information("I1", NOW)
CHANGE = WRITER.check_out("P1", "I1", NOW, due=None, no_block=False)
ITEM = b"18030101" + b"20261124    134007" + b"ABI1|AJA title|"


@asynccontextmanager
async def connected(
    script: Script, tls: ssl.SSLContext | None = None, **more: Any
) -> AsyncIterator[tuple[ScriptedServer, Sip2Client]]:
    seconds = {"connect": 1, "look_up": 0.5, "change": 0.5}
    async with ScriptedServer(script, tls=tls) as server:
        sections: dict[str, Any] = {"host": "127.0.0.1", "port": server.port, "seconds": seconds, **more}
        client = Sip2Client(Sip2Options.model_validate(sections), Path(), {"env:PIN": "pw"}.__getitem__, WRITER)
        try:
            yield server, client
        finally:
            client.end_connections()


def instead(code: bytes, *acts: Callable[[Line], Any]) -> Script:
    """The first messages of this code are dealt with by `acts`, one each; all else goes well."""
    left = list(acts)

    async def script(line: Line, heard: bytes) -> None:
        if heard == code and left:
            await left.pop(0)(line)
        else:
            await answer_well(line, heard)

    return script


async def ask(client: Sip2Client, query: Query = QUESTION) -> str:
    async with client.open_conversation() as talk:
        return (await talk.ask(query)).first("AJ")


async def change(client: Sip2Client) -> str:
    async with client.open_conversation() as talk:
        await talk.ask(QUESTION)
        return (await talk.change(CHANGE)).fixed["ok"]


async def test_it_signs_in_and_learns_what_the_server_can_do() -> None:
    async with connected(answer_well, login={"user": "t7", "password": "env:PIN"}) as (server, client):
        assert await ask(client) == "A title"

        assert server.heard == [b"93", b"99", b"17"]
        assert client.status is not None
        assert client.status.institution == "LIB"


async def test_a_connection_is_used_again() -> None:
    async with connected(answer_well) as (server, client):
        assert [await ask(client) for _ in range(12)] == ["A title"] * 12  # more than there are sequence numbers
        assert server.connections == 1


async def test_a_connection_that_nobody_uses_is_ended() -> None:
    async with connected(answer_well, seconds={"idle": 0.05}) as (server, client):
        await ask(client)
        await asyncio.sleep(0.3)
        await ask(client)
        assert server.connections == 2


async def test_no_more_connections_are_opened_than_there_are_terminals() -> None:
    async with connected(answer_well, connections=3) as (server, client):
        assert await asyncio.gather(*(ask(client) for _ in range(10))) == ["A title"] * 10
        assert server.connections == 3


async def test_an_answer_in_pieces_and_with_a_line_feed_is_read() -> None:
    async def say_in_pieces(line: Line) -> None:
        whole = add_checksum(ITEM + b"AY" + line.heard[-7:-6] + b"AZ") + b"\r\n"
        await line.say(*(whole[n : n + 7] for n in range(0, len(whole), 7)))

    async with connected(instead(b"17", say_in_pieces)) as (server, client):
        assert [await ask(client), await ask(client)] == ["A title", "A title"]
        assert server.connections == 1


async def test_a_damaged_answer_is_asked_for_again_and_nothing_is_done_twice() -> None:
    damaged: list[bytes] = []

    async def script(line: Line, heard: bytes) -> None:
        if heard == b"11" and not damaged:
            damaged.append(line.heard[-7:-6])
            await line.say(b"121NUU20261124    134007AAP1|AY1AZ0000\r")
        elif heard == b"97":
            body = b"121NUU20261124    134007AOLIB|AAP1|ABI1|AJA title|AH20261222    235900|"
            await line.answer(body, sequence=damaged[0])
        else:
            await answer_well(line, heard)

    async with connected(script) as (server, client):
        assert await change(client) == "1"
        assert server.heard == [b"99", b"17", b"11", b"97"]


async def test_a_message_that_the_server_could_not_read_is_sent_again_as_it_was() -> None:
    sent: list[bytes] = []

    async def refuse_once(line: Line) -> None:
        sent.append(line.heard)
        await line.say(b"96AZFEF6\r")

    async def look(line: Line) -> None:
        sent.append(line.heard)
        await answer_well(line, b"11")

    async with connected(instead(b"11", refuse_once, look)) as (_, client):
        assert await change(client) == "1"
        assert sent[0] == sent[1]


@pytest.mark.parametrize(("resends", "sent"), [(1, 2), (9, 4)])
async def test_a_server_that_asks_for_ever_is_given_up(resends: int, sent: int) -> None:
    async def refuse(line: Line) -> None:
        await line.say(b"96AZFEF6\r")

    async with connected(instead(b"11", *[refuse] * 20), resends=resends) as (server, client):
        with pytest.raises(OutcomeUnknown, match="keeps asking for the same message"):
            await change(client)
        assert server.heard.count(b"11") == sent  # once, and at most three times again: as 98 allows


@pytest.mark.parametrize("said", [b"", b"121NUU2026", b"None"], ids=["nothing", "half", "no message"])
async def test_a_change_without_a_whole_answer_is_never_sent_again(said: bytes) -> None:
    async def say_and_wait(line: Line) -> None:
        await line.say(said)

    async def say_and_close(line: Line) -> None:
        await line.say(said)
        line.writer.close()

    for act, reason in ((say_and_wait, "no answer to message 11 within 0.5 s"), (say_and_close, "was closed")):
        async with connected(instead(b"11", act)) as (server, client):
            with pytest.raises(OutcomeUnknown, match=reason):
                await change(client)
            assert server.heard.count(b"11") == 1
            assert await change(client) == "1"  # on a new connection
            assert server.connections == 2


async def test_an_answer_that_comes_too_late_is_not_taken_for_the_next_one() -> None:
    async def answer_late(line: Line) -> None:
        await asyncio.sleep(0.7)
        await line.answer(ITEM.replace(b"A title", b"Another title"))

    async with connected(instead(b"17", answer_late)) as (_, client):
        with pytest.raises(Unavailable, match="no answer to message 17"):
            await ask(client)
        await asyncio.sleep(0.4)
        assert await ask(client) == "A title"


async def test_an_answer_with_another_number_is_not_believed() -> None:
    async def answer_another(line: Line) -> None:
        await line.answer(ITEM, sequence=b"9" if line.heard[-7:-6] != b"9" else b"8")

    async with connected(instead(b"17", answer_another)) as (_, client):
        with pytest.raises(Unavailable, match="answered a different message"):
            await ask(client)


async def test_a_kept_connection_that_has_ended_is_replaced_unnoticed() -> None:
    async def answer_and_close(line: Line) -> None:
        await line.answer(ITEM)
        line.writer.close()

    async def close(line: Line) -> None:
        line.writer.close()

    async with connected(instead(b"17", answer_and_close, answer_and_close)) as (server, client):
        assert [await ask(client) for _ in range(3)] == ["A title"] * 3
        assert server.connections == 3

    async with connected(instead(b"17", lambda line: line.answer(ITEM), close)) as (server, client):
        assert [await ask(client), await ask(client)] == ["A title", "A title"]
        assert server.heard == [b"99", b"17", b"17", b"99", b"17"]


async def answer_and_close_without_a_word(line: Line) -> None:
    """The answer comes; the end of the connection is only seen by whoever writes to it again."""
    await line.answer(ITEM)
    await line.reader.readuntil(b"\r")
    line.writer.close()


async def test_a_question_on_a_connection_that_closed_after_a_good_answer_is_asked_on_a_new_one() -> None:
    async with connected(instead(b"17", answer_and_close_without_a_word)) as (server, client):
        async with client.open_conversation() as talk:
            assert (await talk.ask(QUESTION)).first("AJ") == "A title"
            assert (await talk.ask(QUESTION)).first("AJ") == "A title"
        assert server.connections == 2


async def test_a_change_is_not_sent_on_a_kept_connection_that_nobody_has_tried() -> None:
    """The server closes the one that answered; another one rests, and has ended too by now."""

    async def answer_and_close(line: Line) -> None:
        await line.answer(ITEM)
        line.writer.close()

    async def answer_and_end_later(line: Line) -> None:
        await line.answer(ITEM)
        await line.reader.readuntil(b"\r")
        line.writer.close()

    async with connected(instead(b"17", answer_and_end_later, answer_and_close)) as (server, client):
        async with client.open_conversation() as resting, client.open_conversation() as talk:
            await resting.ask(QUESTION)
            await talk.ask(QUESTION)
            resting.end()
            await asyncio.sleep(0.05)
            assert (await talk.change(CHANGE)).fixed["ok"] == "1"
        assert server.heard.count(b"11") == 1


async def test_a_server_that_closes_after_each_message_gets_a_connection_for_each() -> None:
    async def answer_and_close(line: Line, heard: bytes) -> None:
        await answer_well(line, heard)
        line.writer.close()

    async with connected(answer_and_close, sessions="one-message") as (server, client):
        assert await change(client) == "1"
        assert await change(client) == "1"
        assert server.heard == [b"99", b"17", b"11", b"17", b"11"]
        assert server.connections == 5


async def test_an_endless_answer_is_not_read_to_its_end() -> None:
    async def flood(line: Line) -> None:
        while not line.writer.is_closing():
            await line.say(b"18" + b"x" * 60_000)

    async with connected(instead(b"17", flood), max_bytes=10_000) as (_, client):
        with pytest.raises(Unavailable, match="larger than 10,000 bytes"):
            await ask(client)
        assert await ask(client) == "A title"


async def test_without_error_detection_nothing_has_a_checksum() -> None:
    heard: list[bytes] = []

    async def script(line: Line, code: bytes) -> None:
        heard.append(line.heard)
        answers = {b"99": b"98YYYNYN30000320261124    1340072.00AOLIB|", b"17": ITEM}
        await line.say(answers[code] + b"\r\n")

    async with connected(script, error_detection=False, message_end="crlf") as (_, client):
        assert await ask(client) == "A title"
        assert heard == [b"9900802.00", b"\n1720261124    124007AOLIB|ABI1|AC|"]
        assert client.status is not None
        assert client.status.abilities is None


async def test_a_refused_login_a_system_off_line_and_a_closed_port_are_told_apart() -> None:
    login = {"user": "t7", "password": "env:PIN"}
    async with connected(instead(b"93", lambda line: line.answer(b"940")), login=login) as (_, client):
        with pytest.raises(Unavailable, match="rejected the login of terminal 't7'"):
            await ask(client)
    offline = b"98NYYNYN30000320261124    1340072.00AOLIB|BXYYYYYYYYYYYYYYYY|"
    async with connected(instead(b"99", lambda line: line.answer(offline))) as (_, client):
        with pytest.raises(Unavailable, match="offline"):
            await ask(client)
    async with connected(answer_well) as (server, client):
        await server.__aexit__()
        with pytest.raises(Unavailable, match="not reached"):
            await ask(client)


async def test_a_cancelled_question_leaves_no_answer_behind() -> None:
    async def answer_late(line: Line) -> None:
        await asyncio.sleep(0.2)
        await line.answer(ITEM.replace(b"A title", b"Another title"))

    async with connected(instead(b"17", answer_late)) as (server, client):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await ask(client)
        assert await ask(client) == "A title"
        assert server.connections == 2


async def test_tls_is_spoken_with_a_server_whose_certificate_is_right(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    pair = authority.issue("ils")
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(pair.certificate, pair.key)
    async with connected(answer_well, tls, security="tls", ca=str(authority.certificate)) as (server, client):
        assert [await ask(client), await ask(client)] == ["A title", "A title"]
        assert server.connections == 1
    async with connected(answer_well, tls, security="tls") as (server, client):
        with pytest.raises(Unavailable, match=r"not reached: .*certificate"):
            await ask(client)
        assert server.heard == [], "the password was not sent"
