"""Patrons of FOLIO: made, changed, ended and removed, and what they owe.

A patron whom a partner's message made has a tag, by which it is known later. PINs are checked, and set for a new
patron; passwords are another affair of FOLIO's, and none of ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from adapters.library.change_sending import CHARGE_JSON
from adapters.library.folio.answers import AccountAnswer, FolioJson, read_answer
from adapters.library.folio.code_tables import CodeTable
from adapters.library.folio.cql import match_all, match_value
from adapters.library.folio.lookups import OPEN_ACCOUNT, FolioDesk, is_uuid, read_user
from adapters.library.folio.record_changes import change_record, ensure_record, make_record_id, remove_record
from adapters.library.folio.records import TEMPORARY_TAG, write_moment
from adapters.library.parallel_questions import ask_together
from adapters.library.refusals import make_refusal
from gateway.domain.library import (
    Charge,
    Contact,
    ContactKind,
    IdentifierType,
    Money,
    Patron,
    PatronDraft,
    PersonName,
    PostalAddress,
)
from gateway.domain.problems import MessagePart, RefusalReason, Refused, Unavailable
from gateway.domain.value import replace, value_object
from gateway.ports.library_changes import ChangeKind, LibraryChange
from gateway.ports.library_operations import Fee, PatronCreation, PatronDeletion, PatronExpiry, PatronUpdate
from gateway.ports.library_system import PatronKey

USERS, ACCOUNTS = "/users", "/accounts"

_NUMBER_FIELDS: Mapping[str, str] = {
    IdentifierType.BARCODE.value: "barcode",
    IdentifierType.EXTERNAL.value: "externalSystemId",
    IdentifierType.USERNAME.value: "username",
}


@value_object
class FolioPatronDesk:
    desk: FolioDesk

    # --- look-ups ----------------------------------------------------------------------------------------

    async def authenticate(self, key: PatronKey, secret: str) -> Patron:
        """Check a patron by the PIN that FOLIO has. Raises Refused(PATRON_AUTH_FAILED), Unavailable."""
        refusal = make_refusal(RefusalReason.PATRON_AUTH_FAILED)
        if not secret:
            raise refusal
        try:
            user = await self.desk.find_user(key)
        except Refused:
            raise refusal from None
        if not await self.desk.client.is_accepted("/patron-pin/verify", {"id": user.id, "pin": secret}):
            raise refusal
        return await self.desk.load_patron(user)

    async def list_charges(self, patron_id: str) -> tuple[Charge, ...]:
        """Oldest first. Raises Unavailable."""
        desk = self.desk
        if not is_uuid(patron_id):
            return ()
        query = match_all(match_value("userId", patron_id), OPEN_ACCOUNT)
        rows, changes = await ask_together(
            desk.client.list_records(ACCOUNTS, "accounts", query), desk.changes.changes_of_patron(patron_id)
        )
        ours = {change.record_id: change for change in changes if change.kind is ChangeKind.FEE and change.value}
        charges = [self._read_charge(read_answer(AccountAnswer, row, "fee"), ours) for row in rows]
        return tuple(sorted(charges, key=lambda charge: charge.posted))

    def _read_charge(self, account: AccountAnswer, ours: Mapping[str, LibraryChange]) -> Charge:
        paid = account.amount - account.remaining
        if account.id in ours:
            return replace(CHARGE_JSON.validate_json(ours[account.id].value), paid=paid)
        return Charge(
            id=account.id,
            key="",
            patron_id=account.user_id,
            type=account.fee_fine_type,
            amount=Money(account.amount, self.desk.patrons.currency),
            posted=account.posted or self.desk.now(),
            item_barcode=account.barcode,
            paid=paid,
        )

    # --- patrons -----------------------------------------------------------------------------------------

    async def create_patron(self, wish: PatronCreation, key: str) -> Patron:
        desk, draft = self.desk, wish.draft
        if draft.name is None or not draft.name.surname.strip():
            raise make_refusal(RefusalReason.DATA_MISSING, about=MessagePart.PATRON, detail="A patron needs a name.")
        user_id = make_record_id(desk.library, "patron", key)
        record: FolioJson = {
            "id": user_id,
            "active": True,
            "type": "patron",
            "personal": {"preferredContactTypeId": "002"},
        }
        group = await self._find_group(draft.category)
        if group is None:
            raise make_refusal(
                RefusalReason.DATA_MISSING, about=MessagePart.PATRON, detail="A patron needs a patron group."
            )
        self._edit_record(record, draft, group, await self._load_address_types(draft))
        if not record.get("barcode"):
            record["barcode"] = _make_barcode(record)
        try:
            ensured_record = await ensure_record(desk.client, USERS, record)
        except Refused as refused:
            if refused.reason is RefusalReason.OTHER:
                raise make_refusal(RefusalReason.INVALID_VALUE, refused.internal, about=MessagePart.PATRON) from refused
            raise
        if draft.secret:
            await desk.client.send("POST", "/patron-pin", {"id": user_id, "pin": draft.secret})
        user = read_user(ensured_record.record if ensured_record.record is not None else record)
        return await (desk.describe_new_patron(user) if ensured_record.is_new else desk.load_patron(user))

    async def update_patron(self, wish: PatronUpdate, _key: str) -> Patron:
        """Update a patron; to set the same once more changes nothing."""
        desk, draft = self.desk, wish.draft
        known, user = await desk.require_user(wish.patron_id)
        group, address_types = await ask_together(self._find_group(draft.category), self._load_address_types(draft))

        def edit_user(record: FolioJson) -> bool:
            before = repr(record)
            self._edit_record(record, draft, group, address_types)
            return repr(record) != before

        changed = await change_record(desk.client, USERS, user.id, edit_user, known)
        if changed is None:
            raise make_refusal(RefusalReason.UNKNOWN_PATRON)
        if draft.secret:
            await desk.client.send("POST", "/patron-pin", {"id": user.id, "pin": draft.secret})
        return await desk.load_patron(read_user(changed))

    async def expire_patron(self, wish: PatronExpiry, key: str) -> Patron:
        return await self.update_patron(PatronUpdate(wish.patron_id, PatronDraft(expires=wish.on)), key)

    async def delete_patron(self, wish: PatronDeletion, key: str) -> Patron:
        desk, patron_id = self.desk, wish.patron_id
        before = await desk.changes.find_change(ChangeKind.PATRON_DELETION, key)
        record = await desk.client.find_record(USERS, patron_id) if is_uuid(patron_id) else None
        if record is None:
            if before is not None and before.record_id == patron_id:
                return Patron(patron_id, (), PersonName(""), "", "", temporary=True)  # nothing is kept of whom it was
            raise make_refusal(RefusalReason.UNKNOWN_PATRON)
        patron = await desk.load_patron(read_user(record))
        if not patron.temporary:
            raise make_refusal(
                RefusalReason.NOT_ALLOWED, about=MessagePart.PATRON, detail="The patron is not a temporary one."
            )
        owes = patron.balance is not None and patron.balance.amount > 0
        in_use = [
            what
            for what, is_there in (("loans", patron.loan_count), ("holds", patron.hold_count), ("fees", owes))
            if is_there
        ]
        if in_use:
            raise make_refusal(
                RefusalReason.IN_USE, about=MessagePart.PATRON, detail=f"The patron has {', '.join(in_use)}."
            )
        change = LibraryChange(ChangeKind.PATRON_DELETION, key, "", "", desk.now(), "", patron_id)
        await desk.changes.begin_change(change)
        await remove_record(desk.client, USERS, patron_id)
        await desk.changes.end_change(replace(change, ended=desk.now()))
        return patron

    async def _load_address_types(self, draft: PatronDraft) -> Mapping[str, str]:
        """id by name, without case. Raises Unavailable."""
        if not any(contact.postal is not None for contact in draft.contacts or ()):
            return {}
        words = await self.desk.codes.load_words(CodeTable.ADDRESS_TYPES)
        return {word.casefold(): type_id for type_id, word in words.items()}

    async def _find_group(self, category: str | None) -> str | None:
        """None: none is said. Raises Refused(INVALID_VALUE)."""
        if not category:
            return None
        return await self.desk.codes.require_id(CodeTable.PATRON_GROUPS, category, MessagePart.PATRON)

    def _edit_record(
        self, record: FolioJson, draft: PatronDraft, group: str | None, address_types: Mapping[str, str]
    ) -> None:
        """Edit a record; what the draft leaves None stays."""
        for identifier in draft.identifiers:
            name = _NUMBER_FIELDS.get(identifier.type)
            if name is None:
                raise make_refusal(
                    RefusalReason.INVALID_VALUE,
                    about=MessagePart.PATRON,
                    detail=f"FOLIO keeps no number '{identifier.type}' of patrons.",
                )
            if identifier.value:
                record[name] = identifier.value
            else:
                record.pop(name, None)
        if group is not None:
            record["patronGroup"] = group
        personal = record.setdefault("personal", {})
        if draft.name is not None:
            _set_fields(
                personal,
                {
                    "lastName": draft.name.surname,
                    "firstName": draft.name.given,
                    "middleName": draft.name.initials,
                    "preferredFirstName": "",
                },
            )
        if draft.date_of_birth is not None:
            personal["dateOfBirth"] = draft.date_of_birth.isoformat()
        if draft.contacts is not None:
            _set_contacts(personal, draft.contacts, address_types)
        if draft.expires is not None:
            record["expirationDate"] = self.desk.patrons.write_day(draft.expires)
            record["active"] = draft.expires >= self.desk.today()
        if draft.temporary is not None:
            tags = [tag for tag in record.get("tags", {}).get("tagList", []) if tag != TEMPORARY_TAG]
            record["tags"] = {"tagList": [*tags, TEMPORARY_TAG] if draft.temporary else tags}

    # --- fees --------------------------------------------------------------------------------------------

    async def post_fee(self, draft: Fee, key: str) -> Charge:
        """An account and the action that tells staff where it comes from."""
        desk = self.desk
        if draft.amount.amount <= 0 or draft.amount.currency != desk.patrons.currency:
            raise make_refusal(RefusalReason.INVALID_AMOUNT)
        before = await desk.changes.find_change(ChangeKind.FEE, key)
        if before is not None and before.ended is not None:
            return CHARGE_JSON.validate_json(before.value)
        (_, user), owner, types = await ask_together(
            desk.require_user(draft.patron_id), desk.codes.find_owner(), desk.codes.load_fee_types()
        )
        if owner is None or draft.type not in types:
            raise make_refusal(
                RefusalReason.INVALID_VALUE,
                about=MessagePart.AMOUNT,
                detail=f"The library has no fee type '{draft.type}'.",
            )
        charge = Charge(
            id=make_record_id(desk.library, "fee", key),
            key=key,
            patron_id=user.id,
            type=draft.type,
            amount=draft.amount,
            posted=desk.now(),
            description=draft.description,
            item_barcode=draft.item_barcode,
            request_id=draft.request_id,
        )
        change = LibraryChange(
            kind=ChangeKind.FEE,
            key=key,
            barcode=draft.item_barcode,
            patron_id=user.id,
            begun=charge.posted,
            request_id=draft.request_id,
            record_id=charge.id,
            value=CHARGE_JSON.dump_json(charge).decode(),
        )
        account, action = self._make_fee_records(charge, owner.id, owner.owner, types[draft.type].id)
        await desk.changes.begin_change(change)
        try:
            await ensure_record(desk.client, ACCOUNTS, account)
        except (Refused, Unavailable):
            await desk.changes.drop_change(change.kind, key)
            raise
        await ensure_record(desk.client, "/feefineactions", action)
        await desk.changes.end_change(replace(change, ended=desk.now()))
        return charge

    def _make_fee_records(self, charge: Charge, owner_id: str, owner: str, type_id: str) -> tuple[FolioJson, FolioJson]:
        amount = _write_amount(charge.amount.amount)
        account: FolioJson = {
            "id": charge.id,
            "userId": charge.patron_id,
            "feeFineId": type_id,
            "ownerId": owner_id,
            "feeFineType": charge.type,
            "feeFineOwner": owner,
            "amount": amount,
            "remaining": amount,
            "status": {"name": "Open"},
            "paymentStatus": {"name": "Outstanding"},
        }
        if charge.item_barcode:
            account["barcode"] = charge.item_barcode
        comment = "; ".join(
            part for part in (charge.description, f"ILL {charge.request_id}" if charge.request_id else "") if part
        )
        action: FolioJson = {
            "id": make_record_id(self.desk.library, "fee-action", charge.key),
            "accountId": charge.id,
            "userId": charge.patron_id,
            "dateAction": write_moment(charge.posted),
            "typeAction": charge.type,
            "amountAction": amount,
            "balance": amount,
            "source": "illgate",
            "notify": False,
        }
        if comment:
            action["comments"] = f"STAFF : {comment}"
        return account, action


def _make_barcode(record: FolioJson) -> str:
    """FOLIO lends by barcode; an institution that borrows has none of its own."""
    return f"ILL-{record.get('externalSystemId') or record.get('username') or record['id']}"


def _write_amount(amount: Decimal) -> float:
    """FOLIO's JSON has numbers; it rounds to cents itself."""
    return float(amount)


def _set_fields(record: FolioJson, fields: Mapping[str, str]) -> None:
    for name, value in fields.items():
        if value:
            record[name] = value
        else:
            record.pop(name, None)


def _set_contacts(personal: FolioJson, contacts: tuple[Contact, ...], address_types: Mapping[str, str]) -> None:
    """Those of the draft instead of all others."""
    phones = [contact for contact in contacts if contact.kind is ContactKind.PHONE]
    mobile = [phone.value for phone in phones if phone.role == "mobile"]
    others = [phone.value for phone in phones if phone.role != "mobile"]
    mails = [contact.value for contact in contacts if contact.kind is ContactKind.EMAIL]
    _set_fields(
        personal,
        {
            "email": mails[0] if mails else "",
            "phone": others[0] if others else "",
            "mobilePhone": mobile[0] if mobile else "",
        },
    )
    addresses = [_write_address(contact, address_types) for contact in contacts if contact.postal is not None]
    if addresses:
        personal["addresses"] = addresses
    else:
        personal.pop("addresses", None)


def _write_address(contact: Contact, address_types: Mapping[str, str]) -> FolioJson:
    """An address of a kind that FOLIO doesn't have is of the first that it has."""
    postal = contact.postal or PostalAddress()
    type_id = address_types.get(contact.role.casefold()) or next(iter(address_types.values()), "")
    fields = {
        "addressTypeId": type_id,
        "addressLine1": postal.line1,
        "addressLine2": postal.line2,
        "city": postal.locality,
        "region": postal.region,
        "postalCode": postal.postal_code,
        "countryId": postal.country,
    }
    return {name: value for name, value in fields.items() if value}
