"""A library system that somebody else wrote: a package of its own, built, installed and found by its entry point.
It keeps the contract of the port. It is the sample of docs/adding-a-library-system.md."""

from __future__ import annotations

import ast
import importlib
import json
import os
import re
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.domain.clock import FixedClock
from gateway.ports.guarded_library import LibrarySystem
from gateway.ports.shared_store import Store
from tests.interop.test_third_party_adapter import pip
from tests.library_contract.embedded_world import START
from tests.library_contract.ncip_world import make_context
from tests.library_contract.sip2_world import KNOWN
from tests.library_contract.suite import LibraryContract, OnSqliteAlone
from tests.library_contract.world import Known
from tests.support.daemon import Installation, illgate
from tests.support.partner_rights import write_all_rights
from tests.support.paths import ROOT

SOURCE = ROOT / "tests" / "packages" / "ledger"
GUIDE = (ROOT / "docs" / "adding-a-library-system.md").read_text("utf-8")
BLOCK = re.compile(r"^`(?P<file>[\w./-]+)`:\n\n```\w+\n(?P<code>.*?)\n```$", re.MULTILINE | re.DOTALL)
ALLOWED = ("gateway.domain.", "gateway.ports.", "illgate_ledger.")

NAMES = ("Müller, Ana", "Папалазарова, Нина", "欧阳, 思远", "אלמוגי, נועה", "شمس, ليلى")
PEOPLE = (KNOWN.good, KNOWN.other, KNOWN.third, KNOWN.blocked, KNOWN.expired)


def write_ledger(file: Path) -> None:
    patrons = {
        key.value: {"name": name, "branch": "MAIN", "mail": f"{key.value}@library.example", "expires": "2090-12-31"}
        for key, name in zip(PEOPLE, NAMES, strict=True)
    }
    patrons[KNOWN.blocked.value]["block"] = "card reported lost"
    patrons[KNOWN.expired.value]["expires"] = (START.date() - timedelta(days=1)).isoformat()
    titles = {KNOWN.shelf_item: "Вишнёвый сад", KNOWN.reference_item: "Atlas", **dict.fromkeys(KNOWN.copies, "紅楼夢")}
    items = {
        barcode: {"title": title, "branch": "MAIN", "lent": barcode != KNOWN.reference_item}
        for barcode, title in titles.items()
    }
    file.write_text(json.dumps({"patrons": patrons, "items": items, "loans": []}), "utf-8")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the package, which is nowhere else."""
    folder = tmp_path_factory.mktemp("third-party-library")
    pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder / "wheels"), str(SOURCE))
    (wheel,) = (folder / "wheels").glob("*.whl")
    pip("install", "--no-deps", "--target", str(folder / "site"), str(wheel))
    return folder / "site"


@pytest.fixture
def importable(installed: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.syspath_prepend(str(installed))
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] == "illgate_ledger"]:
        del sys.modules[name]


class LedgerWorld:
    def __init__(self, library: LibrarySystem, clock: FixedClock) -> None:
        self.library = library
        self.known: Known = KNOWN
        self._clock = clock

    def now(self) -> datetime:
        return self._clock.now()

    def advance(self, by: timedelta) -> bool:
        self._clock.advance(by)
        return True


class TestLedger(OnSqliteAlone, LibraryContract):
    @pytest.fixture
    async def world(self, store: Store, importable: None, tmp_path: Path) -> LedgerWorld:
        adapter: Any = importlib.import_module("illgate_ledger").adapter
        file = tmp_path / "ledger.json"
        write_ledger(file)
        clock = FixedClock(START)
        options = adapter.options(file=str(file))
        return LedgerWorld(await adapter.open(make_context(store, clock), options), clock)


def test_a_gateway_with_it_passes_its_check_and_lends(
    installation: Installation, installed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a process of its own, which finds the package by its entry point."""
    paths = (str(installed), os.environ.get("PYTHONPATH", ""))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(path for path in paths if path))
    write_ledger(installation.folder / "ledger.json")
    write_all_rights(installation.folder)
    system = {"type": "ledger", "file": "ledger.json"}
    installation.change(libraries=[{"symbol": "DEMO", "name": "Městská knihovna", "system": system}])
    checked = illgate("--config", str(installation.config), "check", check=False).stdout
    assert "libraries.0" not in checked, (
        "the profiles of the sample name patrons that this library hasn't; else all is well"
    )
    with installation.serve_by_command():
        answer = installation.post(CHECK_OUT.encode()).decode()
    assert "DateDue>" in answer
    (loan,) = json.loads((installation.folder / "ledger.json").read_text("utf-8"))["loans"]
    assert (loan["item"], loan["patron"]) == (KNOWN.shelf_item, KNOWN.good.value)

    installation.change(libraries=[{"symbol": "DEMO", "name": "x", "system": {"type": "ledger", "flie": "x"}}])
    wrong = illgate("--config", str(installation.config), "check", check=False)
    assert "libraries.0.system.flie" in wrong.stdout + wrong.stderr


CHECK_OUT = f"""<?xml version="1.0" encoding="UTF-8"?>
<NCIPMessage xmlns="http://www.niso.org/2008/ncip" version="http://www.niso.org/schemas/ncip/v2_02/ncip_v2_02.xsd">
  <CheckOutItem><UserId><UserIdentifierValue>{KNOWN.good.value}</UserIdentifierValue></UserId>
  <ItemId><ItemIdentifierValue>{KNOWN.shelf_item}</ItemIdentifierValue></ItemId></CheckOutItem>
</NCIPMessage>"""


@pytest.mark.parametrize("block", list(BLOCK.finditer(GUIDE)), ids=lambda block: str(block["file"]))
def test_a_block_of_the_guide_stands_so_in_its_file(block: re.Match[str]) -> None:
    assert f"\n{block['code']}\n" in f"\n{(SOURCE / block['file']).read_text('utf-8')}"


def test_the_sample_imports_only_domain_and_ports() -> None:
    found = set()
    for file in (SOURCE / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module is not None:
                found.add(node.module)
    own = {name for name in found if name.startswith(("gateway", "adapters", "illgate"))}

    assert own
    assert {name for name in own if not name.startswith(ALLOWED)} == set()


def test_the_sample_is_short() -> None:
    texts = [file.read_text("utf-8") for file in SOURCE.rglob("illgate_ledger/*.py")]

    assert 0 < sum(1 for text in texts for line in text.splitlines() if line.strip()) <= 260
