"""How each figure of the statistics comes about, in a sentence: for pages, files and the API alike."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from gateway.domain.value import value_object
from gateway.services.letters.localization import mark_text


class FigureKind(StrEnum):
    REQUESTS = "requests"
    FILLED = "filled"
    UNFILLED = "unfilled"
    CANCELLED = "cancelled"
    OPEN = "open"
    FILL_RATE = "fill-rate"
    YEAR_BEFORE = "year-before"
    TURNAROUND = "turnaround"
    PARTNERS = "partners"
    DAYS_TO_SUPPLY = "days-to-supply"
    REASONS = "reasons"
    ENDINGS = "endings"
    COSTS = "costs"
    SURVEYS = "surveys"


@value_object
class FigureRule:
    """`name` of the figure, as columns have it."""

    name: str
    text: str


FIGURE_RULES: Mapping[FigureKind, FigureRule] = {
    FigureKind.REQUESTS: FigureRule(
        mark_text("Requests"), mark_text("All requests that were created in these months (UTC).")
    ),
    FigureKind.FILLED: FigureRule(
        mark_text("Filled"),
        mark_text(
            "Borrowing: received. Lending: shipped or delivered. A filled request stays filled, whatever happens later."
        ),
    ),
    FigureKind.UNFILLED: FigureRule(
        mark_text("Unfilled"),
        mark_text(
            "No library could supply it, it expired, it was lost in transit, or staff closed it as not available."
        ),
    ),
    FigureKind.CANCELLED: FigureRule(
        mark_text("Cancelled"),
        mark_text(
            "Cancelled by the patron or the requester, or closed by staff for another reason than “not available”."
        ),
    ),
    FigureKind.OPEN: FigureRule(
        mark_text("Still open"),
        mark_text(
            "Not ended yet, with its share of all requests: their result is not known, so these figures will change."
        ),
    ),
    FigureKind.FILL_RATE: FigureRule(
        mark_text("Fill rate"),
        mark_text(
            "Filled requests divided by filled and unfilled ones. While requests are open, “between … and …” shows the "
            "bounds of the final rate: all open requests unfilled, or all filled."
        ),
    ),
    FigureKind.YEAR_BEFORE: FigureRule(
        mark_text("Year before"), mark_text("The same months a year earlier, counted today.")
    ),
    FigureKind.TURNAROUND: FigureRule(
        mark_text("Turnaround time"),
        mark_text(
            "Days of 24 hours from the creation of the request, including closing days; filled requests only. Half of "
            "them took at most the median, nine of ten at most the 90th percentile. Fewer than five requests show no "
            "figures."
        ),
    ),
    FigureKind.PARTNERS: FigureRule(
        mark_text("By library"),
        mark_text("Each request to a library counts in its own month; one request may be sent to several libraries."),
    ),
    FigureKind.DAYS_TO_SUPPLY: FigureRule(
        mark_text("Days to supply"),
        mark_text("Average and median, from the request to that library until it shipped; at least five shipments."),
    ),
    FigureKind.REASONS: FigureRule(
        mark_text("Unfilled reasons"),
        mark_text("Borrowing: of each library that could not supply. Lending: of each unfilled request."),
    ),
    FigureKind.ENDINGS: FigureRule(
        mark_text("Closed by staff"), mark_text("Borrowing requests that staff closed, by the reason that they chose.")
    ),
    FigureKind.COSTS: FigureRule(
        mark_text("Costs"),
        mark_text(
            "As charged, or as agreed if nothing was charged; filled requests only. Amounts in different currencies "
            "are not added up."
        ),
    ),
    FigureKind.SURVEYS: FigureRule(
        mark_text("Surveys"),
        mark_text("Requests that were created in the chosen months and have the named result today."),
    ),
}
