"""Declaration of messages; EXTERNAL.

A field without a default is mandatory. Fields stand in the order of the module `ill.asn`.

Types by annotation: `str` ILL-String · `date` ISO-Date · `time` ISO-Time · `int` INTEGER · `bool` BOOLEAN · an IntEnum,
alone or `| int`, ENUMERATED · `bytes` ANY (the whole TLV as it came) · `tuple[X, ...]` SEQUENCE OF · another of these
classes SEQUENCE. `FieldForm` says it where the annotation can't.

A value that a list doesn't have stays a plain `int`, so that it can be shown and passed on.
"""

from __future__ import annotations

from enum import Enum, IntEnum

from gateway.domain.value import value_object


class FieldForm(Enum):
    """The form of a field where the annotation alone is not enough."""

    BY_ANNOTATION = "by annotation"
    PRINTABLE = "PrintableString"
    OBJECT_IDENTIFIER = "OBJECT IDENTIFIER"
    NULL = "NULL"
    EXTENSION_ITEM = "ANY DEFINED BY identifier"


@value_object
class Tag:
    """`number`: the context-specific tag. `name`: as the standard has it, where it isn't the field's with hyphens.

    `explicit`: the value keeps its own tag inside (for text it always does, being a CHOICE). `choice`: this is one of
    the alternatives of an untagged CHOICE of that name. `since`: protocol version.
    """

    number: int
    name: str = ""
    form: FieldForm = FieldForm.BY_ANNOTATION
    explicit: bool = False
    choice: str = ""
    since: int = 1


class IllChoice:
    """Base of structures that are a CHOICE inside an explicit tag: on the wire the same as a SEQUENCE of optional
    fields of which exactly one is there."""

    __slots__ = ()


class Encoding(IntEnum):
    """The way in which the value is wrapped; the numbers are the tags."""

    SINGLE_ASN1_TYPE = 0  # one TLV
    OCTET_ALIGNED = 1
    ARBITRARY = 2  # a BIT STRING; its first octet counts the unused bits


@value_object
class External:
    """`value`: the TLV of a single ASN.1 type, else the octets."""

    direct_reference: str = ""  # object identifier, dotted
    value: bytes = b""
    encoding: Encoding = Encoding.SINGLE_ASN1_TYPE
    indirect_reference: int | None = None
    descriptor: str = ""
