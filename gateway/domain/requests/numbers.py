"""Request numbers: which template, which count, and the number itself."""

from __future__ import annotations

from datetime import datetime, tzinfo

from gateway.domain.frozen import frozen, frozen_by_name
from gateway.domain.requests.policy import Numbers
from gateway.domain.requests.request import Role


@frozen_by_name
class NumberFields:
    """`at`: when the request was made, aware; `zone` says in which year and month that is. `partner`: its symbol."""

    at: datetime
    zone: tzinfo
    branch: str = ""
    partner: str = ""


@frozen
class Series:
    """Numbers that are counted together. `sequence` names the count (`store.requests.sequences`): it is whatever
    stands around the running number. So it begins anew with a new year or branch exactly where the number shows it,
    and two templates that could make the same number share one count."""

    template: str
    sequence: str
    fields: NumberFields
    prefix: str = ""

    def number(self, running: int) -> str:
        return _filled(self.template, self.fields, self.prefix, running)


def template_for(role: Role, numbers: Numbers, *, branch: str = "", profile: str = "", own: str | None = None) -> str:
    """The partner's own (`PartnerPolicy.number`), then that for its profile, for the branch (borrowing only), for the
    role."""
    if own:
        return own
    if profile in numbers.partners:
        return numbers.partners[profile]
    if role is Role.LENDING:
        return numbers.lending
    return numbers.branches.get(branch, numbers.borrowing)


def series(template: str, fields: NumberFields, prefix: str = "") -> Series:
    """The series to which the next number of this template belongs."""
    start = template.index("{sequence")
    around = f"{template[:start]}#{template[template.index('}', start) + 1 :]}"
    return Series(template, f"number {_filled(around, fields, prefix, 0)}", fields, prefix)


def request_number(template: str, fields: NumberFields, running: int, prefix: str = "") -> str:
    """`B{year}-{sequence:05d}` -> `B2026-00042`."""
    return _filled(template, fields, prefix, running)


def _filled(template: str, fields: NumberFields, prefix: str, running: int) -> str:
    local = fields.at.astimezone(fields.zone)
    month = f"{local.month:02d}"
    return template.format(
        year=local.year, month=month, branch=fields.branch, partner=fields.partner, prefix=prefix, sequence=running
    )
