"""Mailboxes by IMAP, and the mails in them (MIME).

The library that speaks IMAP is imported when a mailbox is opened, not before (extra `mail`); what takes mails apart,
with the first mail.
"""

from __future__ import annotations

from datetime import datetime

from adapters.mailbox.imap_client import ImapClient, require_imapclient
from gateway.ports.adapter import MailboxAdapter
from gateway.ports.incoming_mail import ParsedMail, SecretPatterns


def parse_mail(content: bytes, received: datetime) -> ParsedMail:
    """Parse a mail; raises MalformedMessage."""
    from adapters.mailbox import mime_parser

    return mime_parser.parse_mail(content, received)


def conceal_secrets(content: bytes, hidden: SecretPatterns) -> bytes:
    from adapters.mailbox import mime_text

    return mime_text.conceal_secrets(content, hidden)


adapter = MailboxAdapter(
    name="imap", make=ImapClient, parse=parse_mail, conceal=conceal_secrets, require=require_imapclient
)
