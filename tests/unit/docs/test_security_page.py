"""docs/security.md names settings and profile keys that there are, and limits as they are."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, get_args, get_origin

import pytest
from pydantic import BaseModel

from gateway.runtime.logs import LINES_OF_ADDRESS, LINES_OF_EVENT
from gateway.services.mailbox.mail_records import MAX_WAITING_BYTES, MAX_WAITING_MAILS, WHOLE_MAILS
from gateway.settings import Settings
from gateway.store.journal import ALL_STRANGER_EXCHANGES, STRANGER_EXCHANGES
from gateway.store.journal_writer import MAX_STRANGER_BYTES
from gateway.web.pages.sign_in_pages import MAX_JOURNEY_CHARS
from tests.support.paths import ROOT

PAGE = (ROOT / "docs" / "security.md").read_text("utf-8")
SCHEMA: dict[str, Any] = json.loads((ROOT / "profiles" / "schema.json").read_text("utf-8"))


def list_keys(heading: str) -> list[str]:
    """Of the first column of the table below this head."""
    table = PAGE.split(f"| {heading} | opens |\n", 1)[1].split("\n\n", 1)[0]
    cells = [line.split("|")[1] for line in table.splitlines()[1:]]
    return [key for cell in cells for key in re.findall(r"`([a-z_]+(?:\.[a-z_]+)*)`", cell)]


def iter_models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    elif get_origin(annotation) is not None:
        for one in get_args(annotation):
            yield from iter_models(one)


def has_setting(models: list[type[BaseModel]], path: list[str]) -> bool:
    first, *rest = path
    for model in models:
        if (field := model.model_fields.get(first)) is not None:
            return not rest or has_setting(list(iter_models(field.annotation)), rest)
    return False


def has_profile_key(node: Any, path: list[str]) -> bool:
    if not path:
        return True
    if "$ref" in node:
        return has_profile_key(SCHEMA["$defs"][node["$ref"].rpartition("/")[2]], path)
    if path[0] in node.get("properties", {}):
        return has_profile_key(node["properties"][path[0]], path[1:])
    return any(has_profile_key(one, path) for kind in ("anyOf", "allOf") for one in node.get(kind, ()))


@pytest.mark.parametrize("key", list_keys("in `gateway.yml`"))
def test_a_setting_is_there(key: str) -> None:
    assert has_setting([Settings], key.split("."))


@pytest.mark.parametrize("key", [key for key in list_keys("in a profile") if key not in ("kind", "certificate")])
def test_a_profile_key_is_there(key: str) -> None:
    assert has_profile_key(SCHEMA, key.split("."))


def test_tables_were_found() -> None:
    assert len(list_keys("in `gateway.yml`")) > 12
    assert len(list_keys("in a profile")) > 7


def test_limits_are_as_the_page_says() -> None:
    said = " ".join(PAGE.split())
    for text in (
        f"{MAX_STRANGER_BYTES:,} bytes of the message",
        f"{STRANGER_EXCHANGES.burst} of one address at once, then {3600 / STRANGER_EXCHANGES.seconds:.0f} an hour",
        f"of all addresses {ALL_STRANGER_EXCHANGES.burst}, then {3600 / ALL_STRANGER_EXCHANGES.seconds:.0f} an hour",
        f"{MAX_WAITING_MAILS} waiting, with {MAX_WAITING_BYTES // 1_000_000} MB of contents beyond the first five",
        f"{MAX_JOURNEY_CHARS:,} characters, for ten minutes",
        f"{LINES_OF_ADDRESS.burst} of one event and address at once, then one in half a minute",
        f"of one event {LINES_OF_EVENT.burst}, then one in five seconds",
    ):
        assert text in said
    assert (WHOLE_MAILS, LINES_OF_ADDRESS.seconds, LINES_OF_EVENT.seconds) == (5, 30, 5)
