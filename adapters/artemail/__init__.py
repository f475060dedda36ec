"""ARTEmail: orders to the British Library and its like, their replies, and orders by the same format to us.

The channel and the mail format share the section `artemail` of a profile.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from adapters.artemail.channel import ArtemailChannel
from adapters.artemail.dialect import SECTION, ArtemailDialect
from adapters.artemail.mail_format import ArtemailFormat
from gateway.ports.adapter import ChannelAdapter, MailFormatAdapter

MAX_EMPTY_LINES = 50
"""Between the password and the lines around it; a layout has 20 at most, and mail programs may double them."""


def password_line_pattern(dialect: ArtemailDialect) -> str:
    """Make the pattern of the line below the customer code, above the first request or the address of the whole file;
    also where a mail program has quoted them."""
    layout, mark, end = dialect.layout, r"[>| \t]*", r"[ \t]*\r?\n"
    code = f"(?:{layout.customer_pattern})"
    # A bound, or else many empty lines would be gone through from each of them.
    empty = rf"(?:{mark}\r?\n){{0,{MAX_EMPTY_LINES}}}"
    below = rf"{re.escape(layout.start)}\S"
    if layout.file_address:
        below = rf"(?:{below}|{re.escape(layout.file_address)}{end})"
    return (
        rf"(?m)^{mark}{code}{end}{empty}{mark}(?P<secret>[^\s>|]\S*){end}"
        rf"{empty}{mark}{below}"
    )


def password_references(dialect: ArtemailDialect) -> Mapping[str, str]:
    """References to them, by key."""
    return {f"customers.{n}.password": buyer.password for n, buyer in enumerate(dialect.customers) if buyer.password}


channel_adapter = ChannelAdapter(
    name="artemail",
    section=SECTION,
    dialect=ArtemailDialect,
    make=ArtemailChannel,
    gathers=True,
    secrets=password_references,
    by_mail=lambda _dialect: True,
)
mail_format_adapter = MailFormatAdapter(
    name=SECTION,
    dialect=ArtemailDialect,
    make=ArtemailFormat,
    secret_pattern=password_line_pattern,
)
