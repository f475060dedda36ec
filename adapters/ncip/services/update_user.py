"""UpdateUser: a patron's data has changed."""

from __future__ import annotations

from adapters.ncip.messages import UpdateUser, UpdateUserResponse, UserFields
from adapters.ncip.services import users, wording
from adapters.ncip.services.reading import Reader, must_patron
from adapters.ncip.services.wording import Writer
from gateway.domain.commands import PatronChanged, UpdatePatron
from gateway.domain.library import PatronDraft
from gateway.domain.problems import About, Reason, Refused


def read_update_user(message: UpdateUser, reader: Reader) -> UpdatePatron:
    if message.add_user_fields is None and message.delete_user_fields is None:
        raise Refused(Reason.DATA_MISSING, "Nothing is said to be added or deleted.", about=About.PATRON)
    return UpdatePatron(
        must_patron(message.user_id, message.authentication_inputs),
        add=_draft(message.add_user_fields, reader),
        remove=_draft(message.delete_user_fields, reader),
    )


def _draft(fields: UserFields | None, reader: Reader) -> PatronDraft:
    if fields is None:
        return PatronDraft()
    return users.draft(
        ids=users.identifiers(None, fields.authentication_inputs, reader),
        name=fields.name_information,
        addresses=fields.user_address_information,
        born=fields.date_of_birth,
        languages=fields.user_languages,
        pin=users.secret(fields.authentication_inputs, reader),
        reader=reader,
    )


def write_update_user_response(updated: PatronChanged, message: UpdateUser, writer: Writer) -> UpdateUserResponse:
    return UpdateUserResponse(user_id=wording.user_id(updated.patron, message.user_id, writer))
