"""Mailboxes by IMAP, and the mails in them (MIME).

The library that speaks IMAP (extra `mail`) is imported when a mailbox is opened, not before.
"""

from __future__ import annotations

from adapters.mailbox.imap_client import ImapClient, require_imapclient
from adapters.mailbox.mime_parser import parse_mail
from adapters.mailbox.mime_text import conceal_secrets
from gateway.ports.adapter import MailboxAdapter

adapter = MailboxAdapter(
    name="imap", make=ImapClient, parse=parse_mail, conceal=conceal_secrets, require=require_imapclient
)
