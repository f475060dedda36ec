"""The header of a mail (RFC 5322), in Unicode. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from email.message import Message
from email.utils import getaddresses, parsedate_to_datetime

from adapters.mailbox.mime.decoding import header_text, one_line
from gateway.domain.frozen import frozen

MOST_REFERENCES = 50

_ID = re.compile(r"<\s*([^<>]+?)\s*>")


@frozen
class Header:
    """Names in lower case, values unfolded and in Unicode, in the order of the mail."""

    fields: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, message: Message) -> Header:
        return cls(tuple((str(name).lower(), header_text(str(value))) for name, value in message.raw_items()))

    def first(self, name: str) -> str:
        """Empty: there is none."""
        return next((value for key, value in self.fields if key == name), "")

    def every(self, name: str) -> tuple[str, ...]:
        """Topmost first."""
        return tuple(value for key, value in self.fields if key == name)

    @property
    def sender(self) -> str:
        """From; where it lacks, Sender."""
        return next((address for address in self.addresses("from", "sender") if "@" in address), "")

    def addresses(self, *names: str) -> Iterator[str]:
        for name in names:
            for _, address in getaddresses(list(self.every(name))):
                yield one_line(address).lower()

    @property
    def id(self) -> str:
        value = self.first("message-id")
        found = _ID.search(value)
        return found[1] if found else one_line(value).strip("<>")

    @property
    def references(self) -> tuple[str, ...]:
        """In-Reply-To, then References from the last to the first."""
        replied = _ID.findall(self.first("in-reply-to"))
        others = [one for value in self.every("references") for one in _ID.findall(value)]
        return tuple(dict.fromkeys((*replied, *reversed(others))))[:MOST_REFERENCES]

    @property
    def date(self) -> datetime | None:
        """None: there is none, or none that can be read."""
        try:
            date = parsedate_to_datetime(self.first("date"))
        except (ValueError, TypeError, OverflowError):
            return None
        return date if date.tzinfo is not None else date.replace(tzinfo=UTC)
