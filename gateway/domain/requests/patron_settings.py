"""Settings of a patron, and which letters are written whatever they say."""

from __future__ import annotations

from enum import StrEnum

from gateway.domain.requests.partner_policy import STAFF_LETTER
from gateway.domain.value import value_object


class NoticeChoice(StrEnum):
    EMAIL = "email"
    NONE = "none"


@value_object
class PatronSettings:
    """`language`: of letters, by its code; empty: as the request or the library system says."""

    notices: NoticeChoice = NoticeChoice.EMAIL
    language: str = ""

    def wants_letter(self, letter: str) -> bool:
        """Return whether a letter goes out, by the name of its template."""
        return self.notices is NoticeChoice.EMAIL or letter in ALWAYS_SENT


ALWAYS_SENT = frozenset({"query", "overdue", "recalled", STAFF_LETTER})
"""Letters that wait for an answer, that want an item back, or that staff have written."""
