"""Declaration of messages; names of version 1.

Kinds by annotation: `str` text · `Code` a SchemeValuePair · `When` xs:dateTime, or a date where only a day came ·
`int` · `bool` an empty element used as a flag · another Structure. `tuple[X, ...]` is a repeated element.

Every field has a default, since partners leave out what the schema requires (facts/ncip.md 1.5); `required_element`,
`required_text` and `required_elements` only say what the schema requires, which the strict mode checks. Fields stand in
schema order.
"""

from __future__ import annotations

from dataclasses import field
from datetime import date, datetime
from typing import Any, ClassVar

from adapters.ncip.wire_values import V2, Version
from gateway.domain.value import value_object

When = datetime | date
"""A moment (aware, UTC once decoded), or a day where no time was given."""

V1_NAMES = {
    "AgencyId": "UniqueAgencyId",
    "UserId": "UniqueUserId",
    "ItemId": "UniqueItemId",
    "RequestId": "UniqueRequestId",
    "BibliographicId": "UniqueBibliographicId",
}
"""Version 2 element -> version 1 element, wherever it stands."""

ALIASES: dict[str, tuple[str, ...]] = {
    **{name: (older,) for name, older in V1_NAMES.items()},
    "UserId": ("UniqueUserId", "VisibleUserId"),
    "UserIdentifierType": ("VisibleUserIdentifierType",),
    "UserIdentifierValue": ("VisibleUserIdentifier", "LookupId"),  # LookupId: Koha's v1 answers
    "RequestIdentifierValue": ("ItemIdentifierValue",),  # inside UniqueRequestId: INC's AcceptItemResponse
}
"""Other names under which an element is read, in any version."""

TRANSPARENT = frozenset({"UserTransaction"})
"""Version 1 elements whose children are read as if they stood in the parent."""

NOT_IN_V1 = frozenset(
    {
        "PickupLocation",
        "PickupExpiryDate",
        "UserIdentifierType",
        "ItemIdentifierType",
        "RequestIdentifierType",
        "ProblemDetail",
    }
)
"""Left out when version 1 is written; facts/ncip.md section 4 says where the pickup location goes instead."""

V1_MARKS = frozenset(
    {"Scheme", "Value", "ProcessingError", "MessagingError", "VisibleUserId", "VisibleItemId", *V1_NAMES.values()}
)
"""Elements that tell a message without namespace and version to be version 1."""

USER_ID_ELEMENT, V1_USER_ID_ELEMENT = "User Id", "Visible User Id"
"""UserElementType: version 1's word for what version 2 calls User Id (facts/ncip.md 3.6)."""


@value_object
class Code:
    """A SchemeValuePair: a word from a list, and perhaps the URL that names the list. An empty `scheme` says that the
    word is the partner's own, who has sent it without."""

    value: str
    scheme: str | None = None

    def __str__(self) -> str:
        return self.value


@value_object
class RawElement:
    """An element kept as it came: of an Ext, or one that the model doesn't know.

    `path` is the element's name, or for unknown ones its path below the message; `text` all text inside it, `xml`
    a self-contained fragment (exclusive canonical XML).
    """

    path: str
    text: str
    xml: str


@value_object
class Element:
    """The element of a field.

    `inside`: the value stands in a child of this name (FromAgencyId/AgencyId). `since`: not in the schema of earlier
    versions. `single_in`: versions whose schema takes it only once. `extra`: not in the schema at all, but seen on
    the wire. `v1_only`: exists in version 1 alone. `beside_problems`: may stand where the rest gave way to Problem.
    """

    name: str
    required: bool = False
    many: bool = False
    inside: str = ""
    since: Version | None = None
    single_in: tuple[Version, ...] = ()
    extra: bool = False
    v1_only: bool = False
    beside_problems: bool = False
    minimum: int | None = None
    day: bool = False


def required_text(name: str) -> Any:
    """Required text; empty when it was absent."""
    return field(default="", metadata={"ncip": Element(name, required=True)})


def secret_text(name: str, *, required: bool = False) -> Any:
    """Text that never shows in a repr: passwords, PINs. Empty (required) or None when absent."""
    return field(default="" if required else None, repr=False, metadata={"ncip": Element(name, required=required)})


def required_element(name: str, *, inside: str = "", minimum: int | None = None) -> Any:
    """Required by the schema, None when absent."""
    return field(default=None, metadata={"ncip": Element(name, required=True, inside=inside, minimum=minimum)})


def optional_element(
    name: str,
    *,
    inside: str = "",
    since: Version | None = None,
    beside_problems: bool = False,
    minimum: int | None = None,
    day: bool = False,
) -> Any:
    """Optional. `day`: means a day, whatever time of day it is written with (DateOfBirth)."""
    element = Element(name, inside=inside, since=since, beside_problems=beside_problems, minimum=minimum, day=day)
    return field(default=None, metadata={"ncip": element})


def flag_element(name: str) -> Any:
    """An empty element that says something by being there."""
    return field(default=False, metadata={"ncip": Element(name)})


def repeated_element(
    name: str,
    *,
    inside: str = "",
    since: Version | None = None,
    single_in: tuple[Version, ...] = (),
    beside_problems: bool = False,
) -> Any:
    """Any number."""
    element = Element(name, many=True, inside=inside, since=since, single_in=single_in, beside_problems=beside_problems)
    return field(default=(), metadata={"ncip": element})


def required_elements(name: str) -> Any:
    """Declare elements of which at least one is required."""
    return field(default=(), metadata={"ncip": Element(name, required=True, many=True)})


def extra_element(name: str) -> Any:
    """Declare an element that is not in the schema, but sent by partners; read always, written only where a profile
    asks for it."""
    return field(default=None, metadata={"ncip": Element(name, extra=True)})


def v1_element(name: str) -> Any:
    """Declare an element that is known to version 1 alone."""
    return field(default=None, metadata={"ncip": Element(name, v1_only=True)})


@value_object
class Alternative:
    """One way to satisfy a choice: each of `required` is a set of fields of which exactly one is present."""

    required: tuple[tuple[str, ...], ...]
    optional: tuple[str, ...]

    @property
    def fields(self) -> tuple[str, ...]:
        return tuple(name for names in self.required for name in names) + self.optional

    def is_met_by(self, present: frozenset[str]) -> bool:
        return present <= frozenset(self.fields) and all(
            sum(name in present for name in names) == 1 for names in self.required
        )


@value_object
class Choice:
    """The fields of exactly one alternative must be there, or none at all when `optional`."""

    alternatives: tuple[Alternative, ...]
    optional: bool = False

    @property
    def fields(self) -> frozenset[str]:
        return frozenset(name for way in self.alternatives for name in way.fields)

    def is_met_by(self, present: frozenset[str]) -> bool:
        ours = present & self.fields
        return (self.optional and not ours) or any(way.is_met_by(ours) for way in self.alternatives)


def _parse_alternative(words: str) -> Alternative:
    required = tuple(tuple(word.split("/")) for word in words.split() if not word.endswith("?"))
    return Alternative(required, tuple(word[:-1] for word in words.split() if word.endswith("?")))


def required_choice(*ways: str) -> Choice:
    """Exactly one of the ways; a way is field names, `?` marks an optional one, `a/b` exactly one of the two."""
    return Choice(tuple(_parse_alternative(way) for way in ways))


def optional_choice(*ways: str) -> Choice:
    """One of the ways or none."""
    return Choice(tuple(_parse_alternative(way) for way in ways), optional=True)


@value_object(kw_only=True)
class Structure:
    """Anything with child elements. `ext` is the content of its Ext element, which nearly all may end with;
    `namespace` that of its own element, where it isn't NCIP's."""

    choices: ClassVar[tuple[Choice, ...]] = ()
    has_ext: ClassVar[bool] = True
    namespace: ClassVar[str] = ""

    ext: tuple[RawElement, ...] = ()


def elements_of(cls: type[Structure]) -> dict[str, Element]:
    """Field name -> Element, in schema order; `ext` is not among them."""
    return {
        name: field.metadata["ncip"] for name, field in cls.__dataclass_fields__.items() if "ncip" in field.metadata
    }


def is_in_version(element: Element, version: Version) -> bool:
    """Return whether the version has this element where the model has it; extras are in none."""
    if element.extra or (element.v1_only and not version.is_v1):
        return False
    if version.is_v1:
        return element.since is None and element.name not in NOT_IN_V1
    return element.since is None or V2.index(version) >= V2.index(element.since)
