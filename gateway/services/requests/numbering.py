"""The number that people see: by template, counted for each series."""

from __future__ import annotations

from sqlalchemy import Connection

from gateway.domain.requests import numbers
from gateway.domain.requests.request import Role
from gateway.services.requests.house import House
from gateway.store.requests import sequences


def next_number(connection: Connection, house: House, role: Role, *, branch: str = "", profile: str = "") -> str:
    """`profile`: the partner's, where one is known."""
    rules = house.policy().numbers
    partner = house.partner(profile)
    template = numbers.template_for(
        role, rules, branch=branch, profile=profile, own=partner.number if partner is not None else None
    )
    fields = numbers.NumberFields(
        at=house.now(), zone=house.zone, branch=branch, partner=partner.symbol if partner is not None else ""
    )
    series = numbers.series(template, fields, rules.prefix)
    return series.number(sequences.following(connection, house.symbol, series.sequence))
