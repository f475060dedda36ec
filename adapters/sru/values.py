"""What an SRU server says, as values."""

from __future__ import annotations

from lxml import etree

from gateway.domain.frozen import frozen, frozen_by_name


@frozen
class Diagnostic:
    """`uri`: which one, such as info:srw/diagnostic/1/16."""

    uri: str
    details: str = ""
    message: str = ""


@frozen
class SruRecord:
    """`data`: the root of the record, or what stands in its place. `position` 0: not said."""

    data: etree._Element | Diagnostic
    schema: str = ""
    position: int = 0


@frozen_by_name
class Found:
    """`total` None: the answer has no count, so that the diagnostics are all there is to it."""

    total: int | None = None
    records: tuple[SruRecord, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()


@frozen_by_name
class Scanned:
    terms: tuple[tuple[str, int], ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()


@frozen
class ExplainedIndex:
    """`names` with their context sets: dc.title."""

    title: str
    names: tuple[str, ...]


@frozen_by_name
class Explained:
    """What a server says of itself (ZeeRex). `schemas`: by name, with their identifiers."""

    database: str = ""
    title: str = ""
    version: str = ""
    indexes: tuple[ExplainedIndex, ...] = ()
    schemas: tuple[tuple[str, str], ...] = ()
