"""Each key of settings, policies, profiles and library systems has a test that fails where nothing reads it, or a
reason why it has none."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from tests.support.paths import ROOT
from tests.support.setting_keys import list_setting_keys

RECORD = Path(__file__).with_name("keys_tried.txt")
"""A key and the test that fails where nothing reads it. `python -m tests.mutation.keys` writes it."""

_TEST = re.compile(r"def (test_\w+)\(")

UNTRIED = {
    "it has one allowed value": "settings.DirectorySource.format",
    "nobody writes it: the settings put it together from the other keys of its section": "ports.NestedSystem.options",
}
"""Keys by the reason why no test notices them. Who writes a test of one takes it out; a new key belongs in a test."""


def read_record() -> dict[str, str]:
    """The test by key, such as `koha.KohaOptions.url`."""
    return dict(line.split(" ", 1) for line in RECORD.read_text(encoding="utf-8").splitlines())


def read_unnoticed() -> list[str]:
    return [key for keys in UNTRIED.values() for key in keys.split()]


def test_each_key_is_recorded_or_has_a_reason() -> None:
    """Those of the schemas of profiles and requests.yml are fields of the same models."""
    written = Counter([*read_record(), *read_unnoticed()])
    keys = Counter(str(key) for key in list_setting_keys())

    assert list(keys - written) == [], "no test notices these: run `python -m tests.mutation.keys KEY`"
    assert list(written - keys) == [], "these are no keys any more, or stand in the record and with a reason"


def test_the_tests_that_notice_a_key_are_there() -> None:
    """A suite of a port has its tests elsewhere than in the file that runs it."""
    written = {found for file in (ROOT / "tests").rglob("*.py") for found in _TEST.findall(file.read_text("utf-8"))}
    gone = [
        test
        for test in read_record().values()
        if not (ROOT / test.split("::")[0]).exists() or test.rsplit("::")[-1] not in written
    ]

    assert gone == [], "run: python -m tests.mutation.keys KEY"
