"""Patrons written to Koha (see `adapters.library.change_sending`)."""

from __future__ import annotations

from typing import Any

from adapters.library.json_fields import Row
from adapters.library.koha.client import KohaRefusalError
from adapters.library.koha.lookups import KohaDesk
from adapters.library.koha.reasons import describe_refusal, refusal_of_answer
from adapters.library.koha.records import read_text
from adapters.library.koha.settings_lists import SettingsLists
from adapters.library.parallel_questions import ask_together
from adapters.library.refusals import make_refusal
from gateway.domain.library import Contact, ContactKind, IdentifierType, Patron, PatronDraft
from gateway.domain.problems import MessagePart, OutcomeUnknown, RefusalReason, Refused, Unavailable
from gateway.domain.sentences import write_about, write_sentence
from gateway.domain.value import replace, value_object
from gateway.ports.library_changes import ChangeKind, LibraryChange
from gateway.ports.library_operations import PatronCreation, PatronExpiry, PatronUpdate
from gateway.ports.library_system import PatronKey

_NUMBER_FIELDS = {IdentifierType.BARCODE.value: "cardnumber", IdentifierType.USERNAME.value: "userid"}
_SENT_BACK = frozenset(
    [
        "cardnumber",
        "surname",
        "firstname",
        "title",
        "library_id",
        "category_id",
        "userid",
        "email",
        "secondary_email",
        "phone",
        "mobile",
        "address",
        "address2",
        "city",
        "state",
        "postal_code",
        "country",
        "expiry_date",
        "date_of_birth",
        "lang",
    ]
)
"""Of a patron as Koha gives it, so much goes back with a change; what isn't sent stays as it is."""


@value_object
class KohaPatronDesk:
    desk: KohaDesk
    lists: SettingsLists

    async def create_patron(self, wish: PatronCreation, key: str) -> Patron:
        """Create a patron; raises Refused(DUPLICATE_PATRON | DATA_MISSING | INVALID_VALUE), Unavailable,
        OutcomeUnknown."""
        desk, draft = self.desk, wish.draft
        if draft.name is None or not draft.name.surname:
            raise make_refusal(
                RefusalReason.DATA_MISSING, about=MessagePart.PATRON, detail="A patron must have a name."
            )
        row = self._make_row(draft)
        if not row.get("cardnumber") and draft.name.is_organisation and draft.identifiers:
            row["cardnumber"] = draft.identifiers[0].value  # a library that borrows: its symbol
        card = read_text(row, "cardnumber")
        if not card:
            raise make_refusal(
                RefusalReason.DATA_MISSING, about=MessagePart.PATRON, detail="A patron must have a card number."
            )
        before, _ = await ask_together(
            desk.changes.find_change(ChangeKind.PATRON, key), self._check_category(draft.category)
        )
        if before is not None and before.ended is not None:
            return await desk.require_patron(before.record_id)
        change = LibraryChange(ChangeKind.PATRON, key, "", "", desk.now())

        async def find_made_patron() -> Patron | None:
            try:
                return await desk.find_patron(PatronKey(card, (IdentifierType.BARCODE.value,)))
            except Refused as refused:
                if refused.reason is not RefusalReason.UNKNOWN_PATRON:
                    raise
                return None

        async def send_new_patron() -> Patron:
            made = await self._send_patron("POST", "patrons", title="/patrons", row=row)
            if not isinstance(made, dict):
                raise OutcomeUnknown(write_about("Koha", write_sentence("the answer has no patron")))
            return desk.reader.read_patron({**desk.describe_new_patron(), **made}, 0, desk.today())

        patron = await find_made_patron() if before is not None else None
        if patron is None:
            patron = await desk.send_change(change, send_new_patron, find_made_patron, before=before)
        if draft.secret is not None:
            await self._set_password(patron.id, draft.secret)
        await desk.changes.end_change(replace(change, patron_id=patron.id, record_id=patron.id, ended=desk.now()))
        return patron

    async def update_patron(self, wish: PatronUpdate, key: str) -> Patron:
        """Update a patron; to set the same once more changes nothing, so a repeat is sent again.

        Raises Refused(UNKNOWN_PATRON | INVALID_VALUE | DUPLICATE_PATRON), Unavailable, OutcomeUnknown.
        """
        desk, patron_id, draft = self.desk, wish.patron_id, wish.draft
        _, now, holds = await ask_together(
            self._check_category(draft.category), desk.ask_patron_row(patron_id), desk.count_holds(patron_id)
        )
        if now is None:
            raise make_refusal(RefusalReason.UNKNOWN_PATRON)
        kept = {name: value for name, value in now.items() if name in _SENT_BACK}
        row = {**kept, **self._make_row(draft)}
        after = await self._change_patron(patron_id, row, key)
        if draft.secret is not None:
            await self._set_password(patron_id, draft.secret)
        return desk.reader.read_patron({**now, **after}, holds, desk.today())

    async def expire_patron(self, wish: PatronExpiry, key: str) -> Patron:
        return await self.update_patron(PatronUpdate(wish.patron_id, PatronDraft(expires=wish.on)), key)

    async def _change_patron(self, patron_id: str, row: Row, key: str) -> Row:
        desk = self.desk
        before = await desk.changes.find_change(ChangeKind.PATRON_UPDATE, key)
        change = LibraryChange(ChangeKind.PATRON_UPDATE, key, "", patron_id, desk.now(), record_id=patron_id)

        async def send_edit() -> Row:
            made = await self._send_patron("PUT", "patrons", patron_id, title="/patrons/{patron_id}", row=row)
            return made if isinstance(made, dict) else row

        async def find_patron_changed() -> Row | None:
            now = await desk.ask_patron_row(patron_id)
            is_done = now is not None and all(now.get(name) == value for name, value in row.items())
            return now if is_done else None

        after = await desk.send_change(change, send_edit, find_patron_changed, before=before)
        await desk.changes.end_change(replace(change, ended=desk.now()))
        return after

    async def _send_patron(self, method: str, *path: str, title: str, row: Row) -> Any:
        try:
            return await self.desk.client.send_row(method, *path, title=title, row=row)
        except KohaRefusalError as refusal:
            if refusal.status == 400:
                raise make_refusal(
                    RefusalReason.INVALID_VALUE,
                    describe_refusal(refusal),
                    about=MessagePart.PATRON,
                    detail="The library's system does not take a value of this patron.",
                ) from refusal
            raise refusal_of_answer(refusal, self.desk.options.reasons) from refusal

    async def _set_password(self, patron_id: str, secret: str) -> None:
        """Set the password; once more is no harm. The patron is there already, so a failure leaves the whole
        unfinished."""
        row = {"password": secret, "password_2": secret}
        try:
            await self.desk.client.send_row(
                "POST", "patrons", patron_id, "password", title="/patrons/{patron_id}/password", row=row
            )
        except KohaRefusalError as refusal:
            raise make_refusal(
                RefusalReason.INVALID_VALUE,
                f"HTTP {refusal.status}: password",
                about=MessagePart.CREDENTIALS,
                detail="The library's system does not take this password.",
            ) from refusal
        except Unavailable as down:
            raise OutcomeUnknown(
                write_sentence("the password of a new patron was not set: %(report)s", report=down.detail)
            ) from down

    async def _check_category(self, category: str | None) -> None:
        if category is None:
            return
        codes = await self.lists.find_codes("patron_categories")
        if codes is not None and category not in codes:
            raise make_refusal(
                RefusalReason.INVALID_VALUE,
                write_sentence("Koha has no patron category '%(category)s'", category=category),
                about=MessagePart.PATRON,
                detail="The library has no such patron category.",
            )

    @staticmethod
    def _make_row(draft: PatronDraft) -> dict[str, Any]:
        row: dict[str, Any] = {}
        for identifier in draft.identifiers:
            if (name := _NUMBER_FIELDS.get(identifier.type)) is not None:
                row[name] = identifier.value or None
        if draft.name is not None:
            row |= {"surname": draft.name.surname, "firstname": draft.name.given or None}
            row["title"] = draft.name.prefix or None
        if draft.category is not None:
            row["category_id"] = draft.category
        if draft.home_library is not None:
            row["library_id"] = draft.home_library
        if draft.expires is not None:
            row["expiry_date"] = draft.expires.isoformat()
        if draft.date_of_birth is not None:
            row["date_of_birth"] = draft.date_of_birth.isoformat()
        if draft.language is not None:
            row["lang"] = draft.language or "default"
        if draft.contacts is not None:
            row |= _make_contacts(draft.contacts)
        return row


def _make_contacts(contacts: tuple[Contact, ...]) -> dict[str, str | None]:
    """Koha has room for two addresses of mail and two telephones; others are left out."""
    mails = [contact.value for contact in contacts if contact.kind is ContactKind.EMAIL]
    phones = [contact.value for contact in contacts if contact.kind is ContactKind.PHONE]
    postal = next((contact.postal for contact in contacts if contact.postal is not None), None)
    row: dict[str, str | None] = dict(zip(("email", "secondary_email"), (*mails, None, None), strict=False))
    row |= dict(zip(("phone", "mobile"), (*phones, None, None), strict=False))
    if postal is not None:
        row |= {
            "address": postal.line1,
            "address2": postal.line2,
            "city": postal.locality,
            "state": postal.region,
            "postal_code": postal.postal_code,
            "country": postal.country,
        }
    return row
