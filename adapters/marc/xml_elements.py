"""XML of other servers: read safely, elements found by their local names."""

from __future__ import annotations

from lxml import etree

from adapters.marc.citation_texts import plain_text
from gateway.domain.problems import MalformedMessage


def parse_untrusted_xml(data: bytes) -> etree._Element:
    """Parse XML; raises MalformedMessage with line and reason; also for a document with declarations of its own."""
    parser = etree.XMLParser(
        resolve_entities=False, load_dtd=False, no_network=True, huge_tree=False, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        raise MalformedMessage(f"line {error.lineno}", error.msg or "no XML") from error
    except ValueError as error:
        raise MalformedMessage("", str(error)) from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise MalformedMessage("", "it has a document type declaration, which is not read")
    return root


def local_name(element: etree._Element) -> str:
    """Return the name without its namespace; empty for what is no element."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def element_namespace(element: etree._Element) -> str:
    tag = element.tag
    return tag[1:].partition("}")[0] if isinstance(tag, str) and tag.startswith("{") else ""


def element_text(element: etree._Element | None) -> str:
    """All of it and below, as `plain_text` has it."""
    return plain_text("".join(str(part) for part in element.itertext())) if element is not None else ""


def child_elements(element: etree._Element | None, *names: str) -> list[etree._Element]:
    """Return children by local name: servers differ in the namespaces that they give."""
    return [child for child in element if local_name(child) in names] if element is not None else []


def find_child(element: etree._Element | None, *path: str) -> etree._Element | None:
    """The first that there is along a path of local names."""
    for step in path:
        element = next(iter(child_elements(element, step)), None)
    return element


def child_text(element: etree._Element | None, *path: str) -> str:
    return element_text(find_child(element, *path))
