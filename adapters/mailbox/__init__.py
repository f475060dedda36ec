"""Mailboxes by IMAP. The library that speaks it is imported when a mailbox is opened, not before (extra `mail`)."""

from __future__ import annotations

from adapters.mailbox.client import ImapClient
from gateway.ports.adapter import MailboxAdapter

adapter = MailboxAdapter(name="imap", make=ImapClient)
