"""Table of the use case that carries out each command, and the key that makes it idempotent.

The library keeps the keys under which it was changed. Where the same message may rightly come again (the same
patron renews twice), use cases add what tells the occasions apart, such as the loan.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from hashlib import blake2b
from typing import Any
from urllib.parse import quote

from gateway.domain import commands
from gateway.domain.commands import (
    READ_ONLY,
    AcceptItem,
    CancelRequest,
    CheckIn,
    CheckOut,
    Command,
    CreateItem,
    CreatePatron,
    DeleteItem,
    DeletePatron,
    Due,
    LookUpAgency,
    LookUpItem,
    LookUpItemSet,
    LookUpPatron,
    LookUpRequest,
    Named,
    Notice,
    PatronRef,
    PlaceRequest,
    PostFee,
    Recall,
    Renew,
    RenewAll,
    Result,
    UpdatePatron,
    UpdateRequest,
    UpdateStatus,
)
from gateway.domain.library import PatronDraft
from gateway.ports.shared_store import FailedStatementError
from gateway.services.circulation.accept_item import accept_item
from gateway.services.circulation.context import CirculationContext
from gateway.services.circulation.fees import post_fee
from gateway.services.circulation.holds import cancel_request, place_request, update_request
from gateway.services.circulation.items import create_item, update_status
from gateway.services.circulation.loans import (
    check_in,
    check_out,
    delete_item,
    recall_item,
    renew_all_items,
    renew_item,
)
from gateway.services.circulation.lookups import (
    lookup_agency,
    lookup_item,
    lookup_item_set,
    lookup_patron,
    lookup_request,
)
from gateway.services.circulation.notices import carry_out_notice
from gateway.services.circulation.patrons import create_patron, delete_patron, update_patron

USE_CASES: dict[type[Command], Callable[[Any, CirculationContext, str], Awaitable[Result]]] = {
    commands.LookUpPatron: lookup_patron,
    commands.LookUpItem: lookup_item,
    commands.LookUpItemSet: lookup_item_set,
    commands.LookUpRequest: lookup_request,
    commands.LookUpAgency: lookup_agency,
    commands.PlaceRequest: place_request,
    commands.CancelRequest: cancel_request,
    commands.UpdateRequest: update_request,
    commands.AcceptItem: accept_item,
    commands.CreateItem: create_item,
    commands.DeleteItem: delete_item,
    commands.CheckOut: check_out,
    commands.CheckIn: check_in,
    commands.Renew: renew_item,
    commands.RenewAll: renew_all_items,
    commands.Recall: recall_item,
    commands.UpdateStatus: update_status,
    commands.CreatePatron: create_patron,
    commands.UpdatePatron: update_patron,
    commands.DeletePatron: delete_patron,
    commands.PostFee: post_fee,
    commands.Notice: carry_out_notice,
}

MAX_KEY_CHARS = 120
"""Longer keys are hashed: library systems keep them in notes and barcode fields."""

SERVICES: dict[type[Command], str] = {
    LookUpPatron: "lookup-patron",
    LookUpItem: "lookup-item",
    LookUpItemSet: "lookup-item-set",
    LookUpRequest: "lookup-request",
    LookUpAgency: "lookup-agency",
    PlaceRequest: "place-request",
    CancelRequest: "cancel-request",
    UpdateRequest: "update-request",
    AcceptItem: "accept-item",
    CreateItem: "create-item",
    DeleteItem: "delete-item",
    CheckOut: "check-out",
    CheckIn: "check-in",
    Renew: "renew",
    RenewAll: "renew-all",
    Recall: "recall",
    UpdateStatus: "update-status",
    CreatePatron: "create-patron",
    UpdatePatron: "update-patron",
    DeletePatron: "delete-patron",
    PostFee: "post-fee",
    Notice: "notice",
}
"""Command -> its name in profiles, keys and logs: the words of its use case. Stored in keys, so it stays as it is."""


async def dispatch_command(command: Command, context: CirculationContext, key: str = "") -> Result:
    """Safe to repeat: a message that was carried out already changes nothing and is answered alike. `key`: its
    `idempotency_key`, where the caller has made it.

    Raises Refused (the answer is no), Unavailable (nothing was done, or what was done is found again by a repeat),
    OutcomeUnknown (a repeat tells), FailedStatementError (what was made in the transaction is gone with it).
    """
    try:
        result = await USE_CASES[type(command)](command, context, key or idempotency_key(command, context.profile))
    except FailedStatementError:
        raise
    except BaseException:
        await context.things.keep_made()  # what was made before a later step was refused, or wasn't answered in time
        raise
    await context.things.keep_made()
    return result


def idempotency_key(command: Command, profile: str) -> str:
    """'' for a look-up. Patrons are hashed, so that a key may stand in a log or in another system's note."""
    if isinstance(command, READ_ONLY):
        return ""
    parts = [profile, SERVICES[type(command)], *(quote(part, safe="") for part in _list_key_parts(command))]
    key = "/".join(parts).rstrip("/")
    if len(key) <= MAX_KEY_CHARS:
        return key
    return "/".join([*parts[:2], _hash_key(key)])


def _list_key_parts(command: Command) -> tuple[str, ...]:
    match command:
        case PlaceRequest():
            wanted = [_key_of_named(item) for item in command.items] or [
                f"{r.type}:{r.value.strip()}" for r in command.records
            ]
            return _key_of_named(command.request), ",".join(wanted), _key_of_patron(command.patron)
        case CancelRequest() | AcceptItem() | CheckOut() | CheckIn():
            return _key_of_named(command.request), _key_of_named(command.item), _key_of_patron(command.patron)
        case UpdateRequest():
            changes = command.pickup, _key_of_due(command.need_by), _key_of_due(command.expires)
            return _key_of_named(command.request), _key_of_named(command.item), _key_of_patron(command.patron), *changes
        case CreateItem():
            return _key_of_named(command.request), _key_of_named(command.item)
        case DeleteItem():
            return ("", _key_of_named(command.item))
        case Renew():
            return "", _key_of_named(command.item), _key_of_patron(command.patron), _key_of_due(command.due)
        case RenewAll():
            return "", "", _key_of_patron(command.patron), _key_of_due(command.due)
        case Recall():
            return "", _key_of_named(command.item), _key_of_due(command.due)
        case UpdateStatus():
            return "", _key_of_named(command.item), command.status.value
        case CreatePatron():
            return (_key_of_draft(command.draft, command.patron),)
        case UpdatePatron():
            return _key_of_patron(command.patron), _key_of_draft(command.add), _key_of_draft(command.remove)
        case DeletePatron():
            return (_key_of_patron(command.patron),)
        case PostFee():
            amount = f"{command.amount.amount.normalize():f}{command.amount.currency}" if command.amount else ""
            title = _hash_key(command.title) if command.title and command.item is None else ""
            what = command.type, command.action, amount, command.reference, title
            return _key_of_named(command.request), _key_of_named(command.item), _key_of_patron(command.patron), *what
        case Notice():
            news = command.kind.value, _key_of_due(command.due), command.new_barcode, command.pickup
            status = command.status.value if command.status else ""
            return (
                _key_of_named(command.request),
                _key_of_named(command.item),
                _key_of_patron(command.patron),
                *news,
                status,
            )
    raise TypeError(f"{type(command).__name__} has no key")


def _key_of_named(named: Named | None) -> str:
    return named.value.strip() if named is not None else ""


def _key_of_due(due: Due) -> str:
    return due.isoformat() if due is not None else ""


def _key_of_patron(ref: PatronRef | None) -> str:
    """PINs and passwords stay out: their hash would tell them to whoever can guess."""
    if ref is None:
        return ""
    if ref.id is not None:
        return _hash_key(ref.id.value.strip())
    return _hash_key("|".join(sorted({c.type for c in ref.credentials})), *_naming_credentials(ref))


def _naming_credentials(ref: PatronRef) -> tuple[str, ...]:
    return tuple(c.value for c in ref.credentials if any(word in c.type for word in _NAMING))


_NAMING = ("barcode", "user", "id", "card", "external")
"""Words in the type of a credential that names somebody, rather than proving it."""


def _key_of_draft(draft: PatronDraft, named: Named | None = None) -> str:
    shown = (draft.identifiers, draft.name, draft.category, draft.home_library, draft.contacts, draft.expires)
    rest = (draft.language, draft.date_of_birth, draft.home_institution, draft.temporary)
    return _hash_key(_key_of_named(named), repr(shown), repr(rest))


def _hash_key(*texts: str) -> str:
    return blake2b("\x1f".join(texts).encode(), digest_size=12).hexdigest()
