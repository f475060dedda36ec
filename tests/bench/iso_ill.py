"""ISO ILL: decode, apply and encode of a request and the answer to it, against asn1tools decoding the request alone.

"Apply" is the mapping to an event and the state table's transition, without the store.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asn1tools

import adapters.iso_ill
from adapters.iso_ill.codec import apdu_digest, decode_apdu, encode_apdu
from adapters.iso_ill.mapping import apdu_of_message, event_of_apdu
from gateway.domain.requests.events import Event, EventKind, local_signal
from gateway.domain.requests.partner_policy import Workflow
from gateway.domain.requests.state_machine import Transition, compute_transition
from tests.support.full_apdus import CONTEXT, LENDING, REQUESTING

Row = tuple[str, float, str, bool]

GOAL = 0.50
ROUNDS = 9
CALLS = 400


def row() -> Row:
    module = asn1tools.compile_files(str(Path(adapters.iso_ill.__file__).parent / "ill.asn"), "ber")
    octets = encode_apdu(apdu_of_message(next(one for one in REQUESTING if one.kind is EventKind.REQUEST), CONTEXT))
    gc.collect()
    gc.freeze()  # as the daemon does once it has started
    ratios = [_ratio(module, octets, number) for number in range(1, ROUNDS + 1)]
    ratio = statistics.median(ratios)
    return ("ISO ILL decode + apply + encode / asn1tools decode", ratio, f">= {GOAL}", ratio >= GOAL)


def _ratio(module: Any, octets: bytes, number: int) -> float:
    bound, value = _rate(lambda: _bound(module, octets)), _rate(lambda: _handle(octets))
    print(f"ISO ILL, round {number}: asn1tools {bound:,.0f}/s, illgate {value:,.0f}/s, ratio {value / bound:.2f}")
    return value / bound


def _bound(module: Any, octets: bytes) -> None:
    module.decode("ILL-APDU", octets)


_ANSWER = next(one for one in LENDING if one.kind is EventKind.WILL_SUPPLY)
_WORKFLOW = Workflow()


def _handle(octets: bytes) -> bytes:
    draft = event_of_apdu(decode_apdu(octets).apdu, CONTEXT, apdu_digest(octets)).request
    assert draft is not None
    asked = draft.make_request("HERE", "1", "1", _ANSWER.at)
    done = compute_transition(asked, Event(local_signal(EventKind.WILL_SUPPLY), _ANSWER.at), _WORKFLOW)
    assert isinstance(done, Transition), done
    return encode_apdu(apdu_of_message(_ANSWER, CONTEXT))


def _rate(call: Callable[[], object]) -> float:
    """In a second of this process's own: nothing in it waits, so what others do on the machine doesn't count."""
    begin = time.process_time()
    for _ in range(CALLS):
        call()
    return CALLS / (time.process_time() - begin)
