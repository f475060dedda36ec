"""Plain mail in: reply codes at the start of a line, copies as PDF, and whatever else people write. Pure.

Codes count only where the profile writes plain letters to its partner: its channel is `mail`, or it has a section
`letters`. From others free text is all that plain mail can be.
"""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache

from adapters.letters.dialect import SECTION, LettersDialect, Reply, dialect_of
from gateway.domain.profile import Profile
from gateway.domain.requests.events import EventDetails, EventKind
from gateway.domain.requests.note_terms import is_cost_term, read_note_terms
from gateway.domain.requests.request import Role
from gateway.domain.sentences import write_sentence
from gateway.domain.sums import read_sum
from gateway.domain.value import replace, value_object
from gateway.ports.incoming_mail import (
    IncomingMail,
    MailEvent,
    MailInterpretation,
    list_own_lines,
    remove_quoted_text,
    shorten_text,
)

CHANNEL = "mail"
PDF = "application/pdf"

MAX_NOTE_CHARS = 4_000

MAX_DATE_WORDS = 4
"""Of a day, with a word before it: until 12 March 2026."""

_DATES = (
    re.compile(r"\b(?P<y>\d{4})-(?P<m>\d{1,2})-(?P<d>\d{1,2})\b"),
    re.compile(r"\b(?P<d>\d{1,2})[./-](?P<m>\d{1,2})[./-](?P<y>\d{4}|\d{2})\b"),
    re.compile(r"\b(?P<d>\d{1,2})(?:st|nd|rd|th)?\.?\s+(?P<name>[A-Za-zäéû]{3,})\.?\s+(?P<y>\d{4})\b"),
)
_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "jan",
            "feb fév",
            "mar mär mrz",
            "apr avr",
            "may mai",
            "jun juin",
            "jul juil",
            "aug aoû",
            "sep",
            "oct okt",
            "nov",
            "dec dez déc",
        ),
        start=1,
    )
    for name in names.split()
}
_AROUND_WORDS = " \t.:;,–-"
_NUMBER = re.compile(r"(?<![\w/.-])(?=[\w./-]*\d)[A-Za-z][\w./-]{3,48}")


@value_object
class _CodeLine:
    """A line that begins with a code. `rest`: what follows it; `number`: of a request that the line names."""

    code: str
    reply: Reply
    rest: str
    number: str = ""


class PlainMailFormat:
    name = SECTION

    def recognises(self, mail: IncomingMail, profile: Profile) -> bool:
        return bool(mail.text.strip() or mail.attachments)

    def decode(self, mail: IncomingMail, profile: Profile) -> MailInterpretation:
        dialect = dialect_of(profile)
        lines = _find_code_lines(mail.text, dialect) if _has_plain_letters(profile) else []
        meant = _select_consistent_lines(lines)
        pdfs = tuple(i for i, attachment in enumerate(mail.attachments) if attachment.media_type == PDF)
        if meant:
            prices = _find_price_lines(mail.text) if len(meant) == 1 else ()
            return MailInterpretation(tuple(_event_of_code_line(line, prices) for line in meant))
        if pdfs and not lines and _has_plain_letters(profile):
            return MailInterpretation((_event_of_copy(mail, pdfs),))
        why = write_sentence("contradictory codes") if lines else write_sentence("no reply code at the start of a line")
        return MailInterpretation((_event_of_free_text(mail, why),))


def _has_plain_letters(profile: Profile) -> bool:
    return SECTION in profile.dialects or (profile.partner is not None and profile.partner.channel == CHANNEL)


# --- codes -----------------------------------------------------------------------------------------------


def _find_code_lines(text: str, dialect: LettersDialect) -> list[_CodeLine]:
    pattern = _compile_code_pattern(tuple(sorted(dialect.replies, key=len, reverse=True)))
    known = {code.upper(): (code, reply) for code, reply in dialect.replies.items()}
    lines: list[_CodeLine] = []
    for text_line in list_own_lines(text):
        match = pattern.match(text_line)
        if match is None or not _is_code(match[1], match[2]):
            continue
        code, reply = known[match[1].upper()]
        rest = match[2].strip(_AROUND_WORDS)
        number = _NUMBER.search(rest) if read_sum(rest) is None else None  # EUR12.50 looks like one
        lines.append(_CodeLine(code, reply, rest, number[0].rstrip(".") if number else ""))
    return lines


@lru_cache(maxsize=64)
def _compile_code_pattern(codes: tuple[str, ...]) -> re.Pattern[str]:
    alternatives = "|".join(re.escape(code) for code in codes)
    return re.compile(rf"^[\s*•\-–]*({alternatives})(?![\w/?])(.*)$", re.IGNORECASE)


def _is_code(code: str, rest: str) -> bool:
    """`REF` is a code, `Ref: 4711` is somebody's reference, `bind` is a word."""
    if not code.isalpha():
        return True
    following = rest.strip().split(maxsplit=1)
    return (
        code.isupper() and not rest.lstrip().startswith((":", "#", "=")) and not (following and following[0].isdigit())
    )


def _select_consistent_lines(lines: list[_CodeLine]) -> list[_CodeLine]:
    """Each line for a request of its own; several for the same only when they say the same."""
    by_number: dict[str, _CodeLine] = {}
    for line in lines:
        before = by_number.setdefault(line.number, line)
        if before.reply != line.reply:
            return []
    if "" in by_number and len(by_number) > 1:
        return []  # one of them names no request: which is meant?
    return list(by_number.values())


def _find_price_lines(text: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in list_own_lines(text) if is_cost_term(line))


def _event_of_code_line(line: _CodeLine, prices: tuple[str, ...]) -> MailEvent:
    """`prices`: lines of the mail that say what it costs. Behind the code a sum is one if nothing else stands there."""
    reply = line.reply
    note = "\n".join(filter(None, (": ".join(filter(None, (reply.note, line.rest))), *prices)))
    day, words = find_date(line.rest), line.rest.replace(line.number, "", 1).strip(_AROUND_WORDS)
    details = EventDetails(
        reason=reply.reason, note=shorten_text(note, MAX_NOTE_CHARS), written="" if _is_date(words) else words
    )
    if reply.condition is not None:
        details = replace(details, conditions=(reply.condition,))
    if reply.kind is EventKind.RETRY:
        details = replace(details, retry_after=day)
    elif reply.kind in (EventKind.SHIPPED, EventKind.RENEW_ACCEPTED, EventKind.OVERDUE, EventKind.RECALL):
        details = replace(details, due=day)
    elif reply.kind in (EventKind.WILL_SUPPLY, EventKind.HOLD_PLACED):
        details = replace(details, expected=day)
    if reply.kind in _PRICED:
        details = replace(details, cost=read_sum(words))
    return MailEvent(
        kind=reply.kind,
        role=Role.BORROWING,
        transaction=line.number,
        details=read_note_terms(reply.kind, details),
        explained=(write_sentence("a line begins with the code %(code)s", code=line.code),),
    )


_PRICED = frozenset(
    {EventKind.WILL_SUPPLY, EventKind.HOLD_PLACED, EventKind.CONDITIONAL, EventKind.RETRY, EventKind.SHIPPED}
)


def _is_date(text: str) -> bool:
    """Return whether a text says a day and no more."""
    return find_date(text) is not None and len(text.split()) <= MAX_DATE_WORDS


def find_date(text: str) -> date | None:
    """The first date, day before month where it has no other order; None where there is none."""
    for pattern in _DATES:
        if match := pattern.search(text):
            groups = match.groupdict()
            month = int(groups["m"]) if "m" in groups else _month_number(groups["name"])
            year = int(groups["y"])
            try:
                return date(year + 2000 if year < 100 else year, month, int(groups["d"]))
            except ValueError:  # the 31st of February, or a number that is no date
                continue
    return None


def _month_number(name: str) -> int:
    """0 for none."""
    word = name.lower()
    return next((number for start, number in _MONTHS.items() if word.startswith(start)), 0)


# --- the rest --------------------------------------------------------------------------------------------


def _event_of_copy(mail: IncomingMail, pdfs: tuple[int, ...]) -> MailEvent:
    note = shorten_text(remove_quoted_text(mail.text), MAX_NOTE_CHARS)
    return MailEvent(
        kind=EventKind.COPY_DELIVERED,
        role=Role.BORROWING,
        details=EventDetails(note=note),
        files=pdfs,
        explained=(write_sentence("a PDF is attached"),),
    )


def _event_of_free_text(mail: IncomingMail, why: str) -> MailEvent:
    text = (
        shorten_text(remove_quoted_text(mail.text), MAX_NOTE_CHARS)
        or shorten_text(mail.text, MAX_NOTE_CHARS)
        or mail.subject
    )
    return MailEvent(
        kind=EventKind.MESSAGE,
        role=Role.BORROWING,
        details=EventDetails(note=text or write_sentence("an email without text")),
        files=tuple(range(len(mail.attachments))),
        explained=(write_sentence("free text (%(why)s): a message for staff", why=why),),
    )
