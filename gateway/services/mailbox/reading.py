"""What a mail is, before the store is asked: a report, an automatic answer, a partner's mail in one of its formats.

Pure. Every rule that is looked at leaves a line, so that `illgate mail explain` shows how it went.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from gateway.domain.frozen import frozen, frozen_by_name
from gateway.domain.problems import MalformedMessage
from gateway.domain.profile import Profile
from gateway.ports.mail_format import IncomingMail, MailFormat, NamesFiles, Understood
from gateway.ports.mail_reading import Automatic, ParsedMail
from gateway.services.mailbox.authenticated import unmet
from gateway.services.mailbox.senders import partners_of

PLAIN = "letters"
"""The format of partners that write as people do: asked last, and of every partner."""


@frozen
class Post:
    """Whose mail it is: symbol of the library, and the name of the server that checked the sender."""

    library: str
    authserv_id: str = ""


@frozen_by_name
class Reading:
    """`profiles`: partners that it may come from, the likeliest first; `format` and `understood` are those of the
    first. `files_named`: numbers of files of ours that it names, as their formats read them, whatever its own is.
    `problem`: why staff must look, in a sentence without personal data."""

    parsed: ParsedMail
    profiles: tuple[Profile, ...] = ()
    format: str = ""
    understood: Understood = Understood()
    files_named: tuple[str, ...] = ()
    problem: str = ""
    malformed: bool = False
    explained: tuple[str, ...] = ()


def read(parsed: ParsedMail, profiles: Iterable[Profile], formats: Mapping[str, MailFormat], post: Post) -> Reading:
    lines = [f"repaired: {one}" for one in parsed.repaired]
    if (bounce := parsed.bounce) is not None:
        lines.append(f"delivery report: {bounce.action.value} {bounce.status}".rstrip())
        return Reading(parsed=parsed, explained=tuple(lines))
    if parsed.automatic is not Automatic.NO:
        lines.append(f"automatic: {parsed.automatic.value} (never answered)")
    reading = Reading(parsed=parsed)
    found = partners_of(profiles, parsed.mail.sender, post.library)
    if not found:
        lines.append("sender: no profile has its address")
        return replace(reading, problem="the sender is not known", explained=tuple(lines))
    lines.append(f"sender: {', '.join(one.name for one in found)}")
    forged = {one.name: unmet(parsed, post.authserv_id, one.partner.mail) for one in found if one.partner is not None}
    trusted = tuple(one for one in found if not forged[one.name])
    if not trusted:
        why = forged[found[0].name]
        lines.append(f"sender: not trusted: {why}")
        return replace(reading, profiles=found, problem=f"the sender may be forged: {why}", explained=tuple(lines))
    reading = replace(reading, profiles=trusted, files_named=_files_named(parsed.mail, trusted, formats))
    if parsed.automatic is Automatic.REPLIED:
        return replace(reading, explained=(*lines, "an automatic answer says nothing of a request"))
    return _in_a_format(reading, formats, lines)


def read_as(parsed: ParsedMail, profile: Profile, formats: Mapping[str, MailFormat]) -> Reading:
    """When staff say whose mail it is."""
    if parsed.bounce is not None:
        return Reading(parsed=parsed, profiles=(profile,))
    named = _files_named(parsed.mail, (profile,), formats)
    reading = Reading(parsed=parsed, profiles=(profile,), files_named=named)
    return _in_a_format(reading, formats, [f"sender: {profile.name}, by hand"])


def _in_a_format(reading: Reading, formats: Mapping[str, MailFormat], lines: list[str]) -> Reading:
    mail = reading.parsed.mail
    for profile in reading.profiles:
        for mail_format in formats_of(profile, formats):
            if not mail_format.recognises(mail, profile):
                lines.append(f"format {mail_format.name}: not this one")
                continue
            others = tuple(one for one in reading.profiles if one is not profile)
            reading = replace(reading, profiles=(profile, *others), format=mail_format.name)
            return _decoded(reading, mail_format, profile, lines)
    if (plain := formats.get(PLAIN)) is not None:
        return _decoded(replace(reading, format=PLAIN), plain, reading.profiles[0], lines)
    return replace(reading, problem="no format of the profile knows it", explained=tuple(lines))


def _files_named(mail: IncomingMail, profiles: Iterable[Profile], formats: Mapping[str, MailFormat]) -> tuple[str, ...]:
    found = (
        number
        for profile in profiles
        for one in formats_of(profile, formats)
        if isinstance(one, NamesFiles)
        for number in one.files_named(mail, profile)
    )
    return tuple(dict.fromkeys(found))


def formats_of(profile: Profile, formats: Mapping[str, MailFormat]) -> tuple[MailFormat, ...]:
    """Those that its profile has a section for, in the order of its sections, but for plain mail."""
    return tuple(formats[name] for name in profile.dialects if name in formats and name != PLAIN)


def _decoded(reading: Reading, mail_format: MailFormat, profile: Profile, lines: list[str]) -> Reading:
    try:
        understood = mail_format.decode(reading.parsed.mail, profile)
    except MalformedMessage as error:
        lines.append(f"format {mail_format.name}: {error}")
        return replace(reading, problem=f"{mail_format.name}: {error}", malformed=True, explained=tuple(lines))
    lines.append(f"format {mail_format.name}: {len(understood.events)} events")
    for event in understood.events:
        lines += [f"  {line}" for line in event.explained]
        lines.append(f"  → {event.kind.value}" + (f" of {event.transaction}" if event.transaction else ""))
    lines += [f"  not understood: {line}" for line in understood.unknown]
    return replace(reading, understood=understood, explained=tuple(lines))
