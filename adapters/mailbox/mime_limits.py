"""Limits on what taking a mail apart may cost, and the parser that keeps them. Pure but for the processor's clock.

The standard library's parser and what reads its fields are quadratic here and there: parameters of Content-Type, nested
boundaries, encoded words. So a field is cut before anybody unfolds or reads it, and the time of the whole mail is
looked at between pieces of its text, between fields and between parts. Its memory is bounded by the number of its lines
and parts, each of which is an object of Python's, many times as large as a short line.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from email.errors import MessageError
from email.feedparser import FeedParser
from email.message import Message
from email.policy import Compat32, Policy
from io import BytesIO, TextIOWrapper
from typing import TypeVar

from gateway.domain.problems import MalformationKind, MalformedMessage

T = TypeVar("T")

MAX_FIELD_CHARS = 100_000
"""Of one field of a header, folds included; what is longer is cut. A To with 2,000 addresses fits."""

MAX_PART_FIELD_CHARS = 4_000
"""The same of fields that begin with `Content-`; the longest in use hold a file's name."""

MAX_FIELDS = 10_000
"""Fields of all headers of a mail together."""

MAX_PARTS = 300

MAX_LINES = 2_000_000
"""Of the whole mail; one of 30 MB with a file in base64 has 400,000."""

SECONDS_PER_MAIL = 5.0
SECONDS_PER_MEGABYTE = 0.25
"""Processor time that a mail may take; an ordinary one of 30 MB takes about 2 s, and only the size of ours is the
operator's to choose (`max_bytes`)."""

_PIECE = 8_192
"""Characters that are parsed between two looks at the time."""


class ParseBudget:
    """The budget that is left for one mail. Time is the processor's in this thread, so a busy machine sets no mail
    aside."""

    def __init__(self, size: int, clock: Callable[[], float] = time.thread_time) -> None:
        """`size`: of the mail, in bytes; `clock`: seconds."""
        self._seconds = SECONDS_PER_MAIL + SECONDS_PER_MEGABYTE * size / 1_000_000
        self._clock = clock
        self._began = clock()
        self._fields = 0
        self._parts = -1  # the parser makes one to see whether it can
        self._lines = 0

    def check_time(self) -> None:
        """Check the time; raises MalformedMessage when it is over."""
        if self._clock() - self._began > self._seconds:
            raise MalformedMessage(
                "", f"it takes more than {self._seconds:.3g} s to take apart", MalformationKind.TOO_LARGE
            )

    def count_field(self) -> None:
        """Count a field; raises MalformedMessage when there are too many, or the time is over."""
        self._fields += 1
        if self._fields > MAX_FIELDS:
            raise MalformedMessage("header", f"more than {MAX_FIELDS} fields", MalformationKind.TOO_LARGE)
        self.check_time()

    def count_part(self) -> None:
        """Count a part; raises MalformedMessage when there are too many."""
        self._parts += 1
        if self._parts > MAX_PARTS:
            raise MalformedMessage("", f"more than {MAX_PARTS} parts", MalformationKind.TOO_LARGE)

    def count_lines(self, text: str) -> None:
        """Count lines; raises MalformedMessage when there are too many, or the time is over."""
        self._lines += text.count("\n")
        if self._lines > MAX_LINES:
            raise MalformedMessage("", f"more than {MAX_LINES:,} lines", MalformationKind.TOO_LARGE)
        self.check_time()


class _LimitingPolicy(Compat32):
    """Compat32, which keeps fields as they came, with a limit on each and on all."""

    budget: ParseBudget

    @classmethod
    def with_budget(cls, budget: ParseBudget) -> _LimitingPolicy:
        policy = cls()
        object.__setattr__(policy, "budget", budget)  # policies let nobody set what they don't know
        return policy

    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        self.budget.count_field()
        return super().header_source_parse(_cut_lines(sourcelines))


def _cut_lines(lines: list[str]) -> list[str]:
    """A field's lines, up to its limit."""
    room = MAX_PART_FIELD_CHARS if lines[0][:8].lower() == "content-" else MAX_FIELD_CHARS
    if len(lines) == 1:
        return lines if len(lines[0]) <= room else [lines[0][:room]]
    kept: list[str] = []
    for line in lines:
        if room <= 0:
            break
        kept.append(line[:room])
        room -= len(line)
    return kept


def parse_message(content: bytes, budget: ParseBudget) -> Message:
    """The parts of a mail, as the standard library gives them. Raises MalformedMessage: too deep, too many parts, lines
    or fields, too slow, or nothing that its parser takes."""
    return refuse_unreadable(lambda: _feed_parser(content, budget))


def _feed_parser(content: bytes, budget: ParseBudget) -> Message:
    def make_part(policy: Policy | None = None) -> Message:
        budget.count_part()
        return Message(policy or limits)

    limits = _LimitingPolicy.with_budget(budget)
    parser = FeedParser(make_part, policy=limits)
    # As BytesParser does, which ends only with the mail: line ends become \n, bytes that are no ASCII surrogates.
    text = TextIOWrapper(BytesIO(content), encoding="ascii", errors="surrogateescape")
    while piece := text.read(_PIECE):
        budget.count_lines(piece)
        parser.feed(piece)
    return parser.close()


def refuse_unreadable(read: Callable[[], T]) -> T:
    """Return what `read` gives. Raises MalformedMessage, for what the standard library raises about one broken mail or
    another."""
    try:
        return read()
    except RecursionError as error:
        raise MalformedMessage("", "parts stand too deep in each other", MalformationKind.PROTOCOL) from error
    except (MessageError, ValueError, LookupError, AttributeError, TypeError) as error:
        raise MalformedMessage("", f"the mail can't be taken apart ({type(error).__name__})") from error
