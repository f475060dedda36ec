"""For every shipped profile and every service: what is built as the partner is understood by us as it was said."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache

import pytest
from lxml import etree

from adapters.ncip import adapter
from adapters.ncip.client import ASKS
from adapters.ncip.codec import decode_message
from adapters.ncip.dialect import NcipDialect
from adapters.ncip.messages import ItemRequestedResponse, LookupVersion, LookupVersionResponse, Message, Problems
from adapters.ncip.responder import NcipResponder
from adapters.ncip.services.command_reader import text_of_code
from adapters.ncip.wire_values import Version
from adapters.ncip.xml_parser import parse_xml, wrap_body
from gateway.cli.installation import Installation
from gateway.domain.circulation_policy import PickupSource
from gateway.domain.commands import (
    AcceptItem,
    Action,
    CancelRequest,
    CheckIn,
    CheckOut,
    Command,
    CreateItem,
    CreatePatron,
    Credential,
    DeleteItem,
    DeletePatron,
    LookUpAgency,
    LookUpItem,
    LookUpItemSet,
    LookUpPatron,
    LookUpRequest,
    Named,
    Notice,
    NoticeKind,
    PlaceRequest,
    PostFee,
    Recall,
    Renew,
    UpdatePatron,
    UpdateRequest,
    UpdateStatus,
)
from gateway.domain.library import ItemStatus, Money, RecordId
from gateway.domain.problems import Refusal, RefusalReason, Refused
from gateway.domain.profile import Profile
from gateway.ports.responder import DecodedMessage, MessageEnvelope, RawMessage, TransportKind
from rehearsal.ports.adapter import find_rehearsal
from rehearsal.ports.partner_simulator import InvalidParameter, Values
from rehearsal.protocols.ncip.partner_simulator import NcipPartnerSimulator
from tests.protocol.ncip.support import NOW, talk
from tests.support.paths import ROOT

PARTNER = NcipPartnerSimulator(lambda reference: f"secret of {reference}")
RESPONDER = NcipResponder()

ONLY_ASKED = "koha-ncip"
"""tests/protocol/profiles/test_koha.py."""

SHIPPED = sorted(
    file.stem
    for file in (ROOT / "profiles").glob("*.yml")
    if "\nncip:" in file.read_text(encoding="utf-8") and file.stem != ONLY_ASKED
)

IN_FOUR_WEEKS = date(2026, 3, 30)
LACKING = {older: ("lookup-item-set",) for older in Version if older is not Version.V2_02}
"""Services that a version hasn't (facts/ncip.md 3.5)."""

PATRON, ITEM, REQUEST = "21000000000017", "39000000000011", "TN-1001"
TITLE = "Der Zauberberg & andere <Geschichten>"


@cache
def profiles() -> dict[str, Profile]:
    """Everything is offered to everybody: this is about how things are said (tests/protocol/profiles for the rest)."""
    loading = Installation(ROOT / "gateway.yml").profiles
    assert not loading.problems
    return {profile.name: offer_everything(profile) for profile in loading.profiles}


def offer_everything(profile: Profile) -> Profile:
    dialect = profile.dialects.get("ncip")
    if not isinstance(dialect, NcipDialect):
        return profile
    offering = dialect.model_copy(update={"services": (), "extensions": ()})
    return profile.model_copy(update={"dialects": {**profile.dialects, "ncip": offering}})


@pytest.fixture(params=SHIPPED)
def profile(request: pytest.FixtureRequest) -> Profile:
    return profiles()[request.param]


def ncip(profile: Profile) -> NcipDialect:
    dialect = profile.dialects["ncip"]
    assert isinstance(dialect, NcipDialect)
    return dialect


def opened(profile: Profile, service: str, values: Values) -> MessageEnvelope:
    """As it comes out of `open` when the partner has sent it."""
    body = PARTNER.build(service, values, talk(profile))
    arrival = RawMessage(wrap_body(body, ncip(profile).http), NOW, TransportKind.HTTP, "ncip", profile=profile.name)
    envelope = RESPONDER.open(arrival, 100_000)
    assert envelope.malformed is None, envelope.malformed
    return envelope


def understood(profile: Profile, service: str, values: Values) -> DecodedMessage:
    return RESPONDER.decode(opened(profile, service, values), talk(profile))


def version(profile: Profile) -> Version:
    return ncip(profile).xml.version


def day_of(due: object) -> object:
    """A day is written as its last minute for partners who know no days."""
    return due.astimezone(talk(profiles()["ncip2"]).zone).date() if isinstance(due, datetime) else due


def named(value: Named | None) -> str:
    return value.value if value is not None else ""


def patron_of(command: object) -> str:
    ref = getattr(command, "patron", None)
    return named(ref if isinstance(ref, Named) else ref.id if ref is not None else None)


@dataclass(frozen=True)
class Case:
    """What is typed, and what must come out: the command, and values at dotted paths in it."""

    service: str
    values: dict[str, str]
    kind: type[Command]
    checks: dict[str, object] = field(default_factory=dict)


CASES = (
    Case("lookup-user", {"patron": PATRON, "loans": "", "fees": ""}, LookUpPatron, {"loans": True, "charges": True}),
    Case(
        "accept-item",
        {"patron": PATRON, "request": REQUEST, "item": "ILL-7", "title": TITLE, "author": "刘慈欣", "no-renewals": ""},
        AcceptItem,
        {
            "action": Action.HOLD,
            "due": IN_FOUR_WEEKS,
            "renewals_allowed": False,
            "citation.title": TITLE,
            "citation.author": "刘慈欣",
            "item": "ILL-7",
        },
    ),
    Case("check-out", {"patron": PATRON, "item": ITEM}, CheckOut, {"due": IN_FOUR_WEEKS}),
    Case("check-out", {"patron": PATRON, "item": ITEM, "due": "2026-05-04"}, CheckOut, {"due": date(2026, 5, 4)}),
    Case("check-in", {"item": ITEM, "request": REQUEST, "patron": PATRON}, CheckIn),
    Case("renew", {"item": ITEM, "patron": PATRON, "due": "+8w"}, Renew, {"due": date(2026, 4, 27)}),
    Case("recall", {"item": ITEM, "due": "+3d"}, Recall, {"due": date(2026, 3, 5)}),
    Case("request", {"patron": PATRON, "item": ITEM, "request": REQUEST}, PlaceRequest, {"kind": "hold"}),
    Case("cancel", {"patron": PATRON, "request": REQUEST}, CancelRequest),
    Case("update-request", {"request": REQUEST, "need-by": "2026-06-01"}, UpdateRequest, {"need_by": date(2026, 6, 1)}),
    Case("delete", {"item": ITEM}, DeleteItem),
    Case("lookup-item", {"item": ITEM, "borrower": ""}, LookUpItem, {"borrower": True}),
    Case("lookup-item-set", {"item": ITEM, "limit": "5"}, LookUpItemSet, {"limit": 5}),
    Case("lookup-request", {"request": REQUEST}, LookUpRequest),
    Case("lookup-agency", {"agency": "DEMO"}, LookUpAgency, {"agency": "DEMO"}),
    Case(
        "create-user",
        {"patron": PATRON, "surname": "Özdemir", "given": "Elif", "birth": "1987-03-31", "email": "elif@a.example"},
        CreatePatron,
        {"draft.name.surname": "Özdemir", "draft.name.given": "Elif", "draft.date_of_birth": date(1987, 3, 31)},
    ),
    Case(
        "update-user",
        {"patron": PATRON, "street": "Gasse 1", "city": "Chur", "country": "CH", "postcode": "7000"},
        UpdatePatron,
        {"add.contacts.0.postal.locality": "Chur", "add.contacts.0.postal.postal_code": "7000"},
    ),
    Case("delete-user", {"patron": PATRON}, DeletePatron),
    Case("create-item", {"item": ITEM, "title": TITLE, "location": "MAIN"}, CreateItem, {"location": "MAIN"}),
    Case(
        "fee",
        {"patron": PATRON, "amount": "3.50 CHF", "reference": "FEE-7", "item": ITEM},
        PostFee,
        {"amount": Money(Decimal("3.50"), "CHF"), "action": "Assess", "reference": "FEE-7"},
    ),
    Case("update-circulation-status", {"item": ITEM, "status": "Lost"}, UpdateStatus, {"status": ItemStatus.LOST}),
    Case(
        "circulation-status-updated", {"item": ITEM, "status": "Missing"}, Notice, {"kind": NoticeKind.STATUS_UPDATED}
    ),
    Case("item-requested", {"patron": PATRON, "item": ITEM}, Notice, {"kind": NoticeKind.REQUESTED}),
    Case("item-request-updated", {"request": REQUEST}, Notice, {"kind": NoticeKind.REQUEST_UPDATED}),
    Case(
        "item-request-cancelled", {"patron": PATRON, "request": REQUEST}, Notice, {"kind": NoticeKind.REQUEST_CANCELLED}
    ),
    Case(
        "item-shipped",
        {"item": ITEM, "pickup": "MAIN", "when": "2026-03-01T08:00+01:00"},
        Notice,
        {"kind": NoticeKind.SHIPPED, "pickup": "MAIN", "at": datetime(2026, 3, 1, 7, tzinfo=UTC)},
    ),
    Case("item-shipped", {"item": ITEM}, Notice, {"kind": NoticeKind.SHIPPED, "pickup": "", "at": NOW}),
    Case("item-received", {"item": ITEM, "when": "now"}, Notice, {"kind": NoticeKind.RECEIVED, "at": NOW}),
    Case("item-checked-out", {"item": ITEM, "patron": PATRON}, Notice, {"due": IN_FOUR_WEEKS}),
    Case("item-checked-in", {"item": ITEM}, Notice, {"kind": NoticeKind.CHECKED_IN}),
    Case("item-renewed", {"item": ITEM, "due": "2026-04-01"}, Notice, {"due": date(2026, 4, 1)}),
    Case("item-recalled", {"item": ITEM}, Notice, {"due": date(2026, 3, 9)}),
)


def many(values: dict[str, str]) -> Values:
    return {name: (value,) for name, value in values.items()}


EVERY_NTH = 4
"""Each message by so few profiles, and by each profile so few messages, in the ordinary run."""


@pytest.mark.parametrize(
    ("profile", "case"),
    [
        pytest.param(
            name,
            case,
            marks=[pytest.mark.long] if (place + number) % EVERY_NTH else [],
            id=f"{name}-{case.service}-{'-'.join(case.values)}",
        )
        for place, name in enumerate(SHIPPED)
        for number, case in enumerate(CASES)
    ],
    indirect=["profile"],
)
def test_what_is_said_is_understood(profile: Profile, case: Case) -> None:
    if case.service in LACKING.get(version(profile), ()):
        check_refused(profile, case)
        return

    incoming = understood(profile, case.service, many(case.values))
    command = incoming.command

    assert type(command) is case.kind
    assert incoming.unknown == ()
    if "patron" in case.values and not isinstance(command, CreatePatron):
        assert patron_of(command) == case.values["patron"]
    if "item" in case.values and isinstance(item := getattr(command, "item", None), Named):
        assert item.value == case.values["item"]
    if "request" in case.values:
        assert named(getattr(command, "request", None)) == case.values["request"]
    for path, expected in case.checks.items():
        assert seen(command, path) == expected, path


def check_refused(profile: Profile, case: Case) -> None:
    """At the level of the message, since the version hasn't the service's own answer either."""
    envelope = opened(profile, case.service, many(case.values))
    with pytest.raises(Refused, match=f"does not exist in NCIP {version(profile).value}") as refused:
        RESPONDER.decode(envelope, talk(profile))

    answer = decode_message(
        parse_xml(RESPONDER.refuse(envelope, Refusal.from_error(refused.value), talk(profile)).body)
    )

    assert refused.value.reason is RefusalReason.UNSUPPORTED_SERVICE
    in_header = ncip(profile).errors.shape == "item-requested"
    assert isinstance(answer.body, ItemRequestedResponse if in_header else Problems)
    if isinstance(answer.body, Problems):
        assert [text_of_code(problem.type) for problem in answer.body.problems] == ["Unsupported Service"]


def seen(command: object, path: str) -> object:
    value = command
    for part in path.split("."):
        value = value[int(part)] if isinstance(value, tuple) else getattr(value, part)
    if path in ("due", "need_by"):
        return day_of(value)
    return named(value) if isinstance(value, Named) else value


def test_every_service_is_tried() -> None:
    names = {name for case in CASES for name in (case.service,)}
    tried = {ask.name for ask in ASKS if names & {ask.name, *ask.aliases}}

    assert {ask.name for ask in ASKS} - tried == {"lookup-version"}


@pytest.mark.parametrize("form", ["message", "version-message"])
def test_versions_are_asked_in_either_root(profile: Profile, form: str) -> None:
    incoming = understood(profile, "lookup-version", {"form": (form,)})

    assert incoming.command is None
    assert isinstance(getattr(incoming.message, "body", None), LookupVersion)


@pytest.mark.parametrize("form", ["message", "version-message"])
def test_versions_are_told_in_the_root_that_asked(profile: Profile, form: str) -> None:
    envelope = opened(profile, "lookup-version", {"form": (form,)})
    incoming = RESPONDER.decode(envelope, talk(profile))

    answer = RESPONDER.encode(envelope, incoming, None, talk(profile)).body
    told = decode_message(parse_xml(answer))

    assert isinstance(incoming.message, Message)
    assert told.root is incoming.message.root
    assert isinstance(told.body, LookupVersionResponse)
    assert told.body.versions_supported
    assert told.unknown == ()
    if form == "version-message":
        assert {str(element.tag) for element in etree.fromstring(answer).iter()} == {
            "NCIPVersionMessage",
            "LookupVersionResponse",
            "VersionSupported",
        }


@pytest.mark.parametrize("service", ["accept-item", "request-item"])
def test_the_pickup_place_stands_where_the_profile_reads_it(profile: Profile, service: str) -> None:
    sources, in_v1 = profile.circulation.pickup.source, version(profile).is_v1
    values = many({"patron": PATRON, "request": REQUEST, "item": ITEM, "pickup": "SCI"})
    if in_v1 and PickupSource.RECEIVER not in sources:
        with pytest.raises(InvalidParameter) as wrong:
            understood(profile, service, values)
        assert wrong.value.parameter == "pickup"
        return

    command = understood(profile, service, values).command

    assert isinstance(command, AcceptItem | PlaceRequest)
    by_receiver = PickupSource.RECEIVER in sources and (in_v1 or PickupSource.PICKUP_LOCATION not in sources)
    assert (command.pickup, command.receiver) == (("", "SCI") if by_receiver else ("SCI", "DEMO"))


def test_a_title_request_names_its_record(profile: Profile) -> None:
    values: Values = {"patron": (PATRON,), "record": ("OCLC:12345", "ISBN:9780140449136")}

    command = understood(profile, "request-item", values).command

    assert isinstance(command, PlaceRequest)
    expected = (RecordId("oclc", "12345"), RecordId("isbn", "9780140449136"))
    assert set(command.records) & set(expected)


def test_credentials_name_a_patron(profile: Profile) -> None:
    values: Values = {"input": (f"Barcode Id={PATRON}",), "pin": ("1234",)}

    command = understood(profile, "lookup-user", values).command

    assert isinstance(command, LookUpPatron)
    assert command.patron.credentials == (Credential("barcode id", PATRON), Credential("pin", "1234"))


def test_a_mandated_action_says_when_it_happened(profile: Profile) -> None:
    values = many({"patron": PATRON, "item": ITEM, "happened": "2026-03-01T12:00+01:00"})

    command = understood(profile, "check-out", values).command

    assert isinstance(command, CheckOut)
    assert command.mandated == datetime(2026, 3, 1, 11, tzinfo=UTC)


def test_the_header_fits_the_profiles_own_rule(profile: Profile) -> None:
    """So that the message finds its profile at /ncip too, where the profile has a rule for what messages say."""
    body = PARTNER.build("lookup-user", {"patron": (PATRON,)}, talk(profile))

    envelope = RESPONDER.open(RawMessage(body, NOW, TransportKind.HTTP, "ncip"), 100_000)

    told = {name: getattr(envelope, name) for name in ("from_agency", "to_agency", "profile_type", "from_system")}
    rules = [{name: wanted for name in told if (wanted := getattr(rule, name))} for rule in profile.match]
    telling = [rule for rule in rules if rule]
    assert not telling or any(rule.items() <= told.items() for rule in telling), told
    assert envelope.from_agency
    assert envelope.to_agency


def test_the_adapter_offers_it() -> None:
    make = find_rehearsal(adapter.name).simulator
    assert make is not None
    assert isinstance(make(lambda reference: reference), NcipPartnerSimulator)
