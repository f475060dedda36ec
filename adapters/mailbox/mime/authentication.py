"""What mail servers found out about a mail's sender: Authentication-Results (RFC 8601). Pure."""

from __future__ import annotations

import re

from adapters.mailbox.mime.header import Header
from gateway.ports.mail_reading import SenderCheck

_COMMENT = re.compile(r"\([^()]*\)")
_RESULT = re.compile(r"^\s*([a-z0-9-]+)\s*=\s*([a-z]+)", re.IGNORECASE)
_DOMAIN = {
    "spf": re.compile(r"\bsmtp\.(?:mailfrom|helo)\s*=\s*\"?(?:[^\s\";@]*@)?([^\s\";@]+)", re.IGNORECASE),
    "dkim": re.compile(r"\bheader\.(?:d|i)\s*=\s*\"?(?:[^\s\";@]*@)?([^\s\";@]+)", re.IGNORECASE),
    "dmarc": re.compile(r"\bheader\.from\s*=\s*\"?(?:[^\s\";@]*@)?([^\s\";@]+)", re.IGNORECASE),
}


def sender_checks(header: Header) -> tuple[SenderCheck, ...]:
    """Of all fields of the header, whoever wrote them; topmost first."""
    found: list[SenderCheck] = []
    for value in header.every("authentication-results"):
        name, *parts = _COMMENT.sub(" ", value).split(";")
        server = next(iter(name.split()), "")
        for part in parts:
            if result := _RESULT.match(part):
                method = result[1].lower()
                domain = _DOMAIN[method].search(part) if method in _DOMAIN else None
                found.append(
                    SenderCheck(server, method, result[2].lower(), domain[1].lower().rstrip(".") if domain else "")
                )
    return tuple(found)
