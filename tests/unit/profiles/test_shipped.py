"""New installations, and all shipped profiles alive: nothing is wrong, and examples are carried out for real."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.cli import main
from tests.support.shipped_profiles import copy_shipped_profiles

LOOK_UP = """\
<NCIPMessage xmlns="http://www.niso.org/2008/ncip" version="http://www.niso.org/schemas/ncip/v2_02/ncip_v2_02.xsd">
<LookupUser><UserId><UserIdentifierValue>{barcode}</UserIdentifierValue></UserId></LookupUser></NCIPMessage>"""

PROFILE = f"""\
match:
  - from_agency: NORDVIKEN
ncip: {{}}
examples:
  - name: a patron of the sample library
    send: |
      {LOOK_UP.format(barcode="21000000000017").replace(chr(10), chr(10) + "      ")}
    answer_paths:
      LookupUserResponse/UserId/UserIdentifierValue: "21000000000017"
  - name: nobody
    send: |
      {LOOK_UP.format(barcode="00").replace(chr(10), chr(10) + "      ")}
    answer_paths:
      LookupUserResponse/UserId/UserIdentifierValue: "00"
"""


def illgate(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments, catch_exceptions=False)


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shipped")
    assert illgate("init", str(folder), "--empty").exit_code == 0
    return folder


def test_an_example_is_carried_out_on_a_sample_library(installation: Path) -> None:
    (installation / "profiles" / "nordviken.yml").write_text(PROFILE, encoding="utf-8")

    result = illgate("--config", str(installation / "gateway.yml"), "check", "nordviken")

    found = [line for line in result.output.splitlines() if "examples." in line]
    assert [re.findall(r"nordviken\.yml:(\d+)", line) for line in found] == [["11"], ["16"]]
    assert "expected the outcome ok, it was refused" in found[0]
    assert "the answer has no such element" in found[1]
    (installation / "profiles" / "nordviken.yml").unlink()


@pytest.mark.parametrize(("options", "partners"), [((), 2), (("--empty", "--symbol", "FJORDBY"), 0)])
def test_there_is_nothing_to_say_of_a_new_installation(tmp_path: Path, options: tuple[str, ...], partners: int) -> None:
    illgate("init", str(tmp_path), *options)

    result = illgate("--config", str(tmp_path / "gateway.yml"), "check")

    said = f"no problems; {partners} profiles, 0 examples run, 0 of them with their answer"
    assert (result.exit_code, result.output.splitlines()) == (0, [said])


def test_a_partner_of_a_new_installation_extends_a_shipped_profile(tmp_path: Path) -> None:
    illgate("init", str(tmp_path), "--empty")
    config = ("--config", str(tmp_path / "gateway.yml"))
    shipped = illgate(*config, "profile", "list", "--shipped").stdout.splitlines()
    assert illgate(*config, "profile", "list").stdout == ""
    assert [line.split()[0] for line in shipped if "WorldShare" in line] == ["worldshare-18626", "worldshare"]

    (tmp_path / "partners" / "oclc.yml").write_text("extends: worldshare\n")

    assert illgate(*config, "profile", "list").stdout == "oclc (extends worldshare)  ncip  0 rules\n"


def test_nothing_is_wrong_in_what_is_shipped(tmp_path: Path) -> None:
    illgate("init", str(tmp_path))
    copy_shipped_profiles(tmp_path)

    result = illgate("--config", str(tmp_path / "gateway.yml"), "check")

    assert result.output.splitlines()[-1].startswith("no problems; "), result.output


def test_nothing_is_wrong_in_an_empty_library_of_any_name(tmp_path: Path) -> None:
    illgate("init", str(tmp_path), "--empty", "--symbol", "ISIL:NO-0030100", "--name", "Fjordby bibliotek")
    copy_shipped_profiles(tmp_path)

    result = illgate("--config", str(tmp_path / "gateway.yml"), "check")

    assert result.exit_code == 0, result.output
    lines = result.output.splitlines()
    assert lines[-1].startswith("no problems; "), result.output
    remark = next(line for line in lines if "nothing is set up in this library yet" in line)
    assert "libraries.0.system: " in remark
    assert "item policy: ill, ill-library-use; patron category: visitor;" in remark
    assert "patron: inst-ebu, inst-valm, pseudopatron; shelving location: ill" in remark


SETUP = """
branches: {MAIN: {name: Hovedbiblioteket, pickup: true, resource_sharing: true, shelves: {ill: Fjernlån}}}
categories: {visitor: {name: Andre bibliotek}}
policies: {ill: {name: Fjernlån}, ill-library-use: {name: Lesesal}}
loan_rules: [{loan_days: 28}]
"""


def test_patrons_of_the_sample_library_are_missed_in_no_other(tmp_path: Path) -> None:
    """As long as nobody has set the profiles up for a partner."""
    illgate("init", str(tmp_path), "--empty", "--symbol", "FJORDBY")
    copy_shipped_profiles(tmp_path)
    (tmp_path / "setup.yml").write_text(SETUP, encoding="utf-8")
    config = ("--config", str(tmp_path / "gateway.yml"))
    illgate(*config, "library", "import", "setup", str(tmp_path / "setup.yml"))
    names = ("illiad-alma", "innreach", "worldshare")

    result = illgate(*config, "check", *names)

    assert result.exit_code == 0, result.output
    assert [line.split("found ")[-1] for line in result.output.splitlines() if "not usable" in line] == [
        "'pseudopatron'", "'inst-valm'", "'inst-ebu'", "'inst-valm'"
    ]  # fmt: skip

    file = tmp_path / "profiles" / "worldshare.yml"
    file.write_text(file.read_text("utf-8") + "# for the consortium\n", "utf-8")
    result = illgate(*config, "check", *names)
    assert result.exit_code == 1
    assert "2 problems; 2 remarks;" in result.output


def test_a_library_in_which_something_is_set_up_must_know_what_profiles_name(tmp_path: Path) -> None:
    illgate("init", str(tmp_path), "--empty", "--symbol", "FJORDBY")
    copy_shipped_profiles(tmp_path)
    setup = tmp_path / "setup.yml"
    said = "branches: {main: {name: Hovedbiblioteket}}\ncategories: {}\npolicies: {}\nloan_rules: []\n"
    setup.write_text(said, encoding="utf-8")
    config = ("--config", str(tmp_path / "gateway.yml"))
    assert illgate(*config, "library", "import", "setup", str(setup)).exit_code == 0

    result = illgate(*config, "check", "ncip2")

    assert result.exit_code == 1
    assert "circulation.accept.policy: unknown item policy" in result.output
    assert "nothing is set up" not in result.output
