"""The shipped profile, messages of ours, mails of the service."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from adapters.artemail.codec import OrderFile, encode
from adapters.artemail.dialect import ArtemailDialect, dialect_of
from adapters.artemail.mail_format import ArtemailFormat
from adapters.artemail.orders import choose_customer, prepare_order
from gateway.cli.installation import Installation
from gateway.domain.profile import Profile
from gateway.domain.requests.citation import Citation
from gateway.domain.requests.events import EventDetails, EventKind
from gateway.domain.requests.request import LibraryParty, Request, RequestedService, Role, ServiceType
from gateway.ports.incoming_mail import IncomingMail, MailEvent, MailInterpretation, MailPart
from gateway.ports.library_system import LibraryInfo
from gateway.ports.partner_channel import PartnerMessage
from gateway.profiles import load_profiles
from gateway.services.letters import sample
from tests.support.paths import ROOT

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
LIBRARY = LibraryInfo("NO-01", "Nørrefjord bibliotek", "Havnegade 4, 9990 Nørrefjord", "ill@norrefjord.example", "")
PASSWORD = "OPENSESAME"
NUMBER = "NO-01-2026-000417"


@lru_cache(maxsize=1)
def bldss() -> Profile:
    installation = Installation(ROOT / "gateway.yml")
    return load_profiles(ROOT / "profiles", installation.adapters, installation.settings).loaded["bldss"].profile


def tailored(profile: Profile | None = None, **changes: Any) -> Profile:
    """With sections of the dialect that differ, merged key by key."""
    profile = profile or bldss()
    data = _merged(dialect_of(profile).model_dump(mode="json", exclude_unset=True), changes)
    return profile.model_copy(update={"dialects": {"artemail": ArtemailDialect.model_validate(data)}})


def _merged(below: Any, above: Any) -> Any:
    if isinstance(below, dict) and isinstance(above, dict):
        return {**below, **{key: _merged(below.get(key), value) for key, value in above.items()}}
    return above


def both_ways(**changes: Any) -> Profile:
    """A partner that supplies and asks."""
    profile = tailored(**changes)
    assert profile.partner is not None
    partner = profile.partner.model_copy(update={"roles": ("supplier", "requester")})
    return profile.model_copy(update={"partner": partner})


# --- what we say -----------------------------------------------------------------------------------------


def borrowed(
    citation: Citation | None = None, service: ServiceType = ServiceType.LOAN, level: str = "", format_: str = ""
) -> Request:
    request = sample.sample_request()
    return replace(
        request, citation=citation or request.citation, service=RequestedService(service, format_, level), notes=()
    )


def message(kind: EventKind = EventKind.REQUEST, request: Request | None = None, **details: Any) -> PartnerMessage:
    request = request or borrowed()
    return PartnerMessage(
        id="0645e2f0a1b2c30000d4e5f6",
        kind=kind,
        at=NOW,
        sender=LibraryParty("NO-01"),
        receiver=LibraryParty("LOCAL:BLDSS", "bldss"),
        role=request.role,
        transaction=NUMBER,
        details=EventDetails(**details),
        request=request,
    )


def lent(kind: EventKind, **details: Any) -> PartnerMessage:
    return message(kind, replace(sample.sample_request(role=Role.LENDING), transaction=NUMBER), **details)


def written(said: PartnerMessage, profile: Profile | None = None) -> str:
    """As it stands in the mail."""
    dialect = dialect_of(profile or bldss())
    ordered = prepare_order(said, dialect, LIBRARY)
    file = OrderFile(
        customer=choose_customer(said, dialect).code,
        password=PASSWORD,
        orders=(ordered.order,),
        address=ordered.address,
    )
    return encode(file, dialect.layout.codec_layout)[0]


# --- what they say ---------------------------------------------------------------------------------------


def mail(text: str, subject: str = "", files: tuple[str, ...] = ()) -> IncomingMail:
    """`files`: media types of what is attached."""
    parts = tuple(MailPart(f"{n}.bin", one, b"%PDF-") for n, one in enumerate(files))
    return IncomingMail(
        id="m-1@art.example", sender="replies@art.example", subject=subject, text=text, received=NOW, attachments=parts
    )


def read(
    text: str, subject: str = "", profile: Profile | None = None, files: tuple[str, ...] = ()
) -> MailInterpretation:
    """Raises MalformedMessage."""
    return ArtemailFormat().decode(mail(text, subject, files), profile or bldss())


def only(understood: MailInterpretation) -> MailEvent:
    (event,) = understood.events
    return event
