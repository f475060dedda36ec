"""Watches every NCIP answer that any test provokes: in standard style it must be valid by its version's schema."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from lxml import etree

from adapters.ncip import answers
from adapters.ncip.dialect import NcipDialect
from adapters.ncip.messages import (
    Body,
    LookupItemSetResponse,
    LookupVersionResponse,
    RenewAllItemResponse,
    RequestItemResponse,
    Root,
)
from adapters.ncip.wire_dialect import AttributeStyle, Extras, SchemeStyle
from adapters.ncip.wire_values import NamespaceStyle, Version
from gateway.ports.responder import ExchangeContext

OUTSIDE_SCHEMAS = (LookupVersionResponse, RenewAllItemResponse)
SCHEMAS = {Version.V2_0: "ncip_v2_0.xsd", Version.V2_01: "ncip_v2_01.xsd", Version.V2_02: "ncip_v2_02.xsd"}


@lru_cache(maxsize=8)
def schema(folder: Path, version: Version) -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(str(folder / SCHEMAS[version])))


def is_standard(dialect: NcipDialect) -> bool:
    xml = dialect.xml
    return (
        xml.namespace_style is not NamespaceStyle.NONE
        and xml.version_attribute is AttributeStyle.QUALIFIED
        and xml.scheme_style in (SchemeStyle.STANDARD, SchemeStyle.ATTRIBUTE)
        and xml.extra_elements is Extras.OMIT
        and not xml.element_order
        and dialect.errors.shape != "item-requested"
    )


def is_taken_request(body: Body) -> bool:
    """How OpenRS is told that its request was taken, and nothing promised yet (docs/facts/openrs.md 2)."""
    return isinstance(body, RequestItemResponse) and body.user_id is None and not body.problems


class Watch:
    """Stands in for what writes answers; keeps what was invalid until a test ends."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.invalid: list[str] = []
        self.checked = 0
        self.write = answers.write_answer

    def __call__(
        self,
        body: Body,
        version: Version,
        root: Root,
        dialect: NcipDialect,
        talk: ExchangeContext | None,
        *,
        in_ext: bool = False,
    ) -> bytes:
        written = self.write(body, version, root, dialect, talk, in_ext=in_ext)
        in_schema = version in SCHEMAS and root is Root.MESSAGE and not isinstance(body, OUTSIDE_SCHEMAS)
        in_schema = in_schema and not is_taken_request(body)
        if isinstance(body, LookupItemSetResponse):  # a profile may have it answered where its version has none
            version = Version.V2_02
        if in_schema and is_standard(dialect):
            self.check(written, version)
        return written

    def check(self, answer: bytes, version: Version) -> None:
        self.checked += 1
        rules = schema(self.folder, version)
        if not rules.validate(etree.fromstring(answer)):
            self.invalid.append(f"{rules.error_log.last_error.message}\n{answer.decode()}")  # type: ignore[attr-defined]
