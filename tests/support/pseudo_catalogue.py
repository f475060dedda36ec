"""A pseudo-language: each text stands in marks of its own, so that what isn't translated is seen."""

from __future__ import annotations

from babel.messages import Catalog
from lxml.html import HtmlElement

NAMES_OF_NUMBERS = ("ISBN", "ISSN", "DOI", "PubMed ID")
"""The same in every language."""

HEADER = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\nPlural-Forms: nplurals=2; plural=(n != 1);\\n"\n'


def make_pseudo_catalogue(texts: Catalog) -> str:
    entries = [HEADER]
    for text in texts:
        if not text.id:
            continue
        context = f"msgctxt {quote_po(text.context)}\n" if text.context else ""
        if isinstance(text.id, tuple):
            one, many = text.id
            forms = f"msgstr[0] {quote_po(f'⟦{one}⟧')}\nmsgstr[1] {quote_po(f'⟦{many}⟧')}\n"
            entries.append(f"{context}msgid {quote_po(one)}\nmsgid_plural {quote_po(many)}\n{forms}")
        else:
            entries.append(f"{context}msgid {quote_po(text.id)}\nmsgstr {quote_po(f'⟦{text.id}⟧')}\n")
    return "\n".join(entries)


def quote_po(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def is_translated(element: HtmlElement) -> bool:
    """Or from outside, or without words."""
    text = element.text_content().strip()
    is_from_outside = bool(element.xpath("ancestor-or-self::*[@dir='auto'] | .//bdi | .//*[@dir='auto']"))
    return text.startswith(("⟦", *NAMES_OF_NUMBERS)) or is_from_outside or not any(map(str.isalpha, text))
