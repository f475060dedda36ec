"""Handing mail in by SMTP (RFC 5321, 6409). README.md says what is spoken."""

from __future__ import annotations

from gateway.ports.adapter import MailerAdapter
from gateway.ports.outgoing_mail import Mailer, MailServer
from gateway.ports.secrets import Secrets


def make_mailer(server: MailServer, secrets: Secrets) -> Mailer:
    from adapters.smtp.transport import SmtpMailer  # loaded where mail is sent

    return SmtpMailer(server, secrets)


adapter = MailerAdapter(name="smtp", make=make_mailer)
