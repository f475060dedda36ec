"""CreateUser: a patron of another institution, or (Auto-Graphics) an organisation, becomes a patron here."""

from __future__ import annotations

from adapters.ncip.messages import CreateUser, CreateUserResponse
from adapters.ncip.services import users, wording
from adapters.ncip.services.reading import Reader, named
from adapters.ncip.services.wording import Writer
from gateway.domain.commands import CreatePatron, PatronChanged
from gateway.domain.problems import About, Reason, Refused


def read_create_user(message: CreateUser, reader: Reader) -> CreatePatron:
    draft = users.draft(
        ids=users.identifiers(message.user_id, message.authentication_inputs, reader),
        name=message.name_information,
        addresses=message.user_address_information,
        born=message.date_of_birth,
        languages=message.user_languages,
        pin=users.secret(message.authentication_inputs, reader),
        reader=reader,
    )
    if draft.name is None:
        raise Refused(Reason.DATA_MISSING, "NameInformation is missing or empty.", about=About.PATRON)
    return CreatePatron(draft, named(message.user_id), reader.sender)


def write_create_user_response(created: PatronChanged, message: CreateUser, writer: Writer) -> CreateUserResponse:
    return CreateUserResponse(user_id=wording.user_id(created.patron, message.user_id, writer))
