"""ISO ILL (ISO 10160/10161): README.md says what of the standard is spoken."""

from __future__ import annotations

from adapters.iso_ill.channel import IsoIllChannel
from adapters.iso_ill.codec import FILE_ENDING, SUB_TYPE, conceal_credentials, parse_hex
from adapters.iso_ill.dialect import SECTION, IsoIllDialect
from adapters.iso_ill.mail_format import IsoIllMailFormat
from adapters.iso_ill.responder import IsoIllResponder
from gateway.ports.adapter import ChannelAdapter, MailFormatAdapter, ProtocolAdapter
from gateway.ports.incoming_mail import PartConcealer


def read_example(text: str) -> bytes:
    """An APDU in hexadecimal digits. Raises ValueError."""
    return parse_hex(text.encode())


def list_addresses(dialect: IsoIllDialect) -> dict[str, str]:
    """List where a profile sends to, by key (`illgate check --live`)."""
    address = dialect.transport.address
    return {"transport.address": address} if address and not is_sent_by_mail(dialect) else {}


def list_password_references(dialect: IsoIllDialect) -> dict[str, str]:
    reference = dialect.credentials.password
    return {"credentials.password": reference} if reference else {}


def is_sent_by_mail(dialect: IsoIllDialect) -> bool:
    return dialect.transport.by == "mail"


protocol = ProtocolAdapter(
    name=SECTION,
    dialect=IsoIllDialect,
    responder=IsoIllResponder,
    addresses=list_addresses,
    example=read_example,
    over_http=False,
    for_all=True,
)
mail_format_adapter = MailFormatAdapter(
    name=SECTION,
    dialect=IsoIllDialect,
    make=IsoIllMailFormat,
    part_concealer=PartConcealer((SUB_TYPE, FILE_ENDING), conceal_credentials),
)
channel_adapter = ChannelAdapter(
    name="iso-ill",
    section=SECTION,
    dialect=IsoIllDialect,
    make=IsoIllChannel,
    secrets=list_password_references,
    by_mail=is_sent_by_mail,
    by_connection=lambda dialect: not is_sent_by_mail(dialect),
)
