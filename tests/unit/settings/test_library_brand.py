"""The `brand` of a library: colours that can be seen, and logos that do nothing but show."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.domain.problems import ConfigurationError
from gateway.settings import LibrarySettings, load_settings
from tests.unit.profiles.support import ADAPTERS

SVG = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 9 9">'
    '<defs><linearGradient id="a"><stop stop-color="#0b6a5b"/></linearGradient></defs>'
    '<style>.leaf{fill:url(#a)}</style><path class="leaf" id="b" d="M0 0h9v9z"/><use xlink:href="#b"/></svg>'
)


def make_png(width: int, height: int) -> bytes:
    """The beginning of one: no browser shows it."""
    return b"\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR" + width.to_bytes(4, "big") + height.to_bytes(4, "big")


def load_library(folder: Path, brand: str, name: str = "logo.svg", content: bytes = b"") -> LibrarySettings:
    own = folder / "libraries" / "lib01"
    own.mkdir(parents=True, exist_ok=True)
    (own / "library.yml").write_text(f"symbol: AAA\nbrand:\n  {brand}\n", encoding="utf-8")
    if content:
        (own / name).write_bytes(content)
    (folder / "gateway.yml").write_text("", encoding="utf-8")
    return load_settings(folder / "gateway.yml", ADAPTERS).libraries[0]


@pytest.mark.parametrize(("name", "content"), [("logo.svg", SVG.encode()), ("Logo.PNG", make_png(2_000, 40))])
def test_a_library_has_a_logo_in_its_folder(tmp_path: Path, name: str, content: bytes) -> None:
    library = load_library(tmp_path, f"logo: libraries/lib01/{name}", name, content)

    assert library.own_logo is not None
    assert (library.own_logo.suffix, library.own_logo.content) == (name[-4:].lower(), content)
    again = load_library(tmp_path, f"logo: libraries/lib01/{name}", name, content + b"\n")
    assert again != library, "so that it is served anew"


def test_a_library_has_a_logo_of_the_office(tmp_path: Path) -> None:
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "valley.svg").write_text(SVG)

    library = load_library(tmp_path, "logo: letters/valley.svg")

    assert library.own_logo is not None
    assert library.own_logo.content == SVG.encode()


@pytest.mark.parametrize(
    ("brand", "said"),
    [
        ('colour: "#f2c46d"', "3: brand.colour: contrast of 1.48 on #f5f4f0, 4.5 is needed: choose a darker one"),
        (
            '{colour: "#0B6A5B", dark_colour: "#0b6a5b"}',
            "3: brand.dark_colour: contrast of 2.49 on #1d2125, 4.5 is needed: choose a lighter one",
        ),
        ("colour: teal", "3: brand.colour: not a colour such as \"#14506b\" (in quotes), found 'teal'"),
        ('dark_colour: "#7fd3c0"', "2: brand: dark_colour needs colour, for light pages"),
        ("home: library.example", "3: brand.home: "),
        ("home: https://ana:pin@library.example", "3: brand.home: a URL without user and password"),
        ("logo: libraries/lib01/none.svg", "3: brand.logo: can't be read: No such file or directory"),
        ("logo: libraries/lib02/logo.svg", "3: brand.logo: a logo must be in the library's folder or"),
        ("logo: libraries/lib01/../../logo.svg", "3: brand.logo: a logo must be in the library's folder or"),
        ("logo: libraries/lib01/library.yml", "3: brand.logo: a logo must be an SVG or PNG file"),
    ],
)
def test_a_wrong_brand_is_said_with_file_line_and_remedy(tmp_path: Path, brand: str, said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_library(tmp_path, brand)

    (problem,) = caught.value.problems
    assert f"lib01/library.yml:{said}" in str(problem)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.svg", SVG.replace("<defs>", "<script/><defs>"), "a logo may have no <script>: remove it"),
        ("a.svg", SVG.replace("<defs>", '<defs onload="x()">'), "remove onload of <defs>"),
        ("a.svg", SVG.replace('"#b"', '"https://elsewhere.example/#b"'), "remove href of <use>"),
        ("a.svg", SVG.replace('class="leaf"', "style=\"fill:url('//elsewhere.example')\""), "remove style of <path>"),
        ("a.svg", SVG.replace("url(#a)", "url(//elsewhere.example)"), "remove @import and url() of its styles"),
        ("a.svg", SVG.replace("\n", '<?xml-stylesheet href="//elsewhere.example"?>'), "remove <?xml-stylesheet?>"),
        ("a.svg", SVG.replace("\n", '<!DOCTYPE svg [<!ENTITY a "aaaa">]>'), "no entities of its own"),
        ("a.svg", SVG.replace("/2000/svg", "/1999/xhtml"), "not an SVG file"),
        ("a.svg", SVG[:-6], "not an SVG file: no element found: line 2"),
        ("a.svg", SVG.replace("UTF-8", "klingon"), "not an SVG file: unknown encoding"),
        ("a.svg", SVG.replace("\n", " " * 100_000), "at most 100 kB: make it smaller"),
        ("a.png", SVG, "not a PNG file"),
        ("a.png", make_png(2_001, 40), "2001 x 40 pixels: at most 2000 each way"),
    ],
)
def test_a_logo_that_is_none_or_does_more_is_refused(
    tmp_path: Path, name: str, content: str | bytes, said: str
) -> None:
    written = content.encode() if isinstance(content, str) else content
    with pytest.raises(ConfigurationError, match=r"lib01/library\.yml:3: brand\.logo: ") as caught:
        load_library(tmp_path, f"logo: libraries/lib01/{name}", name, written)

    assert said in str(caught.value)
