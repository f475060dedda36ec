"""From settings to a running gateway and back."""

from __future__ import annotations

import asyncio
import socket
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from gateway.domain.problems import ConfigurationError
from gateway.runtime import daemon, monitoring, periodic_tasks
from gateway.runtime.daemon import Daemon
from gateway.runtime.listeners import TcpMessageListener
from gateway.store.engine import open_store
from gateway.store.journal import Journal
from gateway.store.journal_records import JournalOpening, JournalOptions
from tests.unit.runtime.house import SETTINGS, House


@pytest.fixture
def house(tmp_path: Path) -> House:
    made = House(tmp_path)
    made.build()
    return made


async def ask(gateway: Daemon, path: str, body: bytes | None = None) -> tuple[int, str]:
    url = f"http://127.0.0.1:{gateway.http_port}{path}"
    async with aiohttp.ClientSession() as session, session.request("POST" if body else "GET", url, data=body) as answer:
        return answer.status, await answer.text()


async def test_it_answers_by_http_and_tcp_and_says_that_it_is_well(house: House) -> None:
    async with house.running() as gateway:
        assert await ask(gateway, "/plain", b"x") == (200, "hello")
        assert await ask(gateway, "/plain/anyone", b"x") == (200, "hello")
        reader, writer = await asyncio.open_connection("127.0.0.1", gateway.tcp_ports[0])
        writer.write(b"x\n")
        assert await reader.readline() == b"hello\r\n"
        writer.close()
        status, page = await ask(gateway, "/readyz")
        _, metrics = await ask(gateway, "/metrics")
    assert status == 200
    for part in (
        "store",
        "store writing",
        "library CLK",
        "profiles",
        "listener http 127.0.0.1:",
        "listener tcp 127.0.0.1:",
    ):
        assert f'"name": "{part}' in page
    assert 'service="Greet"} 3.0' in metrics
    assert 'illgate_up{library="CLK",part="library CLK"} 1.0' in metrics


@pytest.mark.parametrize(("proxies", "answer"), [("127.0.0.1", "hello"), ("", "no"), ("192.0.2.7", "no")])
async def test_client_certificates_are_believed_from_certificate_proxies_alone(
    house: House, proxies: str, answer: str
) -> None:
    house.build(SETTINGS.replace("http: {port: 0", f"http: {{port: 0, certificate_proxies: [{proxies}]"))
    house.profile.write_text("auth: [{kind: certificate, user: Relais}]\nplain: {greeting: hello}\n")
    headers = {"X-Client-Verify": "SUCCESS", "X-Client-Subject": "CN=Relais,O=Consortium"}
    async with house.running() as gateway, aiohttp.ClientSession() as session:
        url = f"http://127.0.0.1:{gateway.http_port}/plain/anyone"
        async with session.post(url, data=b"x", headers=headers) as answered:
            assert await answered.text() == answer


async def test_messages_are_in_the_journal_after_a_stop(house: House) -> None:
    async with house.running() as gateway:
        await ask(gateway, "/plain", b"x")
    store = open_store(f"sqlite:///{house.folder / 'data' / 'illgate.db'}")
    outcomes = await store.read(
        lambda connection: connection.execute(text("select outcome from message")).scalars().all()
    )
    await store.close()
    assert outcomes == ["ok", "ok"]


async def test_messages_of_an_earlier_start_wait_for_their_library(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(daemon, "RETRY_SECONDS", 0.02)
    store = open_store(f"sqlite:///{house.folder / 'data' / 'illgate.db'}")
    journal = Journal(store, JournalOptions(), "dead")
    now = datetime.now(UTC)
    await journal.begin(JournalOpening("CLK", now, b"x", "plain", "http", profile="anyone", service="Greet"))
    house.shelf.problem = "the library's server does not answer"

    async with house.running():
        await asyncio.sleep(0.1)
        waiting = await journal.list_pending_nodes("CLK")
        house.shelf.problem = ""
        async with asyncio.timeout(10):
            while True:
                if not await journal.list_pending_nodes("CLK"):
                    break
                await asyncio.sleep(0.02)

    assert set(waiting) == {"dead"}
    await store.close()


async def test_what_ends_at_a_stop_is_not_logged_as_down(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(periodic_tasks, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(monitoring, "FRESH_SECONDS", 0.0)
    with capture_logs() as logs:
        async with house.running() as gateway:
            reader, writer = await asyncio.open_connection("127.0.0.1", gateway.tcp_ports[0])
            writer.write(b"x")
            await asyncio.sleep(0.1)  # read, so that the stop waits for the end of the message
            asyncio.get_running_loop().call_later(0.2, writer.write, b"\n")
        answer = await reader.readline()
        writer.close()
    assert answer == b"hello\r\n"
    assert [one for one in logs if one["log_level"] == "error"] == []


async def test_what_is_down_shows(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    async with house.running() as gateway:
        monkeypatch.setattr(TcpMessageListener, "is_listening", False)
        await asyncio.sleep(1.1)  # a look counts for a second
        status, page = await ask(gateway, "/readyz")
    assert status == 503
    assert "not listening" in page


async def test_a_bad_edit_leaves_the_old_profiles_at_work_and_is_told(house: House) -> None:
    async with house.running() as gateway:
        good = house.profile.read_text()
        house.profile.write_text(good.replace("greeting: hello", "greetings: servus"))
        assert not await gateway.reload()
        assert await ask(gateway, "/plain", b"x") == (200, "hello")
        await asyncio.sleep(1.1)
        status, page = await ask(gateway, "/readyz")
        assert status == 200
        assert "anyone.yml:4" in page
        assert "illgate_profile_problems 0.0" not in (await ask(gateway, "/metrics"))[1]
        house.profile.write_text(good.replace("hello", "servus"))
        assert await gateway.reload()
        assert await ask(gateway, "/plain", b"x") == (200, "servus")
        assert "illgate_profile_problems 0.0" in (await ask(gateway, "/metrics"))[1]


async def test_an_edited_file_is_seen_without_being_told(house: House) -> None:
    async with house.running() as gateway:
        await asyncio.sleep(0.3)  # the watcher has begun
        house.profile.write_text(house.profile.read_text().replace("hello", "bonjour"))
        async with asyncio.timeout(10):
            while (await ask(gateway, "/plain", b"x"))[1] != "bonjour":  # noqa: ASYNC110  seen from outside only
                await asyncio.sleep(0.05)


async def test_two_gateways_run_in_one_process(tmp_path: Path) -> None:
    houses = [House(tmp_path / name) for name in ("a", "b")]
    for house in houses:
        house.folder.mkdir()
        house.build()
    async with houses[0].running() as first, houses[1].running() as second:
        assert first.http_port != second.http_port
        await ask(first, "/plain", b"x")
        await ask(second, "/plain", b"x")
        await ask(second, "/plain", b"x")
        assert 'service="Greet"} 1.0' in (await ask(first, "/metrics"))[1]
        assert 'service="Greet"} 2.0' in (await ask(second, "/metrics"))[1]


async def test_a_port_that_is_taken_leaves_nothing_open(house: House) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        house.build(SETTINGS.replace("{port: 0}", f"{{port: {taken.getsockname()[1]}}}"))
        before = asyncio.all_tasks()
        port = taken.getsockname()[1]
        said = f"http.port: can't listen at 127.0.0.1, port {port}: address already in use"
        with pytest.raises(OSError, match=rf"^{house.folder}/gateway.yml:\d+: {said}$"):
            await house.gateway().start()
        assert asyncio.all_tasks() == before
    async with house.running() as gateway:
        assert (await ask(gateway, "/healthz"))[0] == 200


async def test_it_starts_again_on_its_own_database(house: House) -> None:
    for _ in range(2):
        async with house.running() as gateway:
            assert await ask(gateway, "/plain", b"x") == (200, "hello")


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        ("journal: {encryption_keys: [env:ILLGATE_TEST_SHORT]}", "journal.encryption_keys"),
        ("journal: {encryption_keys: [env:ILLGATE_TEST_NOWHERE]}", "ILLGATE_TEST_NOWHERE"),
    ],
)
async def test_keys_that_will_not_do_are_told(
    house: House, extra: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ILLGATE_TEST_SHORT", "short")
    house.build(SETTINGS + extra)
    with pytest.raises(ConfigurationError, match=said):
        await house.gateway().start()


async def test_a_certificate_that_is_not_there_is_named(house: House) -> None:
    tls = 'http: {port: 0, tls: {certificate: "nowhere.pem", key: "nowhere.key"}}'
    house.build(SETTINGS.replace("http: {port: 0}", tls))
    with pytest.raises(OSError, match=r"nowhere\.pem"):
        await house.gateway().start()
