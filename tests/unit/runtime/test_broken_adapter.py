"""An installation with an adapter of a third party that can't be imported: one problem among others."""

from __future__ import annotations

import subprocess
import sys

from tests.support.daemon import Installation

WITH_BROKEN_ADAPTER = """
import sys
from importlib.metadata import EntryPoint
from gateway import adapter_registry
installed = adapter_registry.entry_points
broken = EntryPoint("fax", "a_package_that_is_gone:channel", adapter_registry.GROUP)
adapter_registry.entry_points = lambda group: [*installed(group=group), broken]
from gateway.cli import main
main()
"""


def run_with_broken_adapter(installation: Installation, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", WITH_BROKEN_ADAPTER, "--config", str(installation.config), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def test_the_check_names_it_beside_all_else(installation: Installation) -> None:
    (installation.folder / "profiles" / "fax.yml").write_text("extends: ncip2\nfax: {number: 1}\n", encoding="utf-8")

    done = run_with_broken_adapter(installation, "check")

    assert done.returncode == 1, done.stdout
    assert "adapter 'fax' (a_package_that_is_gone:channel, entry point group illgate.adapters) can't be" in done.stdout
    assert "fax.yml:2: fax: " in done.stdout, "its section is not known, and the other profiles are looked at"
    assert "Traceback" not in done.stderr + done.stdout


def test_other_commands_read_on(installation: Installation) -> None:
    done = run_with_broken_adapter(installation, "profile", "list")

    assert (done.returncode, done.stderr) == (0, "")
    assert "ncip2" in done.stdout
