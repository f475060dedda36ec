"""The shipped profile, messages of ours, mails of the partner."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from typing import Any

from adapters.tagged_mail.channel import tagged_message
from adapters.tagged_mail.codec import encode
from adapters.tagged_mail.dialect import TaggedMailDialect, dialect_of
from adapters.tagged_mail.mail_format import TaggedMailFormat
from gateway.cli.installation import Installation
from gateway.domain.profile import Profile
from gateway.domain.requests.events import EventDetails, EventKind
from gateway.domain.requests.request import LibraryParty, Request, Role
from gateway.ports.adapter import ChannelLibrary
from gateway.ports.incoming_mail import IncomingMail, MailEvent, MailPart
from gateway.ports.library_system import LibraryInfo
from gateway.ports.partner_channel import PartnerMessage
from gateway.profiles import load_profiles
from gateway.services.letters import sample
from tests.support.paths import ROOT

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
LIBRARY = LibraryInfo("DEMO", "Bibliothèque du Fjord", "4, rue du Quai\nTadoussac QC", "ill@fjord.example", "")
NUMBER = "DEMO-2026-000417"


@lru_cache(maxsize=1)
def gsm() -> Profile:
    """The partner's profile on our side."""
    installation = Installation(ROOT / "gateway.yml")
    return load_profiles(ROOT / "profiles", installation.adapters, installation.settings).loaded["relais-gsm"].profile


def tailored(profile: Profile | None = None, **section: Any) -> Profile:
    return (profile or gsm()).model_copy(update={"dialects": {"tagged_mail": TaggedMailDialect(**section)}})


def of_the_other_side() -> Profile:
    """Our own profile, as the partner has it."""
    partner = gsm().partner
    assert partner is not None
    return gsm().model_copy(update={"name": "demo", "partner": partner.model_copy(update={"symbols": ("DEMO",)})})


def message(
    kind: EventKind, role: Role | None = None, request: Request | None = None, **details: Any
) -> PartnerMessage:
    role = role or sample.sample_message(kind).role
    about = replace(request or sample.sample_request("latin", role), role=role)
    return PartnerMessage(
        id="0645e2f0a1b2c30000d4e5f6",
        kind=kind,
        at=NOW,
        sender=LibraryParty("DEMO"),
        receiver=LibraryParty("LOCAL:RELAIS-GSM", "relais-gsm"),
        role=role,
        transaction=NUMBER,
        details=EventDetails(**details),
        request=about,
    )


def written(said: PartnerMessage, profile: Profile | None = None, zone: tzinfo = UTC) -> str:
    profile = profile or gsm()
    dialect = dialect_of(profile)
    return encode(tagged_message(said, dialect, profile, ChannelLibrary(LIBRARY, zone, "CAD")), dialect.layout)


def mail(text: str, subject: str = "", files: tuple[str, ...] = ()) -> IncomingMail:
    parts = tuple(MailPart(f"{n}.bin", one, b"%PDF-") for n, one in enumerate(files))
    return IncomingMail(
        id="m-1@relais.example",
        sender="ill@relais.example",
        subject=subject,
        text=text,
        received=NOW,
        attachments=parts,
    )


def read(
    text: str, subject: str = "", profile: Profile | None = None, files: tuple[str, ...] = ()
) -> tuple[MailEvent, ...]:
    """Raises MalformedMessage."""
    return TaggedMailFormat().decode(mail(text, subject, files), profile or gsm()).events


def only(events: tuple[MailEvent, ...]) -> MailEvent:
    (event,) = events
    return event
