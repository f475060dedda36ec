"""The tutorials of sample libraries, followed word for word; only their ports and the year are others. Commands run in
this process and daemons as copies of it, so that a page takes seconds."""

from __future__ import annotations

import contextlib
import re
import shlex
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode, urljoin
from urllib.request import HTTPCookieProcessor, build_opener

import pytest
from lxml import html

from tests.interop.test_tutorials import FENCE, STAYS_OPEN, has_lines, read_page
from tests.support.daemon import run_in_process, stopped_at_end
from tests.support.forked_processes import ForkedProcess, run_illgate

PATIENCE_SECONDS = 30
PASSWORD = "a-password-of-your-own"


def wait_for_text(log: Path, pattern: str) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not re.search(pattern, printed := log.read_text("utf-8")):
        assert time.monotonic() < end, printed
        time.sleep(0.1)


def type_command(line: str, shown: str) -> None:
    """Again until it prints what is shown: messages between libraries take a moment. Types the password."""
    end = time.monotonic() + PATIENCE_SECONDS
    while True:
        done = run_in_process(*shlex.split(line)[1:], check=False, typed=f"{PASSWORD}\n{PASSWORD}\n")
        if done.returncode == 0 and has_lines(done.stdout, shown):
            return
        assert time.monotonic() < end, f"{line}\n{done.stdout}\n{done.stderr}"
        time.sleep(0.3)


@contextlib.contextmanager
def following(page: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The blocks of the page typed in `folder`, and written there; what they start runs until the end."""
    logs: dict[str, Path] = {}
    blocks = FENCE.findall(page)
    monkeypatch.chdir(folder)
    with contextlib.ExitStack() as terminals:
        for (kind, text), follows in zip(blocks, [*blocks[1:], ("", "")], strict=True):
            shown = follows[1] if follows[0] == "text" else ""
            if kind == "yaml":
                name, content = text.split("\n", 1)
                file = Path(name.removeprefix("# "))
                file.parent.mkdir(exist_ok=True)
                if "serve" in logs:
                    logs["serve"].write_text("")
                file.write_text(content, encoding="utf-8")
                if "serve" in logs:
                    wait_for_text(logs["serve"], r"configuration\.reloaded .*what=profiles")
            elif text.startswith("cat > "):
                name, content = text.removeprefix("cat > ").split(" <<END\n")
                Path(name).write_text(content.removesuffix("END\n"), encoding="utf-8")
            elif kind == "sh" and STAYS_OPEN.match(text):
                _, command, *options = shlex.split(text)
                logs[command] = folder / f"{command}.log"
                logs[command].touch()
                words = ("--config", str(Path("gateway.yml").absolute()), command, *options)
                terminals.enter_context(stopped_at_end(ForkedProcess(run_illgate, words, logs[command])))
                wait_for_text(logs[command], re.escape(shown))
            elif kind == "sh":
                lines = text.splitlines()
                for line in lines:
                    if line.startswith("mkdir "):
                        Path(line.removeprefix("mkdir ")).mkdir()
                    elif line.startswith("cd "):
                        monkeypatch.chdir(line.removeprefix("cd "))
                    else:
                        type_command(line, shown if line == lines[-1] else "")
        yield


@pytest.mark.slow
def test_twelve_libraries_on_one_gateway(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = read_page("twelve-libraries.md")

    with following(page, tmp_path, monkeypatch):
        assert sum(kind == "sh" for kind, _ in FENCE.findall(page)) == 9


@pytest.mark.slow
def test_first_partner_in_15_minutes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = read_page("first-partner.md")

    with following(page, tmp_path, monkeypatch):
        section = page.partition("\n## 5. ")[2].partition("\n## 6. ")[0]
        (address,) = re.findall(r"http://\S+(?=,)", section)
        first, second, _ = read_requests_as_anna(address)

    promised = [" ".join(phrase.split()) for phrase in re.findall(r"“(.+?)”", section, re.DOTALL)]
    assert len(promised) == 7
    assert [phrase for phrase in promised if phrase not in first] == []
    assert "Accept the condition" in second


def read_requests_as_anna(address: str) -> list[str]:
    """The words on the pages of the requests of a list, oldest first."""
    browser = build_opener(HTTPCookieProcessor())

    def open_page(path: str, **fields: str) -> html.HtmlElement:
        with browser.open(urljoin(address, path), urlencode(fields).encode() if fields else None) as answer:
            return html.document_fromstring(answer.read())

    form = open_page(address).forms[0]
    listed = open_page(form.action, **{**dict(form.fields), "name": "anna", "password": PASSWORD})
    paths = dict.fromkeys(listed.xpath("//td//a[contains(@href, '/requests/')]/@href"))
    return [" ".join(open_page(path).text_content().split()) for path in reversed(paths)]
