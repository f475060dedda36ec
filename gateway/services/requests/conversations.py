"""Under which names a managed request stands in the messages of the journal."""

from __future__ import annotations

from gateway.domain.requests.request import Request, Role
from gateway.ports.shared_store import Transaction
from gateway.store.journal_records import RequestNames
from gateway.store.requests import requests


def find_request_names(connection: Transaction, library: str, reference: str) -> RequestNames | None:
    """Of the request with this id, number, or number in another system that no second request has. None: there is no
    such request, so the reference is a word in messages and no more."""
    request = requests.load_request(connection, library, reference)
    if request is None:
        id_ = requests.find_by_number(connection, library, reference) or _find_sole_external(
            connection, library, reference
        )
        request = requests.load_request(connection, library, id_) if id_ else None
    return None if request is None else names_of_request(request)


def _find_sole_external(connection: Transaction, library: str, reference: str) -> str:
    found = requests.find_by_external(connection, library, reference)
    return found[0] if len(found) == 1 else ""


def names_of_request(request: Request) -> RequestNames:
    """What partners call it counts from these partners alone: others may use the same numbers."""
    if request.role is Role.LENDING:
        known = [(request.partner.profile, request.transaction)]
    else:
        known = [(one.partner, number) for one in request.attempts for number in (one.transaction, one.theirs)]
    return RequestNames(request.id, (request.number,), tuple(dict.fromkeys(pair for pair in known if all(pair))))
