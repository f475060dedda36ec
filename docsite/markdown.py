"""Our Markdown is CommonMark, as code hosts and `/staff/handbook` read it; MkDocs reads Python-Markdown.

Two things differ: Python-Markdown nests by four columns and not by the width of the marker, and wants an empty line
before a list. Links are relative in the repository, and have to be relative in the site.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable

from markdown_it import MarkdownIt

LINK = re.compile(r"(?P<image>!?)\[(?P<text>(?:`[^`]*`|[^\[\]`])*)\]\((?P<target>[^)\s]+)\)")
FENCE = re.compile(r"^\s*(?:```|~~~)")


def indent_lists(text: str) -> str:
    """The same text with lists as Python-Markdown reads them."""
    lines = text.split("\n")
    marked: dict[int, int] = {}
    """By the line of a list item's marker: how deep the item is."""
    inside: dict[int, tuple[int, int]] = {}
    """By line: how many items it is in, and the column where the text of the innermost begins."""
    begins: set[int] = set()
    depth = 0
    for token in MarkdownIt("commonmark").enable("table").parse(text):
        if token.type in ("bullet_list_open", "ordered_list_open") and token.map and not depth:
            begins.add(token.map[0])
        if token.type == "list_item_open" and token.map:
            depth += 1
            first, end = token.map
            marked[first] = depth
            marker = re.match(r"\s*(?:[-*+]|\d+[.)])\s+", lines[first])
            column = marker.end() if marker else 0
            inside.update(dict.fromkeys(range(first + 1, end), (depth, column)))
        elif token.type == "list_item_close":
            depth -= 1
    written: list[str] = []
    for number, line in enumerate(lines):
        if number in begins and written and written[-1].strip():
            written.append("")
        if number in marked:
            line = "    " * (marked[number] - 1) + line.lstrip()
        elif number in inside and line.strip():
            deep, column = inside[number]
            blank = len(line) - len(line.lstrip())
            line = "    " * deep + line[min(blank, column) :]
        written.append(line)
    return "\n".join(written)


def rewrite_links(text: str, page: str, find_place: Callable[[str], str | None]) -> str:
    """With each relative link of the page (its path in the repository) leading to the same page in the site.
    `find_place` has the place in the site for a path in the repository; what has none is named and not linked."""
    here = find_place(page)
    assert here is not None, page

    def rewrite_link(match: re.Match[str]) -> str:
        target, hash_sign, anchor = match["target"].partition("#")
        if not target or re.match(r"[a-z][a-z+.-]*:", target):
            return match[0]
        path = posixpath.normpath(posixpath.join(posixpath.dirname(page), target))
        place = find_place(path)
        if place is None:
            return match["text"]
        relative = posixpath.relpath(place, posixpath.dirname(here) or ".")
        return f"{match['image']}[{match['text']}]({relative}{hash_sign}{anchor})"

    written, fenced = [], False
    for line in text.split("\n"):
        if FENCE.match(line):
            fenced = not fenced
        written.append(line if fenced else LINK.sub(rewrite_link, line))
    return "\n".join(written)
