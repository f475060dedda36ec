"""An installation without the extra `postgresql` has neither its driver nor greenlet: nothing else may need them."""

from __future__ import annotations

import subprocess
import sys

WITHOUT_EXTRA = """
import sys
for name in ("greenlet", "asyncpg"):
    sys.modules[name] = None  # importing it raises ImportError
from gateway.cli import main
from gateway.runtime import daemon
main(["--help"])
"""


def test_commands_and_daemon_need_no_extra() -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT_EXTRA], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")
    assert "Usage:" in done.stdout
