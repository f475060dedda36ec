"""Abilities of this release of Koha, as its own OpenAPI document says. Pure.

Releases differ: loans, fees and deletion of items came one by one, and forks have more (facts/ils-backends.md 1.2).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any

from gateway.domain.value import value_object
from gateway.ports.library_system import Capability

MAX_REFERENCES = 10
"""One part of a document may refer to another, and that one on."""

FIND_PATRONS = "GET /patrons"
ADD_PATRON = "POST /patrons"
CHANGE_PATRON = "PUT /patrons/{patron_id}"
CHECK_PASSWORD = "POST /auth/password/validation"
ADD_DEBIT = "POST /patrons/{patron_id}/account/debits"
LIST_DEBITS = "GET /patrons/{patron_id}/account/debits"
LIST_LIBRARIES = "GET /libraries"
LIST_ITEM_TYPES = "GET /item_types"
LIST_CATEGORIES = "GET /patron_categories"
FIND_BIBLIOS = "GET /biblios"
ADD_BIBLIO = "POST /biblios"
DELETE_BIBLIO = "DELETE /biblios/{biblio_id}"
LIST_BIBLIO_ITEMS = "GET /biblios/{biblio_id}/items"
ADD_ITEM = "POST /biblios/{biblio_id}/items"
CHANGE_ITEM = "PUT /biblios/{biblio_id}/items/{item_id}"
FIND_ITEMS = "GET /items"
DELETE_ITEM = "DELETE /items/{item_id}"
ADD_HOLD = "POST /holds"
CHANGE_HOLD = "PATCH /holds/{hold_id}"
CANCEL_HOLD = "DELETE /holds/{hold_id}"
ADD_CHECKOUT = "POST /checkouts"
JUDGE_CHECKOUT = "GET /checkouts/availability"
RENEW = "POST /checkouts/{checkout_id}/renewals"
RENEW_OLD = "POST /checkouts/{checkout_id}/renewal"

CALLS: Mapping[Capability, tuple[str, ...]] = {
    Capability.PATRON_LOOKUP: (FIND_PATRONS,),
    Capability.BLOCKS_DETAILED: (FIND_PATRONS,),
    Capability.CONTACT: (FIND_PATRONS,),
    Capability.AUTHENTICATE: (CHECK_PASSWORD,),
    Capability.FEES_READ: (LIST_DEBITS,),
    Capability.PATRON_CREATE: (ADD_PATRON,),
    Capability.PATRON_UPDATE: (CHANGE_PATRON,),
    Capability.PATRON_EXPIRE: (CHANGE_PATRON,),
    Capability.BIB_FIND: (FIND_BIBLIOS,),
    Capability.ITEM_AVAILABILITY: (FIND_ITEMS, LIST_BIBLIO_ITEMS),
    Capability.HOLD_ITEM: (ADD_HOLD,),
    Capability.HOLD_TITLE: (ADD_HOLD,),
    Capability.HOLD_PICKUP: (ADD_HOLD,),
    Capability.HOLD_CANCEL: (CANCEL_HOLD,),
    Capability.HOLD_UPDATE: (CHANGE_HOLD,),
    Capability.TEMPORARY_ITEM: (ADD_BIBLIO, ADD_ITEM, DELETE_ITEM, DELETE_BIBLIO),
    Capability.ITEM_WITHOUT_HOLD: (ADD_BIBLIO, ADD_ITEM, DELETE_ITEM, DELETE_BIBLIO),
    Capability.SUPPRESS: (ADD_BIBLIO,),
    Capability.CHECK_OUT: (ADD_CHECKOUT, JUDGE_CHECKOUT),
    Capability.RENEW: (RENEW_OLD,),
    Capability.MOVE_LOCATION: (CHANGE_ITEM,),
    Capability.CHANGE_BARCODE: (CHANGE_ITEM,),
    Capability.POST_FEE: (ADD_DEBIT, LIST_DEBITS),
    Capability.PICKUP_LIST: (LIST_LIBRARIES,),
    Capability.ITEM_BY_REQUEST: (FIND_ITEMS,),
}
"""The calls without which a release can't do it."""

WAYS: Mapping[Capability, str] = {
    Capability.PATRON_LOOKUP: "patrons by card number, then login",
    Capability.BLOCKS_DETAILED: "restriction, expiry, lost card, address, debts",
    Capability.CONTACT: "patrons",
    Capability.AUTHENTICATE: "auth/password/validation",
    Capability.FEES_READ: "account/debits",
    Capability.PATRON_CREATE: "patrons, password",
    Capability.PATRON_UPDATE: "patrons",
    Capability.PATRON_EXPIRE: "expiry date",
    Capability.BIB_FIND: "record number, ISBN, ISSN, LCCN",
    Capability.ITEM_AVAILABILITY: "items, holds",
    Capability.HOLD_ITEM: "holds",
    Capability.HOLD_TITLE: "holds",
    Capability.HOLD_PICKUP: "holds",
    Capability.HOLD_CANCEL: "holds",
    Capability.HOLD_UPDATE: "holds (PATCH)",
    Capability.TEMPORARY_ITEM: "biblios, items",
    Capability.ITEM_WITHOUT_HOLD: "biblios, items",
    Capability.SUPPRESS: "942 $n",
    Capability.CHECK_OUT: "checkouts",
    Capability.RENEW: "renewals",
    Capability.MOVE_LOCATION: "items",
    Capability.CHANGE_BARCODE: "items",
    Capability.POST_FEE: "account/debits",
    Capability.PICKUP_LIST: "libraries",
    Capability.ITEM_BY_REQUEST: "our own list of changes",
}


@value_object
class KohaAbilities:
    """`calls`: METHOD /path; the others by call: what `x-koha-embed`, the query and the body may name. Koha refuses a
    call that names more (400)."""

    calls: frozenset[str]
    embeds: Mapping[str, frozenset[str]] = field(default_factory=dict)
    parameters: Mapping[str, frozenset[str]] = field(default_factory=dict)
    body_keys: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @property
    def capabilities(self) -> frozenset[Capability]:
        return frozenset(capability for capability, calls in CALLS.items() if self.calls.issuperset(calls))

    def list_missing_calls(self) -> tuple[str, ...]:
        wanted = {call for calls in CALLS.values() for call in calls}
        return tuple(sorted(wanted - self.calls))

    def select_embeds(self, call: str, wanted: tuple[str, ...]) -> tuple[str, ...]:
        embeds = self.embeds.get(call, frozenset())
        return tuple(name for name in wanted if name in embeds)

    def may_ask(self, call: str, parameter: str) -> bool:
        return parameter in self.parameters.get(call, frozenset())

    def may_send(self, call: str, key: str) -> bool:
        return key in self.body_keys.get(call, frozenset())


ALL_ABILITIES = KohaAbilities(frozenset(call for calls in CALLS.values() for call in calls))
"""As long as nobody could ask."""


def read_abilities(document: Any) -> KohaAbilities | None:
    """Read the abilities of OpenAPI 2, which Koha speaks, or 3. None: it is no OpenAPI document."""
    paths = document.get("paths") if isinstance(document, dict) else None
    if not isinstance(paths, dict):
        return None
    calls: set[str] = set()
    embeds: dict[str, frozenset[str]] = {}
    parameters: dict[str, frozenset[str]] = {}
    body_keys: dict[str, frozenset[str]] = {}
    for path, methods in paths.items():
        for method, operation in methods.items() if isinstance(methods, dict) else ():
            if not isinstance(operation, dict):
                continue
            call = f"{str(method).upper()} {path}"
            calls.add(call)
            entries = [_resolve(document, entry) for entry in operation.get("parameters", ())]
            parameters[call] = frozenset(str(entry.get("name")) for entry in entries if entry.get("in") == "query")
            bodies = [entry.get("schema") for entry in entries if entry.get("in") == "body"]
            content = _resolve(document, operation.get("requestBody")).get("content", {})
            bodies += [body.get("schema") for kind, body in content.items() if "json" in kind]
            body_keys[call] = frozenset(
                str(key) for body in bodies for key in _resolve(document, body).get("properties", ())
            )
            for entry in entries:
                if entry.get("name") == "x-koha-embed":
                    items = _resolve(document, entry.get("schema", entry)).get("items", {})
                    embeds[call] = frozenset(map(str, items.get("enum", ())))
    return KohaAbilities(frozenset(calls), embeds, parameters, body_keys)


def _resolve(document: Mapping[str, Any], part: Any) -> Mapping[str, Any]:
    """Return what a `$ref` leads to, else the part itself; empty where it leads nowhere."""
    for _ in range(MAX_REFERENCES):
        reference = part.get("$ref") if isinstance(part, dict) else None
        if not isinstance(reference, str):
            break
        part = document
        for name in reference.removeprefix("#/").split("/"):
            part = part.get(name.replace("~1", "/").replace("~0", "~")) if isinstance(part, dict) else None
    return part if isinstance(part, dict) else {}
