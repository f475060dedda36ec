"""Handing mail in: to a real SMTP server, and to one that says what no well-behaved one would."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import replace
from email.message import EmailMessage
from pathlib import Path

import pytest

from adapters.smtp.transport import SmtpMailer
from gateway.domain.problems import OutcomeUnknown, Refused, Unavailable
from gateway.ports.outgoing_mail import LetterSender, MailSecurity, MailServer, RenderedLetter, build_mail
from gateway.secrets import resolve_secret
from tests.support.certificates import Authority
from tests.support.daemon import free_port
from tests.support.smtp_sink import SILENCE, Sink, running, scripted

LETTER = RenderedLetter(
    to="zoe@reader.example",
    subject="Ready: 江南藏書樓小史",
    text="Grüße\n.\n..two dots\n",
    html="<p>Grüße</p>\n",
    message_id="17",
)


def letter() -> EmailMessage:
    return build_mail(LETTER, LetterSender("ill@northfield.example", "Nørthfield"))


def server(port: int, security: MailSecurity = MailSecurity.NONE, **more: object) -> MailServer:
    return replace(MailServer(host="127.0.0.1", port=port, security=security, seconds=5), **more)


def mailer(where: MailServer) -> SmtpMailer:
    return SmtpMailer(where, resolve_secret)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def tls(authority: Authority) -> ssl.SSLContext:
    pair = authority.issue("mail.northfield.example")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pair.certificate, pair.key)
    return context


# --- it arrives ------------------------------------------------------------------------------------------


async def test_a_mail_arrives_as_it_was_sent() -> None:
    async with running(Sink()) as sink:
        reply = await mailer(server(sink.port)).send(letter())

    assert reply == "250 2.0.0 Ok"
    assert [(one.mail_from, one.rcpt_tos) for one in sink.received] == [
        ("ill@northfield.example", ["zoe@reader.example"])
    ]
    (mail,) = sink.mails
    assert mail["Subject"] == LETTER.subject
    assert mail["Message-ID"] == "<17@northfield.example>"
    body = mail.get_body(("plain",))
    assert body is not None
    assert body.get_content().replace("\r\n", "\n") == LETTER.text


@pytest.mark.parametrize("security", [MailSecurity.STARTTLS, MailSecurity.TLS])
async def test_over_tls_with_a_password(
    security: MailSecurity, authority: Authority, tls: ssl.SSLContext, tmp_path: Path
) -> None:
    (tmp_path / "password").write_text("correct horse\n")
    sink = Sink(users={"illgate": "correct horse"})
    contexts = {"starttls": tls} if security is MailSecurity.STARTTLS else {"tls": tls}
    password = f"file:{tmp_path / 'password'}"

    async with running(sink, **contexts):
        where = server(sink.port, security, ca=authority.certificate, user="illgate", password=password)
        await mailer(where).send(letter())

    assert sink.signed_in == ["illgate"]
    assert sink.over_tls == [True]


async def test_several_mails_at_once() -> None:
    async with running(Sink()) as sink:
        one = mailer(server(sink.port))
        await asyncio.gather(*(one.send(letter()) for _ in range(10)))

    assert len(sink.received) == 10


async def test_a_large_mail_arrives_whole() -> None:
    content = bytes(range(256)) * 4000
    mail = build_mail(
        replace(LETTER, attachments=(("copy.pdf", "application/pdf", content),)), LetterSender("a@b.example")
    )

    async with running(Sink()) as sink:
        await mailer(server(sink.port)).send(mail)

    (file,) = sink.mails[0].iter_attachments()
    assert file.get_content() == content


async def test_a_server_that_leaves_without_a_word_has_the_mail() -> None:
    said = ("220 hi", "250 hello", "250 ok", "250 ok", "354 go on", "250 taken", None)
    async with scripted(*said) as port:
        assert await mailer(server(port)).send(letter()) == "250 taken"


# --- it does not -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("step", "answer", "said"),
    [
        ("MAIL", "553 5.7.1 not yours", "The mail server rejected our sender address (553 5.7.1)."),
        (
            "RCPT",
            "550 5.1.1 no zoe@reader.example here",
            "The mail server rejected the recipient's address (550 5.1.1)",
        ),
        ("RCPT", "550 gone", "The mail server rejected the recipient's address (550)."),
        ("DATA", "554 5.6.0 we don't like it", "The mail server rejected the email (554 5.6.0)."),
        ("DATA", "552 5.3.4 too big", "The mail server rejected the email (552 5.3.4)."),
    ],
)
async def test_what_the_server_never_takes_is_refused(step: str, answer: str, said: str) -> None:
    async with running(Sink(answers={step: answer})) as sink:
        with pytest.raises(Refused) as caught:
            await mailer(server(sink.port)).send(letter())

    assert said in str(caught.value)
    assert "zoe" not in str(caught.value)
    assert caught.value.internal == answer
    assert sink.received == []


@pytest.mark.parametrize(
    ("step", "answer"),
    [
        ("MAIL", "451 4.3.0 later"),
        ("MAIL", "530 5.7.0 sign in first"),
        ("RCPT", "450 4.2.0 zoe@reader.example is greylisted"),
        ("RCPT", "421 4.3.2 closing"),
        ("DATA", "452 4.3.1 full"),
    ],
)
async def test_what_it_does_not_take_now_may_be_tried_again(step: str, answer: str) -> None:
    async with running(Sink(answers={step: answer})) as sink:
        with pytest.raises(Unavailable, match=r"does not accept .* now \([45]\d\d [45]\.\d\.\d\)") as caught:
            await mailer(server(sink.port)).send(letter())

    assert "zoe" not in str(caught.value)


@pytest.mark.parametrize(
    "said",
    [
        (None,),
        ("554 no service",),
        ("220 hi", None),
        ("220 hi", "250 hello", None),
        ("220 hi", "250 hello", "250 ok", None),
        ("220 hi", "250 hello", "250 ok", "nonsense"),
    ],
)
async def test_a_server_that_goes_before_it_has_the_mail(said: tuple[str | None, ...]) -> None:
    async with scripted(*said) as port:
        with pytest.raises(Unavailable):
            await mailer(server(port)).send(letter())


async def test_a_server_that_goes_when_it_has_the_mail_leaves_the_outcome_unknown() -> None:
    async with scripted("220 hi", "250 hello", "250 ok", "250 ok", "354 go on", None) as port:
        with pytest.raises(OutcomeUnknown, match="received the email but did not answer"):
            await mailer(server(port)).send(letter())


async def test_a_server_that_falls_silent_when_it_has_the_mail() -> None:
    async with scripted("220 hi", "250 hello", "250 ok", "250 ok", "354 go on", SILENCE) as port:
        with pytest.raises(OutcomeUnknown, match="received the email but did not answer"):
            await mailer(server(port, seconds=2)).send(letter())


async def test_no_server() -> None:
    with pytest.raises(Unavailable, match=r"mail server 127\.0\.0\.1:\d+ cannot be used"):
        await mailer(server(free_port())).send(letter())


async def test_a_wrong_password_may_be_put_right(tls: ssl.SSLContext, authority: Authority) -> None:
    async with running(Sink(users={"illgate": "right"}), starttls=tls) as sink:
        where = server(sink.port, MailSecurity.STARTTLS, ca=authority.certificate, user="illgate", password="env:X")
        with pytest.raises(Unavailable, match=r"rejected our sign-in \(535 5\.7\.8\)") as caught:
            await SmtpMailer(where, lambda _: "wrong").send(letter())

    assert "wrong" not in str(caught.value)
    assert sink.received == []


async def test_a_password_that_is_not_there(tls: ssl.SSLContext, authority: Authority) -> None:
    async with running(Sink(users={"illgate": "right"}), starttls=tls) as sink:
        where = server(
            sink.port, MailSecurity.STARTTLS, ca=authority.certificate, user="illgate", password="env:ILLGATE_NOT_SET"
        )
        with pytest.raises(Unavailable, match="no secret at env:ILLGATE_NOT_SET"):
            await mailer(where).send(letter())


@pytest.mark.parametrize("security", [MailSecurity.STARTTLS, MailSecurity.TLS])
async def test_a_certificate_that_nobody_vouches_for(security: MailSecurity, tls: ssl.SSLContext) -> None:
    contexts = {"starttls": tls} if security is MailSecurity.STARTTLS else {"tls": tls}
    async with running(Sink(), **contexts) as sink:
        with pytest.raises(Unavailable):
            await mailer(server(sink.port, security)).send(letter())

    assert sink.received == []


async def test_a_server_without_starttls_gets_nothing() -> None:
    async with running(Sink()) as sink:
        with pytest.raises(Unavailable, match="STARTTLS"):
            await mailer(server(sink.port, MailSecurity.STARTTLS)).send(letter())

    assert sink.received == []


async def test_authorities_that_are_not_there(tmp_path: Path) -> None:
    where = server(free_port(), MailSecurity.TLS, ca=tmp_path / "none.pem")

    with pytest.raises(Unavailable, match=r"none\.pem cannot be used"):
        await mailer(where).send(letter())


@pytest.mark.parametrize(("header", "missing"), [("From", "sender"), ("To", "recipient")])
async def test_a_mail_without_sender_or_recipient(header: str, missing: str) -> None:
    mail = letter()
    del mail[header]

    with pytest.raises(Refused, match=f"without {missing}"):
        await mailer(server(free_port())).send(mail)


async def test_a_mail_to_two_goes_to_both_or_none() -> None:
    mail = letter()
    mail["Cc"] = "other@reader.example"

    async with running(Sink()) as sink:
        await mailer(server(sink.port)).send(mail)

    assert sink.received[0].rcpt_tos == ["zoe@reader.example", "other@reader.example"]
