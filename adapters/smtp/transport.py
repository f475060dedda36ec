"""The port `Mailer` over SMTP: one connection for each mail."""

from __future__ import annotations

import contextlib
import re
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.message import EmailMessage
from email.utils import getaddresses

from aiosmtplib import SMTP, SMTPAuthenticationError, SMTPException, SMTPResponseException

from gateway.domain.problems import ConfigurationError, OutcomeUnknown, RefusalReason, Refused, Unavailable
from gateway.domain.sentences import write_about, write_sentence
from gateway.ports.outgoing_mail import MailSecurity, MailServer
from gateway.ports.secrets import Secrets
from gateway.ports.system_errors import describe_stream_error
from gateway.ports.tls import ClientTls, make_client_context

LEAVE_SECONDS = 5.0

MIN_BYTES_PER_SECOND = 100_000
"""Bytes a second at which a large mail may go; it makes the wait for the server's answer longer."""

AUTHENTICATION_REQUIRED = 530

_ENHANCED = re.compile(r"[245]\.\d{1,3}\.\d{1,3}(?=\s|$)")
"""RFC 3463. Of a server's answer only this and the code are told: its words may name the recipient."""


class SmtpMailer:
    def __init__(self, server: MailServer, secrets: Secrets) -> None:
        self._server = server
        self._secrets = secrets

    async def send(self, message: EmailMessage) -> str:
        """See `gateway.ports.outgoing_mail.Mailer`. A mail to several goes to all of them or to none."""
        sender, recipients = _read_envelope(message)
        content = message.as_bytes()
        async with self._open_client() as client:
            await _send_envelope(client, sender, recipients)
            reply = await self._send_content(client, content)
            with contextlib.suppress(SMTPException, OSError):  # it has the mail: how it takes leave doesn't matter
                await client.quit(timeout=LEAVE_SECONDS)
        return reply

    @asynccontextmanager
    async def _open_client(self) -> AsyncIterator[SMTP]:
        """Signed in. Raises Unavailable."""
        server = self._server
        client = SMTP(
            hostname=server.host,
            port=server.port,
            timeout=server.seconds,
            use_tls=server.security is MailSecurity.TLS,
            start_tls=server.security is MailSecurity.STARTTLS,
            tls_context=self._tls_context(),
        )
        try:
            try:
                await client.connect()
                if server.user:
                    await client.login(server.user, self._resolve_password())
            except SMTPAuthenticationError as error:
                raise Unavailable(
                    write_sentence(
                        "%(name)s rejected our sign-in (%(status)s)",
                        name=self._display_name,
                        status=_format_status(error),
                    )
                ) from error
            except (SMTPException, OSError) as error:
                report = _describe_error(error)
                raise Unavailable(
                    write_sentence("%(name)s cannot be used: %(report)s", name=self._display_name, report=report)
                ) from error
            yield client
        finally:
            client.close()

    async def _send_content(self, client: SMTP, content: bytes) -> str:
        """Send the content; raises Refused, Unavailable, OutcomeUnknown."""
        try:
            response = await client.data(content, timeout=self._server.seconds + len(content) / MIN_BYTES_PER_SECOND)
        except SMTPResponseException as error:
            raise _error_of_response(error, write_sentence("the email")) from error
        except (SMTPException, OSError) as error:
            raise OutcomeUnknown(
                write_sentence(
                    "%(name)s received the email but did not answer: %(report)s",
                    name=self._display_name,
                    report=_describe_error(error),
                )
            ) from error
        return f"{response.code} {response.message}"

    @property
    def _display_name(self) -> str:
        place = f"{self._server.host}:{self._server.port}"
        return write_sentence("mail server %(place)s", place=place)

    def _resolve_password(self) -> str:
        try:
            return self._secrets(self._server.password)
        except ConfigurationError as error:
            raise Unavailable(write_about(self._display_name, error.detail)) from error

    def _tls_context(self) -> ssl.SSLContext | None:
        if self._server.security is MailSecurity.NONE:
            return None
        try:
            return make_client_context(ClientTls(ca=self._server.ca))
        except OSError as error:
            raise Unavailable(write_about(self._display_name, str(error))) from error


async def _send_envelope(client: SMTP, sender: str, recipients: tuple[str, ...]) -> None:
    """Send who writes to whom. Raises Refused, Unavailable."""
    what = write_sentence("our sender address")
    try:
        await client.mail(sender)
        what = write_sentence("the recipient's address")
        for recipient in recipients:
            await client.rcpt(recipient)
    except SMTPResponseException as error:
        raise _error_of_response(error, what) from error
    except (SMTPException, OSError) as error:
        raise Unavailable(
            write_sentence(
                "the connection to the mail server was lost before the email was sent: %(report)s",
                report=_describe_error(error),
            )
        ) from error


def _read_envelope(message: EmailMessage) -> tuple[str, tuple[str, ...]]:
    """Read the envelope; raises Refused when somebody is missing."""
    sender = next((address for _, address in getaddresses([str(message.get("From", ""))]) if address), "")
    headers = [str(value) for name in ("To", "Cc", "Bcc") for value in message.get_all(name, [])]
    recipients = tuple(dict.fromkeys(address for _, address in getaddresses(headers) if address))
    if not sender or not recipients:
        missing = write_sentence("sender") if not sender else write_sentence("recipient")
        raise Refused(
            RefusalReason.DATA_MISSING, write_sentence("An email cannot be sent without %(missing)s.", missing=missing)
        )
    return sender, recipients


def _error_of_response(error: SMTPResponseException, what: str) -> Refused | Unavailable:
    if error.code < 500 or error.code == AUTHENTICATION_REQUIRED:
        status = _format_status(error)
        return Unavailable(
            write_sentence("the mail server does not accept %(what)s now (%(status)s)", what=what, status=status)
        )
    internal = f"{error.code} {error.message}"
    return Refused(
        RefusalReason.OTHER,
        write_sentence("The mail server rejected %(what)s (%(status)s).", what=what, status=_format_status(error)),
        internal=internal,
    )


def _format_status(error: SMTPResponseException) -> str:
    match = _ENHANCED.match(error.message.strip())
    return f"{error.code} {match[0]}" if match else str(error.code)


def _describe_error(error: Exception) -> str:
    if isinstance(error, SMTPResponseException):
        return f"it returned {_format_status(error)}"
    return describe_stream_error(error)
