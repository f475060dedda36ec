"""Sentences of the program that staff read: finished in English, and still knowing what they were made of.

Messages to partners, the journal, the JSON API and commands take such a sentence as the text that it is. A page tells
it in its reader's language (`Localization.translate_sentence`). A sentence without values is known by its own text,
also where it was stored.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType


class Sentence(str):
    """`template`: with the values by name, `%(name)s`, as catalogues have it. A value may be a sentence itself."""

    __slots__ = ("template", "values")

    template: str
    values: Mapping[str, object]


def write_sentence(template: str, /, **values: object) -> Sentence:
    sentence = Sentence(template % values)
    sentence.template = template
    sentence.values = MappingProxyType(values)
    return sentence
