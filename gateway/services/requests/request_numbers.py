"""Numbers of requests: by the templates of requests.yml and of profiles, each counted for itself."""

from __future__ import annotations

from gateway.domain.requests import intake_rules
from gateway.domain.requests.request import Role
from gateway.ports.shared_store import Transaction
from gateway.services.requests.library_context import LibraryContext
from gateway.store.requests import timers


def assign_request_number(
    connection: Transaction, context: LibraryContext, role: Role, *, branch: str = "", profile: str = ""
) -> str:
    """`profile`: the partner's, where one is known."""
    rules = context.policy().numbers
    partner = context.partner(profile)
    template = intake_rules.choose_number_template(
        role, rules, branch=branch, profile=profile, own=partner.number if partner is not None else None
    )
    fields = intake_rules.NumberFields(
        at=context.now(),
        zone=context.zone,
        library=context.symbol,
        branch=branch,
        partner=partner.symbol if partner is not None else "",
    )
    series = intake_rules.number_series(template, fields, rules.prefix)
    return series.format_number(timers.next_in_sequence(connection, context.symbol, series.sequence))
