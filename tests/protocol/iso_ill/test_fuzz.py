"""A few seconds of the coverage-guided fuzzer; `python -m tests.fuzz.iso_ill --seconds 600` goes on for longer."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.paths import ROOT

SECONDS = 3

pytestmark = pytest.mark.skipif(importlib.util.find_spec("atheris") is None, reason="atheris has no wheel here")


def test_nothing_is_found_in_a_few_seconds(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.fuzz.iso_ill", "--seconds", str(SECONDS)]
    # By a shell: on Linux the peak memory that the fuzzer looks at begins with that of whoever starts it (getrusage).
    command = ["/bin/sh", "-c", '"$@"; exit $?', "sh", *command]
    environment = {"PYTHONPATH": str(ROOT), "PATH": ""}

    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)

    assert done.returncode == 0, done.stderr[-4_000:]
    assert "Done " in done.stderr
    assert not list(tmp_path.glob("crash-*"))
