"""The two forms of a letter: what text and HTML do differently, behind one face."""

from __future__ import annotations

import re
from typing import Protocol

from markupsafe import Markup, escape

from gateway.services.letters import texts

_BLOCK_TAG = re.compile(r"<(?:table|p|div|ul|ol|dl|h[1-6]|blockquote|hr|pre|section)\b")


class Form(Protocol):
    def inline(self, text: str) -> str:
        """A value within a sentence, whichever way it runs."""
        ...

    def cell(self, text: str) -> str:
        """A value on a line, or in a cell, of its own."""
        ...

    def raw(self, text: str) -> str:
        """What a template of this form has made: not to be escaped again."""
        ...

    def paragraphs(self, body: str) -> str:
        """The body of a letter, whose paragraphs stand between blank lines."""
        ...


class TextForm:
    def inline(self, text: str) -> str:
        return texts.isolated(texts.clean(text))

    def cell(self, text: str) -> str:
        return texts.isolated(text)

    def raw(self, text: str) -> str:
        return text

    def paragraphs(self, body: str) -> str:
        return texts.filled(body)


class HtmlForm:
    def inline(self, text: str) -> str:
        cleaned = escape(texts.clean(text))
        return Markup(f'<bdi dir="auto">{cleaned}</bdi>') if cleaned else ""

    def cell(self, text: str) -> str:
        return text  # its element says that it may run either way

    def raw(self, text: str) -> str:
        return Markup(text)

    def paragraphs(self, body: str) -> str:
        return Markup("\n".join(map(_paragraph, texts.blocks(body))))


def _paragraph(block: str) -> str:
    return block if _BLOCK_TAG.match(block.lstrip()) else f'<p dir="auto">{block.strip()}</p>'
