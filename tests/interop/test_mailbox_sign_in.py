"""Signing in to a real Dovecot: TLS from the start, STARTTLS, each way of signing in, access tokens. And to a server of
ours that shows who gets no password, whatever another one writes into its log."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import web

from adapters.mailbox.imap_client import ImapClient
from gateway.domain.problems import RefusalReason, Refused, Unavailable
from gateway.ports.incoming_mail import MailboxServer, SignIn
from gateway.ports.outgoing_mail import MailSecurity
from tests.support.certificates import Authority
from tests.support.dovecot import PASSWORD, Dovecot, Tls
from tests.support.imap_sink import ImapSink, running
from tests.support.installed import start_or_skip

TOKEN = "ya29.made-up-token"
MAIL = b"From: fjernlan@ub.bergen.example\r\nSubject: Svar\r\n\r\nTBS\r\n"


def started(tls: Tls | None = None, tokens: str = "") -> Dovecot:
    return start_or_skip(lambda: Dovecot(tls, tokens))


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def dovecot(authority: Authority) -> Iterator[Dovecot]:
    pair = authority.issue("mail.demo.example")
    server = started(Tls(pair.certificate, pair.key))
    yield server
    server.stop()


def server_at(
    port: int, authority: Authority, security: MailSecurity = MailSecurity.TLS, sign_in: SignIn = SignIn.LOGIN
) -> MailboxServer:
    """As an operator says it in gateway.yml."""
    return MailboxServer(
        host="127.0.0.1",
        port=port,
        security=security,
        ca=authority.certificate,
        sign_in=sign_in,
        user="signing-in",
        password="env:ILL_MAIL",
        seconds=10,
    )


@pytest.fixture
def server(dovecot: Dovecot, authority: Authority) -> MailboxServer:
    return server_at(dovecot.tls_port, authority)


async def waiting(server: MailboxServer, secret: str = PASSWORD) -> int:
    """How many mails there are, after signing in."""
    opened = await ImapClient(lambda _reference: secret).open(server)
    try:
        return len((await opened.list_messages()).uids)
    finally:
        await opened.close()


@pytest.mark.parametrize("sign_in", [SignIn.LOGIN, SignIn.PLAIN])
async def test_by_tls_from_the_start(dovecot: Dovecot, server: MailboxServer, sign_in: SignIn) -> None:
    server = replace(server, user=f"tls-{sign_in.value}", sign_in=sign_in)
    dovecot.deliver(server.user, MAIL)
    assert await waiting(server) == 1


async def test_by_starttls(dovecot: Dovecot, server: MailboxServer) -> None:
    server = replace(server, port=dovecot.port, security=MailSecurity.STARTTLS, user="starttls")
    dovecot.deliver(server.user, MAIL)
    assert await waiting(server) == 1


# --- who gets no password ----------------------------------------------------------------------------------


@pytest.fixture
def certificate(authority: Authority) -> ssl.SSLContext:
    """What a server of ours shows; its name is its address."""
    pair = authority.issue("sink.example")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.certificate, pair.key)
    return context


@pytest.mark.parametrize("stranger", [{"ca": None}, {"host": "localhost"}], ids=["authority", "name"])
@pytest.mark.parametrize("sign_in", list(SignIn))
@pytest.mark.parametrize("security", [MailSecurity.TLS, MailSecurity.STARTTLS])
async def test_a_server_whose_authority_or_name_is_not_known_gets_no_password(
    authority: Authority,
    certificate: ssl.SSLContext,
    security: MailSecurity,
    sign_in: SignIn,
    stranger: dict[str, Any],
) -> None:
    async with running(ImapSink(certificate, security)) as sink:
        known = server_at(sink.port, authority, security=security, sign_in=sign_in)
        assert await waiting(known) == 0
        with pytest.raises(Unavailable):
            await waiting(replace(known, **stranger))

    assert [sink.has_received(PASSWORD, connection) for connection in (0, 1)] == [True, False], sink.received


@pytest.mark.parametrize("sign_in", list(SignIn))
async def test_a_server_without_starttls_gets_no_password(
    authority: Authority, certificate: ssl.SSLContext, sign_in: SignIn
) -> None:
    async with running(ImapSink(certificate, MailSecurity.NONE)) as sink:
        plain = server_at(sink.port, authority, security=MailSecurity.NONE, sign_in=sign_in)
        assert await waiting(plain) == 0
        with pytest.raises(Unavailable):
            await waiting(replace(plain, security=MailSecurity.STARTTLS))

    assert [sink.has_received(PASSWORD, connection) for connection in (0, 1)] == [True, False], sink.received


@pytest.mark.parametrize("sign_in", list(SignIn))
async def test_a_refused_password_is_not_repeated_although_the_server_does(
    authority: Authority, certificate: ssl.SSLContext, sign_in: SignIn
) -> None:
    async with running(ImapSink(certificate, MailSecurity.NONE, lets_in=False)) as sink:
        with pytest.raises(Refused) as refused:
            await waiting(server_at(sink.port, authority, security=MailSecurity.NONE, sign_in=sign_in))

    assert sink.has_received(PASSWORD, 0)
    assert refused.value.reason is RefusalReason.SENDER_AUTH_FAILED
    assert refused.value.__cause__ is None
    assert PASSWORD not in f"{refused.value} {refused.value.internal}"


# --- access tokens ---------------------------------------------------------------------------------------


@pytest.fixture
async def with_tokens() -> AsyncIterator[Dovecot]:
    """A server that asks an authorization server whose token it was given."""

    async def introspect(request: web.Request) -> web.Response:
        token = (await request.post()).get("token")
        return web.json_response({"active": token == TOKEN, "username": "ill"} if token == TOKEN else {"active": False})

    app = web.Application()
    app.router.add_post("/introspect", introspect)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    try:
        server = started(tokens=f"http://127.0.0.1:{port}/introspect")
        yield server
        server.stop()
    finally:  # also where a Dovecot is too old for tokens, and the test is skipped
        await runner.cleanup()


async def test_by_access_token(with_tokens: Dovecot) -> None:
    server = MailboxServer(
        host="127.0.0.1",
        port=with_tokens.port,
        security=MailSecurity.NONE,
        sign_in=SignIn.XOAUTH2,
        user="ill",
        password="file:token",
        seconds=10,
    )
    with_tokens.deliver("ill", MAIL)

    assert await waiting(server, TOKEN) == 1
    with pytest.raises(Refused) as refused:
        await waiting(server, "ya29.an-old-one")

    assert refused.value.reason is RefusalReason.SENDER_AUTH_FAILED
    assert "ya29" not in f"{refused.value} {refused.value.internal}"
