"""The tutorial of twelve libraries, followed word for word; only its port and the year are others."""

from __future__ import annotations

import contextlib
import shlex
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.interop.test_tutorials import FENCE, has_lines
from tests.support.daemon import forked_daemon, free_port, run_in_process, wait_for
from tests.support.paths import ROOT

PATIENCE_SECONDS = 30


def type_command(line: str, shown: str) -> None:
    """Again until it prints what is shown: messages between libraries take a moment."""
    end = time.monotonic() + PATIENCE_SECONDS
    while True:
        done = run_in_process(*shlex.split(line)[1:], check=False)
        if done.returncode == 0 and has_lines(done.stdout, shown):
            return
        assert time.monotonic() < end, f"{line}\n{done.stdout}\n{done.stderr}"
        time.sleep(0.3)


@pytest.mark.slow
def test_twelve_libraries_on_one_gateway(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (ROOT / "docs" / "tutorials" / "twelve-libraries.md").read_text("utf-8")
    port = free_port()
    page = page.replace("8080", str(port)).replace("2026-", f"{datetime.now(UTC):%Y}-")
    folder = tmp_path / "valley"
    blocks = FENCE.findall(page)

    with contextlib.ExitStack() as terminals:
        for number, (kind, text) in enumerate(blocks):
            follows = blocks[number + 1] if number + 1 < len(blocks) else ("", "")
            shown = follows[1] if follows[0] == "text" else ""
            if kind == "yaml":
                name, content = text.split("\n", 1)
                file = folder / name.removeprefix("# ")
                file.parent.mkdir(exist_ok=True)
                file.write_text(content, encoding="utf-8")
            elif text == "mkdir valley\ncd valley\n":
                folder.mkdir()
                monkeypatch.chdir(folder)
            elif text == "illgate serve\n":
                terminals.enter_context(forked_daemon(folder / "gateway.yml", tmp_path / "serve.log"))
                wait_for(port)
                assert shown == f"illgate serves http://127.0.0.1:{port}\n"
            elif text.startswith("cat > "):
                name, content = text.removeprefix("cat > ").split(" <<END\n")
                (folder / name).write_text(content.removesuffix("END\n"), encoding="utf-8")
            elif kind == "sh":
                *first, last = text.splitlines()
                for line in first:
                    type_command(line, "")
                type_command(last, shown)

    assert sum(kind == "sh" for kind, _ in blocks) == 9
