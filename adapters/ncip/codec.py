"""Bytes <-> messages; root, version and header.

Pure: no I/O, no clock, no settings.

    parse_xml(bytes)                   -> ParsedDocument: a safe XML tree; what was mended is noted
    peek_message(parsed)               -> MessagePeek: service, version and header, before a partner's profile is known
    decode_message(parsed, dialect)    -> Message
    encode_message(message, dialect)   -> bytes

All raise `gateway.domain.problems.MalformedMessage` with place, reason and fault for what they can't read.
"""

from __future__ import annotations

from datetime import UTC, tzinfo

from lxml import etree

from adapters.ncip import schema_check
from adapters.ncip.element_reader import (
    ReadingState,
    date_reader,
    element_path,
    get_structure_reader,
    list_attributes,
    local_name,
    raw_element,
    read_problem,
    read_structure,
    read_v1_error,
    read_values,
    stray_words,
)
from adapters.ncip.message_writer import get_message_writer
from adapters.ncip.messages import INITIATIONS, RESPONSES
from adapters.ncip.messages.declaration import V1_MARKS, RawElement, Structure
from adapters.ncip.messages.envelope import (
    Body,
    Extension,
    Initiation,
    InitiationHeader,
    LookupVersion,
    LookupVersionResponse,
    Message,
    Problems,
    Response,
    ResponseHeader,
    Root,
)
from adapters.ncip.messages.unsupported import UnsupportedInitiation
from adapters.ncip.wire_dialect import Strictness, XmlDialect
from adapters.ncip.wire_values import NAMESPACE, NamespaceStyle, Version, recognise_version
from adapters.ncip.xml_parser import (
    DEFAULT_DIALECT,
    ParsedDocument,
)
from gateway.domain.problems import MalformationKind, MalformedMessage
from gateway.domain.value import replace, value_object

_TYPES: dict[str, type[Initiation] | type[Response]] = {**INITIATIONS, **RESPONSES}
_IN_EXT = frozenset({"LookupItemSet", "LookupItemSetResponse", "RenewAllItem", "RenewAllItemResponse"})
"""Services that clients put into NCIPMessage/Ext: before 2.02 had it (VF, XC), or because no version has it (OCLC)."""

_ERRORS = frozenset({"Problem", "MessagingError", "ProcessingError"})
_RELAYED_ERROR = "Response"
"""Root of some of Alma's v1 errors (RELAY)."""

Header = InitiationHeader | ResponseHeader
_NO_DATES = date_reader(DEFAULT_DIALECT, UTC)
"""A header has none."""


def encode_message(message: Message, dialect: XmlDialect = DEFAULT_DIALECT, zone: tzinfo = UTC) -> bytes:
    """The message in its own `version`, in the dialect's style. `zone` is where days and local times are, unless
    the dialect names its own.

    What the version can't carry is left out: README.md lists it. Raises ValueError for naive datetimes.
    """
    return get_message_writer(dialect, message.version, message.root, zone).write_message(message)


@value_object
class MessagePeek:
    """The statements of a message about itself before a profile is known. `service` is the message's element name, also
    when nobody knows it; empty when there is none. `in_ext`: it stands in NCIPMessage/Ext."""

    service: str
    version: Version
    version_string: str
    root: Root
    namespace_style: NamespaceStyle
    prefix: str
    header: Header | None = None
    in_ext: bool = False


def peek_message(parsed: ParsedDocument) -> MessagePeek:
    """Version, service and header. Raises MalformedMessage when the root isn't NCIP's."""
    body = _find_body_element(parsed.root)
    return _build_peek(parsed, body, _read_message_header(body) if body is not None else None)


def _build_peek(parsed: ParsedDocument, body: etree._Element | None, header: Header | None = None) -> MessagePeek:
    root = parsed.root
    name = _read_root_name(root)
    prefix = root.prefix
    version_string = _read_version_string(root)
    return MessagePeek(
        service=local_name(body) if body is not None else "",
        version=_detect_version(root, version_string, parsed.doctype),
        version_string=version_string,
        root=Root.VERSION_MESSAGE if name == Root.VERSION_MESSAGE else Root.MESSAGE,
        namespace_style=_detect_namespace_style(root, prefix),
        prefix=prefix or "",
        header=header,
        in_ext=_is_in_ext(body),
    )


def decode_message(
    parsed: ParsedDocument, dialect: XmlDialect = DEFAULT_DIALECT, zone: tzinfo = UTC, seen: MessagePeek | None = None
) -> Message:
    """The message in a document. `zone` is for times without one, unless the dialect names its own; `seen`: what
    `peek_message` found in the same document.

    Raises MalformedMessage: PROTOCOL for what is no NCIP message, UNKNOWN_SERVICE, INVALID_DATE, INVALID_VALUE; with
    strictness `schema` also UNKNOWN_ELEMENT, DATA_MISSING and PROTOCOL for what the schema doesn't have.
    """
    element = _find_body_element(parsed.root)
    seen = seen or _build_peek(parsed, element)
    if element is None:
        raise MalformedMessage(local_name(parsed.root), "contains no message", MalformationKind.PROTOCOL)
    reading = ReadingState(date_reader(dialect, zone))
    body = _read_body(reading, parsed.root, element)
    if dialect.strictness is Strictness.SCHEMA and not isinstance(body, UnsupportedInitiation):
        schema_check.check_schema(parsed.root, element, body, seen.version)
    return Message(
        body=body,
        version=seen.version,
        root=seen.root,
        version_string=seen.version_string,
        namespace_style=seen.namespace_style,
        prefix=seen.prefix,
        unknown=_collect_unknown(reading),
        notes=parsed.notes,
        in_ext=seen.in_ext,
    )


def _collect_unknown(reading: ReadingState) -> tuple[RawElement, ...]:
    if not (reading.unknown or reading.wordy or reading.trailed):
        return ()
    return (
        *(raw_element(element, element_path(element)) for element in reading.unknown),
        *(stray_words(element, element.text) for element in reading.wordy),
        *(
            stray_words(parent, element.tail)
            for element in reading.trailed
            if (parent := element.getparent()) is not None
        ),
    )


def _read_root_name(root: etree._Element) -> str:
    name = local_name(root)
    if name not in (Root.MESSAGE, Root.VERSION_MESSAGE, _RELAYED_ERROR):
        raise MalformedMessage(name[:60], "the root is not NCIPMessage", MalformationKind.PROTOCOL)
    return name


def _find_body_element(root: etree._Element) -> etree._Element | None:
    """The message's element: the first that is known, or else the first. Ext is one, unless it holds a service."""
    for child in root:
        name = local_name(child)
        if name == "Ext":
            return next((inner for inner in child if local_name(inner) in _IN_EXT), child)
        if name in _TYPES or name in _ERRORS:
            return child
    return root[0] if len(root) else None


def _is_in_ext(body: etree._Element | None) -> bool:
    around = body.getparent() if body is not None else None
    return around is not None and local_name(around) == "Ext"


def _read_body(reading: ReadingState, root: etree._Element, element: etree._Element) -> Body:
    name = local_name(element)
    around = _list_containers(root, element)
    reading.wordy += [outer for outer in around if outer.text and outer.text.strip()]
    reading.trailed += [child for outer in around for child in outer if child.tail and child.tail.strip()]
    cls = _TYPES.get(name)
    others = [child for outer in around for child in outer if child is not element and child not in around]
    if cls is None and name in _ERRORS:
        errors = [element, *(child for child in others if local_name(child) in _ERRORS)]
        reading.unknown += [child for child in others if local_name(child) not in _ERRORS]
        return Problems(
            problems=tuple(
                (read_problem if local_name(error) == "Problem" else read_v1_error)(reading, error) for error in errors
            )
        )
    reading.unknown += others
    if name == "Ext":
        return Extension(ext=tuple(raw_element(child, local_name(child)) for child in element))
    if cls is None:
        raise MalformedMessage(name[:60], "no NCIP service of this name is known", MalformationKind.UNKNOWN_SERVICE)
    if issubclass(cls, UnsupportedInitiation):
        header = _read_message_header(element)
        return cls(initiation_header=header if isinstance(header, InitiationHeader) else None)
    body = cls(**read_values(get_structure_reader(cls), reading, element))
    return _add_inline_header(body, reading, element)


def _list_containers(root: etree._Element, element: etree._Element) -> list[etree._Element]:
    """List what stands around a message: the root, and Ext where it is in that."""
    parent = element.getparent()
    return [root] if parent is None or parent is root else [root, parent]


def _add_inline_header(body: Body, reading: ReadingState, element: etree._Element) -> Body:
    """LookupVersion in its own root may carry the header's elements itself."""
    if isinstance(body, LookupVersion) and body.initiation_header is None:
        header = _read_inline_header(InitiationHeader, reading, element)
        return replace(body, initiation_header=header) if isinstance(header, InitiationHeader) else body
    if isinstance(body, LookupVersionResponse) and body.response_header is None:
        header = _read_inline_header(ResponseHeader, reading, element)
        return replace(body, response_header=header) if isinstance(header, ResponseHeader) else body
    return body


def _read_inline_header(cls: type[Structure], reading: ReadingState, element: etree._Element) -> Structure | None:
    slots = get_structure_reader(cls).slots
    reading.unknown = [
        other for other in reading.unknown if other.getparent() is not element or local_name(other) not in slots
    ]
    header: Structure | None = read_structure(cls)(ReadingState(reading.when), element)
    return header


def _read_message_header(body: etree._Element) -> Header | None:
    cls = ResponseHeader if local_name(body) in RESPONSES else InitiationHeader
    for child in body:
        if local_name(child) == cls.__name__:
            header: Header | None = read_structure(cls)(ReadingState(_NO_DATES), child)
            return header
    return None


def _read_version_string(root: etree._Element) -> str:
    return next((value.strip() for name, value in list_attributes(root) if name == "version"), "")


def _detect_version(root: etree._Element, version_string: str, doctype: str) -> Version:
    """Detect the version by its attribute, else the namespace, the DOCTYPE, and at last the names of the elements."""
    version = recognise_version(version_string)
    if version is not None:
        return version
    if root.tag.startswith(f"{{{NAMESPACE}}}"):
        return Version.V2_02
    if "NCIP DTD Version 1" in doctype:
        return Version.V1_01 if "Version 1.01" in doctype else Version.V1_0
    if any(local_name(element) in V1_MARKS for element in root.iter()):
        return Version.V1_0
    return Version.V2_02


def _detect_namespace_style(root: etree._Element, prefix: str | None) -> NamespaceStyle:
    if prefix:
        return NamespaceStyle.PREFIX
    return NamespaceStyle.DEFAULT if root.tag.startswith("{") else NamespaceStyle.NONE
