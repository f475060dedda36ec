"""Handing mail in by SMTP (RFC 5321, 6409). README.md says what is spoken."""

from __future__ import annotations

from adapters.smtp.transport import SmtpMailer
from gateway.ports.adapter import MailerAdapter

adapter = MailerAdapter(name="smtp", make=SmtpMailer)
