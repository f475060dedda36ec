"""Each key of settings, policies, profiles and library systems is tried by a test, or is listed here with a reason; of
many a record names the test that fails where nothing reads them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.support.paths import ROOT
from tests.support.setting_keys import list_setting_keys
from tests.unit.golden.golden_texts import format_settings

RECORD = Path(__file__).with_name("keys_tried.txt")
"""A key and the test that fails where nothing reads it. `python -m tests.mutation.keys` writes it."""

_TEST = re.compile(r"def (test_\w+)\(")

MIN_RECORDED = 1245
"""So many keys are in the record; there may only be more."""

UNTRIED = {
    "a word to an NCIP system, of which fakes take any": "accept_action item_scope title_scope title_type",
    "a field of calls that the fake takes as it comes": "name_input",
    "for systems of which no recording tells more": "agency_from check_out_again item_as",
    "a part of what partners are sent that none of the samples reads": "pickup_scheme system_scheme",
    "words beside the standard's, which are tried": "blocked_words default_actions expired_words status_words",
    "patterns and spellings beside those that samples have": "day_formats",
    "a time that only a wall clock could try": "scan_seconds",
    "a number of which the default is tried": "repeat_hours resends patron_number",
    "the text of a technical failure; that there is one is tried": "failed_as",
    "letters that staff give by word of mouth": "in_person",
}
"""Reason and keys that no test names. Who writes a test of one takes it out; a new key belongs in a test."""


def iter_keys(node: Any) -> Iterator[str]:
    """Those of all sections of a schema."""
    if isinstance(node, dict):
        yield from node.get("properties") or ()
        for value in node.values():
            yield from iter_keys(value)
    elif isinstance(node, list):
        for value in node:
            yield from iter_keys(value)


def read_words(file: Path) -> set[str]:
    """Without comments."""
    return set(re.findall(r"\w+", re.sub(r"#.*", "", file.read_text(encoding="utf-8"))))


def test_each_key_is_named_by_a_test_or_has_a_reason() -> None:
    """Shipped profiles count as tests: golden files have their answers to all examples and samples."""
    profiles, tests = ROOT / "profiles", ROOT / "tests"
    keys = {key for file in profiles.glob("*.json") for key in iter_keys(json.loads(file.read_text(encoding="utf-8")))}
    keys |= {found[1] for found in re.finditer(r"^(?:\w+\.)?(\w+) \{", format_settings(), re.MULTILINE)}
    files = {*tests.rglob("*.py"), *tests.rglob("*.yml"), *profiles.glob("*.yml")} - {Path(__file__)}

    untried = keys.difference(*map(read_words, files))
    explained = {key for names in UNTRIED.values() for key in names.split()}

    assert len(keys) > 700
    assert untried - explained == set(), "no test names these"
    assert explained - untried == set(), "these have a test, or are no keys any more"


def read_record() -> dict[str, str]:
    """The test by key, such as `koha.KohaOptions.url`."""
    lines = RECORD.read_text(encoding="utf-8").splitlines()
    return dict(line.split(" ", 1) for line in lines)


def test_recorded_keys_and_the_tests_that_notice_them_are_there() -> None:
    """A suite of a port has its tests elsewhere than in the file that runs it."""
    record = read_record()
    written = {found for file in (ROOT / "tests").rglob("*.py") for found in _TEST.findall(file.read_text("utf-8"))}
    gone = [
        one
        for one in record.values()
        if not (ROOT / one.split("::")[0]).exists() or one.rsplit("::")[-1] not in written
    ]

    assert record.keys() - {str(key) for key in list_setting_keys()} == set(), "no keys any more: take them out"
    assert gone == [], "run: python -m tests.mutation.keys KEY"
    assert len(record) >= MIN_RECORDED
