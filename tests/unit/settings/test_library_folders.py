"""libraries/SHORT/library.yml: a library in a folder of its own."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import BaseModel

from gateway.adapter_registry import AdapterRegistry
from gateway.domain.circulation_policy import ProfileSection
from gateway.domain.problems import ConfigurationError
from gateway.domain.secret_reference import FileName, SecretReference
from gateway.ports.adapter import LibraryAdapter, LibraryAdapterContext
from gateway.ports.guarded_library import LibrarySystem
from gateway.settings import Settings, load_settings
from tests.unit.profiles.support import ADAPTERS


def write_folder(folder: Path, short: str, text: str) -> Path:
    own = folder / "libraries" / short
    own.mkdir(parents=True)
    (own / "library.yml").write_text(text, encoding="utf-8")
    return own


def load(folder: Path, text: str = "") -> Settings:
    (folder / "gateway.yml").write_text(text, encoding="utf-8")
    return load_settings(folder / "gateway.yml", ADAPTERS)


def test_folders_are_all_libraries_in_the_order_of_their_names(tmp_path: Path) -> None:
    write_folder(tmp_path, "lib02", "symbol: ISIL:US-BBB\nname: Birch\n")
    write_folder(tmp_path, "lib01", "symbol: ISIL:US-AAA\nname: Alder\n")

    libraries = load(tmp_path).libraries

    assert [(library.short_name, library.symbol, library.name) for library in libraries] == [
        ("lib01", "ISIL:US-AAA", "Alder"),
        ("lib02", "ISIL:US-BBB", "Birch"),
    ]


def test_they_come_after_those_of_gateway_yml(tmp_path: Path) -> None:
    write_folder(tmp_path, "alder", "symbol: AAA\n")

    libraries = load(tmp_path, "libraries: [{symbol: ZZZ}]\n").libraries

    assert [library.symbol for library in libraries] == ["ZZZ", "AAA"]


def test_a_library_has_its_own_rules_and_letters_where_they_are_there(tmp_path: Path) -> None:
    own = write_folder(tmp_path, "lib01", "symbol: AAA\nletters: {language: de}\n")
    (own / "requests.yml").write_text("{}\n")
    (own / "letters").mkdir()
    write_folder(tmp_path, "lib02", "symbol: BBB\nshort: birch\n")

    first, second = load(tmp_path).libraries

    assert first.requests == "libraries/lib01/requests.yml"
    assert (first.letters.folder, first.letters.language) == ("libraries/lib01/letters", "de")
    assert (second.requests, second.letters.folder, second.short_name) == ("requests.yml", "", "birch")


def test_a_wrong_key_is_said_with_its_own_file_and_holds_back_that_library(tmp_path: Path) -> None:
    write_folder(tmp_path, "lib01", "symbol: AAA\n")
    write_folder(tmp_path, "lib02", "symbol: BBB\n\nnmae: Birch\n")

    settings = load(tmp_path)

    assert [library.symbol for library in settings.served_libraries] == ["AAA"]
    (problem,) = settings.libraries[1].problems
    assert (Path(problem.file).name, Path(problem.file).parent.name, problem.line) == ("library.yml", "lib02", 3)


@pytest.mark.parametrize(
    ("text", "symbol", "said"),
    [
        ("symbol: ISIL:US-BBB  # Birch\nname: [Birch\n", "ISIL:US-BBB", ":3: not YAML: "),
        ("symbol: [BBB\n", "lib02", ":2: not YAML: "),
        ("name: Birch\n", "lib02", ":1: symbol: must name its library"),
        ("symbol: Birch County\n", "lib02", ":1: symbol: is not a symbol"),
    ],
)
def test_a_file_that_does_not_say_whose_it_is_holds_back_that_library(
    tmp_path: Path, text: str, symbol: str, said: str
) -> None:
    write_folder(tmp_path, "lib01", "symbol: AAA\n")
    write_folder(tmp_path, "lib02", text)

    settings = load(tmp_path)

    assert [library.symbol for library in settings.served_libraries] == ["AAA"]
    held_back = settings.find_library("lib02")
    assert (held_back.symbol, held_back.short_name) == (symbol, "lib02")
    (problem,) = held_back.problems
    assert said in str(problem)


def test_the_file_of_the_only_library_must_be_right(tmp_path: Path) -> None:
    write_folder(tmp_path, "lib02", "symbol: [BBB\n")

    with pytest.raises(ConfigurationError, match=r"lib02/library\.yml:2: not YAML"):
        load(tmp_path)


def test_a_symbol_that_stands_twice_is_refused_for_all(tmp_path: Path) -> None:
    for short in ("lib01", "lib02"):
        write_folder(tmp_path, short, "symbol: AAA\n")

    with pytest.raises(ConfigurationError, match=r"lib02/library\.yml:1: symbol: is listed twice"):
        load(tmp_path)


# --- defaults ------------------------------------------------------------------------------------------------


def test_a_library_has_the_defaults_unless_its_file_says_else(tmp_path: Path) -> None:
    write_folder(tmp_path, "lib01", "symbol: AAA\n")
    write_folder(tmp_path, "lib02", "symbol: BBB\ntime_zone: America/Chicago\ncurrency: null\n")

    listed, first, second = load(
        tmp_path, "libraries: [{symbol: ZZZ}]\ndefaults: {time_zone: America/New_York, currency: USD}\n"
    ).libraries

    assert (listed.time_zone, listed.currency) == (first.time_zone, first.currency) == ("America/New_York", "USD")
    assert (second.time_zone, second.currency) == ("America/Chicago", "EUR")


def test_placeholders_are_what_the_library_is_called(tmp_path: Path) -> None:
    write_folder(tmp_path, "lib-01", "symbol: ISIL:US-AAA\nsymbols: [OCLC:AAA]\nname: Alder\n")
    defaults = (
        "defaults:\n"
        '  sender: "{library}@ill.example"\n'
        '  email: "ill@{library.OCLC}.example"\n'
        '  address: "{library.name}, {library.email}"\n'
        '  phone: "{LIBRARY} {library.symbol} {x}"\n'
    )

    library = load(tmp_path, defaults).libraries[0]

    assert (library.sender, library.email) == ("lib-01@ill.example", "ill@AAA.example")
    assert library.address == "Alder, ill@AAA.example"
    assert library.phone == "LIB_01 ISIL:US-AAA {x}"


def test_a_placeholder_that_a_library_lacks_holds_that_one_back(tmp_path: Path) -> None:
    write_folder(tmp_path, "lib01", "symbol: ISIL:US-AAA\nsymbols: [OCLC:AAA]\n")
    write_folder(tmp_path, "lib02", "symbol: ISIL:US-BBB\n")

    settings = load(tmp_path, 'defaults:\n  phone: "{library.OCLC}"\n')

    assert [library.phone for library in settings.served_libraries] == ["AAA"]
    (problem,) = settings.find_library("lib02").problems
    assert str(problem).endswith(
        "gateway.yml:2: defaults.phone: library ISIL:US-BBB has no such value in its settings, found '{library.OCLC}', "
        "allowed: {library}, {LIBRARY}, {library.symbol}, {library.ISIL} (did you mean '{library.symbol}'?)"
    )


class ShelfOptions(ProfileSection):
    url: str
    branch: str = ""
    key: SecretReference = ""
    certificate: FileName = ""


class BoxOptions(ProfileSection):
    lid: bool = False


async def never_opened(context: LibraryAdapterContext, options: BaseModel) -> LibrarySystem:
    raise AssertionError("settings open no library")


SYSTEMS = AdapterRegistry.from_adapters(
    LibraryAdapter("embedded", ProfileSection, never_opened),
    LibraryAdapter("shelf", ShelfOptions, never_opened),
    LibraryAdapter("box", BoxOptions, never_opened),
)


def list_problems(folder: Path, text: str) -> dict[str, list[str]]:
    """By short name of the library."""
    (folder / "gateway.yml").write_text(text, encoding="utf-8")
    libraries = load_settings(folder / "gateway.yml", SYSTEMS).libraries
    return {
        library.short_name: [str(problem).replace(f"{folder}/", "") for problem in library.problems]
        for library in libraries
    }


def test_what_lacks_is_said_of_the_own_file_and_what_is_wrong_where_it_stands(tmp_path: Path) -> None:
    write_folder(tmp_path, "lib01", "symbol: AAA\nsystem: {url: 'https://a.example'}\n")
    write_folder(tmp_path, "lib02", "symbol: BBB\nname: Birch\nsystem: {branch: MAIN}\n")
    write_folder(tmp_path, "lib03", "symbol: CCC\n")
    write_folder(tmp_path, "lib04", "symbol: DDD\nsystem: {url: 'https://d.example'}\ncurrency: usd\n")
    write_folder(tmp_path, "lib05", "symbol: EEE\nsystem: {url: 'https://e.example', branch: null}\n")

    said = list_problems(tmp_path, "defaults:\n  system: {type: shelf, branch: []}\n")

    assert said == {
        "lib01": ["gateway.yml:2: defaults.system.branch: expected text (put it in quotes), found a list"],
        "lib02": ["libraries/lib02/library.yml:3: system.url: is missing"],
        "lib03": [
            "libraries/lib03/library.yml:1: system.url: is missing",
            "gateway.yml:2: defaults.system.branch: expected text (put it in quotes), found a list",
        ],
        "lib04": [
            "libraries/lib04/library.yml:3: currency: string should match pattern '^[A-Z]{3}$', found 'usd'",
            "gateway.yml:2: defaults.system.branch: expected text (put it in quotes), found a list",
        ],
        "lib05": [],
    }


def test_a_default_that_is_wrong_for_all_is_said_once(tmp_path: Path) -> None:
    for short in ("aa", "bb"):
        write_folder(tmp_path, short, f"symbol: {short}\n")

    with pytest.raises(ConfigurationError) as caught:
        load(tmp_path, "defaults: {curency: USD}\n")

    (problem,) = caught.value.problems
    assert "gateway.yml:1: defaults.curency: unknown key" in str(problem)


def test_a_system_of_another_type_has_no_defaults_of_this_one(tmp_path: Path) -> None:
    write_folder(tmp_path, "lib01", "symbol: AAA\nsystem: {type: box, lid: true}\n")
    write_folder(tmp_path, "lib02", "symbol: BBB\nsystem: {type: shelf}\n")

    assert list_problems(tmp_path, "defaults: {system: {type: shelf, url: 'https://x.example'}}\n") == {
        "lib01": [],
        "lib02": [],
    }


@pytest.mark.parametrize("key", ["symbol", "short", "symbols"])
def test_no_default_says_which_library_it_is(tmp_path: Path, key: str) -> None:
    write_folder(tmp_path, "lib01", "symbol: AAA\n")

    with pytest.raises(ConfigurationError, match=rf"defaults\.{key}: says which library it is: no default for all"):
        load(tmp_path, f"defaults: {{{key}: x}}\n")


OWN_ROLES = "staff: oidc.grants: ill: a library's own provider gives roles in it alone"


@pytest.mark.parametrize(
    ("url", "grant", "said"),
    [
        ("https://ill.example", "{value: ill, role: staff}", ""),
        ("https://ill.example", "{value: ill, role: office}", OWN_ROLES),
        ("https://ill.example", "{value: ill, role: manager@*}", OWN_ROLES),
        ("https://ill.example", "{value: ill, role: staff, library: lib02}", OWN_ROLES),
        ("", "{value: ill, role: staff}", "staff.oidc.issuer: needs http.public_url, where staff come back"),
    ],
)
def test_a_provider_of_a_library_gives_roles_in_it_alone(tmp_path: Path, url: str, grant: str, said: str) -> None:
    oidc = f"{{issuer: 'https://login.example', client_id: ill, grants: [{grant}]}}"
    write_folder(tmp_path, "lib01", f"symbol: AAA\nstaff: {{oidc: {oidc}}}\n")
    write_folder(tmp_path, "lib02", "symbol: BBB\n")

    problems = list_problems(tmp_path, f"http: {{public_url: '{url}'}}\n")

    assert problems["lib02"] == []
    begin = f"libraries/lib01/library.yml:2: {said}"
    assert [problem.startswith(begin) for problem in problems["lib01"]] == ([True] if said else [])


# --- whose secrets --------------------------------------------------------------------------------------------

ALONE = "the file of a library may name its own secrets and files alone"


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("system: {type: shelf, url: x, key: 'env:LIB01_KEY'}", ""),
        ("system: {type: shelf, url: x, key: 'file:libraries/lib01/secrets/key'}", ""),
        ("system: {type: shelf, url: x, certificate: libraries/lib01/key.pem}", ""),
        ("secrets: ['env:LIB01_*', 'file:libraries/lib01/*', 'file:libraries/lib01/secrets/a*']", ""),
        ("system: {type: shelf, url: x, key: 'env:LIB02_KEY'}", "system.key"),
        ("system: {type: shelf, url: x, key: 'env:LIB012_KEY'}", "system.key"),
        ("system: {type: shelf, url: x, key: 'env:DATABASE'}", "system.key"),
        ("system: {type: shelf, url: x, key: 'file:libraries/lib02/secrets/key'}", "system.key"),
        ("system: {type: shelf, url: x, key: 'file:libraries/lib01/../lib02/secrets/key'}", "system.key"),
        ("system: {type: shelf, url: x, key: 'file:libraries/lib01/link'}", "system.key"),
        ("system: {type: shelf, url: x, certificate: /proc/self/environ}", "system.certificate"),
        ("secrets: ['env:*']", "secrets.0"),
        ("secrets: ['env:LIB0*']", "secrets.0"),
        ("secrets: ['env:LIB01_KEY', 'file:libraries/lib01*']", "secrets.1"),
        ("secrets: ['file:libraries/lib01/../*']", "secrets.0"),
        ("sign_in: {oidc: {client_secret: 'env:LIB02_OIDC'}}", "sign_in.oidc.client_secret"),
        ("staff: {oidc: {client_secret: 'env:LIB02_OIDC'}}", "staff.oidc.client_secret"),
    ],
)
def test_the_file_of_a_library_names_its_own_alone(tmp_path: Path, text: str, key: str) -> None:
    own = write_folder(tmp_path, "lib01", f"symbol: AAA\n{text}\n")
    write_folder(tmp_path, "lib02", "symbol: BBB\n")
    (own / "link").symlink_to("../lib02/secrets/key")

    said = list_problems(tmp_path, "")["lib01"]

    assert [line.partition(", found")[0] for line in said] == (
        [f"libraries/lib01/library.yml:2: {key}: {ALONE}"] if key else []
    )


def test_the_office_names_any(tmp_path: Path) -> None:
    write_folder(tmp_path, "lib01", "symbol: AAA\n")
    write_folder(tmp_path, "lib02", "symbol: BBB\nsystem: {type: box}\n")

    defaults = "defaults: {secrets: ['env:SHARED'], system: {type: shelf, url: x, key: 'env:ALL_KEYS'}}\n"

    assert list_problems(tmp_path, defaults) == {"lib01": [], "lib02": []}


@pytest.mark.parametrize("short", ["lib-1", "lib_1-a"])
def test_names_of_variables_begin_as_those_of_no_other_library(tmp_path: Path, short: str) -> None:
    write_folder(tmp_path, "lib_1", "symbol: AAA\n")
    write_folder(tmp_path, "lib2", f"symbol: BBB\nshort: {short}\n")

    (problem,) = load(tmp_path).libraries[1].problems

    assert "names of variables would begin as those of library BBB do" in str(problem)
