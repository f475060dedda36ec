"""`illgate deploy`: what stands in deploy/ is written where it is wanted."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.cli import main
from gateway.cli.deploy_command import FILES
from tests.support.paths import ROOT

DEPLOY = ROOT / "deploy"
OF_THE_SOURCE_TREE = {"README.md"}


def deploy(*words: str | Path) -> Result:
    return CliRunner().invoke(main, ["deploy", *map(str, words)])


@pytest.mark.parametrize("what", FILES)
def test_files_are_written_as_they_are_shipped(what: str, tmp_path: Path) -> None:
    done = deploy(what, "--to", tmp_path / "there")

    assert done.exit_code == 0, done.output
    assert [line.partition("/there/")[2] for line in done.stdout.splitlines()] == list(FILES[what])
    for name in FILES[what]:
        assert (tmp_path / "there" / name).read_bytes() == (DEPLOY / name).read_bytes()


def test_every_file_of_the_folder_is_for_something() -> None:
    written = {name for names in FILES.values() for name in names}

    files = {file.relative_to(DEPLOY).as_posix() for file in DEPLOY.rglob("*") if file.is_file()}
    assert files == written | OF_THE_SOURCE_TREE


def test_a_file_that_was_edited_is_kept(tmp_path: Path) -> None:
    unit = tmp_path / "illgate.service"
    unit.write_text("mine")

    refused = deploy("systemd", "--to", tmp_path)

    assert refused.exit_code == 1
    assert "illgate.service: exists and differs; use --force to overwrite it" in refused.stderr
    assert (unit.read_text(), [file.name for file in tmp_path.iterdir()]) == ("mine", ["illgate.service"])
    assert deploy("systemd", "--to", tmp_path, "--force").exit_code == 0
    assert unit.read_bytes() == (DEPLOY / "illgate.service").read_bytes()
