"""ISO 18626 on the wire: bytes to messages and back. Pure: no I/O, no clock, no settings.

    decode_message(bytes, zone)              -> DecodedMessage: the message, and what was odd about it
    encode_message(message, version, style)  -> EncodedMessage: bytes, and what the version can't say

What can't be read is `gateway.domain.problems.MalformedMessage` with place, reason and fault.
"""

from __future__ import annotations

import re
from datetime import UTC, tzinfo
from typing import cast

from lxml import etree

from adapters.iso18626.codec.reader import MessageReader, ReadingRemark, get_local_name
from adapters.iso18626.codec.versions import (
    FittedMessage,
    LostDetail,
    describe_structure,
    fit_to_version,
    list_words_beyond,
    move_to_retry_info,
)
from adapters.iso18626.codec.writer import Iso18626Style, Iso18626Writer, spell_moment
from adapters.iso18626.messages import MESSAGES, AnyMessage
from adapters.iso18626.messages.declaration import SchemaVersion
from gateway.domain.problems import MalformationKind, MalformedMessage
from gateway.domain.value import value_object

NAMESPACE = "http://illtransactions.org/2013/iso18626"
"""Of every version."""

ROOT = "ISO18626Message"
DEFAULT_STYLE = Iso18626Style(NAMESPACE)
ATTRIBUTE_PREFIX = "ill"

VERSION_STRINGS = {SchemaVersion.V1_1: "1.1", SchemaVersion.V1_2: "1.2", SchemaVersion.V2021: "2021-2"}
"""What a message of ours says of its version where its peer's profile doesn't say otherwise."""

MAX_MESSAGE_BYTES = 1_000_000
MAX_DEPTH = 32
MAX_ELEMENTS = 10_000

_PARSER = etree.XMLParser(
    resolve_entities=False,
    load_dtd=False,
    no_network=True,
    huge_tree=False,
    remove_comments=True,
    remove_pis=True,
    collect_ids=False,
)

_MARKS_OF_2021 = frozenset(
    {
        "consortialId",
        "authorId",
        "publisherId",
        "itemFormat",
        "preferredEdition",
        "retryInfo",
        "shippingInfo",
        "deliveryMethod",
        "URL",
    }
)
_MARKS_BEFORE_2021 = frozenset({"sentVia", "preferredFormat", "deliveredFormat"})


@value_object
class WireShape:
    """The shape of a message, so that its answer can look alike. `namespace`: of the message's own element;
    `version_string`: as sent, empty where it wasn't said."""

    version: SchemaVersion
    version_string: str = ""
    namespace: str = NAMESPACE
    wrapped: bool = True


@value_object
class DecodedDocument:
    """`has_local_times`: it has times without a zone, read in the zone that was said."""

    message: AnyMessage
    shape: WireShape
    remarks: tuple[ReadingRemark, ...]
    has_local_times: bool = False


@value_object
class EncodedMessage:
    """`lost`: details that the version has no element for."""

    data: bytes
    lost: tuple[LostDetail, ...]


def decode_message(data: bytes, zone: tzinfo = UTC) -> DecodedDocument:
    """Decode a message; raises MalformedMessage: PROTOCOL for XML that is no message of ISO 18626."""
    root = _parse_document(data)
    body, wrapped = _find_body(root)
    name = get_local_name(body)
    reader = MessageReader(zone)
    message = reader.read_structure(MESSAGES[name], body, name)
    version_string = _read_version_string(root)
    shape = WireShape(
        version=detect_version(root, version_string),
        version_string=version_string,
        namespace=etree.QName(body).namespace or "",
        wrapped=wrapped,
    )
    _remark_on_shape(reader, root, shape)
    return DecodedDocument(move_to_retry_info(message), shape, tuple(reader.remarks), reader.has_local_times)


def encode_message(
    message: AnyMessage,
    version: SchemaVersion,
    style: Iso18626Style = DEFAULT_STYLE,
    *,
    version_string: str = "",
) -> EncodedMessage:
    """Encode a message; raises ValueError for what the version requires and the message lacks, for words that the
    version doesn't have, and for moments without zone."""
    beyond = list_words_beyond(message, version)
    if beyond:
        raise ValueError(f"{VERSION_STRINGS[version]} has no {', '.join(beyond)}")
    fitted = fit_to_version(message, version)
    writer = Iso18626Writer(version, style)
    namespaces = _build_namespace_map(style)
    name = next(name for name, kind in MESSAGES.items() if kind is type(message))
    if style.wrapped:
        root = etree.Element(writer.qualify_name(ROOT), nsmap=namespaces)
        root.set(writer.qualify_attribute("version"), version_string or VERSION_STRINGS[version])
        writer.write_structure(root, name, fitted.message)
    else:
        root = etree.Element(writer.qualify_name(name), nsmap=namespaces)
        writer.fill_element(root, fitted.message)
    return EncodedMessage(etree.tostring(root, xml_declaration=True, encoding="UTF-8"), fitted.lost)


def detect_version(root: etree._Element, version_string: str) -> SchemaVersion:
    """Detect the version by the elements that only one has, else by what the message says of itself. Its word alone is
    not to be relied on: messages of 1.1 call themselves 1.0, and some say nothing."""
    names = {get_local_name(element) for element in root.iter(etree.Element)}
    if names & _MARKS_OF_2021 or ("bibliographicItemId" in names and _has_code_first(root)):
        return SchemaVersion.V2021
    digits = re.sub(r"[^0-9]", "", version_string)
    if digits.startswith("2021") and not names & _MARKS_BEFORE_2021 and "multipleItemRequestId" not in names:
        return SchemaVersion.V2021
    if "multipleItemRequestId" in names or names & {"startDate", "endDate", "requestSubType"}:
        return SchemaVersion.V1_2
    return SchemaVersion.V1_1 if digits in ("10", "11") else SchemaVersion.V1_2


def _has_code_first(root: etree._Element) -> bool:
    """Return whether a bibliographicItemId has its code before its identifier, as since 2021."""
    for element in root.iter(etree.Element):
        if get_local_name(element) == "bibliographicItemId" and len(element):
            return get_local_name(element[0]) == "bibliographicItemIdentifierCode"
    return False


def _parse_document(data: bytes) -> etree._Element:
    if len(data) > MAX_MESSAGE_BYTES:
        raise MalformedMessage("message", f"larger than {MAX_MESSAGE_BYTES} bytes", MalformationKind.TOO_LARGE)
    if not data.strip():
        raise MalformedMessage("message", "empty")
    if b"<!DOCTYPE" in data[:10_000]:
        raise MalformedMessage("message", "a DOCTYPE is not taken")
    try:
        root = etree.fromstring(data.lstrip(), _PARSER)
    except etree.XMLSyntaxError as error:
        line, column = error.position
        raise MalformedMessage(f"line {line}, column {column}", "not well-formed XML") from error
    except ValueError as error:
        raise MalformedMessage("message", "not text") from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise MalformedMessage("message", "a DOCTYPE is not taken")
    _check_size(root)
    return root


def _check_size(root: etree._Element) -> None:
    count, level = 1, [root]
    for _ in range(MAX_DEPTH):
        level = [child for element in level for child in element]
        count += len(level)
        if count > MAX_ELEMENTS:
            raise MalformedMessage("message", f"more than {MAX_ELEMENTS} elements", MalformationKind.TOO_LARGE)
        if not level:
            return
    raise MalformedMessage("message", f"deeper than {MAX_DEPTH} levels", MalformationKind.TOO_LARGE)


def _find_body(root: etree._Element) -> tuple[etree._Element, bool]:
    """The message's own element, and whether it stands in ISO18626Message: Koha's of 2026 stand alone."""
    name = get_local_name(root)
    if name in MESSAGES:
        return root, False
    if name != ROOT:
        raise MalformedMessage(name[:100], "not a message of ISO 18626", MalformationKind.PROTOCOL)
    bodies = [child for child in root if get_local_name(child) in MESSAGES]
    if len(bodies) != 1:
        fault = MalformationKind.UNKNOWN_SERVICE if len(root) else MalformationKind.DATA_MISSING
        raise MalformedMessage(ROOT, f"holds {len(bodies)} messages instead of one", fault)
    return bodies[0], True


def _read_version_string(root: etree._Element) -> str:
    for name, value in root.items():
        if str(name).rpartition("}")[2] == "version":
            return str(value).strip()[:40]
    return ""


def _remark_on_shape(reader: MessageReader, root: etree._Element, shape: WireShape) -> None:
    if not shape.wrapped:
        reader.add_remark(get_local_name(root), f"stands without {ROOT}")
    if shape.namespace != NAMESPACE:
        reader.add_remark(get_local_name(root), "another namespace" if shape.namespace else "no namespace")
    if shape.wrapped and not shape.version_string:
        reader.add_remark(ROOT, "says no version")


def _build_namespace_map(style: Iso18626Style) -> dict[str, str]:
    """The prefix of attributes is bound besides the default namespace: attributes have no default one."""
    if not style.namespace:
        return {}
    if style.prefix:
        return {style.prefix: style.namespace}
    return cast(dict[str, str], {None: style.namespace, ATTRIBUTE_PREFIX: style.namespace})  # lxml takes None as well


__all__ = [
    "DEFAULT_STYLE",
    "NAMESPACE",
    "VERSION_STRINGS",
    "DecodedDocument",
    "EncodedMessage",
    "FittedMessage",
    "Iso18626Style",
    "LostDetail",
    "ReadingRemark",
    "WireShape",
    "decode_message",
    "describe_structure",
    "detect_version",
    "encode_message",
    "fit_to_version",
    "list_words_beyond",
    "move_to_retry_info",
    "spell_moment",
]
