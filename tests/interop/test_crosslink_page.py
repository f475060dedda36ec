"""docs/crosslink.md: the profile and the entries that it has for operators are those with which requests go through
CrossLink's broker, in each mode."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from tests.interop.test_brokered_lives import LIVES
from tests.support.brokered_lives import Broker, Entry, open_two_libraries
from tests.support.conversation_profiles import HERE
from tests.support.daemon import free_port
from tests.support.paths import ROOT

PAGE = (ROOT / "docs" / "crosslink.md").read_text("utf-8")


def read_blocks(language: str) -> dict[str, str]:
    """By the heading that stands before."""
    found = re.findall(rf"\n##+ ([^\n]+)\n(?:(?!\n##).)*?\n```{language}\n(.*?)```", PAGE, re.DOTALL)
    return dict(found)


PROFILE = yaml.safe_load(read_blocks("yaml")["Our profile"])
ENTRIES: dict[str, dict[str, Any]] = {name: json.loads(text) for name, text in read_blocks("json").items()}


def test_the_page_has_an_entry_for_each_mode() -> None:
    assert {name.lower(): entry["brokerMode"] for name, entry in ENTRIES.items()} == {
        mode: mode for mode in ("transparent", "opaque", "translucent")
    }
    assert {(entry["vendor"], entry["refreshPolicy"]) for entry in ENTRIES.values()} == {("Unknown", "never")}
    (header,) = [auth["header"] for auth in PROFILE["auth"]]
    assert all(list(entry["httpHeaders"]) == [header] for entry in ENTRIES.values())
    assert all(entry["symbols"] == ["ISIL:OAK"] for entry in ENTRIES.values())


@pytest.mark.parametrize("name", ENTRIES)
async def test_a_loan_goes_through_the_broker_with_them(name: str, peers_folder: Path, tmp_path: Path) -> None:
    """The peer sends no headers of its own: the network lets it in instead."""
    port = free_port()
    profile = {**PROFILE, "auth": HERE, "circulation": {"accept": {"barcode_from": "generated"}}}
    profile["iso18626"] = {"http": {"url": f"http://127.0.0.1:{port}/iso18626"}}
    said = ENTRIES[name]
    path = urlsplit(said["url"]).path
    entry = Entry(said["brokerMode"], said["vendor"], path)
    async with open_two_libraries(tmp_path, port, {path.rpartition("/")[2]: profile}) as libraries:
        with Broker(peers_folder, tmp_path / "broker", libraries, entry, entry):
            await libraries.live(LIVES["loan"])
