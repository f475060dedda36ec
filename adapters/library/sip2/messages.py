"""Messages of ours to a SIP2 system: each with its fields, in the order of the standard.

Source: facts/ils-backends.md 1.5. A message that changes something is never sent twice by us (section 5). A PIN (AD)
stands only where there is one: an empty one is a wrong one on Koha and Evergreen.
"""

from __future__ import annotations

from datetime import date, datetime, time, tzinfo
from enum import StrEnum

from adapters.library.sip2.codec import Query, ReplyCode, format_stamp
from gateway.domain.value import value_object

PROTOCOL_VERSION = "2.00"
PRINT_WIDTH = "080"
UNKNOWN_LANGUAGE = "000"


class PatronList(StrEnum):
    """The list that a patron information brings along: the place of the one `Y` among ten, and its field."""

    NONE = ""
    HOLDS = "AS"
    CHARGED = "AU"
    UNAVAILABLE_HOLDS = "CD"

    @property
    def summary(self) -> str:
        places = {PatronList.HOLDS: 0, PatronList.CHARGED: 2, PatronList.UNAVAILABLE_HOLDS: 5}
        return "".join("Y" if places.get(self) == place else " " for place in range(10))


class HoldMode(StrEnum):
    ADD = "+"
    DELETE = "-"
    CHANGE = "*"


@value_object
class HoldTerms:
    """`expires`: last day on which the hold is wanted."""

    pickup: str = ""
    expires: date | None = None


@value_object
class QueryWriter:
    """The fields that stand in every message. `zone`: the library's."""

    institution: str
    terminal_password: str
    zone: tzinfo

    def login(self, user: str, password: str, location: str) -> Query:
        """`00`: name and password as they are."""
        fields = [("CN", user), ("CO", password), *([("CP", location)] if location else [])]
        return Query("93", "00", tuple(fields), ReplyCode.LOGIN)

    def status(self) -> Query:
        """`0`: the terminal is well."""
        return Query("99", f"0{PRINT_WIDTH}{PROTOCOL_VERSION}", (), ReplyCode.STATUS)

    def patron_status(self, patron: str, secret: str, now: datetime) -> Query:
        fields = (*self._patron_fields(patron), ("AC", self.terminal_password), ("AD", secret))
        return Query("23", UNKNOWN_LANGUAGE + self._stamp(now), fields, ReplyCode.PATRON_STATUS)

    def patron_information(
        self, patron: str, now: datetime, *, secret: str = "", wanted: PatronList = PatronList.NONE, start: int = 0
    ) -> Query:
        """`start`: from this entry of the list on, counted from 1; 0: from the beginning."""
        fields = [*self._patron_fields(patron), ("AC", self.terminal_password)]
        if secret:
            fields.append(("AD", secret))
        if start:
            fields += [("BP", str(start)), ("BQ", "9999")]
        fixed = UNKNOWN_LANGUAGE + self._stamp(now) + wanted.summary
        return Query("63", fixed, tuple(fields), ReplyCode.PATRON_INFORMATION)

    def item_information(self, barcode: str, now: datetime) -> Query:
        fields = (("AO", self.institution), ("AB", barcode), ("AC", self.terminal_password))
        return Query("17", self._stamp(now), fields, ReplyCode.ITEM_INFORMATION)

    def check_out(self, patron: str, barcode: str, now: datetime, *, due: datetime | None, no_block: bool) -> Query:
        """Write a check-out, never as a renewal. `due` counts where `no_block` says that the loan has happened."""
        when = self._stamp(due if no_block and due is not None else now)
        fixed = f"N{_flag(no_block)}{self._stamp(now)}{when}"
        fields = (
            *self._patron_fields(patron),
            ("AB", barcode),
            ("AC", self.terminal_password),
        )
        return Query("11", fixed, fields, ReplyCode.CHECK_OUT)

    def check_in(self, barcode: str, location: str, now: datetime) -> Query:
        fields = (
            ("AP", location),
            ("AO", self.institution),
            ("AB", barcode),
            ("AC", self.terminal_password),
        )
        return Query("09", f"N{self._stamp(now)}{self._stamp(now)}", fields, ReplyCode.CHECK_IN)

    def renew(self, patron: str, barcode: str, now: datetime) -> Query:
        fields = (
            *self._patron_fields(patron),
            ("AB", barcode),
            ("AC", self.terminal_password),
        )
        return Query("29", f"NN{self._stamp(now)}{self._stamp(now)}", fields, ReplyCode.RENEW)

    def hold(self, mode: HoldMode, patron: str, barcode: str, now: datetime, terms: HoldTerms) -> Query:
        """Hold type 3: this copy."""
        fields: list[tuple[str, str]] = []
        if terms.expires is not None:
            last = datetime.combine(terms.expires, time(23, 59, 59), self.zone)
            fields.append(("BW", self._stamp(last)))
        if terms.pickup:
            fields.append(("BS", terms.pickup))
        fields += [("BY", "3"), *self._patron_fields(patron), ("AB", barcode)]
        fields.append(("AC", self.terminal_password))
        return Query("15", f"{mode}{self._stamp(now)}", tuple(fields), ReplyCode.HOLD)

    def end_session(self, patron: str, now: datetime) -> Query:
        fields = (*self._patron_fields(patron), ("AC", self.terminal_password))
        return Query("35", self._stamp(now), fields, ReplyCode.END_SESSION)

    def _patron_fields(self, patron: str) -> tuple[tuple[str, str], ...]:
        return ("AO", self.institution), ("AA", patron)

    def _stamp(self, moment: datetime) -> str:
        return format_stamp(moment, self.zone)


def _flag(value: bool) -> str:
    return "Y" if value else "N"
