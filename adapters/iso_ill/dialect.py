"""What a profile may tailor in ISO ILL (its section `iso_ill`). Evidence: facts/iso-ill-10161.md sections 11 to 13."""

from __future__ import annotations

import codecs
from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field

from adapters.iso_ill.codec.style import Defaults, Strings, Style
from adapters.iso_ill.messages.codes import ApduType, Wish
from adapters.iso_ill.state.overriding import States
from adapters.iso_ill.transport import Credentials, Reported, Transport
from gateway.domain.policy import Section
from gateway.domain.profile import Profile


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"not a time zone such as Europe/Berlin: {name}") from error
    return name


def _charset(name: str) -> str:
    try:
        "".encode(name)  # refuses codecs that aren't character sets, such as hex
        return codecs.lookup(name).name
    except LookupError as error:
        raise ValueError(f"not a character set: {name}") from error


def _apdu(name: str) -> str:
    if name not in APDU_NAMES:
        raise ValueError(f"no APDU is called {name}; there are: {', '.join(APDU_NAMES)}")
    return name


APDU_NAMES = tuple(one.name.lower().replace("_", "-") for one in ApduType)
ZoneName = Annotated[str, AfterValidator(_zone)]
Charset = Annotated[str, AfterValidator(_charset)]
ApduName = Annotated[str, AfterValidator(_apdu)]
WishWord = Literal["requires", "desires", "neither"]


def wish_of(word: WishWord) -> Wish:
    return Wish[word.upper()]


class Wire(Section):
    """Characters, dates and the like."""

    charset_in: Charset = Field("iso-8859-1", description="in: character set of texts that aren't UTF-8 (Danish proxy)")
    charset_out: Charset = Field("utf-8", description="out: character set; what it lacks becomes a question mark")
    strings: Strings = Field(Strings.GENERAL, description="out: GeneralString, or EDIFACTString without accents")
    defaults: Defaults = Field(Defaults.OMIT, description="out: send values that are meant anyhow (as yaz, SFU)")
    day_formats: tuple[str, ...] = Field((), description="in: strptime formats of dates tried after YYYYMMDD")
    zone: ZoneName | None = Field(None, description="zone of the partner's days and times; none: the library's")

    @cached_property
    def style(self) -> Style:
        return Style(self.charset_in, self.charset_out, self.strings, self.defaults, self.day_formats)


class Symbols(Section):
    """AUTHORITY:SYMBOL, split at the first colon; the authority is compared without case."""

    default_authority: str = Field(
        "", pattern=r"^[^:\s]*$", description="put before symbols that come without one (yaz: IKM)"
    )
    authority_out: Literal["keep", "drop"] = Field("keep", description="out: whether our symbols keep their authority")
    ours: str = Field("", description="the symbol by which this partner knows us; empty: the library's own")


class Identifiers(Section):
    """How a transaction is named on the wire."""

    qualifier: Literal["attempt", "transaction"] = Field(
        "attempt",
        description="transaction-qualifier: the number of the attempt under the request's number (SFU), or the whole "
        "transaction number, unique by itself (OCLC)",
    )
    initial_requester: Literal["always", "sub-transactions"] = Field(
        "always", description="whether simple transactions name the initial requester (SFU does, yaz sends none)"
    )


class OptionalMessages(Section):
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


class IsoIllDialect(Section):
    version: Literal[1, 2] = Field(2, description="protocol version that we write; electronic delivery needs 2")
    wire: Wire = Wire()
    transport: Transport = Transport()
    acknowledges: Reported = Field(
        "none", description="of which APDUs the partner reports that it has them: none, requests (OCLC), all"
    )
    answers: Reported = Field(
        "none", description="of which APDUs we report to the partner that we have them: none, requests (yaz, OCLC), all"
    )
    credentials: Credentials = Credentials()
    critical_extensions: tuple[str, ...] = Field(
        (), description="object identifiers of critical extensions that we don't know and yet take APDUs with"
    )
    symbols: Symbols = Symbols()
    identifiers: Identifiers = Identifiers()
    optional_messages: OptionalMessages = OptionalMessages()
    states: States = States()
    levels: Mapping[str, Annotated[str, Field(min_length=1, max_length=1)]] = Field(
        {}, description="level of service, such as rush: R; the character is this partner's own"
    )
    reply_to: str = Field(
        "", description="host:port at which we are reached, told in APDU-Delivery-Info (IPIG, Relais); empty: not told"
    )
    delivery_info: Literal["send", "omit"] = Field("send", description="whether APDUs carry APDU-Delivery-Info (13.3)")
    max_lengths: Mapping[str, Annotated[int, Field(ge=1)]] = Field(
        {}, description="out: longest text by field, such as title: 100; what is cut stands in the note"
    )
    never_sends: tuple[ApduName, ...] = Field(
        (), description="APDUs that never come from this partner, so that we neither want nor await them (Alma)"
    )
    withheld: tuple[ApduName, ...] = Field((), description="APDUs that this partner can't take: they aren't sent")

    def sends(self, apdu: ApduType) -> bool:
        return APDU_NAMES[apdu - 1] not in self.never_sends

    def takes(self, apdu: ApduType) -> bool:
        return APDU_NAMES[apdu - 1] not in self.withheld

    def wish(self, apdu: ApduType) -> Wish:
        """How much we want one of the optional messages."""
        return wish_of(getattr(self.optional_messages, _OPTIONAL[apdu])) if self.sends(apdu) else Wish.NEITHER


SECTION = "iso_ill"
DEFAULT_DIALECT = IsoIllDialect()


def dialect_of(profile: Profile | None) -> IsoIllDialect:
    found = profile.dialects.get(SECTION) if profile is not None else None
    return found if isinstance(found, IsoIllDialect) else DEFAULT_DIALECT
