"""libraries/SHORT/library.yml: a library in a folder of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.domain.problems import ConfigurationError
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


def test_a_file_that_is_not_yaml_is_named(tmp_path: Path) -> None:
    write_folder(tmp_path, "lib01", "symbol: AAA\n")
    write_folder(tmp_path, "lib02", "symbol: [BBB\n")

    with pytest.raises(ConfigurationError, match=r"lib02/library\.yml:2: not YAML"):
        load(tmp_path)
