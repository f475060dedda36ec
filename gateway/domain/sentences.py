"""Sentences of the program that staff read: finished in English, and still knowing what they were made of.

Messages to partners, the journal, the JSON API and commands take such a sentence as the text that it is. A page tells
it in its reader's language (`Localization.translate_sentence`). A sentence without values is known by its own text,
also where it was stored; one with values is stored with its template beside its text.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from typing import Any


class Sentence(str):
    """`template`: with the values by name, `%(name)s`, as catalogues have it. A value may be a sentence itself."""

    __slots__ = ("template", "values")

    template: str
    values: Mapping[str, str]


def write_sentence(template: str, /, **values: object) -> Sentence:
    said = {name: value if isinstance(value, Sentence) else _write_value(value) for name, value in values.items()}
    return _make_sentence(template % said, template, said)


def _write_value(value: object) -> str:
    """2.0 seconds are 2."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def sentence_of_text(text: str) -> Sentence:
    """What is said without values; a sentence as it is."""
    return text if isinstance(text, Sentence) else _make_sentence(text, text.replace("%", "%%"), {})


def strip_full_stop(text: str) -> str:
    """Of a sentence that goes on within another."""
    if not isinstance(text, Sentence):
        return text.rstrip(".")
    return _make_sentence(text.rstrip("."), text.template.rstrip("."), text.values)


def _make_sentence(text: str, template: str, values: Mapping[str, str]) -> Sentence:
    sentence = Sentence(text)
    sentence.template = template
    sentence.values = dict(values)
    return sentence


# --- of the operating system -----------------------------------------------------------------------------

SYSTEM_SENTENCES = (
    write_sentence("Broken pipe"),
    write_sentence("Connection refused"),
    write_sentence("Connection reset by peer"),
    write_sentence("Connection timed out"),
    write_sentence("Name or service not known"),
    write_sentence("Network is unreachable"),
    write_sentence("No address associated with hostname"),
    write_sentence("No route to host"),
    write_sentence("No such file or directory"),
    write_sentence("Permission denied"),
    write_sentence("Temporary failure in name resolution"),
)
"""What the operating system says of connections and files most of the time; its other words stay as they are."""


def sentence_of_system(error: Exception) -> Sentence:
    """What went wrong with a connection or a file; of another error its kind, since its text may quote what it is
    about."""
    if isinstance(error, TimeoutError) and not error.strerror:
        return write_sentence("time-out")
    said = (error.strerror if isinstance(error, OSError) else None) or type(error).__name__
    failed = _CONNECT_FAILED.match(said)
    if failed is None or not isinstance(error, OSError) or error.errno is None:
        return sentence_of_text(said)
    return write_sentence(
        "%(reason)s (%(host)s, port %(port)s)",
        reason=sentence_of_text(os.strerror(error.errno)),
        host=failed["host"],
        port=failed["port"],
    )


_CONNECT_FAILED = re.compile(r"Connect call failed \('(?P<host>[^']+)', (?P<port>\d+)")
"""asyncio's own words, which say where, and not why."""


# --- stored ----------------------------------------------------------------------------------------------


def dump_sentence(text: str) -> str:
    """What is stored beside a text, as JSON; empty: it has no values, or is no sentence of the program."""
    if not isinstance(text, Sentence) or not text.values:
        return ""
    return json.dumps(_document_of_sentence(text), ensure_ascii=False, separators=(",", ":"))


def load_sentence(text: str, stored: str) -> str:
    """The text as it was before `dump_sentence`; as it is where `stored` is not of this text."""
    if not stored:
        return text
    try:
        sentence = _read_document(json.loads(stored))
    except (ValueError, TypeError, KeyError):  # by hand, or by a later release
        return text
    return sentence if sentence == text else text


def _document_of_sentence(sentence: Sentence) -> dict[str, Any]:
    return {
        "template": sentence.template,
        "values": {
            name: _document_of_sentence(value) if isinstance(value, Sentence) else value
            for name, value in sentence.values.items()
        },
    }


def _read_document(document: dict[str, Any]) -> Sentence:
    values = {
        name: _read_document(value) if isinstance(value, dict) else value for name, value in document["values"].items()
    }
    return write_sentence(document["template"], **values)
