"""Port MailFormat: replies and orders received, as events."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, tzinfo

from adapters.artemail import codec, orders
from adapters.artemail.dialect import SECTION, ArtemailDialect, dialect_of
from adapters.artemail.orders import write_request_number
from adapters.artemail.replies import (
    CodedReply,
    FileAnswer,
    MailAnswers,
    find_file_references,
    parse_request_number,
    read_replies,
    write_reply_line,
)
from adapters.artemail.reply_rules import DATES, ReplyRule
from adapters.artemail.text_templates import (
    AsciiTranscriber,
    add_weeks,
    count_weeks_until,
    format_amount,
    parse_formatted_date,
    parse_template,
)
from gateway.domain.due_dates import local_day
from gateway.domain.problems import MalformationKind, MalformedMessage, RefusalReason, Refused
from gateway.domain.profile import Profile
from gateway.domain.requests.events import EventDetails, EventKind, LoanCondition
from gateway.domain.requests.note_terms import (
    read_condition_words,
    read_note_terms,
    read_told_event,
    write_changed_due,
)
from gateway.domain.requests.partner_policy import PartnerRole
from gateway.domain.requests.request import Role
from gateway.domain.requests.volume_notes import tell_volumes
from gateway.domain.sentences import Sentence, write_sentence
from gateway.domain.sums import read_sum
from gateway.domain.value import replace, value_object
from gateway.ports.incoming_mail import BatchEvent, IncomingMail, MailEvent, MailInterpretation
from gateway.ports.partner_channel import PartnerMessage

REJECTED = "order-rejected"
"""Why not, where the service rejects a file without a reason of its own."""

MAX_NOTE_CHARS = 4_000


class ArtemailFormat:
    name = SECTION

    def recognises(self, mail: IncomingMail, profile: Profile) -> bool:
        """See `gateway.ports.incoming_mail.MailFormat`."""
        dialect = dialect_of(profile)
        if codec.is_order_file(mail.text, dialect.layout.codec_layout):
            return True
        if not _has_partner_role(profile, PartnerRole.SUPPLIER):
            return False
        answers = read_replies(mail.subject, mail.text, dialect)
        if answers.replies or answers.files:
            return True
        return not mail.automatic and bool(answers.reference or answers.numbers)  # a note of absence names them too

    def decode(self, mail: IncomingMail, profile: Profile) -> MailInterpretation:
        """See `gateway.ports.incoming_mail.MailFormat`. A partner that only supplies sends no orders: what looks like
        one is our own, quoted."""
        dialect = dialect_of(profile)
        if _has_partner_role(profile, PartnerRole.REQUESTER) and codec.is_order_file(
            mail.text, dialect.layout.codec_layout
        ):
            return orders.interpret_orders(mail, profile, dialect)
        if not _has_partner_role(profile, PartnerRole.SUPPLIER):
            raise MalformedMessage(
                "", "no order file: the customer code or a request is missing", MalformationKind.DATA_MISSING
            )
        return interpret_replies(mail, dialect)

    def named_batches(self, mail: IncomingMail, profile: Profile) -> tuple[str, ...]:
        """See `gateway.ports.incoming_mail.NamesBatches`."""
        return find_named_batches(mail, dialect_of(profile))


def _has_partner_role(profile: Profile, role: PartnerRole) -> bool:
    return profile.partner is None or role in profile.partner.roles


# --- read ------------------------------------------------------------------------------------------------


def interpret_replies(mail: IncomingMail, dialect: ArtemailDialect) -> MailInterpretation:
    """Read the answers of a mail; raises MalformedMessage: nothing in it is an answer."""
    answers = read_replies(mail.subject, mail.text, dialect)
    files = tuple(n for n, part in enumerate(mail.attachments) if part.media_type == "application/pdf")
    events = tuple(_events_of_answers(answers, files, mail, dialect))
    if not events:
        raise MalformedMessage("", "there is no reply code and no request number in it", MalformationKind.DATA_MISSING)
    unknown = tuple(f"{reply.number} {reply.code}".strip() for reply in answers.replies if not reply.rule)
    return MailInterpretation(events, unknown)


def _events_of_answers(
    answers: MailAnswers, files: tuple[int, ...], mail: IncomingMail, dialect: ArtemailDialect
) -> Iterator[MailEvent]:
    first = True
    for about in answers.files:
        if about.count == 0:
            continue  # it says nothing of anybody
        yield _event_of_file_answer(about, answers, dialect)
    for reply in answers.replies:
        yield _event_of_reply(reply, answers, files if first or len(answers.replies) == 1 else (), mail, dialect)
        first = False
    if not answers.files and not answers.replies and (answers.numbers or answers.reference):
        yield from _events_without_code(answers, files, dialect)


def _event_of_reply(
    reply: CodedReply, answers: MailAnswers, files: tuple[int, ...], mail: IncomingMail, dialect: ArtemailDialect
) -> MailEvent:
    where = _describe_place(reply.line)
    if not reply.rule:
        return MailEvent(
            kind=EventKind.MESSAGE,
            role=Role.BORROWING,
            transaction=reply.number,
            details=EventDetails(note=_join_note_lines(reply.code, *reply.prose)),
            files=files,
            file=_batch_of_answers(answers, dialect),
            explained=(
                write_sentence("%(where)s: '%(code)s' is not a code of this profile", where=where, code=reply.code),
            ),
        )
    rule = dialect.replies.codes[reply.rule]
    event_kind = rule.with_files if files and rule.with_files is not None else rule.kind
    details = _details_of_reply(reply, rule, mail.received.astimezone(mail.recipient.zone).date(), dialect)
    kind, changed = read_told_event(event_kind, replace(details, note=details.written or ""))
    return MailEvent(
        kind=kind,
        role=Role.BORROWING,
        transaction=reply.number,
        details=replace(details, due=changed.due, cost=changed.cost),
        files=files,
        file=_batch_of_answers(answers, dialect),
        explained=(
            write_sentence(
                "%(where)s: '%(code)s' is the reply code '%(rule)s'", where=where, code=reply.code, rule=reply.rule
            ),
        ),
    )


def _details_of_reply(reply: CodedReply, rule: ReplyRule, received: date, dialect: ArtemailDialect) -> EventDetails:
    values, forms = reply.values, dialect.replies.dates
    days = {name: parse_formatted_date(values[name], forms) for name in DATES if name in values}
    retry = days.get("retry")
    if retry is None and "weeks" in values:
        retry = add_weeks(received, values["weeks"])
    note = parse_template(rule.note).fill(values) if rule.note else ""
    details = EventDetails(
        due=days.get("due"),
        expected=days.get("expected"),
        retry_after=retry,
        cost=read_sum(values["amount"], dialect.replies.currency) if "amount" in values else None,
        reason=rule.reason or _reason_of_text(values.get("text", "")),
        note=_join_note_lines(reply.code, note, *reply.prose),
        written="\n".join(reply.prose),
        conditions=rule.conditions,
        renewals_allowed=rule.renewals_allowed,
        link=values.get("link", ""),
    )
    return read_note_terms(rule.kind, _read_other_facts(details, reply.prose, dialect))


def _read_other_facts(details: EventDetails, prose: Iterable[str], dialect: ArtemailDialect) -> EventDetails:
    """Add what stands below the code in exactly the form of `_describe_other_facts`, where the code doesn't say it."""
    forms, conditions = dialect.replies.dates, list(details.conditions)
    for line in prose:
        words, _, text = line.partition(": ")
        match words:
            case "Due back" if details.due is None:
                details = replace(details, due=parse_formatted_date(text, forms))
            case "Expected" if details.expected is None:
                details = replace(details, expected=parse_formatted_date(text, forms))
            case "Ask again" if details.retry_after is None:
                details = replace(details, retry_after=parse_formatted_date(text, forms))
            case "Cost" if details.cost is None:
                details = replace(details, cost=read_sum(text, dialect.replies.currency))
            case "To be had at" if not details.link:
                details = replace(details, link=text)
            case "Conditions":
                conditions += read_condition_words(text)
    return replace(details, conditions=tuple(dict.fromkeys(conditions)))


def _reason_of_text(text: str) -> str:
    """`ON LOAN` -> on-loan"""
    return "-".join(re.findall(r"[a-z0-9]+", text.lower()))


def _event_of_file_answer(about: FileAnswer, answers: MailAnswers, dialect: ArtemailDialect) -> MailEvent:
    rule = dialect.replies.files[about.rule]
    kind = EventKind(rule.kind)
    where = _describe_place(about.line)
    file = _batch_of_answers(answers, dialect) or BatchEvent(numbers=())
    return MailEvent(
        kind=kind,
        role=Role.BORROWING,
        transaction=about.number,
        details=EventDetails(
            reason=rule.reason or (REJECTED if kind is EventKind.REJECTED else ""),
            note=_join_note_lines(about.text, _explain_fault(about.fault, dialect)),
        ),
        file=replace(file, each=not about.number, count=about.count),
        explained=(write_sentence("%(where)s: an answer about a file ('%(rule)s')", where=where, rule=about.rule),),
    )


def _describe_place(line: int) -> Sentence:
    return write_sentence("line %(number)s", number=line) if line else write_sentence("subject")


def _explain_fault(fault: str, dialect: ArtemailDialect) -> str:
    meaning = dialect.replies.faults.get(fault, "")
    return f"{fault}: {meaning}" if meaning else ""


def _batch_of_answers(answers: MailAnswers, dialect: ArtemailDialect) -> BatchEvent | None:
    return BatchEvent(numbers=_expand_references((answers.reference,), dialect)) if answers.reference else None


def find_named_batches(mail: IncomingMail, dialect: ArtemailDialect) -> tuple[str, ...]:
    """Find batches as in `gateway.ports.incoming_mail.NamesBatches`."""
    return _expand_references(find_file_references(f"{mail.subject}\n{mail.text}", dialect), dialect)


def _expand_references(references: Iterable[str], dialect: ArtemailDialect) -> tuple[str, ...]:
    both = (reference for word in references for reference in (word, parse_request_number(word, dialect.numbers)))
    return tuple(dict.fromkeys(filter(None, both)))


def _events_without_code(answers: MailAnswers, files: tuple[int, ...], dialect: ArtemailDialect) -> Iterator[MailEvent]:
    """A mail in plain English, or one that brings the copy itself."""
    numbers = answers.numbers or ("",)
    kind = EventKind(dialect.replies.pdf_alone) if files and len(numbers) == 1 else EventKind.MESSAGE
    for number in numbers:
        yield MailEvent(
            kind=kind,
            role=Role.BORROWING,
            transaction=number,
            details=EventDetails(note=_join_note_lines(*answers.prose)),
            files=files if len(numbers) == 1 else (),
            file=_batch_of_answers(answers, dialect),
            explained=(write_sentence("an email about %(number)s without a code", number=number or answers.reference),),
        )


def _join_note_lines(*texts: str) -> str:
    return "\n".join(text for text in texts if text)[:MAX_NOTE_CHARS]


# --- written ---------------------------------------------------------------------------------------------


@value_object
class ReplyBody:
    """The body of a reply. `notes`: what was changed to fit, for the history."""

    number: str
    text: str
    notes: tuple[str, ...] = ()


def write_reply(message: PartnerMessage, dialect: ArtemailDialect, zone: tzinfo) -> ReplyBody:
    """Days are those of the library in `zone`. Raises Refused: no code of the profile says this."""
    message = _say_changed_due(message, dialect, zone)
    number = write_request_number(message.transaction, dialect.numbers)
    scribe = AsciiTranscriber(dialect.characters.allowed, dialect.characters.own, dialect.characters.instead)
    values = _reply_values(message, dialect, zone)
    _, volume_details = tell_volumes(message.request, message.kind, message.details)
    for rule in _find_reply_rules(message.kind, message.details, dialect.replies.codes):
        if line := write_reply_line(rule, number, values):
            lines = (*_describe_other_facts(message.details, rule, values), *volume_details.note.splitlines())
            prose = [_guard_prose_line(line, dialect) for line in map(scribe.transcribe, lines) if line]
            summary = scribe.summarise_changes()
            return ReplyBody(number, "\n".join((line, *prose)) + "\n", (summary,) if summary else ())
    raise Refused(RefusalReason.UNSUPPORTED_SERVICE, _describe_missing_code(message.kind, message.details.reason))


def _guard_prose_line(line: str, dialect: ArtemailDialect) -> str:
    """Guard a line from being read as a code: what another supplier has answered us may be in the note of what we
    broker."""
    read = read_replies("", line, dialect)
    return f"Note: {line}" if read.replies or read.files else line


def _describe_missing_code(kind: EventKind, reason: str) -> str:
    if not reason:
        return write_sentence(
            "`replies.codes` of the profile has no code for '%(kind)s' with the available data.", kind=kind.value
        )
    return write_sentence(
        "`replies.codes` of the profile has no code for '%(kind)s' and the reason '%(reason)s' with the available "
        "data.",
        kind=kind.value,
        reason=reason,
    )


def _say_changed_due(message: PartnerMessage, dialect: ArtemailDialect, zone: tzinfo) -> PartnerMessage:
    """A changed due date that no code says goes as a message, where there is a code for these."""
    due, codes = local_day(message.details.due, zone), dialect.replies.codes
    if message.kind is not EventKind.DUE_DATE_CHANGED or due is None:
        return message
    if _find_reply_rules(message.kind, message.details, codes) or not can_reply(EventKind.MESSAGE, dialect):
        return message
    note = _join_note_lines(write_changed_due(due), message.details.note)
    return replace(message, kind=EventKind.MESSAGE, details=replace(message.details, due=None, note=note))


def can_reply(kind: EventKind, dialect: ArtemailDialect) -> bool:
    """Return whether a code of the profile says it, or a message can."""
    written = [rule for rule in dialect.replies.codes.values() if rule.use == "both"]
    kinds = {event_kind for rule in written for event_kind in (rule.kind, rule.with_files)}
    return kind in kinds or (kind is EventKind.DUE_DATE_CHANGED and EventKind.MESSAGE in kinds)


def _find_reply_rules(kind: EventKind, details: EventDetails, codes: Mapping[str, ReplyRule]) -> list[ReplyRule]:
    """Codes of this kind that say nothing wrong: those of the same reason first, of these the one that says most."""
    fitting = [
        code
        for code in codes.values()
        if code.use == "both"
        and (kind is code.kind or (kind is code.with_files and details.attachment))
        and (not code.reason or code.reason == details.reason)
        and set(code.conditions) <= set(details.conditions)
    ]
    return sorted(fitting, key=lambda rule: (rule.reason != details.reason, -_rule_specificity(rule)))


def _rule_specificity(rule: ReplyRule) -> int:
    return len(rule.template.fields) + len(rule.conditions)


_WORDS = {"due": "Due back", "expected": "Expected", "retry": "Ask again", "amount": "Cost", "link": "To be had at"}


def _describe_other_facts(details: EventDetails, rule: ReplyRule, values: Mapping[str, str]) -> Iterator[str]:
    """Describe what the code has no field for, in plain English."""
    fields = set(rule.template.fields)
    if "weeks" in fields:
        fields.add("retry")
    for name, words in _WORDS.items():
        if values.get(name) and name not in fields:
            yield f"{words}: {values[name]}"
    conditions = (*rule.conditions, LoanCondition.OTHER)  # a further condition is in the note, in its own words
    left = [condition.value.replace("-", " ") for condition in details.conditions if condition not in conditions]
    if left:
        yield f"Conditions: {', '.join(left)}"


def _reply_values(message: PartnerMessage, dialect: ArtemailDialect, zone: tzinfo) -> dict[str, str]:
    details, form = message.details, dialect.replies.dates[0]
    days: dict[str, date | None] = {
        "due": local_day(details.due, zone),
        "expected": details.expected,
        "retry": details.retry_after,
        "date": local_day(details.due, zone) or details.expected or details.retry_after,
    }
    values = {name: day.strftime(form) for name, day in days.items() if day is not None}
    if details.retry_after is not None:
        values["weeks"] = count_weeks_until(message.at.astimezone(zone).date(), details.retry_after)
    if details.cost is not None:
        values["amount"] = format_amount(details.cost)
    values["link"] = details.link
    values["text"] = details.reason.replace("-", " ").upper()
    return values
