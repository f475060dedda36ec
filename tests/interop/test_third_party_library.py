"""A library system that somebody else wrote: the package that `illgate adapters new` begins, which is the sample of
docs/adding-a-library-system.md. It is built, installed and found by its entry point, and keeps the port's contract."""

from __future__ import annotations

import ast
import json
import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from gateway.cli import main
from tests.interop.test_third_party_adapter import pip
from tests.library_contract.sip2_world import KNOWN
from tests.support.daemon import Installation, illgate
from tests.support.partner_rights import write_all_rights
from tests.support.paths import ROOT

SOURCE = ROOT / "tests" / "packages" / "ledger"
GUIDE = (ROOT / "docs" / "adding-a-library-system.md").read_text("utf-8")
BLOCK = re.compile(r"^`(?P<file>[\w./-]+)`:\n\n```\w+\n(?P<code>.*?)\n```$", re.MULTILINE | re.DOTALL)
ALLOWED = ("gateway.domain.", "gateway.ports.", "illgate_ledger.")


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a new package."""
    folder = tmp_path_factory.mktemp("third-party-library") / "illgate-aurora"
    illgate("adapters", "new", "aurora", "--to", str(folder))
    return folder


@pytest.fixture(scope="module")
def installed(package: Path) -> Path:
    """The folder with the package, which is nowhere else."""
    folder = package.parent
    pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder / "wheels"), str(package))
    (wheel,) = (folder / "wheels").glob("*.whl")
    pip("install", "--no-deps", "--target", str(folder / "site"), str(wheel))
    return folder / "site"


def test_a_new_package_has_its_own_name_everywhere(package: Path) -> None:
    written = [file for file in package.rglob("*.*") if file.suffix in {".md", ".py", ".toml"}]
    files = {str(file.relative_to(package)): file.read_text("utf-8") for file in written}

    assert {"README.md", "pyproject.toml", "contract.py", "src/illgate_aurora/aurora.py"} <= files.keys()
    assert [name for name, text in files.items() if "ledger" in (name + text).lower()] == []


def test_a_new_package_keeps_the_contract_of_the_port(package: Path) -> None:
    """By its own configuration of pytest, beside a checkout of illgate and installed nowhere."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly"]
    done = subprocess.run(
        command, cwd=package, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True
    )

    assert re.search(r"^[1-9]\d passed, \d+ skipped", done.stdout, re.MULTILINE), done.stdout + done.stderr
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("Aurora 2",), "Aurora 2: the name has other characters than lower-case letters and digits"),
        (("koha",), "koha: an adapter with this name is installed; see illgate adapters list"),
        (("aurora", "--to", "."), ".: exists; name a new folder with --to"),
    ],
)
def test_a_package_that_is_not_written(
    words: tuple[str, ...], problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    refused = CliRunner().invoke(main, ["adapters", "new", *words])

    assert (refused.exit_code, problem in refused.stderr, list(tmp_path.iterdir())) == (1, True, [])


def test_a_gateway_with_it_passes_its_check_and_lends(
    installation: Installation, package: Path, installed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a process of its own, which finds the package by its entry point."""
    paths = (str(installed), os.environ.get("PYTHONPATH", ""))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(path for path in paths if path))
    monkeypatch.syspath_prepend(str(installed))
    runpy.run_path(str(package / "contract.py"))["write_aurora"](installation.folder / "aurora.json")
    write_all_rights(installation.folder)
    system = {"type": "aurora", "file": "aurora.json"}
    installation.change(libraries=[{"symbol": "DEMO", "name": "Městská knihovna", "system": system}])
    checked = illgate("--config", str(installation.config), "check", check=False).stdout
    assert "libraries.0" not in checked, (
        "the profiles of the sample name patrons that this library hasn't; else all is well"
    )
    with installation.serve_by_command():
        answer = installation.post(CHECK_OUT.encode()).decode()
    assert "DateDue>" in answer
    (loan,) = json.loads((installation.folder / "aurora.json").read_text("utf-8"))["loans"]
    assert (loan["item"], loan["patron"]) == (KNOWN.shelf_item, KNOWN.good.value)

    installation.change(libraries=[{"symbol": "DEMO", "name": "x", "system": {"type": "aurora", "flie": "x"}}])
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
