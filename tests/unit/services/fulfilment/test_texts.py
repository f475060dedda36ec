"""The pages say the same in each shipped language, and nothing that they say lacks."""

from __future__ import annotations

import re
from pathlib import Path
from string import Formatter

import pytest
import yaml

import gateway
from gateway.domain.problems import RefusalReason
from gateway.services.letters.languages import PageTexts

HERE = Path(gateway.__file__).parent
PAGES = HERE / "web" / "pages"


def texts(language: str) -> dict[str, str]:
    found: dict[str, str] = yaml.safe_load((HERE / "letters" / language / "openurl.yml").read_text("utf-8"))["texts"]
    return found


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def test_german_says_all_that_english_says() -> None:
    english, german = texts("en"), texts("de")
    assert german.keys() == english.keys()
    assert {key: fields(text) for key, text in german.items()} == {key: fields(text) for key, text in english.items()}


def test_what_templates_and_pages_say_is_there() -> None:
    sources = [*PAGES.rglob("*.j2"), *PAGES.glob("*.py")]
    said = {
        key
        for file in sources
        for key in re.findall(r"""(?:\bt|\.text|wrong)\((?:"\w+", )?["']([a-z-]+)["'][,)]""", file.read_text("utf-8"))
    }
    faults = {
        f"{key}{end}"
        for file in PAGES.glob("*.py")
        for key in re.findall(r'"(fault-[a-z-]+)"', file.read_text("utf-8"))
        for end in ("", "-why")
    }
    assert len(said) > 60
    said.discard("number")  # a field's name
    assert (said | faults) - texts("en").keys() == set()


def test_refusals_have_names_of_reasons() -> None:
    words = {key.removeprefix("refused-") for key in texts("en") if key.startswith("refused-")}
    assert words - {reason.value for reason in RefusalReason} == {"owned"}  # NOT_ALLOWED about an item


@pytest.mark.parametrize(
    ("wished", "language"),
    [(("de-AT",), "de"), (("fr", "de"), "de"), (("fr",), "en"), ((), "en"), (("", "ger"), "de"), (("../x",), "en")],
)
def test_languages(wished: tuple[str, ...], language: str) -> None:
    assert PageTexts(None, "en").choose_language(wished).language == language


def test_an_operator_says_some_things_differently(tmp_path: Path) -> None:
    (tmp_path / "de").mkdir()
    (tmp_path / "de" / "openurl.yml").write_text("texts: {borrow-title: Fernleihe}\n", "utf-8")
    spoken = PageTexts(tmp_path, "en").choose_language(("de",))
    assert spoken.texts["borrow-title"] == "Fernleihe"
    assert spoken.texts["hold-title"] == "Unser Exemplar vormerken"
