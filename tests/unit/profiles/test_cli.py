"""The commands init, check and profile, with their output and exit codes."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.cli import app, installation, main
from gateway.profiles.shipped import find_shipped_folder
from gateway.settings import load_settings
from tests.unit.profiles.support import ADAPTERS, write

GATEWAY = "libraries:\n  - symbol: DEMO\n"


@pytest.fixture(autouse=True)
def small_adapters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installation, "load_adapters", lambda _names=None: ADAPTERS)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation, which is the current folder."""
    (tmp_path / "profiles").mkdir()
    (tmp_path / "gateway.yml").write_text(GATEWAY, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ILLGATE_CONFIG", raising=False)
    return tmp_path


def illgate(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments, catch_exceptions=False)


def test_help_needs_no_installation_and_loads_no_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    result = illgate("--help")

    assert result.exit_code == 0
    for name in app.COMMANDS:
        assert f"  {name} " in result.output


@pytest.mark.parametrize(
    "arguments", [("init",), ("check",), ("profile", "show"), ("profile", "diff"), ("profile", "schema")]
)
def test_help_has_examples(arguments: tuple[str, ...]) -> None:
    assert f"illgate {' '.join(arguments)}" in illgate(*arguments, "--help").output.split("Examples:")[1]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("serv",), "No such command 'serv'. Did you mean 'serve'?"),
        (("profile", "shwo"), "No such command 'shwo'. Did you mean 'show'?"),
        (("iso", "decod"), "No such command 'decod'. Did you mean 'decode'?"),
        (("xyzzy",), "No such command 'xyzzy'.\n"),
    ],
)
def test_a_mistyped_command_gets_the_nearest_one(arguments: tuple[str, ...], said: str) -> None:
    result = illgate(*arguments)

    assert (result.exit_code, said in result.stderr) == (2, True), result.stderr


def test_init_makes_an_installation_and_says_what_can_be_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    result = illgate("init", "demo")

    assert result.exit_code == 0, result.output
    assert (tmp_path / "demo/gateway.yml").read_bytes() == (find_shipped_folder() / "gateway.yml").read_bytes()
    assert "partners in demo/partners: illiad, reshare\n" in result.output
    written = sorted(
        file.relative_to("demo").as_posix() for file in Path("demo").rglob("*.*") if "data" not in file.parts
    )
    assert written == [
        "gateway.yml",
        "partners/illiad.yml",
        "partners/reshare.yml",
        "profiles/requests.schema.json",
        "profiles/schema.json",
        "requests.yml",
    ]
    assert (tmp_path / "demo/data/illgate.db").stat().st_mode & 0o077 == 0
    assert "DEMO: try patron INST-NVD" in result.output


def test_init_without_a_sample(tmp_path: Path) -> None:
    said = illgate("init", str(tmp_path / "demo"), "--empty").output

    assert "try patron" not in said
    assert f"partners in {tmp_path}/demo/partners: none\n" in said
    assert list((tmp_path / "demo/partners").iterdir()) == []


def test_init_writes_nothing_where_the_database_is_named_with_its_password(tmp_path: Path) -> None:
    folder = tmp_path / "demo"

    result = illgate("init", str(folder), "--store", "postgresql://ill:s3cret@127.0.0.1/ill")

    assert (result.exit_code, "store.password" in result.stderr, folder.exists()) == (2, True, False)
    assert "s3cret" not in result.output


def test_a_folder_that_can_t_be_made_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file").touch()

    result = illgate("init", "file/demo")

    assert (result.exit_code, result.stderr) == (4, "file/demo: Not a directory\n")


def test_init_writes_whose_installation_it_is(tmp_path: Path) -> None:
    result = illgate(
        "init", str(tmp_path), "--empty", "--symbol", "NO", "--name", " Fjordby bibliotek: «Sjø» #1", "--port", "8181"
    )

    assert result.exit_code == 0, result.output
    settings = load_settings(tmp_path / "gateway.yml", ADAPTERS)
    assert (settings.libraries[0].symbol, settings.libraries[0].name) == ("NO", "Fjordby bibliotek: «Sjø» #1")
    assert settings.http.port == 8181
    made = (tmp_path / "gateway.yml").read_text(encoding="utf-8").splitlines()
    shipped = (find_shipped_folder() / "gateway.yml").read_text(encoding="utf-8").splitlines()
    changed = [(old, new) for old, new in zip(shipped, made, strict=True) if old != new]
    assert len(changed) == 3
    assert [new.partition("#")[0] for _, new in changed][::2] == [
        '  - symbol: "NO"                    ',
        "  port: 8181                        ",
    ]


@pytest.mark.parametrize(
    "arguments", [("--symbol", "two words"), ("--symbol", ""), ("--name", " "), ("--name", "two\nlines")]
)
def test_init_refuses_what_settings_can_not_hold(tmp_path: Path, arguments: tuple[str, str]) -> None:
    result = illgate("init", str(tmp_path / "new"), *arguments)

    assert result.exit_code == 2
    assert f"Invalid value for '{arguments[0]}'" in result.stderr
    assert not (tmp_path / "new").exists()


def test_init_overwrites_nothing_that_was_changed(tmp_path: Path) -> None:
    demo = str(tmp_path / "demo")
    illgate("init", demo)
    assert illgate("init", demo).exit_code == 0  # nothing was changed
    (tmp_path / "demo/gateway.yml").write_text("metrics: false\n")
    write(tmp_path / "demo/profiles", nordviken="plain: {}\n")

    refused = illgate("init", demo)
    assert refused.exit_code == 1
    assert "gateway.yml: exists and differs; use --force to overwrite it" in refused.stderr
    assert (tmp_path / "demo/gateway.yml").read_text() == "metrics: false\n"

    assert illgate("init", demo, "--force").exit_code == 0
    assert (tmp_path / "demo/gateway.yml").read_text() != "metrics: false\n"
    assert (tmp_path / "demo/profiles/nordviken.yml").exists()


def test_check_finds_nothing_in_a_good_installation(folder: Path) -> None:
    write(folder / "profiles", one="plain: {}\nmatch: [{}]\n")

    result = illgate("check")

    assert result.exit_code == 0
    assert "library DEMO was not looked at: data/illgate.db: no database yet" in result.output
    assert result.output.splitlines()[-1].startswith("no problems; 1 profile, 0 examples run")


def test_check_makes_remarks_that_are_no_problems(folder: Path) -> None:
    write(folder / "profiles", one="plain: {}\nmatch: [{}]\nauth:\n  - kind: none\n")

    result = illgate("check")

    assert result.exit_code == 0
    lines = result.output.splitlines()
    assert lines[lines.index("remarks:") + 1].startswith("  profiles/one.yml:4: auth.0.kind: lets everybody in who")
    assert lines[-1].startswith("no problems; 1 remark; 1 profile, ")


def test_check_finds_a_misspelt_key_an_unknown_location_a_double_rule_and_a_failing_example(folder: Path) -> None:
    assert illgate("init", "--empty").exit_code == 0
    write(
        folder / "profiles",
        key="plain: {}\ncirculation:\n  acept: {}\n",
        location="plain: {}\nmatch: [{from_agency: NVD}]\ncirculation:\n  pickup:\n    map:\n      A: nroth\n",
        rule="plain: {}\nmatch:\n  - from_agency: nvd\n",
        sample="plain: {}\nexamples:\n  - name: lend\n    send: LEND 1 2\n    understood:\n      item.value: '3'\n",
    )

    result = illgate("check")

    assert result.exit_code == 1
    lines = [line.strip() for line in result.output.splitlines()]
    assert any(line.startswith("profiles/key.yml:3: circulation.acept: unknown key") for line in lines)
    assert any(
        line.startswith("profiles/location.yml:6: circulation.pickup.map.A: unknown pickup location") for line in lines
    )
    assert any(line.startswith("profiles/rule.yml:3: match.0: the same rule (from_agency: nvd)") for line in lines)
    assert any(line.startswith("profiles/sample.yml:6: examples.0.understood.item.value:") for line in lines)
    assert lines[-1].startswith("4 problems; ")


def test_check_reports_bad_settings_as_problems(folder: Path) -> None:
    (folder / "gateway.yml").write_text("http:\n  prot: 80\n")

    result = illgate("check")

    assert result.exit_code == 1
    assert "gateway.yml:2: http.prot: unknown key" in result.output


def test_an_unknown_profile_is_wrong_usage(folder: Path) -> None:
    write(folder / "profiles", one="plain: {}\n")

    assert illgate("check", "won").exit_code == 2
    result = illgate("profile", "show", "onne")
    assert result.exit_code == 2
    assert "did you mean 'one'?" in result.stderr


def test_config_names_another_installation(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    write(folder / "profiles", one="plain: {}\n")

    assert illgate("profile", "list").exit_code == 3  # no gateway.yml here
    assert illgate("--config", "../gateway.yml", "profile", "list").output.startswith("one")
    monkeypatch.setenv("ILLGATE_CONFIG", str(folder / "gateway.yml"))
    assert illgate("profile", "list").output.startswith("one")


def test_profile_list_shows_the_good_ones_and_says_what_is_wrong(folder: Path) -> None:
    write(folder / "profiles", one="description: Norðvík\nplain: {}\nmatch: [{}]\n", two="plain: {greeting: rude}\n")

    result = illgate("profile", "list")

    assert result.stdout == "one  plain  1 rule  Norðvík\n"
    assert result.stderr.startswith("profiles/two.yml:1: plain.greeting: found 'rude'")
    assert result.exit_code == 3


def test_profile_show_by_name_or_file(folder: Path) -> None:
    write(folder / "profiles", one="plain: {greeting: curt}\n", two="plain: {greeting: rude}\n")

    assert "  greeting: curt\n" in illgate("profile", "show", "one").output
    assert illgate("profile", "show", "profiles/one.yml", "--sources").output.count("# profiles/one.yml:1\n") == 1
    assert illgate("profile", "show", "two").exit_code == 3


def test_profile_diff_between_profiles_and_revisions(folder: Path) -> None:
    old = folder / "old"
    old.mkdir()
    write(folder / "profiles", one="plain: {greeting: curt}\n", two="plain: {}\n")
    write(old, one="plain: {greeting: kind}\n")

    assert illgate("profile", "diff", "one", "two").output == (
        "plain.greeting\n  - curt  # profiles/one.yml:1\n  + kind  # default\n1 difference\n"
    )
    assert "  + kind  # old/one.yml:1\n" in illgate("profile", "diff", "one", "--against", "old").output
    assert illgate("profile", "diff", "one").exit_code == 2


def test_profile_diff_leaves_out_the_examples_unless_asked(folder: Path) -> None:
    examples = "examples:\n  - {name: lent, send: LEND 1 2, outcome: ok}\n"
    write(folder / "profiles", one=f"plain: {{greeting: curt}}\n{examples}", two="plain: {}\nexamples: []\n")

    without = illgate("profile", "diff", "one", "two").output
    with_them = illgate("profile", "diff", "one", "two", "--examples").output

    assert without.splitlines()[-1] == "1 difference"
    assert "examples" not in without
    assert "examples.0.name\n  - lent  # profiles/one.yml:3\n  + (not there)\n" in with_them


def test_profile_schema_is_printed_or_written(folder: Path) -> None:
    printed = illgate("profile", "schema").output

    assert illgate("profile", "schema", "-o", "schema.json").exit_code == 0
    assert (folder / "schema.json").read_text(encoding="utf-8") == printed


def test_a_library_system_without_commands_has_those_of_all(folder: Path) -> None:
    assert illgate("library", "list").output.splitlines()[1].split()[0] == "demo"
    result = illgate("library", "patrons")

    assert result.exit_code == 2
    assert "No such command 'patrons'" in result.stderr
