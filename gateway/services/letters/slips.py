"""What the slips in and on an item say: where it goes, and whose it is. Pure."""

from __future__ import annotations

from datetime import date, tzinfo

from gateway.domain.frozen import frozen_by_name
from gateway.domain.library import Patron
from gateway.domain.requests.request import Request
from gateway.ports.library import LibraryInfo
from gateway.services.letters.facts import Content
from gateway.services.letters.rows import citation_rows, rows
from gateway.services.letters.words import Words


@frozen_by_name
class SlipFacts:
    """`pickup`: the place's name. `hold_until`: last day on the hold shelf."""

    barcode: str = ""
    pickup: str = ""
    hold_until: date | None = None


def for_slip(
    request: Request, patron: Patron | None, library: LibraryInfo, words: Words, zone: tzinfo, facts: SlipFacts
) -> Content:
    """Of a borrowing request: the partner is who owns the item."""
    partner, attempt = request.partner, request.attempt
    due = request.terms.lender_due
    theirs = (attempt.theirs or attempt.transaction) if attempt is not None else ""
    return Content(
        name="",
        inline={
            "number": request.number,
            "title": request.citation.short,
            "owner": partner.name or partner.symbol or partner.profile,
            "reader": patron.name.inverted if patron is not None else request.patron.identifier,
            "pickup": facts.pickup,
            "hold_until": words.day(facts.hold_until) if facts.hold_until else "",
        },
        blocks={
            "owner_address": rows(
                words, ("symbol", partner.symbol), ("address", partner.address), ("email", partner.email)
            ),
            "piece": rows(
                words,
                ("barcode", facts.barcode),
                ("our-reference", request.number),
                ("your-reference", theirs),
                ("due", words.when(due, zone) if due is not None else ""),
            ),
            "item": citation_rows(request.citation, words),
        },
        quotes={},
        links={},
        plain={"request": request, "library": library},
    )
