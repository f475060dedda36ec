"""Files of YAML that were parsed before in this process: each gateway of a test reads the same hundred profiles."""

from __future__ import annotations

import pickle

from gateway.configuration import yaml_document
from gateway.configuration.yaml_document import YamlDocument

MAX_DOCUMENTS = 2_000
MAX_CHARS = 50_000

parse_anew = yaml_document.parse_yaml

_PARSED: dict[str, tuple[bytes, YamlDocument]] = {}
"""By the text: its data, pickled, and the document as it came first, of which only places and texts are right."""


def keep_parsed_documents() -> None:
    """From now on `read_yaml` parses a text once in this process."""
    yaml_document.parse_yaml = copy_parsed_document


def copy_parsed_document(text: str, name: str) -> YamlDocument:
    """What `parse_yaml` returns; callers may change its data, and nothing else of it."""
    known = _PARSED.get(text)
    if known is not None:
        data, first = known
        places = {path: place._replace(file=name) for path, place in first.places.items()}
        return YamlDocument(name, pickle.loads(data), places, first.texts)
    document = parse_anew(text, name)
    if len(_PARSED) < MAX_DOCUMENTS and len(text) <= MAX_CHARS:
        _PARSED[text] = pickle.dumps(document.data), document
    return document
