"""docs/crosslink.md: the profile and the entries that it has for operators are those with which requests go through
CrossLink's broker, in each mode."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from adapters.iso18626.dialect import dialect_of
from gateway.adapter_registry import load_adapters
from gateway.profiles import load_profiles
from gateway.settings import Settings
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


VENDORS = re.findall(r"\n\| `(\w+)` \| `([a-z0-9-]+)`", PAGE)
ADDED = yaml.safe_load(read_blocks("yaml")["Vendors"])


@pytest.mark.parametrize("profile", [name for _, name in VENDORS])
def test_with_what_the_page_adds_each_vendor_s_profile_knows_the_broker(profile: str, tmp_path: Path) -> None:
    """As crosslink-18626 does by itself."""
    folder = Path(shutil.copytree(ROOT / "profiles", tmp_path / "profiles"))
    added = (
        {**ADDED, "partner": {**ADDED["partner"], "symbols": ["ISIL:BROKER"]}} if profile != "crosslink-18626" else {}
    )
    text = yaml.safe_dump({"name": "ours", "extends": profile, **added})
    (folder / "ours.yml").write_text(text, "utf-8")
    loaded = load_profiles(folder, load_adapters(), Settings()).loaded

    ours, direct = dialect_of(loaded["ours"].profile), dialect_of(loaded["crosslink-18626"].profile)
    for key in (*(set(ADDED["iso18626"]) - {"items_once"}), "names_items_once", "schema_version"):
        assert getattr(ours, key) == getattr(direct, key), key
    assert ours.http.reply_seconds > 60, "so long it may wait for the far side"
    partner = loaded["ours"].profile.partner
    assert partner is not None
    assert partner.workflow.borrowing.asks_others
    assert partner.workflow.lending.while_closed == "unfilled"
    assert set(ADDED["iso18626"]) == {"not_now", "not_taken", "items_once", "whole_amounts", "tells_duplicate"}


def test_the_page_names_the_profile_of_each_vendor() -> None:
    assert dict(VENDORS) == {"Unknown": "crosslink-18626", "Alma": "alma-18626", "ReShare": "reshare-18626"}


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
