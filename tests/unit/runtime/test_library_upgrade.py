"""`illgate upgrade --files`: entries of `libraries:` in gateway.yml become folders of libraries, and back."""

from __future__ import annotations

import shutil
from collections.abc import Mapping

import pytest

from tests.support.daemon import Installation, run_in_process
from tests.support.yaml_files import read_yaml_file

LIBRARIES = """\
# Two of them, since 2019.
libraries:
  - symbol: DEMO
    name: "Demonstration Library"   # of the valley
    requests: requests.yml
    system: {type: embedded}
  # The northern one.
  - name: Northern Library
    symbol: ISIL:XX-NORTH
    short: north
    # as the council wants it
    requests: rules/north.yml
    letters:
      folder: north-letters
      language: de
    sign_in:
      oidc:
        issuer: https://login.north.example
        client_id: illgate
        client_secret: file:keys/north-patrons

# The end.
"""

PARTNER = "extends: ncip2\nauth: [{kind: network, networks: [127.0.0.0/8]}]\n"

FILES = {
    "rules/north.yml": "numbers: {borrowing: 'N{year}-{sequence:05d}'}\n",
    "north-letters/words.yml": "# none yet\n",
    "north-letters/patron/note.txt": "for later\n",
    "keys/north-patrons": "secret-of-north",
    "keys/seeberg": "secret-of-seeberg",
    "partners/seeberg.yml": PARTNER + "for: [north]\nmatch: [{path: seeberg}]\n",
    "partners/valley.yml": PARTNER + "match: [{path: valley}]\n",
}

MOVED = {
    "rules/north.yml": "libraries/north/requests.yml",
    "north-letters/words.yml": "libraries/north/letters/words.yml",
    "north-letters/patron/note.txt": "libraries/north/letters/patron/note.txt",
    "keys/north-patrons": "libraries/north/secrets/north-patrons",
}

NORTH = """\
# The northern one.
name: Northern Library
symbol: ISIL:XX-NORTH
short: north
# as the council wants it
requests: libraries/north/requests.yml
letters:
  folder: libraries/north/letters
  language: de
sign_in:
  oidc:
    issuer: https://login.north.example
    client_id: illgate
    client_secret: file:libraries/north/secrets/north-patrons
"""

LOOKUP = (
    '<NCIPMessage xmlns="http://www.niso.org/2008/ncip"><LookupUser><InitiationHeader><FromAgencyId><AgencyId>ILLIAD'
    "</AgencyId></FromAgencyId><ToAgencyId><AgencyId>VALLEY</AgencyId></ToAgencyId></InitiationHeader><UserId>"
    "<UserIdentifierValue>21000000000017</UserIdentifierValue></UserId></LookupUser></NCIPMessage>"
)


@pytest.fixture
def old(installation: Installation) -> Installation:
    """With NORTH, which has rules, letters, a secret and a partner of its own."""
    installation.change(libraries=[], tcp=[], http={"public_url": "https://ill.example"})
    shutil.rmtree(installation.folder / "profiles")
    for name, text in FILES.items():
        file = installation.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(0o600 if file.parent.name == "keys" else 0o644)
    write_libraries(installation, LIBRARIES)
    return installation


def write_libraries(installation: Installation, text: str) -> None:
    installation.change(libraries=[])
    whole = installation.config.read_text()
    assert whole.count("libraries: []\n") == 1
    installation.config.write_text(whole.replace("libraries: []\n", text))


def upgrade(installation: Installation, *options: str) -> list[str]:
    return installation.run("upgrade", "--files", *options).stdout.replace(f"{installation.folder}/", "").splitlines()


def read_files(installation: Installation) -> Mapping[str, tuple[bytes, int]]:
    """All files but of data and copies, with their rights."""
    return {
        name: (file.read_bytes(), file.stat().st_mode & 0o777)
        for file in installation.folder.rglob("*")
        if not (name := file.relative_to(installation.folder).as_posix()).startswith(("data/", "files-before-", "log"))
        and file.is_file()
    }


def ask(installation: Installation) -> list[bytes]:
    with installation.serve():
        return [installation.post(LOOKUP.encode(), profile) for profile in ("demo/valley", "north/valley", "seeberg")]


def test_each_library_gets_a_folder_with_what_is_its_own(old: Installation) -> None:
    before = read_files(old)
    rest = {key: value for key, value in read_yaml_file(old.config).items() if key != "libraries"}

    lines = upgrade(old)

    assert lines[:-2] == [
        "gateway.yml: library demo moves to libraries/demo/library.yml",
        "gateway.yml: library north moves to libraries/north/library.yml",
        *(f"{source}: moved to {MOVED[source]}" for source in sorted(MOVED)),
        "gateway.yml: without the libraries that move",
    ]
    assert lines[-2].endswith(": a copy of the files as they were before")
    assert lines[-1].startswith("Restart the daemon")
    after = read_files(old)
    assert after["libraries/north/library.yml"][0].decode() == NORTH
    demo = ["symbol: DEMO", 'name: "Demonstration Library"   # of the valley', "requests: requests.yml"]
    assert after["libraries/demo/library.yml"][0].decode().splitlines()[:3] == demo
    assert {target: after[target] for target in MOVED.values()} == {
        target: before[source] for source, target in MOVED.items()
    }
    assert before.keys() - after.keys() == MOVED.keys()
    assert read_yaml_file(old.config) == rest
    assert "# Two of them, since 2019.\n" in old.config.read_text()
    assert (old.folder / "libraries" / "north" / "secrets").stat().st_mode & 0o777 == 0o700


def test_both_libraries_answer_as_before(old: Installation) -> None:
    answers, checked = ask(old), old.run("check").stdout
    assert [(b"<ns1:UserId>" in answer, b"Unknown User" in answer) for answer in answers] == [
        (True, False),
        (False, True),
        (False, True),
    ]

    upgrade(old)

    assert ask(old) == answers
    assert old.run("check").stdout.splitlines()[-1] == checked.splitlines()[-1]


def test_the_way_back_restores_every_byte(old: Installation) -> None:
    before = read_files(old)
    upgrade(old)
    (old.folder / "libraries" / "north" / "library.yml").write_text("symbol: ISIL:XX-NORTH\nname: edited since\n")

    lines = upgrade(old, "--undo")

    assert {"gateway.yml: as it was", "libraries/north/library.yml: removed", "keys/north-patrons: is there again"} < {
        *lines
    }
    assert read_files(old) == before
    (kept,) = old.folder.glob("files-before-undo-*/files/libraries/north/library.yml")
    assert "edited since" in kept.read_text()


def test_a_dry_run_changes_nothing_and_a_second_run_has_nothing_to_do(old: Installation) -> None:
    before = read_files(old)

    lines = upgrade(old, "--dry-run")

    assert lines[-1] == "Nothing was changed."
    assert read_files(old) == before
    assert upgrade(old)[:-2] == lines[:-1]
    assert upgrade(old) == ["Nothing to do: the files are in the present layout."]


def test_a_configuration_may_be_named_from_the_current_folder(
    old: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(old.folder)

    lines = run_in_process("upgrade", "--files").stdout.splitlines()

    assert "gateway.yml: library north moves to libraries/north/library.yml" in lines
    assert (old.folder / "libraries" / "north" / "library.yml").read_text() == NORTH


def test_a_library_stays_whose_file_may_not_name_its_secret(old: Installation) -> None:
    demo = "    secrets: [env:PARTNERS_KEY]\n    system: {type: embedded}\n"
    write_libraries(old, LIBRARIES.replace("    system: {type: embedded}\n", demo))

    lines = upgrade(old)

    reason = "the file of a library may name its own secrets and files alone, found 'env:PARTNERS_KEY'"
    assert f"gateway.yml: library demo stays: {reason}" in lines
    (kept,) = read_yaml_file(old.config)["libraries"]
    assert (kept["symbol"], kept["secrets"]) == ("DEMO", ["env:PARTNERS_KEY"])
    assert "The northern one" not in old.config.read_text()
    assert (old.folder / "libraries" / "north" / "library.yml").read_text() == NORTH


def test_libraries_stay_if_a_partner_of_all_could_not_name_its_secret_any_more(old: Installation) -> None:
    """A secret with NORTH's name would be that library's."""
    secret = "auth: [{kind: bearer, secret: env:NORTH_SHARED}]\n"
    (old.folder / "partners" / "shared.yml").write_text(f"extends: illiad-alma\nmatch: [{{path: shared}}]\n{secret}")

    lines = upgrade(old)

    reason = "shared.yml: belongs to library ISIL:XX-NORTH, by its folder or its `secrets`, found 'env:NORTH_SHARED'"
    assert lines[:2] == [f"gateway.yml: library {short} stays: {reason}" for short in ("demo", "north")]
    assert lines[2:] == ["Nothing to do: the files are in the present layout."]


def test_files_that_others_name_stay_where_they_are(old: Installation) -> None:
    libraries = LIBRARIES.replace("requests: requests.yml", "requests: rules/north.yml")
    write_libraries(old, libraries)

    lines = upgrade(old)

    assert not any(line.startswith("rules/north.yml") for line in lines)
    assert "requests: rules/north.yml\n" in (old.folder / "libraries" / "north" / "library.yml").read_text()


def test_the_first_library_stays_the_first(old: Installation) -> None:
    """Folders come after entries, by their names."""
    write_libraries(old, LIBRARIES.replace("symbol: DEMO\n", "symbol: DEMO\n    short: valley\n"))

    lines = upgrade(old)

    first = "it is the first one, whose currency and email count for all"
    assert f"gateway.yml: library valley stays: {first}" in lines
    assert [row.split()[0] for row in old.run("library", "list").stdout.splitlines()] == ["SHORT", "valley", "north"]


@pytest.mark.parametrize(
    ("libraries", "sentence"),
    [
        (
            LIBRARIES.replace("symbol: DEMO", "symbol: DEMO\n    time_zone: Moon"),
            "demo stays: this must be fixed first: ",
        ),
        ("libraries: [{symbol: DEMO}, {symbol: NORTH}]\n", "demo stays: its entry doesn't begin with a line "),
        ("libraries:\n  - symbol: DEMO\n  - {symbol: NORTH, name: 2.00}\n", "north stays: it would have other values"),
    ],
)
def test_an_entry_that_cannot_move_stays_with_the_reason(old: Installation, libraries: str, sentence: str) -> None:
    write_libraries(old, libraries)

    lines = upgrade(old, "--dry-run")

    assert any(line.startswith(f"gateway.yml: library {sentence}") for line in lines), lines


def test_an_entry_in_braces_gets_lines(old: Installation) -> None:
    write_libraries(old, 'libraries:\n  - symbol: DEMO\n  - {symbol: ISIL:XX-NORTH, short: north, name: "Nord: 1"}\n')

    upgrade(old)

    written = (old.folder / "libraries" / "north" / "library.yml").read_text()
    assert written == 'symbol: "ISIL:XX-NORTH"\nshort: north\nname: "Nord: 1"\n'


def test_one_library_alone_stays_in_gateway_yml(old: Installation) -> None:
    (old.folder / "partners" / "seeberg.yml").unlink()
    write_libraries(old, "libraries:\n  - symbol: DEMO\n")

    assert upgrade(old) == ["Nothing to do: the files are in the present layout."]


def test_libraries_stay_if_gateway_yml_is_a_link(old: Installation) -> None:
    old.config.rename(old.folder / "real.yml")
    old.config.symlink_to(old.folder / "real.yml")

    assert upgrade(old)[0] == "gateway.yml: library demo stays: the file is a link"
