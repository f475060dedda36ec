"""The lines of a profile that decide about a refusal of a message, with file and line, for operators."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import PurePath

from gateway.domain.problems import RefusalReason
from gateway.domain.requests.views import NotFound
from gateway.domain.value import value_object
from gateway.profiles.effective import DEFAULT, SourcedValue, dump_profile, list_sourced_values
from gateway.services.desks.journaled_messages import JournalMessage
from gateway.web.staff.staff_request import StaffRequest

_PATRON_BLOCKS = (
    "circulation.patrons.blocks_stop",
    "circulation.accept.blocks_stop",
    "circulation.check_out.override_blocks",
)

DECIDING_KEYS: Mapping[str, tuple[str, ...]] = {
    RefusalReason.BAD_PICKUP_LOCATION: ("circulation.pickup",),
    RefusalReason.UNKNOWN_PATRON: ("circulation.patrons",),
    RefusalReason.AMBIGUOUS_PATRON: ("circulation.patrons",),
    RefusalReason.PATRON_AUTH_FAILED: ("circulation.patrons",),
    RefusalReason.PATRON_BLOCKED: _PATRON_BLOCKS,
    RefusalReason.PATRON_EXPIRED: _PATRON_BLOCKS,
    RefusalReason.LIMIT_REACHED: _PATRON_BLOCKS,
    RefusalReason.UNKNOWN_ITEM: ("circulation.items", "circulation.requests.rewrite", "circulation.requests.prefixes"),
    RefusalReason.AMBIGUOUS_ITEM: ("circulation.items",),
    RefusalReason.DUPLICATE_ITEM: ("circulation.accept.duplicate", "circulation.accept.barcode"),
    RefusalReason.UNKNOWN_REQUEST: ("circulation.requests.rewrite", "circulation.requests.prefixes"),
    RefusalReason.ITEM_ON_LOAN: ("circulation.check_out.mandated_on_loan",),
    RefusalReason.NOT_ALLOWED: ("circulation.rights",),
    RefusalReason.UNAUTHORIZED_SERVICE: ("circulation.rights", "ncip.services"),
    RefusalReason.UNSUPPORTED_SERVICE: ("ncip.services",),
    RefusalReason.UNKNOWN_SENDER: ("match",),
}
"""Beginnings of keys, by code of the reason: what a profile says of patrons, items, places and rights. Keys that may
hold secrets are not among them."""


@value_object
class DecidingSetting:
    """`source`: file and line, such as `partners/x.yml:12`; `path`: of the page that shows the line, empty: none."""

    key: str
    value: str
    source: str
    path: str


def list_deciding_settings(request: StaffRequest, message: JournalMessage) -> list[DecidingSetting]:
    """List what the message's profile says, itself or in one that it extends, about the reason of its refusal.
    Defaults are left out."""
    try:
        loaded = request.operation.find_profile(message.profile).loaded
    except NotFound:
        return []
    if loaded is None:
        return []
    shown = {state.name for state in request.operation.list_profiles()}
    values = list_sourced_values(dump_profile(loaded), loaded.document)
    return [
        _describe_setting(request, value, shown)
        for value in values
        if value.source != DEFAULT and is_deciding_key(value.key, message.reason)
    ]


def is_deciding_key(key: str, reason: str) -> bool:
    """Return whether a key decides about a refusal for this reason."""
    return any(key == start or key.startswith(f"{start}.") for start in DECIDING_KEYS.get(reason, ()))


def _describe_setting(request: StaffRequest, value: SourcedValue, shown: set[str]) -> DecidingSetting:
    text = value.value if isinstance(value.value, str) else json.dumps(value.value, ensure_ascii=False)
    return DecidingSetting(value.key, text, *describe_source(request, value.source, shown))


def describe_source(request: StaffRequest, source: str, shown: set[str]) -> tuple[str, str]:
    """Describe where a value was said: file and line, and the path of the page that shows the line, empty: none.
    `shown`: names of profiles that have a page."""
    place, _, line = source.rpartition(":")
    file = PurePath(place)
    path = f"{request.path('operation', 'profiles', file.stem)}#line-{line}" if file.stem in shown else ""
    return f"{file.parent.name}/{file.name}:{line}", path
