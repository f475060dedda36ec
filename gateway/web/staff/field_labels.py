"""What fields of forms are called where a form is shown away from its page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gateway.services.localization import mark_text
from gateway.web.staff.act_forms import ACT_FIELD_LABELS
from gateway.web.staff.staff_request import StaffRequest

FIELD_LABELS: Mapping[str, str] = {
    **ACT_FIELD_LABELS,
    "author": mark_text("Author or editor"),
    "card": mark_text("Card number"),
    "component_author": mark_text("Author of the article or chapter"),
    "component_title": mark_text("Title of the article or chapter"),
    "edition": mark_text("Edition"),
    "email": mark_text("Email address"),
    "first": mark_text("First day"),
    "issue": mark_text("Issue"),
    "last": mark_text("Last day"),
    "maximum_cost_currency": mark_text("Currency"),
    "name": mark_text("Name"),
    "oclc": mark_text("OCLC number"),
    "pages": mark_text("Pages"),
    "patron": mark_text("Patron’s card number"),
    "place": mark_text("Place"),
    "pmid": mark_text("PubMed ID"),
    "published": mark_text("Year or date"),
    "publisher": mark_text("Publisher"),
    "shown_name": mark_text("Display name"),
    "subject": mark_text("User name at your organisation"),
    "title": mark_text("Title of the book or journal"),
    "transaction": mark_text("Partner’s number"),
    "volume": mark_text("Volume"),
    "work": mark_text("ISBN, ISSN, DOI, or words of the title"),
}
"""As their pages have them. Others are shown by the name that is sent: what a program has put there has no label."""


def label_fields(page: StaffRequest, fields: Sequence[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Label and value of each field that says something, in the order in which they are sent."""
    return tuple((page.gettext(FIELD_LABELS.get(name, name)), value) for name, value in fields if value)
