"""Users of Alma: made, changed and ended (see `adapters.library.change_sending`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adapters.library.alma.client import AlmaRefusalError
from adapters.library.alma.code_lists import USER_GROUPS, CodeLists
from adapters.library.alma.lookups import USER_TITLE, AlmaDesk
from adapters.library.alma.reasons import refusal_of_answer
from adapters.library.alma.records import read_rows, read_text, write_day
from adapters.library.json_fields import Row
from adapters.library.parallel_questions import ask_together
from adapters.library.refusals import make_refusal
from gateway.domain.library import Contact, ContactKind, IdentifierType, Patron, PatronDraft, PatronIdentifier
from gateway.domain.problems import MessagePart, OutcomeUnknown, RefusalReason
from gateway.domain.sentences import write_about, write_sentence
from gateway.domain.value import replace, value_object
from gateway.ports.library_changes import ChangeKind, LibraryChange
from gateway.ports.library_operations import PatronCreation, PatronExpiry, PatronUpdate, refuse_unsupported

_COUNTS = ("loans", "requests", "fees")
"""What an answer has besides the user, where it was asked for."""

_NO_COUNTS: Mapping[str, Any] = {name: {"value": 0} for name in _COUNTS}

_KEPT_BY_HAND = ("user_group", "preferred_language")
"""Alma leaves these as staff have set them, unless a change names them."""


@value_object
class AlmaPatronDesk:
    desk: AlmaDesk
    lists: CodeLists

    async def create_patron(self, wish: PatronCreation, key: str) -> Patron:
        """Create a patron; raises Refused(DUPLICATE_PATRON | DATA_MISSING | INVALID_VALUE), Unavailable,
        OutcomeUnknown."""
        desk, draft = self.desk, wish.draft
        if draft.name is None or not draft.name.surname:
            raise make_refusal(
                RefusalReason.DATA_MISSING, about=MessagePart.PATRON, detail="A patron must have a name."
            )
        primary_id = _choose_primary_id(draft.identifiers)
        if not primary_id:
            raise make_refusal(
                RefusalReason.DATA_MISSING, about=MessagePart.PATRON, detail="A patron must have a number."
            )
        row = {**self._make_new_row(draft), **self._make_row(draft, {}, primary_id), "primary_id": primary_id}
        before, _ = await ask_together(desk.changes.find_change(ChangeKind.PATRON, key), self._check_category(draft))
        if before is not None and before.ended is not None:
            return await desk.require_patron(before.record_id)
        change = LibraryChange(ChangeKind.PATRON, key, "", primary_id, desk.now(), record_id=primary_id)

        async def send_new_patron() -> Patron:
            made = await self._send_user("POST", "users", title="/users", row=row)
            return desk.reader.read_patron({**made, **_NO_COUNTS}, desk.today())

        surname = draft.name.surname

        async def find_made_patron() -> Patron | None:
            made = await desk.ask_patron(primary_id)
            return made if made is not None and made.name.surname == surname else None

        patron = await find_made_patron() if before is not None else None
        if patron is None:
            patron = await desk.send_change(change, send_new_patron, find_made_patron, before=before)
        await desk.changes.end_change(replace(change, patron_id=patron.id, record_id=patron.id, ended=desk.now()))
        return patron

    def _make_new_row(self, draft: PatronDraft) -> dict[str, Any]:
        """Make the row of where the user comes from. Raises Refused(UNSUPPORTED_SERVICE)."""
        options = self.desk.options
        row: dict[str, Any] = {"record_type": {"value": "PUBLIC"}, "status": {"value": "ACTIVE"}}
        if draft.secret is not None and (options.external_system or not options.checks_passwords):
            refuse_unsupported("keep a password for a new patron")
        if options.external_system:
            return {**row, "account_type": {"value": "EXTERNAL"}, "external_id": options.external_system}
        row["account_type"] = {"value": "INTERNAL"}
        return {**row, "password": draft.secret} if draft.secret is not None else row

    async def update_patron(self, wish: PatronUpdate, key: str) -> Patron:
        """All of the user goes back with what is new. To set the same once more changes nothing.

        Raises Refused(UNKNOWN_PATRON | INVALID_VALUE | DUPLICATE_PATRON), Unavailable, OutcomeUnknown."""
        desk, patron_id, draft = self.desk, wish.patron_id, wish.draft
        if draft.secret is not None:
            refuse_unsupported("change passwords")
        before, now, _ = await ask_together(
            desk.changes.find_change(ChangeKind.PATRON_UPDATE, key),
            desk.ask_user_row(patron_id),
            self._check_category(draft),
        )
        if now is None or read_text(now, "primary_id").casefold() != patron_id.casefold():
            raise make_refusal(RefusalReason.UNKNOWN_PATRON)
        counts = {name: now[name] for name in _COUNTS if name in now}
        kept = {name: value for name, value in now.items() if name not in _COUNTS}
        wanted = self._make_row(draft, kept, patron_id)
        if all(_has_value(kept, name, value) for name, value in wanted.items()):
            return desk.reader.read_patron(now, desk.today())
        change = LibraryChange(ChangeKind.PATRON_UPDATE, key, "", patron_id, desk.now(), record_id=patron_id)
        overridden = ",".join(name for name in _KEPT_BY_HAND if name in wanted)

        async def send_edit() -> Row:
            query = {"override": overridden} if overridden else None
            return await self._send_user(
                "PUT", "users", patron_id, title=USER_TITLE, row={**kept, **wanted}, query=query
            )

        async def find_patron_changed() -> Row | None:
            row = await desk.ask_user_row(patron_id)
            is_done = row is not None and all(_has_value(row, name, value) for name, value in wanted.items())
            return row if is_done else None

        after = await desk.send_change(change, send_edit, find_patron_changed, before=before)
        await desk.changes.end_change(replace(change, ended=desk.now()))
        return desk.reader.read_patron({**after, **counts}, desk.today())

    async def expire_patron(self, wish: PatronExpiry, key: str) -> Patron:
        return await self.update_patron(PatronUpdate(wish.patron_id, PatronDraft(expires=wish.on)), key)

    async def _send_user(
        self, method: str, *path: str, title: str, row: Row, query: Mapping[str, str] | None = None
    ) -> Row:
        try:
            made = await self.desk.client.send_row(method, *path, title=title, row=row, query=query)
        except AlmaRefusalError as refusal:
            raise refusal_of_answer(refusal, self.desk.options.reasons) from refusal
        if not read_text(made, "primary_id"):
            raise OutcomeUnknown(write_about("Alma", write_sentence("the answer has no user")))
        return made

    async def _check_category(self, draft: PatronDraft) -> None:
        """Check a category; raises Refused(INVALID_VALUE), Unavailable."""
        if draft.category is not None:
            await self.lists.require_code(draft.category, USER_GROUPS, "patron category", MessagePart.PATRON)

    def _make_row(self, draft: PatronDraft, now: Row, primary_id: str) -> dict[str, Any]:
        """Make a row, in which what the draft leaves None isn't there. A home library isn't kept: users of Alma have
        none."""
        row: dict[str, Any] = {}
        if draft.name is not None:
            row |= {"last_name": draft.name.surname, "first_name": draft.name.given}
        if draft.category is not None:
            row["user_group"] = {"value": draft.category}
        if draft.expires is not None:
            row["expiry_date"] = write_day(draft.expires)
        if draft.date_of_birth is not None:
            row["birth_date"] = write_day(draft.date_of_birth)
        if draft.language is not None:
            row["preferred_language"] = {"value": draft.language}
        if draft.identifiers:
            row["user_identifier"] = self._make_identifiers(draft.identifiers, now, primary_id)
        if draft.contacts is not None:
            row["contact_info"] = _make_contacts(draft.contacts)
        return row

    def _make_identifiers(
        self, identifiers: tuple[PatronIdentifier, ...], now: Row, primary_id: str
    ) -> list[dict[str, Any]]:
        """Those of other types stay; an empty value removes the type. The primary identifier stands elsewhere."""
        options = self.desk.options
        types = {identifier.type: self._find_id_type(identifier.type) for identifier in identifiers}
        replaced = {
            code for kind, code in types.items() for code in (options.barcode_types if kind == "barcode" else (code,))
        }
        kept = [dict(row) for row in read_rows(now, "user_identifier") if read_text(row, "id_type") not in replaced]
        new = [
            {"id_type": {"value": types[identifier.type]}, "value": identifier.value, "status": "ACTIVE"}
            for identifier in identifiers
            if identifier.value and identifier.value != primary_id
        ]
        return kept + new

    def _find_id_type(self, kind: str) -> str:
        options = self.desk.options
        if kind == IdentifierType.BARCODE.value and options.barcode_types:
            return options.barcode_types[0]
        return options.identifier_types.get(kind, kind)


def _choose_primary_id(identifiers: tuple[PatronIdentifier, ...]) -> str:
    """The user name; else what else there is, such as the symbol of a library that borrows; else one made of the card's
    number, which remains an identifier of its own."""
    patron_identifiers = [identifier for identifier in identifiers if identifier.value]
    for patron_identifier in sorted(patron_identifiers, key=lambda id_: id_.type != IdentifierType.USERNAME.value):
        if patron_identifier.type != IdentifierType.BARCODE.value:
            return patron_identifier.value
    return f"ILL-{patron_identifiers[0].value}" if patron_identifiers else ""


def _has_value(row: Row, name: str, value: Any) -> bool:
    """Compare a value; of a coded field only the code counts."""
    if isinstance(value, list) or name == "contact_info":
        return bool(row.get(name) == value)
    return read_text(row, name) == read_text({name: value}, name)


def _make_contacts(contacts: tuple[Contact, ...]) -> dict[str, Any]:
    """Those of the draft instead of all others; the first of a kind is preferred."""
    mails = [contact.value for contact in contacts if contact.kind is ContactKind.EMAIL]
    phones = [contact.value for contact in contacts if contact.kind is ContactKind.PHONE]
    postals = [contact.postal for contact in contacts if contact.postal is not None]
    return {
        "address": [
            {
                "line1": postal.line1,
                "line2": postal.line2,
                "city": postal.locality,
                "state_province": postal.region,
                "postal_code": postal.postal_code,
                "country": {"value": postal.country},
                "preferred": number == 0,
                "address_type": [{"value": "home"}],
            }
            for number, postal in enumerate(postals)
        ],
        "email": [
            {"email_address": mail, "preferred": number == 0, "email_type": [{"value": "personal"}]}
            for number, mail in enumerate(mails)
        ],
        "phone": [
            {"phone_number": phone, "preferred": number == 0, "phone_type": [{"value": "home"}]}
            for number, phone in enumerate(phones)
        ],
    }
