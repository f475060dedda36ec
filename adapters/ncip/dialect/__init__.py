"""What a profile may tailor in NCIP (its section `ncip`); one module for each layer.

Sources and evidence for every key: facts/ncip.md sections 5 and 6, named in the shipped profiles where used.
"""

from __future__ import annotations

from pydantic import Field

from adapters.ncip.dialect.answers import Answers
from adapters.ncip.dialect.errors import Errors, Wording
from adapters.ncip.dialect.http import HttpDialect
from adapters.ncip.dialect.items import ItemElement, Items
from adapters.ncip.dialect.patrons import Patrons, Privilege, UserElement
from adapters.ncip.dialect.requests import Requests
from adapters.ncip.dialect.senders import AgencySource, Header
from adapters.ncip.dialect.tcp import TcpDialect
from adapters.ncip.dialect.xml import XmlDialect
from gateway.domain.policy import Section


class NcipDialect(Section):
    xml: XmlDialect = XmlDialect()
    http: HttpDialect = HttpDialect()
    tcp: TcpDialect = TcpDialect()
    header: Header = Header()
    patrons: Patrons = Patrons()
    items: Items = Items()
    requests: Requests = Requests()
    answers: Answers = Answers()
    errors: Errors = Errors()
    services: tuple[str, ...] = Field(
        (), description="services offered to this partner, such as LookupUser; empty: all that we know"
    )
    withheld: tuple[str, ...] = Field((), description="services refused with Unsupported Service")


__all__ = [
    "AgencySource",
    "Answers",
    "Errors",
    "Header",
    "HttpDialect",
    "ItemElement",
    "Items",
    "NcipDialect",
    "Patrons",
    "Privilege",
    "Requests",
    "TcpDialect",
    "UserElement",
    "Wording",
    "XmlDialect",
]
