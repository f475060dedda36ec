"""A library's own look on pages: its logo, its colour and a link to its website, as its settings have them now."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from urllib.parse import quote

from aiohttp import web

from gateway.domain.value import value_object
from gateway.settings import LibrarySettings
from gateway.settings.library_brand import LibraryLogo
from gateway.web.html.assets import TYPES, PageAsset, asset_response, make_asset

COLOURS = "colours.css"
LOGO = "logo"

_LOGO_HEADERS = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"}
"""An SVG that somebody opens by itself is a page of ours: it can do nothing."""


@value_object
class PageBrand:
    """URLs of the library's website, of a style sheet with its colours, and of its logo; each empty for none."""

    home: str
    colours: str
    logo: str


class BrandAssets:
    """The files that a `PageBrand` names, served below `root`/_brand. `find_library`: the settings of a library by its
    symbol; raises KeyError."""

    def __init__(self, root: str, find_library: Callable[[str], LibrarySettings]) -> None:
        self._root = f"{root}/_brand"
        self._find_library = find_library

    def find_brand(self, library: str) -> PageBrand:
        settings = self._find_library(library)
        urls = {
            name: f"{self._root}/{quote(library, safe=':')}/{name}?v={asset.version}"
            for name, asset in _make_assets(settings).items()
        }
        return PageBrand(settings.brand.home, urls.get(COLOURS, ""), urls.get(LOGO, ""))

    def register(self, app: web.Application) -> None:
        app.router.add_get(f"{self._root}/{{library}}/{{name}}", self.serve_asset)

    async def serve_asset(self, request: web.Request) -> web.StreamResponse:
        library, name = request.match_info["library"], request.match_info["name"]
        try:
            asset = _make_assets(self._find_library(library))[name]
        except KeyError:
            raise web.HTTPNotFound from None
        response = asset_response(request, asset)
        if name == LOGO:
            response.headers.update(_LOGO_HEADERS)
        return response


def _make_assets(library: LibrarySettings) -> Mapping[str, PageAsset]:
    """Make them by name."""
    assets: dict[str, PageAsset] = {}
    if library.brand.colour:
        assets[COLOURS] = make_asset(_write_colours(library).encode(), TYPES[".css"])
    if (logo := library.own_logo) is not None:
        assets[LOGO] = _make_logo(logo)
    return assets


@lru_cache(maxsize=256)
def _make_logo(logo: LibraryLogo) -> PageAsset:
    """Make it once, not for each page."""
    return make_asset(logo.content, TYPES[logo.suffix])


def _write_colours(library: LibrarySettings) -> str:
    light, dark = library.brand.colour, library.brand.dark_colour or "var(--accent)"
    return (
        f":root {{ --brand: {light}; }}\n"
        f'@media (prefers-color-scheme: dark) {{ :root:not([data-theme="light"]) {{ --brand: {dark}; }} }}\n'
        f':root[data-theme="dark"] {{ --brand: {dark}; }}\n'
        ".top { border-block-start: 4px solid var(--brand); }\n"
    )
