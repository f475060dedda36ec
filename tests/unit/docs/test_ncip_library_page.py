"""docs/library-systems/ncip.md: each key with its default, and settings that can be copied."""

from __future__ import annotations

import re
from typing import Any

import pytest
from pydantic import ValidationError

from adapters.ncip import library_system
from adapters.ncip.library_system.options import NcipLibraryOptions
from adapters.ncip.library_system.system import NEEDS
from gateway.configuration.yaml_document import parse_yaml
from tests.support.paths import ROOT
from tests.unit.docs.test_library_systems import flatten, list_keys, read_examples

WHOLE, *COPIED = read_examples("ncip.md")
SECTIONS = ("seconds:", "breaker:", "patrons:", "requests:")
URL = "https://ils.library.example/ncip"


def test_it_says_how_it_does_each_thing_that_it_can_do() -> None:
    assert set(library_system.adapter.ways) == set(NEEDS)


def test_the_page_has_every_key_with_its_default_and_a_comment() -> None:
    written: dict[str, Any] = dict(parse_yaml(WHOLE, "ncip.md").data["system"])
    assert written.pop("type") == "ncip"
    options = NcipLibraryOptions.model_validate(written)

    assert options == NcipLibraryOptions(url=options.url)
    keys = {key for key in list_keys(options) if not key.startswith("ncip.")} | {"ncip"}
    assert flatten(written) == keys
    for line in WHOLE.splitlines()[2:]:
        assert "# " in line or line.rstrip().endswith(SECTIONS), f"no comment: {line}"


@pytest.mark.parametrize("text", COPIED, ids=lambda text: re.sub(r"\W+", "-", text.split("url: ")[1].split()[0]))
def test_what_is_to_be_copied_can_be_used(text: str) -> None:
    data = dict(parse_yaml(text, "ncip.md").data)
    assert data.pop("type") == "ncip"
    assert NcipLibraryOptions.model_validate(data).services


def test_koha_is_spoken_to_as_its_profile_has_it() -> None:
    koha = next(text for text in COPIED if "koha" in text)
    said = parse_yaml(koha, "ncip.md").data["ncip"]
    profile = parse_yaml((ROOT / "profiles" / "koha-ncip.yml").read_text("utf-8"), "koha").data["ncip"]
    spoken = NcipLibraryOptions.model_validate({"url": URL, "ncip": said}).ncip
    known = NcipLibraryOptions.model_validate({"url": URL, "ncip": profile}).ncip

    assert spoken.xml == known.xml


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"url": ""}, "either url or ncip.tcp.address"),
        ({"url": "ftp://x"}, "String should match pattern"),
        ({"ncip": {"tcp": {"address": "ils:5000"}}}, "either url or ncip.tcp.address"),
        ({"url": "", "ncip": {"tcp": {"address": "ils"}}}, "ncip.tcp.address is host:port"),
        ({"services": ["CheckOutItem"]}, "without LookupUser"),
        ({"services": ["LookupUser", "LookupItemSet"], "ncip": {"xml": {"version": "2.0"}}}, "has no LookupItemSet"),
        ({"services": ["LookupUser", "CreateUser"]}, "Input should be"),
        ({"pickups": [{"code": "A"}, {"code": "A"}]}, "a pickup code stands twice"),
        ({"ncip": {"http": {"auth": {"kind": "bearer", "secret": "s3cret"}}}}, "must be env:NAME or file:PATH"),
        ({"due_dates": "mine"}, "Input should be"),
        ({"urls": "x"}, "Extra inputs are not permitted"),
    ],
)
def test_a_wrong_setting_is_said(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=re.escape(said)):
        NcipLibraryOptions.model_validate({"url": URL, **wrong})
