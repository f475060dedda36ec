"""Section `iso_ill` of a profile: wire, transport, overridden state cells.

Evidence: facts/iso-ill-10161.md sections 10 to 13. Peers differ in whether they answer on the connection on which they
were spoken to (yaz, OCLC) or open one of their own (IPIG), and in whether they report at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property, partial
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from adapters.iso_ill.codec.declarations import Defaults, EncodingStyle, Strings
from adapters.iso_ill.messages.codes import ApduType, CurrentState, Wish
from adapters.iso_ill.state_tables import (
    IDLE,
    TABLES,
    ServicePrimitive,
    TransitionRow,
    TransitionTable,
    find_services,
    states_of,
)
from gateway.domain.circulation_policy import ProfileSection
from gateway.domain.profile import Profile
from gateway.domain.profile_values import Charset, ZoneName
from gateway.domain.requests.request import Role
from gateway.domain.secret_reference import FileName, SecretReference
from gateway.ports.responder import CallbackAddress
from gateway.ports.tls import ClientTls

ReportedApdus = Literal["none", "requests", "all"]
"""Of which APDUs the receiver says that it has them, by a Status-Or-Error-Report: none, ILL-Requests, all."""

PROHIBITED = "prohibited"
StateCells = Mapping[str, Mapping[str, str]]
"""State -> service -> next state or `prohibited`, in the words of `state_word` and of `state_tables.find_services`."""


def is_reported(apdu: ApduType, which: ReportedApdus) -> bool:
    """Reports themselves never are: there would be no end to it."""
    if which == "none" or apdu is ApduType.STATUS_OR_ERROR_REPORT:
        return False
    return which == "all" or apdu is ApduType.ILL_REQUEST


def _validate_host_port(text: str) -> str:
    host, colon, port = text.rpartition(":")
    if text and not (host and colon and port.isascii() and port.isdigit() and 0 < int(port) < 65_536):
        raise ValueError(f"not host:port, such as ill.library.example:499: {text}")
    return text


HostPort = Annotated[str, AfterValidator(_validate_host_port)]


class TlsOut(ProfileSection):
    """Connections that we open are encrypted; the partner's certificate is always checked."""

    use: bool = False
    ca: FileName = Field(
        "", description="PEM file of trusted authorities, relative to gateway.yml; empty: the system's"
    )
    certificate: FileName = Field(
        "", description="PEM file with our own certificate and key, where the partner wants one"
    )

    def to_client_tls(self) -> ClientTls | None:
        """Files as they are written: relative to gateway.yml."""
        if not self.use:
            return None
        return ClientTls(Path(self.ca) if self.ca else None, Path(self.certificate) if self.certificate else None)


class Credentials(ProfileSection):
    """Authorization number and password, in an extension of what we send by TCP (OCLC)."""

    user: str = ""
    password: SecretReference = Field("", description="env:NAME or file:PATH")

    @model_validator(mode="after")
    def _require_both(self) -> Self:
        if bool(self.user) != bool(self.password):
            raise ValueError("user and password go together")
        return self


class Transport(ProfileSection):
    by: Literal["tcp", "mail"] = "tcp"
    mode: Literal["same-connection", "call-back"] = Field(
        "call-back",
        description="same-connection: one connection for both directions, no matter which side opened it (yaz, OCLC); "
        "call-back: each APDU on a connection that its sender opens for it (IPIG, Relais)",
    )
    address: HostPort = Field(
        "", description="host:port where the partner listens; empty: it is told only what a connection of its own takes"
    )
    follow_sender_info: bool = Field(
        False, description="a request that names its sender's address in APDU-Delivery-Info is answered there"
    )
    reports: Literal["same-connection", "call-back"] = Field(
        "same-connection", description="where we report what is wrong with an APDU that came on a connection"
    )
    tls: TlsOut = TlsOut.model_construct()
    connect_seconds: float = Field(10.0, gt=0, le=60)
    reply_seconds: float = Field(
        30.0, gt=0, le=50, description="how long a report may take, or else the closing of a call-back connection"
    )
    idle_seconds: float = Field(300.0, gt=0, le=86_400, description="then a silent connection is closed")
    message_seconds: float = Field(60.0, gt=0, le=3_600, description="from an APDU's first octet to its last")

    def make_callback_address(self, profile: str) -> CallbackAddress:
        return CallbackAddress(
            self.address, profile, self.tls.to_client_tls(), self.connect_seconds, self.reply_seconds
        )


def _validate_cells(role: Role, state_cells: StateCells) -> StateCells:
    for state, cells in state_cells.items():
        for service in cells:
            try:
                _parse_cells(role, state, {service: cells[service]})
            except ValueError as error:
                raise ValueError(f"{state}: {service}: {error}") from error
    return state_cells


class StateOverrides(ProfileSection):
    late: Literal["keep", "refuse"] = Field(
        "keep",
        description="an APDU that the state doesn't allow, and that was sent before our last change: kept in the "
        "history (it crossed ours on the way), or refused as all others",
    )
    transit_minutes: int = Field(
        0,
        ge=0,
        le=20_000,
        description="how long our APDUs may be on their way there (mail): what is sent within so many minutes after "
        "our last change counts as sent before it",
    )
    requester: Annotated[StateCells, AfterValidator(partial(_validate_cells, Role.BORROWING))] = Field(
        {}, description="we are the requester: STATE: {SERVICE: NEXT}, such as pending: {ill-answer/estimate: pending}"
    )
    responder: Annotated[StateCells, AfterValidator(partial(_validate_cells, Role.LENDING))] = Field(
        {}, description="we are the responder: STATE: {SERVICE: NEXT}, such as shipped: {cancel: prohibited}"
    )

    def _overrides_of_role(self, role: Role) -> StateCells:
        return self.requester if role is Role.BORROWING else self.responder

    @cached_property
    def tables(self) -> Mapping[Role, TransitionTable]:
        """The standard's, with what is said here."""
        return {role: _override_table(role, self._overrides_of_role(role)) for role in Role}

    def next_state(self, role: Role, state: CurrentState, service: ServicePrimitive) -> CurrentState | None:
        """None: prohibited."""
        return self.tables[role].get(state, {}).get(service)


def state_word(state: CurrentState) -> str:
    """Return the word of a state as profiles write it: `in-process`; a transaction that isn't known is `idle`."""
    return "idle" if state is IDLE else state.name.lower().replace("_", "-")


def _override_table(role: Role, state_cells: StateCells) -> TransitionTable:
    table: dict[CurrentState, TransitionRow] = dict(TABLES[role])
    for word, cells in state_cells.items():
        state = _parse_state(role, word)
        row = dict(table[state])
        for service, to in _parse_cells(role, word, cells):
            if to is None:
                row.pop(service, None)
            else:
                row[service] = to
        table[state] = row
    return table


def _parse_cells(
    role: Role, state: str, cells: Mapping[str, str]
) -> list[tuple[ServicePrimitive, CurrentState | None]]:
    """Parse cells; raises ValueError with what is allowed."""
    _parse_state(role, state)
    return [
        (service, None if to.strip().lower() == PROHIBITED else _parse_state(role, to))
        for word, to in cells.items()
        for service in find_services(word, role)
    ]


def _parse_state(role: Role, word: str) -> CurrentState:
    words = {state_word(state): state for state in states_of(role)}
    current_state = words.get(word.strip().lower())
    if current_state is None:
        side = "requester" if role is Role.BORROWING else "responder"
        raise ValueError(
            f"a {side} has no state {word}; there are: {', '.join(words)} (and {PROHIBITED} as a next one)"
        )
    return current_state


def _validate_apdu_name(name: str) -> str:
    if name not in APDU_NAMES:
        raise ValueError(f"no APDU is called {name}; there are: {', '.join(APDU_NAMES)}")
    return name


APDU_NAMES = tuple(type_.name.lower().replace("_", "-") for type_ in ApduType)
ApduName = Annotated[str, AfterValidator(_validate_apdu_name)]
WishWord = Literal["requires", "desires", "neither"]


def wish_of(word: WishWord) -> Wish:
    return Wish[word.upper()]


class Wire(ProfileSection):
    """Characters, dates and the like."""

    charset_in: Charset = Field("iso-8859-1", description="in: character set of texts that aren't UTF-8 (Danish proxy)")
    charset_out: Charset = Field("utf-8", description="out: character set; letters that it lacks are romanised")
    strings: Strings = Field(Strings.GENERAL, description="out: GeneralString, or EDIFACTString of basic Latin letters")
    defaults: Defaults = Field(Defaults.OMIT, description="out: send values that are meant anyhow (as yaz, SFU)")
    day_formats: tuple[str, ...] = Field((), description="in: strptime formats of dates tried after YYYYMMDD")
    zone: ZoneName | None = Field(None, description="zone of the partner's days and times; none: the library's")

    @cached_property
    def style(self) -> EncodingStyle:
        return EncodingStyle(self.charset_in, self.charset_out, self.strings, self.defaults, self.day_formats)


class IllSymbols(ProfileSection):
    """AUTHORITY:SYMBOL, split at the first colon; the authority is compared without case."""

    default_authority: str = Field(
        "", pattern=r"^[^:\s]*$", description="put before symbols that come without one (yaz: IKM)"
    )
    authority_out: Literal["keep", "drop"] = Field("keep", description="out: whether our symbols keep their authority")
    ours: str = Field("", description="the symbol by which this partner knows us; empty: the library's own")


class Identifiers(ProfileSection):
    """How a transaction is named on the wire."""

    qualifier: Literal["attempt", "transaction"] = Field(
        "attempt",
        description="transaction-qualifier: the number of the attempt under the request's number (SFU), or the whole "
        "transaction number, unique on its own (OCLC)",
    )
    initial_requester: Literal["always", "sub-transactions"] = Field(
        "always", description="whether simple transactions name the initial requester (SFU does, yaz sends none)"
    )


class OptionalMessages(ProfileSection):
    """What we can send and what we want of Shipped, Received, Returned and Checked-In."""

    can_send_received: bool = True
    can_send_returned: bool = True
    can_send_shipped: bool = True
    can_send_checked_in: bool = True
    shipped: WishWord = Field("desires", description="as a requester: Shipped")
    checked_in: WishWord = Field("desires", description="as a requester: Checked-In")
    received: WishWord = Field("desires", description="as a responder: Received")
    returned: WishWord = Field("desires", description="as a responder: Returned")


_OPTIONAL = {
    ApduType.SHIPPED: "shipped",
    ApduType.CHECKED_IN: "checked_in",
    ApduType.RECEIVED: "received",
    ApduType.RETURNED: "returned",
}


class IsoIllDialect(ProfileSection):
    version: Literal[1, 2] = Field(2, description="protocol version that we write; electronic delivery needs 2")
    wire: Wire = Wire.model_construct()
    transport: Transport = Transport.model_construct()
    acknowledges: ReportedApdus = Field(
        "none", description="of which APDUs the partner reports that it has them: none, requests (OCLC), all"
    )
    answers: ReportedApdus = Field(
        "none", description="of which APDUs we report to the partner that we have them: none, requests (yaz, OCLC), all"
    )
    credentials: Credentials = Credentials.model_construct()
    critical_extensions: tuple[str, ...] = Field(
        (), description="object identifiers of critical extensions that we don't know and yet take APDUs with"
    )
    symbols: IllSymbols = IllSymbols.model_construct()
    identifiers: Identifiers = Identifiers.model_construct()
    optional_messages: OptionalMessages = OptionalMessages.model_construct()
    states: StateOverrides = StateOverrides.model_construct()
    levels: Mapping[str, Annotated[str, Field(min_length=1, max_length=1)]] = Field(
        {}, description="level of service, such as rush: R; the character is this partner's own"
    )
    reply_to: str = Field(
        "", description="host:port at which we are reached, told in APDU-Delivery-Info (IPIG, Relais); empty: not told"
    )
    delivery_info: Literal["send", "omit"] = Field("send", description="whether APDUs carry APDU-Delivery-Info (13.3)")
    max_lengths: Mapping[str, Annotated[int, Field(ge=1)]] = Field(
        {}, description="out: longest text by field, such as title: 100; the rest is added to the note"
    )
    never_sends: tuple[ApduName, ...] = Field(
        (), description="APDUs that never come from this partner, so that we neither want nor await them (Alma)"
    )
    withheld: tuple[ApduName, ...] = Field((), description="APDUs that this partner cannot process: they aren't sent")

    def is_sent_by_partner(self, apdu: ApduType) -> bool:
        return APDU_NAMES[apdu - 1] not in self.never_sends

    def is_taken_by_partner(self, apdu: ApduType) -> bool:
        return APDU_NAMES[apdu - 1] not in self.withheld

    def wish_for_message(self, apdu: ApduType) -> Wish:
        """Return how much we want one of the optional messages."""
        return (
            wish_of(getattr(self.optional_messages, _OPTIONAL[apdu])) if self.is_sent_by_partner(apdu) else Wish.NEITHER
        )


SECTION = "iso_ill"
DEFAULT_DIALECT = IsoIllDialect()


def dialect_of(profile: Profile | None) -> IsoIllDialect:
    section = profile.dialects.get(SECTION) if profile is not None else None
    return section if isinstance(section, IsoIllDialect) else DEFAULT_DIALECT
