"""MIME: bytes of a mail to `ports.mail_reading.ParsedMail`. Header, parts, and what the mail is, each in its module."""

from adapters.mailbox.mime.concealing import conceal
from adapters.mailbox.mime.parsing import parse_mail

__all__ = ["conceal", "parse_mail"]
