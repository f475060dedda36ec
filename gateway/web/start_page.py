"""The start page at `/`: it leads everybody on: readers, staff, programs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from urllib.parse import quote

from aiohttp import web

from gateway.domain.value import value_object
from gateway.ports.library_system import LibraryInfo
from gateway.services.letters.localization import Localization, TextCatalogues
from gateway.web.api.openapi import ROOT as API
from gateway.web.html import assets, rendering
from gateway.web.html.assets import PageAssets, html_response, redirect_response
from gateway.web.html.rendering import PageTemplates
from gateway.web.html.visits import LANGUAGE, BrowserVisits, preferred_languages

LANGUAGE_KEY = "ui_language"

ASSETS = PageAssets("/_assets", (assets.FOLDER,))
TEMPLATES = PageTemplates(rendering.FOLDER, ASSETS)


@value_object(kw_only=True)
class StartLinks:
    """The links that there are. `list_libraries`: those that are served now; `readers`, `staff`: whether these pages
    are there."""

    list_libraries: Callable[[], Sequence[LibraryInfo]]
    readers: bool
    staff: bool


class StartPage:
    """`HttpSite.start`."""

    def __init__(self, links: StartLinks, texts: TextCatalogues, visits: BrowserVisits) -> None:
        self._links = links
        self._texts = texts
        self._visits = visits

    def register(self, app: web.Application) -> None:
        ASSETS.register(app)
        app.router.add_get("/", self.show_start)

    async def show_start(self, request: web.Request) -> web.Response:
        chosen = request.query.get(LANGUAGE_KEY, "")
        if chosen:
            response = redirect_response("/")
            if chosen in self._texts.known:
                self._visits.set_language_cookie(response, chosen, self._visits.is_https(request))
            return response
        localization = self._texts.choose_language((request.cookies.get(LANGUAGE, ""), *preferred_languages(request)))
        return html_response(self._render_start(localization), 200)

    def _render_start(self, localization: Localization) -> str:
        libraries = self._links.list_libraries()
        return TEMPLATES.render(
            "start",
            localization,
            {
                "title": libraries[0].name if len(libraries) == 1 else localization.gettext("Our libraries"),
                "readers": [
                    (library.name or library.symbol, f"/openurl/{quote(library.symbol, safe=':')}")
                    for library in libraries
                    if self._links.readers
                ],
                "staff": "/staff" if self._links.staff else "",
                "api": f"{API}/docs",
                "languages": [
                    (code, name, f"/?{LANGUAGE_KEY}={code}")
                    for code, name in self._texts.known.items()
                    if code != localization.language
                ],
                "contacts": [library for library in libraries if library.email or library.phone],
            },
        )
