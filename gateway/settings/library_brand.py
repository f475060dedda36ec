"""The look of a library's patrons' pages, letters and sign-in page of staff: its logo, its colour, and a link to it."""

from __future__ import annotations

import os.path
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import field
from pathlib import Path
from typing import Annotated, Self
from xml.parsers import expat

from pydantic import AfterValidator, Field, model_validator

from gateway.domain.circulation_policy import ProfileSection
from gateway.domain.secret_reference import UrlWithoutSecret
from gateway.domain.sentences import mark_template
from gateway.domain.value import value_object

MIN_CONTRAST = 4.5
"""The contrast that text needs (WCAG 2.2, 1.4.3); an edge needs less."""

LIGHT_GROUNDS = ("#ffffff", "#f5f4f0")
DARK_GROUNDS = ("#1d2125", "#15181b")
"""The colours of pages (paper and ground in tokens.css) on which a library's own is seen."""

MAX_LOGO_BYTES = 100_000
MAX_LOGO_PIXELS = 2_000
"""The largest width and height of a PNG."""

_COLOUR = re.compile(r"#?([0-9A-Fa-f]{6})")

_SVG = "http://www.w3.org/2000/svg"
_SCRIPTS = frozenset({"script", "foreignobject", "iframe", "handler", "listener"})
_SELF_CONTAINED = re.compile(r"#|data:image/(png|jpeg|gif|webp)[;,]")
_LOADING_STYLE = re.compile(r"@import|url\(\s*['\"]?(?!\s*['\"]?#)", re.IGNORECASE)

_PNG_START = b"\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR"


def compute_contrast(colour: str, other: str) -> float:
    """Compute the contrast of two colours such as #14506b, from 1 to 21, by the formula of WCAG 2.2."""
    high, low = sorted((_compute_luminance(colour), _compute_luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def _compute_luminance(colour: str) -> float:
    parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _make_colour_check(grounds: tuple[str, ...], remedy: str) -> Callable[[str], str]:
    def check_colour(text: str) -> str:
        if not text:
            return ""
        match = _COLOUR.fullmatch(text)
        if match is None:
            raise ValueError(mark_template('not a colour such as "#14506b" (in quotes)'))
        colour = f"#{match[1].lower()}"
        contrast, ground = min((compute_contrast(colour, ground), ground) for ground in grounds)
        if contrast < MIN_CONTRAST:
            raise ValueError(f"contrast of {contrast:.2f} on {ground}, {MIN_CONTRAST} is needed: choose a {remedy} one")
        return colour

    return check_colour


class BrandSettings(ProfileSection):
    """The brand of one library. Its logo is read with the settings (`LibrarySettings.own_logo`)."""

    logo: str = Field(
        "", description="SVG or PNG file in the library's folder or the folder of `letters`, relative to this file"
    )
    colour: Annotated[str, AfterValidator(_make_colour_check(LIGHT_GROUNDS, "darker"))] = Field(
        "", description='colour on light pages and of letters, such as "#14506b"; empty: none'
    )
    dark_colour: Annotated[str, AfterValidator(_make_colour_check(DARK_GROUNDS, "lighter"))] = Field(
        "", description="colour on dark pages; empty: that of all libraries"
    )
    home: UrlWithoutSecret = Field("", pattern=r"^(https?://\S+)?$", description="the library's website; empty: none")

    @model_validator(mode="after")
    def _check_both_colours(self) -> Self:
        if self.dark_colour and not self.colour:
            raise ValueError(mark_template("dark_colour needs colour, for light pages"))
        return self


@value_object
class LibraryLogo:
    """`suffix`: .svg or .png."""

    suffix: str
    content: bytes = field(repr=False)


def read_logo(file: Path, folders: Iterable[Path]) -> LibraryLogo:
    """Read a logo that must be in one of the folders. Raises ValueError (what is wrong with it), OSError."""
    real = Path(os.path.realpath(file))
    if not any(real.is_relative_to(os.path.realpath(folder)) for folder in folders):
        raise ValueError(mark_template("a logo must be in the library's folder or in the folder of letters"))
    suffix = file.suffix.lower()
    check = {".svg": _check_svg, ".png": _check_png}.get(suffix)
    if check is None:
        raise ValueError(mark_template("a logo must be an SVG or PNG file (.svg, .png)"))
    with real.open("rb") as stream:
        content = stream.read(MAX_LOGO_BYTES + 1)
    if len(content) > MAX_LOGO_BYTES:
        raise ValueError(f"a logo may have at most {MAX_LOGO_BYTES // 1000} kB: make it smaller")
    check(content)
    return LibraryLogo(suffix, content)


def _check_png(content: bytes) -> None:
    if not content.startswith(_PNG_START) or len(content) < 24:
        raise ValueError(mark_template("not a PNG file"))
    width, height = (int.from_bytes(content[start : start + 4], "big") for start in (16, 20))
    if not (0 < width <= MAX_LOGO_PIXELS and 0 < height <= MAX_LOGO_PIXELS):
        raise ValueError(f"{width} x {height} pixels: at most {MAX_LOGO_PIXELS} each way: make it smaller")


def _check_svg(content: bytes) -> None:
    """Check that a file is SVG, runs nothing and loads nothing from elsewhere. Raises ValueError."""
    is_root = True
    texts: list[str] = []

    def check_element(name: str, attributes: Mapping[str, str]) -> None:
        nonlocal is_root
        space, _, local = name.rpartition(" ")
        if is_root and (space, local) != (_SVG, "svg"):
            raise ValueError(mark_template("not an SVG file"))
        is_root = False
        if local.lower() in _SCRIPTS:
            raise ValueError(f"a logo may have no <{local}>: remove it")
        for key, value in attributes.items():
            attribute = key.rpartition(" ")[2].lower()
            is_link = attribute in ("href", "src") and not _SELF_CONTAINED.match(value.strip())
            if attribute.startswith("on") or is_link or _LOADING_STYLE.search(value):
                raise ValueError(f"a logo may run and load nothing: remove {attribute} of <{local}>")

    def refuse_entity(*_declaration: object) -> None:
        raise ValueError(mark_template("a logo may have no entities of its own: save it as plain SVG"))

    def refuse_instruction(target: str, _data: str) -> None:
        raise ValueError(f"a logo may load nothing: remove <?{target}?>")

    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler = check_element
    parser.CharacterDataHandler = texts.append
    parser.EntityDeclHandler = refuse_entity
    parser.ProcessingInstructionHandler = refuse_instruction
    try:
        parser.Parse(content, True)
    except (expat.ExpatError, LookupError) as error:  # LookupError: an unknown encoding
        raise ValueError(f"not an SVG file: {error}") from error
    if _LOADING_STYLE.search("".join(texts)):
        raise ValueError(mark_template("a logo may load nothing: remove @import and url() of its styles"))
