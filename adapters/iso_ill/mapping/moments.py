"""Days and moments: the sender's local time on the wire, aware UTC with us."""

from __future__ import annotations

from datetime import date, datetime, tzinfo

from adapters.iso_ill.messages.header import Moment


def moment_out(at: datetime, zone: tzinfo) -> Moment:
    local = at.astimezone(zone)
    return Moment(day=local.date(), clock=local.time().replace(microsecond=0))


def day_out(when: date | datetime, zone: tzinfo) -> date:
    """The day on which a moment falls there."""
    return when.astimezone(zone).date() if isinstance(when, datetime) else when
