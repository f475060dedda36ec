"""Texts of the gateway that are to be translated, found once in a process: 4.5 s of a processor for all of them."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from babel.messages import Catalog

from gateway.translations.maintenance import extract_texts, extract_texts_of


@cache
def read_shipped_texts() -> Catalog:
    """What `extract_texts` finds; not to be changed."""
    return extract_texts()


@cache
def read_texts_of(folder: Path) -> Catalog:
    """What `extract_texts_of` finds; not to be changed."""
    return extract_texts_of(folder)
