"""Each NCIP service and a patron's OpenURL with each kind of library system: done, or refused for want of what the page
names. docs/library-systems/README.md has the table; tests/support/service_matrix.py prints it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.library_matrix import read_table
from tests.support.library_towns import BACKENDS
from tests.support.paths import ROOT
from tests.support.service_matrix import HEAD, MESSAGES, OPENURL, play_services

PAGE = read_table((ROOT / "docs/library-systems/README.md").read_text(encoding="utf-8"), HEAD)
QUICK = ("sip2",)
"""The one that can do the least."""


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in QUICK else (pytest.mark.long,)) for name in BACKENDS]
)
async def test_the_services_on_a_system(tmp_path: Path, name: str) -> None:
    said = await play_services(BACKENDS[name], tmp_path)

    assert said == {service: PAGE[service, name] for service in said}


def test_the_page_has_all_services_and_none_fails() -> None:
    assert set(PAGE) == {(service, name) for service in (*(one for one, _ in MESSAGES), OPENURL) for name in BACKENDS}
    assert all(cell == "yes" or cell.startswith("– (`") for cell in PAGE.values())
