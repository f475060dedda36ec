"""Words of the forms `request` and `hold`: to be read before one is sent that waited until somebody had signed in."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.domain.requests.request import ServiceType
from gateway.services.letters.localization import mark_text
from gateway.web.pages.page_request import PageRequest

SERVICES: Mapping[str, str] = {
    ServiceType.LOAN.value: mark_text("The whole item, on loan"),
    ServiceType.COPY.value: mark_text("A copy of an article, a chapter or some pages"),
}

FIELDS: Mapping[str, str] = {
    "service": mark_text("What do you need?"),
    "component_title": mark_text("Title of the article or chapter"),
    "component_author": mark_text("Author of the article or chapter"),
    "volume": mark_text("Volume"),
    "issue": mark_text("Issue"),
    "pages": mark_text("Pages"),
    "volumes": mark_text("Volumes, one per line"),
    "format_copy": mark_text("Format of the copy"),
    "format_loan": mark_text("Material type"),
    "pickup": mark_text("Pickup location"),
    "need_by": mark_text("Needed by"),
    "note": mark_text("Note to the library"),
    "declared": mark_text("Declaration"),
}
"""As their labels name them."""

UNSAID = frozenset({"link", "form"})
"""The citation, which has rows of its own, and the form's id."""


async def list_kept_rows(page: PageRequest, kept: Mapping[str, str]) -> list[tuple[str, str]]:
    """Label and value, as the forms show them. Raises PageError where nothing is cited that can be read."""
    pickups = {place.code: place.name for place in await page.offering.list_pickup_locations()}
    shown = {
        "service": {value: page.gettext(text) for value, text in SERVICES.items()},
        "pickup": pickups,
        "format_copy": page.words.services,
        "format_loan": page.words.services,
        "declared": {"yes": declaration_text(page)},
    }
    cited = page.citation_rows(page.decode_link(kept.get("link", "").encode()).citation)
    rows = [
        (page.gettext(FIELDS[name]) if name in FIELDS else name, shown.get(name, {}).get(value, value))
        for name, value in kept.items()
        if value and name not in UNSAID
    ]
    return [*cited, *rows]


def declaration_text(page: PageRequest) -> str:
    """Return what patrons declare who want a copy."""
    own = page.localization.choose_text(page.context.policy().services.declaration.text)
    return own or page.gettext(
        "I need this copy for my own study or research. I will not use it for any other purpose or pass it on."
    )
