"""Somebody mistypes a profile while the gateway is at work: staff go on with the last good ones, and are told so."""

from pathlib import Path

import pytest

from gateway.adapter_registry import load_adapters
from gateway.runtime.last_good_configuration import LastGoodFiles
from gateway.settings import load_settings
from tests.support.daemon import Installation

PARTNER = "partner:\n  symbols: [FJORDBY]\n  roles: [supplier]\n  email: fjernlan@fjordby.example\n"


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    made = Installation.make(tmp_path, "--symbol", "ELVEBY")
    (made.folder / "profiles" / "fjordby.yml").write_text(PARTNER, encoding="utf-8")
    return made


def test_staff_work_on_while_a_profile_is_broken(installation: Installation) -> None:
    wanted = ("--title", "Кобзар", "--author", "Шевченко, Тарас", "--patron", "21000000000017")
    with installation.serve():
        installation.run("request", "create", *wanted)
    broken = installation.folder / "profiles" / "fjordby.yml"
    broken.write_text(PARTNER.replace("email:", "emial:"), encoding="utf-8")

    for arguments in (("request", "list"), ("task", "list"), ("outbox", "list"), ("journal", "list")):
        result = installation.run(*arguments, check=False)
        assert result.returncode == 0, (arguments, result.stderr)
        assert "Traceback" not in result.stderr
    listed = installation.run("request", "list")
    partners = installation.run("partner", "list")

    assert "Кобзар" in listed.stdout
    assert listed.stderr == "", "a list of requests needs no profile"
    assert "fjordby" in partners.stdout
    warnings = partners.stderr.splitlines()
    assert warnings[0].startswith(f"warning: {broken}:4: partner.emial: unknown key"), warnings
    assert warnings[1].startswith("warning: until this is fixed, the last valid files (20")
    (installation.folder / "profiles" / "moor.yml").write_text(PARTNER.replace("FJORDBY", "MOOR"), encoding="utf-8")
    assert "moor" in installation.run("partner", "list").stdout, "what is right is taken all the same"
    assert installation.run("check", "fjordby", check=False).returncode == 1

    (installation.folder / "requests.yml").write_text("default_rota: nobody\n", encoding="utf-8")
    assert "default_rota: no such rota" in installation.run("partner", "list").stderr


def test_where_no_good_profiles_were_kept_the_problem_is_said(installation: Installation) -> None:
    broken = installation.folder / "profiles" / "fjordby.yml"
    broken.write_text(PARTNER.replace("email:", "emial:"), encoding="utf-8")

    refused = installation.run("request", "create", "--title", "Кобзар", check=False)

    assert refused.returncode == 3
    assert "partner.emial: unknown key" in refused.stderr


def test_a_good_edit_is_kept_and_a_bad_one_is_not(installation: Installation) -> None:
    kept = installation.folder / "data" / "last-good" / "profiles" / "fjordby.yml"
    (installation.folder / "requests.yml").unlink()  # the defaults count
    with installation.serve():
        pass
    assert kept.read_text(encoding="utf-8") == PARTNER
    (installation.folder / "profiles" / "fjordby.yml").write_text("partnr: {}\n", encoding="utf-8")
    assert "until this is fixed" in installation.run("partner", "list").stderr
    assert kept.read_text(encoding="utf-8") == PARTNER


async def test_what_is_wrong_is_never_kept(installation: Installation) -> None:
    """Such as when requests.yml is edited while a profile is broken."""
    settings = load_settings(installation.config, load_adapters())
    kept = LastGoodFiles(settings, None, has_problems=lambda: True)

    await kept.reload()

    assert not (installation.folder / "data" / "last-good").exists()
