"""The table of links: each is read as expected, and what is read can be written and read again."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import pytest

from adapters.openurl import links
from gateway.domain.requests.citation import Citation
from gateway.ports.catalogue import LinkCitation, ReceivedLink
from gateway.services.letters.facts import readers_citation_rows
from gateway.services.letters.renderer import LetterPlace, LetterRenderer
from tests.support.yaml_files import read_yaml_rows

FORMAT = links.make()
BY = LetterRenderer(LetterPlace((), "en"))
ENGLISH = BY.resolve_language("en").words
GERMAN = BY.resolve_language("de").words

NOISE = (
    *("was percent-encoded twice", "read as windows-1252", "rft_val_fmt: unknown", "genre: unknown"),
    *("rft_dat: could not be interpreted", "not a known identifier", "lang: not an OpenURL key"),
)
"""Lines that say nothing about the work."""

ROWS = read_yaml_rows(Path(__file__).parent / "links.yml")


def link(row: dict[str, Any]) -> ReceivedLink:
    form = row.get("form", "")
    form += "&".join(f"{key}={quote_plus(value)}" for key, value in row.get("form_value", {}).items())
    return ReceivedLink(row.get("link", "").encode(), form.encode(), row.get("content_type", ""))


def said(citation: Citation) -> dict[str, Any]:
    """Fields that aren't empty, as the table has them."""
    found = {one.name: getattr(citation, one.name) for one in fields(citation) if one.name != "original"}
    found["ids"] = [f"{one.type}:{one.value}" for one in found.pop("identifiers")]
    found["extras"] = [f"{one.name}:{one.value}" for one in found.pop("extras")]
    return {name: str(value) if isinstance(value, str) else value for name, value in found.items() if value}


def test_the_table_is_as_long_as_promised() -> None:
    assert len({row["name"] for row in ROWS}) == len(ROWS) >= 120


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["name"])
def test_a_link_is_read_as_expected(row: dict[str, Any]) -> None:
    read = FORMAT.decode(link(row))

    assert said(read.citation) == row["cited"]
    assert read.service.value == row["service"]
    assert list(read.unknown) == row.get("unknown", [])
    assert read.noise <= set(read.unknown)
    assert list(read.doubts) == [line for line in read.unknown if not any(word in line for word in NOISE)]
    assert read.referrer == row.get("referrer", "")
    assert read.requester == row.get("requester", "")
    check_written_again(read)
    check_rows_of_readers(read)


def check_written_again(read: LinkCitation) -> None:
    again = FORMAT.decode(ReceivedLink(FORMAT.encode(read.citation, read.service).encode("ascii")))

    assert replace(again.citation, original="") == replace(read.citation, original="")
    assert again.service is read.service
    assert set(again.unknown) <= set(read.unknown)


def check_rows_of_readers(read: LinkCitation) -> None:
    """They are about the work only."""
    for words in (ENGLISH, GERMAN):
        shown = readers_citation_rows(read.citation, words)

        assert {name for name, _ in shown} <= set(words.labels.values())
        assert not {name for name, _ in shown} & {words.label(name) for name in ("source", "local")}
