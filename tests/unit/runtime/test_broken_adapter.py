"""An installation with an adapter of a third party that can't be imported: one problem among others."""

from __future__ import annotations

from importlib.metadata import EntryPoint

import pytest

from gateway import adapter_registry
from tests.support.daemon import Installation


@pytest.fixture(autouse=True)
def broken_adapter(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = EntryPoint("fax", "a_package_that_is_gone:channel", adapter_registry.GROUP)
    points = [*adapter_registry.list_entry_points(), broken]
    monkeypatch.setattr(adapter_registry, "list_entry_points", lambda: points)


def test_the_check_names_it_beside_all_else(installation: Installation) -> None:
    (installation.folder / "profiles" / "fax.yml").write_text("extends: ncip2\nfax: {number: 1}\n", encoding="utf-8")

    done = installation.run("check", check=False)

    assert done.returncode == 1, done.stdout
    assert "adapter 'fax' (a_package_that_is_gone:channel, entry point group illgate.adapters) can't be" in done.stdout
    assert "fax.yml:2: fax: " in done.stdout, "its section is not known, and the other profiles are looked at"
    assert "Traceback" not in done.stderr + done.stdout


def test_other_commands_read_on(installation: Installation) -> None:
    done = installation.run("profile", "list")

    assert (done.returncode, done.stderr) == (0, "")
    assert "ncip2" in done.stdout
