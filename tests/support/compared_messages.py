"""A message of ISO 18626 as a list of lines, so that two of them can be compared: an element each, in order, with its
path and what it says. Two messages say the same if their lines are the same. Apart are
- times: that there is one; a day is the number of days from the message's own timestamp;
- numbers of requests and items: that there is one, of an item also whether it is a link; of a group of requests
  nothing;
- what is asked for, names and addresses: that there is a text; of a library behind a broker: that it is named;
- words for people in notes and errors: that there are some. What is for programs stands there, in its order, and of a
  block of items which of its fields are filled;
- how XML is written: prefixes, blanks, attributes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime

from lxml import etree

_TIMES = frozenset({"timestamp", "timestampReceived", "lastChange", "dateSent"})
_DAYS = frozenset({"dueDate", "retryAfter", "retryBefore", "expectedDeliveryDate", "needBeforeDate"})
_NUMBERS = frozenset(
    {"requestingAgencyRequestId", "supplyingAgencyRequestId", "requestingAgencyPreviousRequestId", "patronId"}
)
_TEXTS = re.compile(
    r"bibliographicInfo/(?:.*/)?(?!\w+Code$)\w+|publicationInfo/(?!publicationType$)\w+|.*/name|.*/physicalAddress/\w+|.*/\w+Data"
)
_MARK = re.compile(
    r"(?P<items>#MultipleItems#(?P<block>.*?)#MultipleItemsEnd#)"
    r"|(?P<address>#(?:RETURN_TO|SHIP_TO)#.*?#(?:RT|ST)_END#)"
    r"|(?P<marker>#\w+#)"
    r"|(?P<supplier>Supplier: [\w-]+)|(?P<vendor>Vendor: \w+)",
    re.DOTALL,
)
_ERRORS = re.compile(r"status change not allowed: |unsupported action: ")
"""What programs read of an errorValue."""

_ORDERS_TO_ILLMOCK = re.compile(r"#(?:CANCEL|RENEW|RECALL|RETRYKEEPID|RETRYBIBID:\w+)#")
"""Notes of its requests by which it is told itself what to do; nobody else reads them."""


def describe_message(octets: bytes, known: frozenset[str] = frozenset()) -> list[str]:
    """What is no XML is one line. `known`: symbols of both sides, any other is `another library`; none: as they are."""
    try:
        root = etree.fromstring(octets.lstrip())
    except etree.XMLSyntaxError:
        return ["text"] if octets.strip() else []
    (body,) = root
    lines = (etree.QName(body).localname, *_describe_element(body, "", body))
    return [_describe_agency(one, known) if known else one for one in lines]


def _describe_agency(line: str, known: frozenset[str]) -> str:
    place, is_agency, symbol = line.partition("/agencyIdValue: ")
    return line if not is_agency or symbol in known else f"{place}: another library"


def _describe_element(element: etree._Element, path: str, message: etree._Element) -> Iterator[str]:
    for child in element.iterchildren(etree.Element):
        name = etree.QName(child).localname
        place = f"{path}/{name}" if path else name
        text = (child.text or "").strip()
        if name == "multipleItemRequestId":
            continue
        if len(child):
            yield place
            yield from _describe_element(child, place, message)
        elif name in ("note", "supplierDescription"):
            words = describe_note(text)
            if words:
                yield f"{place}: {words}"
        else:
            yield f"{place}: {_describe_text(name, place, text, message)}".rstrip(": ")


def _describe_text(name: str, place: str, text: str, message: etree._Element) -> str:
    if name in _TIMES:
        return "a time"
    if name in _NUMBERS:
        return "a number"
    if name == "errorValue":
        return text if _ERRORS.match(text) else "words"
    if name == "itemId":
        return "a link" if re.match(r"https?://", text) else "a number"
    if name in _DAYS:
        said = datetime.fromisoformat(message.findtext("{*}header/{*}timestamp") or "")
        return f"day {(datetime.fromisoformat(text).date() - said.date()).days}"
    return "a text" if text and _TEXTS.fullmatch(place) else text


def describe_note(note: str) -> str:
    """Marks in their order, `words` for what people read between them."""
    parts, place = [], 0
    note = _ORDERS_TO_ILLMOCK.sub("", note)
    for match in _MARK.finditer(note):
        parts += [_find_words(note[place : match.start()]), _describe_mark(match)]
        place = match.end()
    parts.append(_find_words(note[place:]))
    return " ".join(filter(None, parts))


def _find_words(text: str) -> str:
    return "words" if re.search(r"\w", text) else ""


def _describe_mark(match: re.Match[str]) -> str:
    if match["supplier"]:
        return "Supplier: a symbol"
    if match["items"] is None:
        return f"{match[0].partition('#')[2].partition('#')[0]} block" if match["address"] else match[0]
    names = ("barcode", "call number", "title")
    lines = [line.split("|") for line in match["block"].split("\n") if line]
    filled = (
        "+".join(name for name, field in zip(names, line, strict=True) if field) if len(line) == 3 else "one field"
        for line in lines
    )
    return f"items({', '.join(filled)})"
