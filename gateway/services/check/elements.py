"""Elements of an answer by their local names, for examples of protocols that write XML."""

from __future__ import annotations

from lxml import etree


class Unreadable(Exception):
    """The answer is not XML."""


def texts_at(body: bytes, path: str) -> list[str]:
    """The texts of all elements at a path such as `LookupUserResponse/UserId/UserIdentifierValue`, which may begin
    anywhere; namespaces don't count. Raises Unreadable."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True)
    try:
        root = etree.fromstring(body, parser)
    except etree.XMLSyntaxError as error:
        raise Unreadable(f"the answer is not XML: {error}") from error
    names = path.split("/")
    return [
        "".join(str(text) for text in element.itertext()).strip()
        for element in root.iter("{*}" + names[-1])
        if _ancestry(element, len(names)) == names
    ]


def _ancestry(element: etree._Element, count: int) -> list[str]:
    """Local names of an element and what is around it, outermost first."""
    names: list[str] = []
    at: etree._Element | None = element
    while at is not None and len(names) < count:
        names.append(etree.QName(at).localname)
        at = at.getparent()
    return names[::-1]
