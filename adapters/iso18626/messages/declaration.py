"""Declaration of the messages of ISO 18626: each field says which element it is, and in which versions.

The model follows the schema of 2021. What older versions call otherwise, put elsewhere or lack stands beside each
field, so that one model reads and writes all of them (docs/facts/iso-18626.md 3 and 5). Every field has a default,
since partners leave out what the schema requires; `required` only says what a written message must have. Fields stand
in the order of the schema of 2021; `layouts` names the order where an older version has another.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from enum import Enum, IntEnum, StrEnum
from typing import Any, ClassVar

from gateway.domain.value import value_object


class SchemaVersion(IntEnum):
    """Versions whose schemas differ, oldest first. 1.0 and 1.1 describe ISO 18626:2014, 1.2 that of 2017. Of 2021-3 no
    copy was at hand: it has the structure of 2021-2."""

    V1_1 = 1
    V1_2 = 2
    V2021 = 3


class Kind(Enum):
    """The kind of content that an element holds."""

    TEXT = "text"
    CODE = "code"  # a value of an open list, perhaps with the URI of the list
    WORD = "word"  # a value of a closed list
    MOMENT = "moment"  # xs:dateTime
    NUMBER = "number"
    YES_NO = "yes-no"  # Y or N
    BOOLEAN = "boolean"  # true or false
    AMOUNT = "amount"  # xs:decimal
    STRUCTURE = "structure"


@value_object
class OpenCode:
    """A value from an open list; `scheme`: the URI that names the list, None where it wasn't said."""

    value: str
    scheme: str | None = None

    def __str__(self) -> str:
        return self.value


@value_object
class UnknownElement:
    """An element that the standard doesn't have there, kept as it came. `path` begins below the message's own element;
    `xml` is a self-contained fragment."""

    path: str
    text: str
    xml: str


@value_object
class FieldElement:
    """The element of a field.

    `older_name`: how versions before 2021 call it. `since`, `until`: first and last version that have it.
    `many_since`: the version from which it may be repeated, None: never. `required_since`: the version from which it
    must be there. `code_until`: up to this version a value of an open list, then a text. `open_list`: the name of the
    open list, within its URI. `allow_empty`: it is written though it is empty.
    """

    name: str
    kind: Kind
    structure: type[Compound] | None = None
    words: type[StrEnum] | None = None
    older_name: str = ""
    since: SchemaVersion = SchemaVersion.V1_1
    until: SchemaVersion = SchemaVersion.V2021
    many_since: SchemaVersion | None = None
    required_since: SchemaVersion | None = None
    required_until: SchemaVersion = SchemaVersion.V2021
    code_until: SchemaVersion | None = None
    open_list: str = ""
    allow_empty: bool = False

    def name_in(self, version: SchemaVersion) -> str:
        return self.older_name if self.older_name and version < SchemaVersion.V2021 else self.name

    def is_in(self, version: SchemaVersion) -> bool:
        return self.since <= version <= self.until

    def is_required_in(self, version: SchemaVersion) -> bool:
        return self.required_since is not None and self.required_since <= version <= self.required_until

    def is_code_in(self, version: SchemaVersion) -> bool:
        return self.kind is Kind.CODE or (self.code_until is not None and version <= self.code_until)

    def is_repeatable_in(self, version: SchemaVersion) -> bool:
        return self.many_since is not None and version >= self.many_since

    @property
    def is_many(self) -> bool:
        """True if the model keeps several of it."""
        return self.many_since is not None


@value_object(kw_only=True)
class Compound:
    """An element with children. `layouts`: the elements' names in their order, for versions that have another order or
    other elements than the fields say."""

    layouts: ClassVar[Mapping[SchemaVersion, tuple[str, ...]]] = {}

    unknown: tuple[UnknownElement, ...] = ()


def declare_text(name: str, **details: Any) -> Any:
    return _declare_field(FieldElement(name, Kind.TEXT, **details))


def declare_secret(name: str) -> Any:
    """A text that never shows in a repr."""
    return field(default=None, repr=False, metadata={"iso18626": FieldElement(name, Kind.TEXT)})


def declare_code(name: str, **details: Any) -> Any:
    return _declare_field(FieldElement(name, Kind.CODE, **details))


def declare_word(name: str, words: type[StrEnum], **details: Any) -> Any:
    return _declare_field(FieldElement(name, Kind.WORD, words=words, **details))


def declare_moment(name: str, **details: Any) -> Any:
    return _declare_field(FieldElement(name, Kind.MOMENT, **details))


def declare_number(name: str) -> Any:
    return _declare_field(FieldElement(name, Kind.NUMBER))


def declare_amount(name: str, **details: Any) -> Any:
    return _declare_field(FieldElement(name, Kind.AMOUNT, **details))


def declare_yes_no(name: str, **details: Any) -> Any:
    return _declare_field(FieldElement(name, Kind.YES_NO, **details))


def declare_boolean(name: str, **details: Any) -> Any:
    return _declare_field(FieldElement(name, Kind.BOOLEAN, **details))


def declare_structure(name: str, structure: type[Compound], **details: Any) -> Any:
    return _declare_field(FieldElement(name, Kind.STRUCTURE, structure=structure, **details))


def _declare_field(element: FieldElement) -> Any:
    return field(default=() if element.is_many else None, metadata={"iso18626": element})


_ELEMENTS: dict[type[Compound], Mapping[str, FieldElement]] = {}


def list_elements(structure: type[Compound]) -> Mapping[str, FieldElement]:
    """Field name -> element, in the order of the fields; `unknown` is not among them."""
    elements = _ELEMENTS.get(structure)
    if elements is None:
        elements = _ELEMENTS[structure] = {
            name: declared.metadata["iso18626"]
            for name, declared in structure.__dataclass_fields__.items()
            if "iso18626" in declared.metadata
        }
    return elements
