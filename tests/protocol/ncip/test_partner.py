"""The port `PartnerSimulator`: what it takes, what it refuses, how it sends and explains."""

from __future__ import annotations

import base64
from decimal import Decimal

import pytest
from lxml import etree
from pydantic import ValidationError

from adapters.ncip import list_addresses
from adapters.ncip.client import MessageBuilder, MessageValues, find_service
from adapters.ncip.dialect import Header, NcipDialect
from adapters.ncip.initiator import NcipInitiator, load_own_credentials, make_own_parties
from adapters.ncip.messages import CheckOutItemResponse
from adapters.ncip.transport import HttpTransport
from adapters.ncip.wire_dialect import DateIn, DateOut, DateStyle, HttpAuth, HttpAuthKind, HttpDialect, XmlDialect
from adapters.ncip.wire_values import Version
from gateway.domain.problems import RefusalReason, Refused
from gateway.domain.profile import Authentication, AuthKind, Profile
from gateway.ports.message_transport import TransportReply
from gateway.ports.responder import ExchangeContext
from rehearsal.ports.partner_simulator import InvalidParameter, MessageFate, Values
from rehearsal.protocols.ncip.partner_simulator import NcipPartnerSimulator
from tests.protocol.ncip.support import LOOKED_UP, NOW, answering, http_peer, talk

SECRETS = {"env:ILL": "s3cret", "env:OURS": "0urs"}
PARTNER = NcipPartnerSimulator(SECRETS.__getitem__)
LET_IN = (Authentication(kind=AuthKind.NETWORK, networks=("127.0.0.0/8",)),)
PLAIN = Profile(name="plain", auth=LET_IN, dialects={"ncip": NcipDialect()})
PATRON: Values = {"patron": ("21000000000017",)}


def built(service: str, values: Values, profile: Profile = PLAIN) -> etree._Element:
    return etree.fromstring(PARTNER.build(service, values, talk(profile)))


def text(root: etree._Element, *names: str) -> str | None:
    return root.findtext(".//" + "/".join(f"{{*}}{name}" for name in names))


def test_services_and_parameters_are_listed() -> None:
    services = {service.name: service for service in PARTNER.services(talk(PLAIN))}

    accept = {parameter.name: parameter for parameter in services["accept-item"].parameters}
    assert services["check-out-item"].aliases == ("check-out", "checkout")
    assert accept["request"].required
    assert not accept["pickup"].required
    assert accept["due"].default == "in four weeks"
    assert accept["no-renewals"].flag
    assert all(parameter.help for service in services.values() for parameter in service.parameters)


@pytest.mark.parametrize(
    ("service", "values", "parameter", "words"),
    [
        ("lookup-patron", PATRON, "", "no service"),
        ("lookup-user", {}, "", "--patron or --input"),
        ("lookup-user", {**PATRON, "pickup": ("MAIN",)}, "pickup", "no such option"),
        ("lookup-user", {"patron": ("1", "2")}, "patron", "only once"),
        ("lookup-user", {"patron": (" ",)}, "patron", "empty"),
        ("lookup-user", {"input": ("2100",)}, "input", "TYPE=VALUE"),
        ("accept-item", {"request": ("R",), "due": ("soon",)}, "due", "not a day"),
        ("accept-item", {"request": ("R",), "due": ("2026-02-30",)}, "due", "not a day"),
        ("request-item", {**PATRON, "record": ("12345",)}, "record", "TYPE:NUMBER"),
        ("lookup-item-set", {"item": ("1",), "limit": ("0",)}, "limit", "number from 1"),
        ("fee", {**PATRON, "amount": ("much",)}, "amount", "amount"),
        ("fee", {**PATRON, "amount": ("NaN",)}, "amount", "amount"),
        ("fee", {**PATRON, "amount": ("3.505 EUR",)}, "amount", "decimal places"),
        ("create-user", {**PATRON, "surname": ("Li",), "birth": ("1.4.1990",)}, "birth", "1987-03-31"),
        ("lookup-version", {"form": ("other",)}, "form", "one of"),
        ("item-shipped", {"item": ("1",), "barcode": ("39",)}, "barcode", "version 1"),
    ],
)
def test_what_cannot_be_said_is_told_with_its_parameter(
    service: str, values: Values, parameter: str, words: str
) -> None:
    with pytest.raises(InvalidParameter, match=words) as wrong:
        PARTNER.build(service, values, talk(PLAIN))

    assert wrong.value.parameter == parameter


def test_defaults_are_filled_in() -> None:
    accept = built("accept-item", {**PATRON, "request": ("ILL-1",)})

    assert text(accept, "ItemId", "ItemIdentifierValue") == "ILL-1"
    assert text(accept, "DateForReturn") == "2026-03-30T21:59:00Z"
    assert text(accept, "RequestedActionType") == "Hold For Pickup"


def test_amounts_are_in_minor_units_of_the_currency_said_or_the_librarys() -> None:
    yen = built("fee", {**PATRON, "amount": ("350 jpy",)})
    ours = built("fee", {**PATRON, "amount": (str(Decimal("0.5")),)})

    assert (text(yen, "MonetaryValue"), text(yen, "CurrencyCode")) == ("350", "JPY")
    assert (text(ours, "MonetaryValue"), text(ours, "CurrencyCode")) == ("50", "EUR")


def test_what_is_beyond_the_schema_is_sent_when_it_is_said() -> None:
    check_in = built("check-in", {"item": ("1",), "request": ("R",)})

    assert text(check_in, "RequestId", "RequestIdentifierValue") == "R"


def test_the_partner_writes_as_we_read_and_reads_as_we_write() -> None:
    xml = XmlDialect(
        charset_in="iso-8859-1",
        date_in=DateIn(zone="America/New_York"),
        date_out=DateOut(style=DateStyle.LOCAL, zone="Asia/Tokyo"),
    )
    profile = Profile(name="far", auth=LET_IN, dialects={"ncip": NcipDialect(xml=xml)})

    body = PARTNER.build(
        "check-out", {**PATRON, "item": ("Zürich",), "due": ("2026-03-30T12:00+00:00",)}, talk(profile)
    )
    answer = LOOKED_UP.replace(b"LookupUserResponse", b"CheckOutItemResponse").replace(
        b"</UserId>", b"</UserId><DateDue>2026-03-31T00:30:00</DateDue>"
    )
    told = PARTNER.explain(body, TransportReply(answer), talk(profile))

    assert "Zürich".encode("latin-1") in body
    assert b">2026-03-30T08:00:00<" in body
    assert "  DateDue: 2026-03-30 17:30 CEST" in told.lines  # half past midnight in Tokyo


def test_credentials_in_the_message_are_those_that_the_profile_lets_in() -> None:
    for kind, element in (
        (AuthKind.AGENCY_SECRET, "FromAgencyAuthentication"),
        (AuthKind.SYSTEM_SECRET, "FromSystemAuthentication"),
    ):
        auth = (Authentication(kind=kind, secret="env:ILL"),)
        assert text(built("lookup-user", PATRON, PLAIN.model_copy(update={"auth": auth})), element) == "s3cret"


async def test_credentials_of_http_are_those_that_the_profile_lets_in() -> None:
    auth = (Authentication(kind=AuthKind.BASIC, user="illiad", secret="env:ILL"),)
    dialect = NcipDialect(http=HttpDialect(content_type_in="text/html"))
    profile = PLAIN.model_copy(update={"auth": auth, "dialects": {"ncip": dialect}})
    body = PARTNER.build("lookup-user", PATRON, talk(profile))

    async with http_peer(answering(LOOKED_UP)) as peer:
        await PARTNER.send_message(body, talk(profile), peer.place())

    assert peer.requests[0].headers["Content-Type"] == "text/html"
    header = peer.requests[0].headers["Authorization"].removeprefix("Basic ")
    assert base64.b64decode(header) == b"illiad:s3cret"


# --- explaining ----------------------------------------------------------------------------------------------

SENT = PARTNER.build("lookup-user", PATRON, talk(PLAIN))
REFUSED = LOOKED_UP.replace(
    b"<UserId><UserIdentifierValue>21000000000017</UserIdentifierValue></UserId>",
    b"<Problem><ProblemType>Unkown User</ProblemType><ProblemValue>2100</ProblemValue></Problem>",
)


def test_a_success_is_shown_with_its_fields_indented() -> None:
    told = PARTNER.explain(SENT, TransportReply(LOOKED_UP, status=200), talk(PLAIN))

    assert told.fate is MessageFate.DONE
    assert told.lines == ("LookupUser: done", "  UserId: 21000000000017")


def test_a_refusal_is_shown_with_the_problem_as_it_came() -> None:
    told = PARTNER.explain(SENT, TransportReply(REFUSED, status=200), talk(PLAIN))

    assert told.fate is MessageFate.REFUSED
    assert told.lines == (
        "LookupUser: refused (unknown-patron)",
        "  Problem",
        "    ProblemType: Unkown User",
        "    ProblemValue: 2100",
    )


@pytest.mark.parametrize(
    ("raw", "status", "fate"),
    [
        (REFUSED.replace(b"Unkown User", b"Temporary Processing Failure"), 200, MessageFate.FAILED),
        (b"<html/>", 404, MessageFate.FAILED),
        (b"<html/>", 200, MessageFate.FAILED),
        (b"<html/>", 500, MessageFate.UNKNOWN),
        (LOOKED_UP[:120], 200, MessageFate.UNKNOWN),
        (b"", 403, MessageFate.REFUSED),
    ],
)
def test_every_other_answer_has_its_fate(raw: bytes, status: int, fate: MessageFate) -> None:
    told = PARTNER.explain(SENT, TransportReply(raw, status=status), talk(PLAIN))

    assert told.fate is fate
    assert told.lines[0].startswith("LookupUser: ")


def test_what_is_not_understood_is_shown_too() -> None:
    answer = LOOKED_UP.replace(b"</UserId>", b"</UserId><Mood>sunny</Mood>")

    told = PARTNER.explain(SENT, TransportReply(answer), talk(PLAIN))

    assert "  not understood: LookupUserResponse/Mood: sunny" in told.lines


# --- as ourselves --------------------------------------------------------------------------------------------

OURSELVES = NcipDialect(
    xml=XmlDialect(version=Version.V2_01),
    http=HttpDialect(auth=HttpAuth(kind=HttpAuthKind.QUERY_KEY, secret="env:OURS", parameter="key")),
    header=Header(partner_agency="BROKER", our_agency="CLK", agency_authentication="env:ILL", profile_type="2.00"),
)
LENT = LOOKED_UP.replace(b"LookupUserResponse", b"CheckOutItemResponse").replace(
    b"</UserId>", b"</UserId><DateDue>2026-03-30T21:59:00Z</DateDue>"
)


@pytest.mark.parametrize("section", [HttpAuth, Header])
def test_a_profile_holds_no_secret_itself(section: type[HttpAuth] | type[Header]) -> None:
    key = "secret" if section is HttpAuth else "agency_authentication"

    assert section.model_validate({key: "file:ill.key"})
    with pytest.raises(ValidationError, match="must be env:NAME or file:PATH"):
        section.model_validate({key: "0urs"})


def speak_for_ourselves(exchange: ExchangeContext, dialect: NcipDialect) -> MessageBuilder:
    parties = make_own_parties(exchange.symbol, dialect, SECRETS.__getitem__)
    return MessageBuilder(dialect, exchange.profile.circulation, parties, exchange.zone, NOW)


async def test_as_initiator_we_show_our_own_names_and_secrets() -> None:
    conversation = talk(Profile(name="broker", dialects={"ncip": OURSELVES}))
    ask = find_service("check-out")
    assert ask is not None
    async with http_peer(answering(LENT)) as peer:
        transport = HttpTransport(
            peer.place(), OURSELVES.http, load_own_credentials(OURSELVES.http, SECRETS.__getitem__)
        )
        speaker = speak_for_ourselves(conversation, OURSELVES)
        initiator = NcipInitiator(lambda: speaker, transport)
        answered = await initiator.send_request(ask, MessageValues(patron="21000000000017", items=("39",)))
        await initiator.close()

    sent = etree.fromstring(peer.bodies[0])
    assert isinstance(answered.response, CheckOutItemResponse)
    assert text(sent, "FromAgencyId", "AgencyId") == "CLK"
    assert text(sent, "ToAgencyId", "AgencyId") == "BROKER"
    assert text(sent, "FromAgencyAuthentication") == "s3cret"
    assert text(sent, "ApplicationProfileType") == "2.00"
    assert peer.requests[0].query["key"] == "0urs"


async def test_as_initiator_a_refusal_is_raised() -> None:
    conversation = talk(PLAIN)
    ask = find_service("LookupUser")
    assert ask is not None
    async with http_peer(answering(REFUSED, 500)) as peer:
        transport = HttpTransport(peer.place(), HttpDialect(), load_own_credentials(HttpDialect(), SECRETS.__getitem__))
        speaker = speak_for_ourselves(conversation, NcipDialect())
        initiator = NcipInitiator(lambda: speaker, transport)
        with pytest.raises(Refused) as refused:
            await initiator.send_request(ask, MessageValues(patron="2100"))
        await initiator.close()

    assert refused.value.reason is RefusalReason.UNKNOWN_PATRON


def test_the_addresses_of_a_profile_are_told_for_the_live_check() -> None:
    auth = HttpAuth(kind=HttpAuthKind.OAUTH2, user="u", secret="env:X", token_url="https://a.example/token")
    dialect = NcipDialect(http=HttpDialect(auth=auth))

    assert list_addresses(dialect) == {"http.auth.token_url": "https://a.example/token"}
    assert list_addresses(NcipDialect()) == {}
