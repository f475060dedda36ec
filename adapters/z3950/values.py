"""What is said in Z39.50, as values: queries, diagnostics, and the answers that we read. No bytes of BER."""

from __future__ import annotations

from dataclasses import field
from enum import StrEnum

from adapters.z3950.oids import BIB_1
from gateway.domain.frozen import frozen, frozen_by_name

# --- queries ---------------------------------------------------------------------------------------------


@frozen
class Attribute:
    """One attribute of a term. `set` empty: the query's own attribute set."""

    type: int
    value: int | str
    set: str = ""


class TermKind(StrEnum):
    GENERAL = "general"
    NUMERIC = "numeric"
    STRING = "string"
    NULL = "null"


@frozen
class Operand:
    """A term and how it is to be taken."""

    attributes: tuple[Attribute, ...]
    term: str
    kind: TermKind = TermKind.GENERAL


@frozen
class ResultSet:
    name: str


class Op(StrEnum):
    AND = "and"
    OR = "or"
    NOT = "not"


@frozen
class Nearness:
    """A proximity operator; numbers as the standard has them. `private`: the unit is the target's own."""

    exclusion: bool
    distance: int
    ordered: bool
    relation: int
    private: bool
    unit: int


@frozen
class Joined:
    op: Op | Nearness
    left: Rpn
    right: Rpn


Rpn = Operand | ResultSet | Joined


@frozen
class RpnQuery:
    """Type-1."""

    rpn: Rpn
    attribute_set: str = BIB_1


# --- answers ---------------------------------------------------------------------------------------------


@frozen
class Diagnostic:
    """`set`: object identifier of the list in which `condition` is; empty where the target gave only words."""

    condition: int
    additional: str = ""
    set: str = ""


@frozen
class RawRecord:
    """`syntax`: object identifier. `data` as it stood in the EXTERNAL."""

    syntax: str
    data: bytes = field(repr=False)


@frozen_by_name
class InitAnswer:
    accepted: bool
    version: int  # the highest that both speak: 2 or 3
    options: frozenset[int]  # numbers of the bits
    implementation: str = ""
    diagnostics: tuple[Diagnostic, ...] = ()


@frozen_by_name
class Found:
    """Of a search or a present. `records` may hold diagnostics in place of single records; `diagnostics` are about the
    whole. `hits` is 0 in the answer to a present."""

    succeeded: bool
    hits: int = 0
    records: tuple[RawRecord | Diagnostic, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()


@frozen
class ScanEntry:
    term: str
    count: int


@frozen_by_name
class Scanned:
    entries: tuple[ScanEntry, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()


@frozen
class Closed:
    """The target takes leave. `reason` as a word of the standard."""

    reason: str
    said: str = ""


Answer = InitAnswer | Found | Scanned | Closed
