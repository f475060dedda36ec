"""What gateway.yml says is what the parts of the gateway are made with: keys that no story tries."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from click.testing import CliRunner

from gateway.adapter_registry import load_adapters
from gateway.cli import daemon_commands
from gateway.cli.app import main
from gateway.domain.clock import SystemClock
from gateway.ports.incoming_mail import MailboxServer, SignIn
from gateway.ports.outgoing_mail import LetterSender, MailSecurity, MailServer
from gateway.runtime import daemon, daemon_listeners, mailbox_services
from gateway.runtime.daemon_listeners import DaemonListeners
from gateway.runtime.exchange_assembly import attempt_limits, make_journal_options
from gateway.runtime.mailbox_services import MailboxServices
from gateway.services.mailbox.poller import PollingOptions
from gateway.services.people.sign_in_attempts import AttemptLimits
from gateway.services.searching import article_lookup
from gateway.settings import Settings, load_settings
from gateway.store.mailbox import MailOutcome
from tests.support.yaml_files import write_yaml_file

UNUSED: Any = None
Load = Callable[..., Settings]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    def from_sections(**sections: Any) -> Settings:
        write_yaml_file(tmp_path / "gateway.yml", sections)
        return load_settings(tmp_path / "gateway.yml", load_adapters())

    return from_sections


def keep_calls(monkeypatch: pytest.MonkeyPatch, module: Any, name: str) -> list[Any]:
    """The arguments with which a class of that name is called from now on, one value for each call."""
    calls: list[Any] = []

    def keep(*arguments: Any, **named: Any) -> Any:
        calls.append(named or arguments[0])
        return SimpleNamespace(place=SimpleNamespace(host="", port=0), start=_do_nothing, box=named.get("box"))

    monkeypatch.setattr(module, name, keep)
    return calls


async def _do_nothing() -> None:
    return None


async def test_listeners(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    http = {"host": "127.0.0.2", "port": 1, "header_seconds": 2.5, "connections": 7, "per_peer": 3}
    tcp = {"host": "127.0.0.3", "port": 2, "connections": 8, "per_peer": 4, "protocol": "iso_ill"}
    made = [keep_calls(monkeypatch, daemon_listeners, f"{name}Listener") for name in ("Http", "TcpMessage")]
    settings = load(http=http, tcp=[tcp])
    listeners = DaemonListeners(settings, load_adapters(), UNUSED, UNUSED, SystemClock())

    site, lines = SimpleNamespace(count_defect=None), SimpleNamespace(start_serving=lambda _inside: None)
    await listeners.start_listeners(cast(Any, site), UNUSED, cast(Any, lines))

    ((by_http,), (by_tcp,)) = made
    assert (by_http.host, by_http.port, by_http.head_seconds) == ("127.0.0.2", 1, 2.5)
    assert (by_http.connections, by_http.per_peer) == (7, 3)
    assert (by_tcp.host, by_tcp.port, by_tcp.connections, by_tcp.per_peer) == ("127.0.0.3", 2, 8, 4)


MAILBOX = {
    "name": "ill",
    "host": "imap.fjord.example",
    "port": 143,
    "security": "starttls",
    "ca": "tls/ca.pem",
    "sign_in": "xoauth2",
    "user": "ill@fjord.example",
    "password": "env:MAILBOX",
    "folder": "Fernleihe",
    "folders": {"done": "A", "failed": "B", "unknown": "C"},
    "poll_seconds": 7,
    "timeout_seconds": 8,
    "batch": 9,
    "max_bytes": 1234,
    "authserv_id": "mx.fjord.example",
}


def test_mailboxes(load: Load, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    made = keep_calls(monkeypatch, mailbox_services, "MailboxPoller")
    managed = SimpleNamespace(contexts={}, mail_formats={}, node=SimpleNamespace(make_leader=lambda _name: None))
    MailboxServices(
        settings=load(libraries=[{"symbol": "FJORD"}], mailboxes=[MAILBOX]),
        adapters=load_adapters(),
        clock=SystemClock(),
        store=UNUSED,
        managed=cast(Any, managed),
        profiles=UNUSED,
        journal=UNUSED,
        options=cast(Any, SimpleNamespace(cipher=None, keep_rows_days=1)),
    )

    (poller,) = made
    assert poller["server"] == MailboxServer(
        host="imap.fjord.example",
        port=143,
        security=MailSecurity.STARTTLS,
        sign_in=SignIn.XOAUTH2,
        user="ill@fjord.example",
        password="env:MAILBOX",
        ca=tmp_path / "tls/ca.pem",
        seconds=8,
        folder="Fernleihe",
    )
    assert poller["rounds"] == PollingOptions(
        folders={MailOutcome.DONE: "A", MailOutcome.FAILED: "B", MailOutcome.UNKNOWN: "C"},
        batch=9,
        max_bytes=1234,
        poll_seconds=7,
    )


def test_the_mail_server_and_who_writes(load: Load, tmp_path: Path) -> None:
    server = {"host": "mx.fjord.example", "port": 465, "security": "tls", "ca": "tls/ca.pem", "timeout_seconds": 4}
    account = {"user": "ill", "password": "env:MAIL"}
    sender = {"sender": "ill@fjord.example", "name": "Fjord", "reply_to": "answers@fjord.example"}
    mail = load(mail={**server, **account, **sender}).mail

    assert mail.letter_sender == LetterSender("ill@fjord.example", "Fjord", "answers@fjord.example")
    assert mail.make_mail_server(tmp_path) == MailServer(
        host="mx.fjord.example",
        port=465,
        security=MailSecurity.TLS,
        user="ill",
        password="env:MAIL",
        ca=tmp_path / "tls/ca.pem",
        seconds=4,
    )


def test_the_journal_and_wrong_pins(load: Load) -> None:
    journal = {"body_limit": 11, "keep_bodies_days": 12, "keep_rows_days": 13}
    settings = load(journal=journal, pages={"tries": 2, "address_tries": 3, "tries_minutes": 4})
    parts = SimpleNamespace(settings=settings, secrets=str, adapters=SimpleNamespace(protocols={}))
    options, limits = make_journal_options(cast(Any, parts)), attempt_limits(settings)

    assert (options.body_limit, options.keep_bodies_days, options.keep_rows_days) == (11, 12, 13)
    assert limits == AttemptLimits(2, 3, 4)


def test_answers_of_article_services_are_kept_so_long(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[timedelta] = []
    monkeypatch.setattr(article_lookup, "ArticleLookup", lambda _sources, _clock, age: kept.append(age))
    article_lookup.make_article_lookup(load(article_lookup={"cache_hours": 3}), load_adapters(), str, SystemClock())

    assert kept == [timedelta(hours=3)]


def test_an_article_service_may_take_so_long(load: Load) -> None:
    adapters = SimpleNamespace(article_sources={"crossref": SimpleNamespace(url="", make=lambda context: context)})
    made = article_lookup.make_article_source(
        "crossref", load(article_lookup={"seconds": 3}), cast(Any, adapters), str, SystemClock()
    )

    assert cast(Any, made).seconds == 3


def test_so_long_a_message_waits_for_its_turn(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[float] = []
    monkeypatch.setattr(daemon, "AdmissionQueue", lambda _at_once, _waiting, seconds, _count: made.append(seconds))
    daemon.Daemon(load(http={"queue_seconds": 7}), load_adapters())

    assert made == [7]


def test_a_directory_is_pulled_so_often(load: Load) -> None:
    source = {"name": "hub", "url": "https://hub.example/directory", "format": "crosslink", "every": "30m"}

    assert load(directory={"sources": [source]}).directory.sources[0].every_seconds == 1_800


def test_folders_of_letters(load: Load, tmp_path: Path) -> None:
    assert load(letters={"folder": "briefe"}).letters_folder == tmp_path / "briefe"


def test_what_is_logged_and_how(load: Load, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    logged: list[tuple[str, str]] = []
    monkeypatch.setattr(daemon_commands, "set_up_logging", lambda form, level: logged.append((form, level)))
    monkeypatch.setattr(daemon_commands, "serve_until_stopped", lambda _daemon: None)
    load(log={"format": "json", "level": "warning"})
    done = CliRunner().invoke(main, ["--config", str(tmp_path / "gateway.yml"), "serve"])

    assert done.exit_code == 0, done.output
    assert logged[-1] == ("json", "warning")
