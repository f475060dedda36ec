"""Mailboxes by IMAP, and the mails in them (MIME).

The library that speaks IMAP is imported when a mailbox is opened, not before (extra `mail`).
"""

from __future__ import annotations

from adapters.mailbox.imap_client import ImapClient
from adapters.mailbox.mime_parser import parse_mail
from adapters.mailbox.mime_text import conceal_secrets
from gateway.ports.adapter import MailboxAdapter

adapter = MailboxAdapter(name="imap", make=ImapClient, parse=parse_mail, conceal=conceal_secrets)
