"""Requests found by what staff type or scan: the rule of `domain.requests.search_terms`, for all who ask."""

from __future__ import annotations

from collections.abc import Collection

from gateway.domain.requests.request import Request
from gateway.domain.requests.search_terms import NUMBER_KINDS, NUMBERS_OF_REQUEST, SearchTermKind, parse_search
from gateway.domain.requests.views import NotFound, NumberMatch, SeveralRequests
from gateway.ports.shared_store import Transaction
from gateway.store.requests import request_search, requests

MAX_MATCHES = 50

_NAMES_OF_REQUEST = NUMBERS_OF_REQUEST | {SearchTermKind.BARCODE}
"""By what a request is acted on: not by a patron's card, nor by a work's number."""


def require_meant_request(
    connection: Transaction, library: str, reference: str, kinds: Collection[SearchTermKind] = _NAMES_OF_REQUEST
) -> Request:
    """The one with this id, number (ours, a partner's, another system's) or barcode; of several with it, the one
    that is open. Raises NotFound, SeveralRequests."""
    by_id = requests.load_request(connection, library, reference)
    if by_id is not None:
        return by_id
    matches = {match.request.id: match.request for match in list_number_matches(connection, library, reference, kinds)}
    if not matches:
        raise NotFound("request")
    same = [request for request in matches.values() if request.number == reference]
    still_open = [request for request in matches.values() if request.open]
    for only in (same, list(matches.values()), still_open):
        if len(only) == 1:
            return only[0]
    raise SeveralRequests(tuple(request.number for request in matches.values()))


def list_number_matches(
    connection: Transaction, library: str, text: str, kinds: Collection[SearchTermKind] = NUMBER_KINDS
) -> tuple[NumberMatch, ...]:
    """Requests that have this number, whatever it is to them: our numbers first, then newest first; MAX_MATCHES."""
    question = parse_search(text)
    hits = request_search.find_by_search_number(connection, library, question, kinds) if question else ()
    matches: dict[str, NumberMatch] = {}
    for hit in hits[:MAX_MATCHES]:
        request = None if hit.request_id in matches else requests.load_request(connection, library, hit.request_id)
        if request is not None:
            matches[hit.request_id] = NumberMatch(request, hit.kind)
    return tuple(matches.values())
