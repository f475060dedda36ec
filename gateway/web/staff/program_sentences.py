"""Sentences that the gateway writes itself, told in the reader's language: why a rota chose or passed over a partner,
what a catalogue answered, how a mail was read, why something could not be sent, what staff decided about it, what to do
besides an act.

They are stored as English sentences, which programs and commands read too, and are known again by their exact form. A
sentence that isn't known stays as it is: a person's words, or those of an older release.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import lru_cache

from gateway.domain.library import Money
from gateway.domain.sentences import Sentence
from gateway.services.localization import Localization, mark_text
from gateway.services.outbox.attempts import REFUSAL_TEMPLATE

ROTA_SENTENCES = (
    mark_text("by hand"),
    mark_text("in the order of the rota"),
    mark_text("overloaded, so after the others"),
    mark_text("overloaded: 1 request is open with it"),
    mark_text("overloaded: %(count)s requests are open with it"),
    mark_text("it said to ask again from %(day)s"),
    mark_text("closed until %(day)s"),
    mark_text("closed until %(day)s: %(words)s"),
    mark_text("no such partner"),
    mark_text("is no supplier"),
    mark_text("has no channel by which it could be asked"),
    mark_text("supplies copies only"),
    mark_text("does not supply the service %(service)s"),
    mark_text("does not supply the format %(format)s"),
    mark_text("on this rota not for the service %(service)s"),
    mark_text("on this rota not for the format %(format)s"),
    mark_text("costs %(price)s, more than the maximum of the request, %(limit)s"),
    mark_text("costs %(price)s, more than the maximum for this partner, %(limit)s"),
    mark_text("costs %(price)s, more than the maximum on this rota, %(limit)s"),
    mark_text("costs %(price)s, which can't be compared with the maximum of the request, %(limit)s"),
    mark_text("costs %(price)s, which can't be compared with the maximum for this partner, %(limit)s"),
    mark_text("costs %(price)s, which can't be compared with the maximum on this rota, %(limit)s"),
    mark_text("does not appear to own it (%(report)s)"),
    mark_text("owns it, but does not lend it (%(report)s)"),
    mark_text("is not known to own it (%(report)s)"),
    mark_text("its catalogue can't be asked (%(report)s)"),
)
"""Why a partner stands where it does (`domain.requests.rota`, `services.requests.suppliers`). In each table the first
that fits counts, so the narrower one comes before the wider."""

CATALOGUE_SENTENCES = (
    mark_text("listed"),
    mark_text("not listed"),
    mark_text("its catalogue is not known"),
    mark_text("its profile doesn't say how its catalogue is searched"),
    mark_text("the citation has no number and no title that could be looked up"),
    mark_text("no answer within %(seconds)s seconds"),
    mark_text("refused, %(words)s"),
    mark_text("no hits"),
    mark_text("%(count)s hits, too many to tell"),
    mark_text("1 hit that can't be read"),
    mark_text("%(count)s hits that can't be read"),
    mark_text("%(count)s hits, none of the first %(first)s is the one"),
    mark_text("1 hit, not the one: %(words)s"),
    mark_text("%(count)s hits, not the one: %(words)s"),
    mark_text("no holdings are shown"),
    mark_text("who holds it is not shown"),
    mark_text("none of its holdings is there"),
    mark_text("without holdings"),
    mark_text("%(words)s, lent by decision"),
    mark_text("title"),
    mark_text("title and author"),
    mark_text("title and year"),
    mark_text("title and author and year"),
)
"""What a catalogue answered, and how it was asked (`services.searching.lookup`)."""

ITEM_SENTENCES = (mark_text("no items"), mark_text("no copy is free"))
"""Why an item of ours can't be supplied, beside words of `ReasonCodes` (`services.requests.lending`)."""

PARTNER_NOTES: Mapping[str, str] = {
    "outbox: partner %(partner)s changed and released": mark_text(
        "What goes to %(partner)s was changed, and is tried again."
    ),
    "outbox: partner %(partner)s released": mark_text("What goes to %(partner)s is tried again."),
    "outbox: partner %(partner)s skipped: %(words)s": mark_text("What was to go to %(partner)s is left out: %(words)s"),
    "rota: %(partner)s skipped": mark_text("%(partner)s is passed over."),
    "rota: %(partner)s skipped, %(words)s": mark_text("%(partner)s is passed over: %(words)s"),
    "rota: %(partners)s": mark_text("The rota is: %(partners)s"),
}
"""Notes in the history of a request that name a partner by its profile, and how they are told, by its name."""

_DIRECTION_MARKS = {"ltr": "\u200e", "rtl": "\u200f"}
"""Before a sentence that begins with a name: a page takes the direction of a note from its first letter."""

NOTE_SENTENCES = (
    mark_text("outbox: %(kind)s %(target)s changed and released"),
    mark_text("outbox: %(kind)s %(target)s released"),
    mark_text("outbox: %(kind)s %(target)s skipped: %(words)s"),
    mark_text("found, but it can't be supplied now: %(words)s"),
    mark_text("mail by hand: %(report)s"),
    mark_text("automatic answer by mail: %(words)s"),
    mark_text("a file came by mail"),
    mark_text("mail could not be delivered (%(status)s)"),
    mark_text("mail could not be delivered (%(status)s): %(words)s"),
    mark_text("The letter '%(target)s' to the patron could not be delivered (%(status)s)."),
)
"""Other notes in the history of a request."""

MAIL_SENTENCES = (
    mark_text("repaired: %(words)s"),
    mark_text("delivery report: %(words)s"),
    mark_text("automatic: %(words)s (never answered)"),
    mark_text("sender: no profile has its address"),
    mark_text("sender: not trusted: %(report)s"),
    mark_text("sender: %(target)s, by hand"),
    mark_text("sender: %(words)s"),
    mark_text("the sender is not known"),
    mark_text("the sender may be forged: %(report)s"),
    mark_text("the profile requires checks, but `authserv_id` of the mailbox doesn't name the server that makes them"),
    mark_text("%(method)s must be passed for the sender's domain; our server says %(words)s"),
    mark_text("an automatic answer says nothing of a request"),
    mark_text("no format of the profile knows it"),
    mark_text("format %(format)s: not this one"),
    mark_text("format %(format)s: 1 event"),
    mark_text("format %(format)s: %(count)s events"),
    mark_text("format %(format)s: %(words)s"),
    mark_text("not understood: %(words)s"),
    mark_text("1 line was not understood"),
    mark_text("%(count)s lines were not understood"),
    mark_text("nothing in it was understood"),
    mark_text("%(event)s: more than one request may be meant"),
    mark_text("%(event)s: no request was found"),
    mark_text("a mail that is not known came back"),
    mark_text("the virus scanner found something in it"),
    mark_text("can't be read: %(words)s"),
    mark_text("too large: %(count)s bytes, and max_bytes of the mailbox is %(most)s"),
    mark_text("it is too large to be kept here: see the folder of the mailbox"),
    mark_text("not kept here, since the list holds much already: read it in the folder of the mailbox"),
    mark_text("from: %(words)s"),
    mark_text("subject: %(words)s"),
    mark_text("text: %(count)s characters"),
    mark_text("files: %(words)s"),
    mark_text("answers: %(words)s"),
    mark_text("for staff: 1 request that it may be about"),
    mark_text("for staff: %(count)s requests that it may be about"),
    mark_text("for staff: %(report)s"),
    mark_text("request: by hand"),
    mark_text("request: %(rule)s: nothing"),
    mark_text("request: %(rule)s: %(count)s requests, so none is taken"),
    mark_text("request: %(rule)s: 1 request"),
    mark_text("request: %(rule)s: 1 request, %(first)s are meant"),
    mark_text("request: %(rule)s: %(count)s requests"),
    mark_text("request: %(rule)s: %(count)s requests, %(first)s are meant"),
    mark_text("request: %(rule)s: %(words)s"),
    mark_text("the number in the message"),
    mark_text("the number of a file"),
    mark_text("In-Reply-To and References"),
    mark_text("our reference in the subject"),
    mark_text("our reference in the text"),
    mark_text("our reference in what is quoted"),
    mark_text("the request's number in the subject"),
    mark_text("the request's number in the text"),
)
"""How a mail was read, and why nobody but staff knows what it means (`services.mailbox`)."""

ERROR_SENTENCES = (
    mark_text("unavailable (%(count)s): %(report)s"),
    mark_text("outcome unknown (%(count)s): %(report)s"),
    mark_text("internal error (%(count)s): %(words)s"),
    mark_text("interrupted at every try: the gateway stopped before it had an outcome"),
    mark_text("not reached: %(report)s"),
    mark_text("time-out"),
    mark_text("Connection refused"),
    mark_text("A letter can't be sent without the sender's address (mail.sender)."),
    mark_text("A letter can't be sent without the address of the one who is written to."),
    mark_text("A letter can't be sent: the sender's address (mail.sender) is no e-mail address."),
    mark_text("A letter can't be sent: the address of the one who is written to is no e-mail address."),
    mark_text("A mail can't be sent without sender."),
    mark_text("A mail can't be sent without recipient."),
    mark_text("the mail server went away before it had the mail: %(words)s"),
    mark_text("the mail server does not take the mail now (%(status)s)"),
    mark_text("The mail server refuses the mail (%(status)s)."),
    mark_text("%(target)s does not let our user in (%(status)s)"),
    mark_text("%(target)s can't be used: %(words)s"),
    mark_text("%(target)s had the mail and did not answer: %(words)s"),
    mark_text("the gateway is stopping; the work is done when it has started again"),
)
"""Why something could not be sent or done (`services.outbox.attempts`, `adapters.smtp`, `adapters.http_exchange`)."""

WARNING_SENTENCES = (
    mark_text("The patron may not request: %(report)s."),
    mark_text("The patron has %(count)s open requests; %(most)s are allowed."),
    mark_text("The library may have it itself: records that are like it: %(count)s."),
)
"""What was noticed at an intake, beside sentences without values (`domain.requests.intake_rules`)."""

HINT_SENTENCES = (
    mark_text("Check the item in in the library's own system first."),
    mark_text("Make a record for the item in the library's own system first, and give its barcode."),
    mark_text("Delete the record of %(words)s in the library's own system afterwards."),
    mark_text("%(target)s is not told: its profile names no channel."),
    mark_text("%(target)s is not told: '%(kind)s' can't be said by %(words)s."),
    mark_text("Write or telephone."),
)
"""What to do besides an act (`services.requests.actions.find_action_hints`)."""

MAX_REPORT_CHARS = 500
"""A longer report is somebody else's words for the most part, and stays as it is: taking it apart would take long."""

_PARAMETER = re.compile(r"%\((\w+)\)s")
_SECONDS = re.compile(r"(.*) \((\d+\.\d\d) s\)", re.DOTALL)
_SENTENCE_END = re.compile(r"(?<=\.) (?=[A-Z])")
_REFUSAL_CODE = re.compile(r"^refused: [a-z-]+: ")

_POINTS = re.compile(r"(last resort, )?(overloaded, )?(-?[\d.e+-]+) points \((.+)\)")
_POINTS_PART = re.compile(
    r"(?:(?P<open>\d+) open(?:, (?P<reported>\d+) of them of other members)?"
    r"|(?P<days>[\d.]+) days?(?P<assumed> assumed)?|costs (?P<price>[\d.]+ [A-Z]{3})"
    r"|reciprocity (?P<reciprocity>[\d.]+)|(?P<near>same campus)) (?P<sum>[+-][\d.e+-]+)(?:, |$)"
)


def describe_rota_reason(why: str, localization: Localization) -> str:
    return _describe_points(why, localization) or _describe_exactly(ROTA_SENTENCES, why, localization) or why


def describe_holdings(report: str, localization: Localization) -> str:
    """What a catalogue says: `Utrecht: title and author: 3 hits, too many to tell (0.12 s)`."""
    return _describe_report(report, localization)


def describe_item_reason(why: str, localization: Localization) -> str:
    return _describe_exactly(ITEM_SENTENCES, why, localization) or why


def describe_own_note(note: str, localization: Localization, partners: Mapping[str, str]) -> str:
    """`partners`: names by profile."""
    for form, pattern in _compile_sentences(tuple(PARTNER_NOTES)):
        found = pattern.fullmatch(note)
        if found is not None:
            values = found.groupdict()
            for name in values.keys() & {"partner", "partners"}:
                values[name] = ", ".join(partners.get(one, one) for one in values[name].split(", "))
            said = localization.gettext(PARTNER_NOTES[form], **values)
            partner = values.get("partner", "")
            mark = _DIRECTION_MARKS[localization.direction] if partner and said.startswith(partner) else ""
            return f"{mark}{said}"
    said = _describe_exactly(NOTE_SENTENCES, note, localization)
    return f"{said[0].upper()}{said[1:]}" if said else note


def describe_mail_reading(line: str, localization: Localization) -> str:
    """A line on how a mail was read, or why it waits for staff; what stands indented stays so."""
    if isinstance(line, Sentence):
        return localization.translate_sentence(line)
    said = line.lstrip(" ")
    return line[: len(line) - len(said)] + (_describe_exactly(MAIL_SENTENCES, said, localization) or said)


def describe_warning(warning: str, localization: Localization) -> str:
    return _describe_exactly(WARNING_SENTENCES, warning, localization) or localization.translate_sentence(warning)


def describe_act_hint(hint: str, localization: Localization) -> str:
    """One sentence after the other."""
    said = _SENTENCE_END.split(hint) if hint else ()
    return " ".join(_describe_exactly(HINT_SENTENCES, one, localization) or one for one in said)


def describe_send_error(error: str, localization: Localization) -> str:
    """Without the code that the outbox writes before a refusal's sentence. Those of older releases have no template."""
    if isinstance(error, Sentence):
        of_refusal = error.template == REFUSAL_TEMPLATE
        return localization.translate_sentence(error.values["report"] if of_refusal else error)
    said = _REFUSAL_CODE.sub("", error)
    return _describe_exactly(ERROR_SENTENCES, said, localization) or localization.translate_sentence(said)


# --- a sentence known again ------------------------------------------------------------------------------


@lru_cache
def _compile_sentences(sentences: tuple[str, ...]) -> Sequence[tuple[str, re.Pattern[str]]]:
    return tuple((sentence, re.compile(_write_pattern(sentence), re.DOTALL)) for sentence in sentences)


def _write_pattern(sentence: str) -> str:
    parts = _PARAMETER.split(sentence)
    return "".join(
        _PATTERNS.get(part, "(?P<{}>.+)").format(part) if at % 2 else re.escape(part) for at, part in enumerate(parts)
    )


_PATTERNS = {
    "count": r"(?P<{}>\d+)",
    "first": r"(?P<{}>\d+)",
    "most": r"(?P<{}>\d+)",
    "day": r"(?P<{}>\d\d\d\d-\d\d-\d\d)",
    "price": r"(?P<{}>\d[\d.]* [A-Z][A-Z][A-Z])",
    "limit": r"(?P<{}>\d[\d.]* [A-Z][A-Z][A-Z])",
    "kind": r"(?P<{}>[a-z-]+)",
    "target": r"(?P<{}>.+?)",
    "partner": r"(?P<{}>[^ :]+?)",
    "event": r"(?P<{}>[a-z-]+)",
    "format": r"(?P<{}>[^:]+)",
    "rule": r"(?P<{}>[^:]+)",
    "method": r"(?P<{}>[a-z]+)",
    "seconds": r"(?P<{}>[\d.]+)",
}
"""What a parameter may be, where it isn't any words."""


def _describe_exactly(sentences: tuple[str, ...], said: str, localization: Localization) -> str:
    """Empty: it is none of these."""
    for sentence, pattern in _compile_sentences(sentences):
        found = pattern.fullmatch(said)
        if found is not None:
            return localization.gettext(
                sentence, **{name: _show_value(name, value, localization) for name, value in found.groupdict().items()}
            )
    return ""


def _show_value(name: str, value: str, localization: Localization) -> str:
    show = _VALUES.get(name)
    return show(value, localization) if show is not None else value


def _show_day(value: str, localization: Localization) -> str:
    try:
        return localization.format_day(date.fromisoformat(value))
    except ValueError:  # somebody's own words, with a day that is none
        return value


def _show_money(value: str, localization: Localization) -> str:
    amount, _, currency = value.partition(" ")
    try:
        return localization.format_money(Money(Decimal(amount), currency))
    except InvalidOperation:
        return value


def _describe_report(report: str, localization: Localization) -> str:
    """Sentences after each other with semicolons, each perhaps behind what it is about and a colon."""
    if len(report) > MAX_REPORT_CHARS:
        return report
    if whole := _describe_exactly(_REPORTED, report, localization):
        return whole
    timed = _SECONDS.fullmatch(report)
    if timed is not None:
        return f"{_describe_report(timed[1], localization)} ({localization.format_number(Decimal(timed[2]))} s)"
    return "; ".join(_describe_report_part(part, localization) for part in report.split("; "))


def _describe_report_part(part: str, localization: Localization) -> str:
    known = _describe_exactly(_REPORTED, part, localization)
    if known:
        return known
    about, colon, said = part.partition(": ")
    if not colon:
        return part
    about = _describe_exactly(CATALOGUE_SENTENCES, about, localization) or about
    return f"{about}: {_describe_report_part(said, localization)}"


_REPORTED = (*CATALOGUE_SENTENCES, *ERROR_SENTENCES, *MAIL_SENTENCES)

_VALUES: Mapping[str, Callable[[str, Localization], str]] = {
    "day": _show_day,
    "price": _show_money,
    "limit": _show_money,
    "report": _describe_report,
    "rule": lambda value, localization: _describe_exactly(MAIL_SENTENCES, value, localization) or value,
}
"""How a parameter is shown that isn't shown as it is."""


# --- the points of a ranking -----------------------------------------------------------------------------


def _describe_points(why: str, localization: Localization) -> str:
    """`overloaded, 8 points (3 open +3, 5 days assumed +5)`. Empty: it is no such sum."""
    found = _POINTS.fullmatch(why)
    if found is None:
        return ""
    last_resort, overloaded, points, counted = found.groups()
    parts = list(_POINTS_PART.finditer(counted))
    if counted != "nothing counted" and "".join(part[0] for part in parts) != counted:
        return ""
    said = ", ".join(_describe_points_part(part, localization) for part in parts)
    marks = [text for text, is_set in ((_LAST_RESORT, last_resort), (_OVERLOADED, overloaded)) if is_set]
    total = localization.gettext(
        "%(points)s points (%(counted)s)", points=points, counted=said or localization.gettext("nothing counted")
    )
    return ", ".join([*map(localization.gettext, marks), total])


_LAST_RESORT = mark_text("last resort")
_OVERLOADED = mark_text("overloaded")


def _describe_points_part(part: re.Match[str], localization: Localization) -> str:
    return f"{', '.join(_iter_points_words(part, localization))} {part['sum']}"


def _iter_points_words(part: re.Match[str], localization: Localization) -> Iterator[str]:
    gettext, ngettext = localization.gettext, localization.ngettext
    if part["open"]:
        yield gettext("%(count)s open", count=part["open"])
    if part["reported"]:
        yield gettext("%(count)s of them of other members", count=part["reported"])
    if part["days"] and part["assumed"]:
        yield ngettext("%(count)s day assumed", "%(count)s days assumed", _plural_of(part["days"]), count=part["days"])
    elif part["days"]:
        yield ngettext("%(count)s day", "%(count)s days", _plural_of(part["days"]), count=part["days"])
    if part["price"]:
        yield gettext("costs %(price)s", price=_show_money(part["price"], localization))
    if part["reciprocity"]:
        yield gettext("reciprocity %(value)s", value=part["reciprocity"])
    if part["near"]:
        yield gettext("same campus")


def _plural_of(number: str) -> int:
    """A number that chooses the plural form of 1, or of what is no whole number or more."""
    return 1 if number == "1" else 2
