"""Reading of a mail: what it is, from whom, for which library, in which order mails are processed. Pure.

Every rule that is looked at leaves a line, so that `illgate mail explain` shows how it went. Mail keeps no order; some
formats say when each message was sent.

Of the checks that servers write into a mail (Authentication-Results) only those under our own server's name count. It
takes away those fields that a mail brings along under that name (RFC 8601 section 5), so whatever stands there is its
own.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime

from gateway.domain.problems import MalformedMessage
from gateway.domain.profile import Profile
from gateway.domain.requests.event_catalogue import EVENT_CATALOGUE
from gateway.domain.requests.partner_policy import PartnerMail
from gateway.domain.sentences import Sentence, compose_sentence, write_about, write_sentence
from gateway.domain.value import replace, value_object
from gateway.ports.incoming_mail import (
    AutomaticMailKind,
    IncomingMail,
    MailEvent,
    MailFormat,
    MailInterpretation,
    MailRecipient,
    NamesBatches,
    ParsedMail,
)
from gateway.services.requests.library_context import LibraryContext
from gateway.store.mailbox import MailOutcome, MailPosition

PLAIN = "letters"
"""The format of partners that write as people do: asked last, and of every partner."""


@value_object
class MailDestination:
    """The owner of a mail: symbol of the library, and the name of the server that checked the sender."""

    library: str
    authserv_id: str = ""


@value_object(kw_only=True)
class MailReading:
    """`profiles`: partners that it may come from, the likeliest first; `format` and `understood` are those of the
    first. `files_named`: numbers of files of ours that it names, as their formats read them, whatever its own is.
    `problem`: why staff must look, in a sentence without personal data."""

    parsed: ParsedMail
    profiles: tuple[Profile, ...] = ()
    format: str = ""
    understood: MailInterpretation = MailInterpretation()
    files_named: tuple[str, ...] = ()
    problem: str = ""
    malformed: bool = False
    explained: tuple[str, ...] = ()


def read_mail(
    parsed: ParsedMail, profiles: Iterable[Profile], formats: Mapping[str, MailFormat], post: MailDestination
) -> MailReading:
    """Read a mail; `profiles`: those of the mailbox's library."""
    lines: list[str] = [write_sentence("repaired: %(words)s", words=repair) for repair in parsed.repaired]
    if (bounce := parsed.bounce) is not None:
        words = f"{bounce.action.value} {bounce.status}".rstrip()
        lines.append(write_sentence("delivery report: %(words)s", words=words))
        return MailReading(parsed=parsed, explained=tuple(lines))
    if parsed.automatic is not AutomaticMailKind.NO:
        lines.append(write_sentence("automatic: %(words)s (no reply is sent)", words=parsed.automatic.value))
    reading = MailReading(parsed=parsed)
    senders = partners_by_sender(profiles, parsed.mail.sender)
    if not senders:
        lines.append(write_sentence("sender: no profile has this address"))
        return replace(reading, problem=write_sentence("unknown sender"), explained=tuple(lines))
    lines.append(write_sentence("sender: %(words)s", words=", ".join(profile.name for profile in senders)))
    forged = {
        profile.name: unmet_sender_checks(parsed, post.authserv_id, profile.partner.mail)
        for profile in senders
        if profile.partner is not None
    }
    trusted = tuple(profile for profile in senders if not forged[profile.name])
    if not trusted:
        why = forged[senders[0].name]
        lines.append(write_sentence("sender: not trusted: %(report)s", report=why))
        problem = write_sentence("the sender may be forged: %(report)s", report=why)
        return replace(reading, profiles=senders, problem=problem, explained=tuple(lines))
    reading = replace(reading, profiles=trusted, files_named=_find_named_batches(parsed.mail, trusted, formats))
    if parsed.automatic is AutomaticMailKind.REPLIED:
        return replace(
            reading, explained=(*lines, write_sentence("an automatic reply has no information about a request"))
        )
    return _decode_in_first_format(reading, formats, lines)


def read_as_partner(parsed: ParsedMail, profile: Profile, formats: Mapping[str, MailFormat]) -> MailReading:
    """Read a mail when staff say whose it is."""
    if parsed.bounce is not None:
        return MailReading(parsed=parsed, profiles=(profile,))
    named = _find_named_batches(parsed.mail, (profile,), formats)
    reading = MailReading(parsed=parsed, profiles=(profile,), files_named=named)
    return _decode_in_first_format(
        reading, formats, [write_sentence("sender: %(target)s, set manually", target=profile.name)]
    )


def _decode_in_first_format(reading: MailReading, formats: Mapping[str, MailFormat], lines: list[str]) -> MailReading:
    mail = reading.parsed.mail
    for profile in reading.profiles:
        for mail_format in formats_of(profile, formats):
            if not mail_format.recognises(mail, profile):
                lines.append(write_sentence("format %(format)s: does not match", format=mail_format.name))
                continue
            others = tuple(other for other in reading.profiles if other is not profile)
            reading = replace(reading, profiles=(profile, *others), format=mail_format.name)
            return _decode_with_format(reading, mail_format, profile, lines)
    if (plain := formats.get(PLAIN)) is not None:
        return _decode_with_format(replace(reading, format=PLAIN), plain, reading.profiles[0], lines)
    return replace(
        reading, problem=write_sentence("the email matches no format of the profile"), explained=tuple(lines)
    )


def _find_named_batches(
    mail: IncomingMail, profiles: Iterable[Profile], formats: Mapping[str, MailFormat]
) -> tuple[str, ...]:
    numbers = (
        number
        for profile in profiles
        for format_ in formats_of(profile, formats)
        if isinstance(format_, NamesBatches)
        for number in format_.named_batches(mail, profile)
    )
    return tuple(dict.fromkeys(numbers))


def formats_of(profile: Profile, formats: Mapping[str, MailFormat]) -> tuple[MailFormat, ...]:
    """Those that its profile has a section for, in the order of its sections, but for plain mail."""
    return tuple(formats[name] for name in profile.dialects if name in formats and name != PLAIN)


def _decode_with_format(
    reading: MailReading, mail_format: MailFormat, profile: Profile, lines: list[str]
) -> MailReading:
    try:
        understood = mail_format.decode(reading.parsed.mail, profile)
    except MalformedMessage as error:
        lines.append(write_sentence("format %(format)s: %(words)s", format=mail_format.name, words=str(error)))
        problem = write_about(mail_format.name, str(error))
        return replace(reading, problem=problem, malformed=True, explained=tuple(lines))
    count = len(understood.events)
    lines.append(
        write_sentence("format %(format)s: 1 event", format=mail_format.name)
        if count == 1
        else write_sentence("format %(format)s: %(count)s events", format=mail_format.name, count=count)
    )
    for event in understood.events:
        lines += map(_indent_line, (*event.explained, _describe_event(event)))
    lines += [_indent_line(write_sentence("not understood: %(words)s", words=line)) for line in understood.unknown]
    return replace(reading, understood=understood, explained=tuple(lines))


def _describe_event(event: MailEvent) -> Sentence:
    if event.transaction:
        return write_sentence(
            "event: %(event)s of %(number)s", event=EVENT_CATALOGUE[event.kind].words, number=event.transaction
        )
    return write_sentence("event: %(event)s", event=EVENT_CATALOGUE[event.kind].words)


def _indent_line(line: str) -> Sentence:
    return compose_sentence("  %(line)s", line=line)


@value_object
class MailStep:
    """A mail that was read; `work` is its transaction. `sent`: when, by what it says itself; None: it doesn't say."""

    spot: MailPosition
    work: Callable[[], Awaitable[MailOutcome]]
    sent: datetime | None = None


def earliest_event_time(understood: MailInterpretation) -> datetime | None:
    """Return the time of the earliest message."""
    return min((event.at for event in understood.events if event.at is not None), default=None)


def order_by_sent_time(steps: Sequence[MailStep]) -> list[MailStep]:
    """Those that say when they were sent in that order, in the places that they have; the others stay in theirs."""
    dated = iter(sorted((step for step in steps if step.sent is not None), key=_sent_time))
    return [step if step.sent is None else next(dated) for step in steps]


def _sent_time(step: MailStep) -> datetime:
    assert step.sent is not None, "only those"
    return step.sent


def partners_by_sender(profiles: Iterable[Profile], sender: str) -> tuple[Profile, ...]:
    """Those of a library that have exactly this address first, then those of its domain; by name."""
    if not sender:
        return ()
    wanted = sender.casefold()
    exact, domain = [], []
    for profile in sorted(profiles, key=lambda profile: profile.name):
        partner = profile.partner
        if partner is None:
            continue
        addresses = {partner.email.casefold(), *(address.casefold() for address in partner.mail.addresses)}
        if wanted in addresses:
            exact.append(profile)
        elif partner.mail.is_partner_address(sender):
            domain.append(profile)
    return (*exact, *domain)


def resolve_recipient(parsed: ParsedMail, context: LibraryContext) -> ParsedMail:
    """Complete a mail with the library of the mailbox, as formats see it."""
    recipient = MailRecipient(context.symbol, context.zone, context.currency)
    return replace(parsed, mail=replace(parsed.mail, recipient=recipient))


def unmet_sender_checks(parsed: ParsedMail, server: str, rules: PartnerMail) -> str:
    """Return why the sender may be forged; empty: all that the profile requires was found right, for the sender's
    domain."""
    if not rules.require:
        return ""
    if not server:
        return write_sentence(
            "the profile requires sender checks, but `authserv_id` of the mailbox does not name the server that "
            "performs them"
        )
    checks = [check for check in parsed.checks if check.server.casefold() == server.casefold()]
    sender = parsed.mail.sender.rpartition("@")[2]
    for method in rules.require:
        of_method = [sender_check for sender_check in checks if sender_check.method == method]
        if not any(check.result == "pass" and _is_same_domain(check.domain, sender) for check in of_method):
            seen = ", ".join(sorted({sender_check.result for sender_check in of_method})) or write_sentence("nothing")
            return write_sentence(
                "%(method)s must pass for the sender's domain; our server reported %(words)s",
                method=method,
                words=seen,
            )
    return ""


def _is_same_domain(domain: str, sender: str) -> bool:
    """Relaxed alignment (RFC 7489 section 3.1), as far as it can be told without a list of public suffixes."""
    if not domain or not sender:
        return False
    longer, shorter = sorted((domain, sender), key=len, reverse=True)
    return longer == shorter or (longer.endswith(f".{shorter}") and shorter.count(".") >= 1)
