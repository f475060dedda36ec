"""Colours of pages: what stands on what can be read, in light and in dark (WCAG 2.2, 1.4.3 and 1.4.11)."""

from __future__ import annotations

import re

import pytest

from gateway.settings.library_brand import DARK_GROUNDS, LIGHT_GROUNDS, MIN_CONTRAST, compute_contrast
from gateway.web.html.assets import FOLDER

TOKENS = (FOLDER / "tokens.css").read_text("utf-8")

TEXT = (
    *("ink paper", "ink ground", "ink sunk", "ink accent-soft"),
    *("soft paper", "soft ground", "soft sunk", "soft accent-soft"),
    *("accent paper", "accent ground", "accent sunk", "accent accent-soft", "accent-ink accent"),
    *("todo todo-soft", "waiting waiting-soft", "way way-soft", "look look-soft", "late late-soft", "good good-soft"),
    *("look paper", "late paper", "late ground", "late accent-soft", "good paper", "good ground"),
    *("ink look-soft", "ink late-soft", "ink good-soft", "ink todo-soft"),
    *("accent look-soft", "accent late-soft", "accent good-soft", "soft look-soft"),
    *("flash-done-ink flash-done", "flash-look-ink flash-look", "flash-wrong-ink flash-wrong"),
)
"""Text on its ground: at least 4.5."""

EDGES = (
    *("edge paper", "edge ground", "edge sunk", "edge accent-soft"),
    *("accent paper", "accent ground", "accent sunk", "accent look-soft", "accent accent-soft", "accent late-soft"),
)
"""Edges of controls and the ring of focus: at least 3."""


def read_tokens(block: str) -> dict[str, str]:
    return dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", block))


LIGHT = read_tokens(TOKENS.split("@media")[0])
DARK_BY_SYSTEM = read_tokens(TOKENS.split("@media")[1].split('[data-theme="dark"]')[0])
DARK_BY_CHOICE = read_tokens(TOKENS.split(':root[data-theme="dark"] {')[1].split("}")[0])


def test_the_formula_is_that_of_wcag() -> None:
    assert compute_contrast("#000000", "#ffffff") == pytest.approx(21)
    assert compute_contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


def test_dark_is_the_same_by_system_and_by_choice() -> None:
    assert DARK_BY_SYSTEM == DARK_BY_CHOICE
    assert DARK_BY_CHOICE.keys() == LIGHT.keys()


def test_a_librarys_colour_is_seen_on_these() -> None:
    assert [(theme["paper"], theme["ground"]) for theme in (LIGHT, DARK_BY_CHOICE)] == [LIGHT_GROUNDS, DARK_GROUNDS]


@pytest.mark.parametrize("theme", [LIGHT, DARK_BY_CHOICE], ids=["light", "dark"])
@pytest.mark.parametrize("pair", TEXT)
def test_text_can_be_read(pair: str, theme: dict[str, str]) -> None:
    front, back = pair.split()

    assert compute_contrast(theme[front], theme[back]) >= MIN_CONTRAST


@pytest.mark.parametrize("theme", [LIGHT, DARK_BY_CHOICE], ids=["light", "dark"])
@pytest.mark.parametrize("pair", EDGES)
def test_edges_of_controls_can_be_seen(pair: str, theme: dict[str, str]) -> None:
    front, back = pair.split()

    assert compute_contrast(theme[front], theme[back]) >= 3


@pytest.mark.parametrize("name", ["tokens.css", "components.css", "print.css"])
def test_styles_load_nothing_from_elsewhere(name: str) -> None:
    text = (FOLDER / name).read_text("utf-8")

    assert "url(" not in text
    assert "@import" not in text
