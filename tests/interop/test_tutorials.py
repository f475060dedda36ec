"""The tutorials, followed word for word from a built wheel in a clean environment; only their ports are others."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.support.daemon import free_port, process
from tests.support.paths import ROOT

FENCE = re.compile(r"^```(sh|yaml|text)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
STAYS_OPEN = re.compile(r"^illgate (?:fake|serve|mock)\b", re.MULTILINE)
KEPT_BY_TERMINAL = (". ", "cd ", "export ")
SECONDS = 120


@dataclass
class Reader:
    """Somebody who follows a page: types what it shows, writes its files, and compares what is printed."""

    folder: Path
    environment: dict[str, str]
    terminals: contextlib.ExitStack
    installation: str = ""
    """The folder that names of files are relative to; empty: they begin with it."""
    first_terminal: list[str] = field(default_factory=list)
    """What has been typed there, as far as it holds for what follows: folder and variables."""

    def follow(self, page: str) -> None:
        blocks = FENCE.findall(page)
        for number, (kind, text) in enumerate(blocks):
            shown = blocks[number + 1][1] if number + 1 < len(blocks) and blocks[number + 1][0] == "text" else ""
            if kind == "yaml":
                self.write_file(text)
            elif kind == "sh" and STAYS_OPEN.search(text):
                self.open_terminal(text, shown, number)
            elif kind == "sh":
                self.type_first(text, shown)

    def write_file(self, text: str) -> None:
        """A comment in its first line names the file; of gateway.yml it is the section of the library system."""
        name, content = text.split("\n", 1)
        file = self.folder / self.installation / name.removeprefix("# ")
        if file.name == "gateway.yml":
            before = file.read_text("utf-8")
            content, replaced = re.subn(r"    system:.*\n      type: embedded.*\n", lambda _: content, before)
            assert replaced == 1
        file.parent.mkdir(exist_ok=True)
        file.write_text(content, encoding="utf-8")

    def type_first(self, text: str, shown: str) -> None:
        """In the first terminal. Where other terminals have to be done first, it is typed again."""
        script = "\n".join(["set -e", *self.first_terminal, text])
        end = time.monotonic() + (SECONDS if shown else 0)
        while True:
            done = self.run_bash(script)
            if done.returncode == 0 and has_lines(done.stdout, shown):
                break
            assert time.monotonic() < end, f"{text}\n{done.stdout}\n{done.stderr}"
            time.sleep(0.5)
        self.first_terminal += [line for line in text.splitlines() if line.startswith(KEPT_BY_TERMINAL)]

    def open_terminal(self, text: str, shown: str, number: int) -> None:
        log = self.folder / f"terminal-{number}.log"
        self.terminals.enter_context(run_in_terminal(f"{text.replace('illgate ', 'exec illgate ')}", log, self))
        end = time.monotonic() + SECONDS
        while not has_lines(log.read_text("utf-8"), shown):
            assert time.monotonic() < end, log.read_text("utf-8")
            time.sleep(0.1)

    def run_bash(self, script: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-c", script], cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False
        )


@contextlib.contextmanager
def run_in_terminal(script: str, log: Path, reader: Reader) -> Iterator[None]:
    words = ["env", "-C", str(reader.folder), "-i", *(f"{name}={value}" for name, value in reader.environment.items())]
    with process([*words, "bash", "-c", script], log):
        yield


def has_lines(printed: str, shown: str) -> bool:
    """Whether all lines are there, but for words with digits: times, numbers, identifiers."""

    def read_lines(text: str) -> list[list[str]]:
        return [[word for word in line.split() if not re.search(r"\d", word)] for line in text.splitlines()]

    printed_lines = read_lines(printed)
    return all(line in printed_lines for line in read_lines(shown))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return built


def read_page(tutorial: str) -> str:
    """With free ports and this year's numbers."""
    page = (ROOT / "docs" / "tutorials" / tutorial).read_text("utf-8").replace("2026-", f"{time.gmtime().tm_year}-")
    for port in sorted(set(re.findall(r"\b80[89]\d\b", page))):
        page = page.replace(port, str(free_port()))
    return page


@contextlib.contextmanager
def reading(tutorial: str, wheel: Path, folder: Path, installation: str = "") -> Iterator[tuple[str, Reader]]:
    """The page, and who has followed it."""
    page = read_page(tutorial)
    shutil.copy(wheel, folder)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "ILLGATE"))}
    environment |= {"PYTHONUNBUFFERED": "1", "PIP_CONSTRAINT": str(ROOT / "constraints.txt")}
    with contextlib.ExitStack() as terminals:
        reader = Reader(folder, environment, terminals, installation)
        reader.follow(page)
        yield page, reader


@pytest.mark.slow
def test_illiad_and_koha_in_an_afternoon(wheel: Path, tmp_path: Path) -> None:
    with reading("illiad-and-koha.md", wheel, tmp_path, "bergstadt") as (page, reader):
        (koha,) = re.findall(r"curl .*(http\S+)", page)
        loans = reader.run_bash(f"curl -s -u illgate:koha-rehearsal {koha}").stdout
        assert loans.count('"checkout_id"') == 1
        assert "no problems" in reader.run_bash("\n".join([*reader.first_terminal, "illgate check --live"])).stdout


@pytest.mark.long
def test_two_libraries_lend_to_each_other(wheel: Path, tmp_path: Path) -> None:
    with reading("two-libraries.md", wheel, tmp_path) as (_page, reader):
        lent = reader.run_bash(". env/bin/activate; illgate --config hill/gateway.yml request list --all --json").stdout
        assert [line.count('"state": "completed"') for line in lent.splitlines()] == [0, 1]
        patron = reader.run_bash(". env/bin/activate; illgate --config fjord/gateway.yml library temporary").stdout
        assert "39900000000011" not in patron
