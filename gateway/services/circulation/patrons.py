"""Search for the patron who is meant; patrons created, updated and deleted."""

from __future__ import annotations

from datetime import timedelta

from gateway.domain.circulation_policy import ChangeablePatrons
from gateway.domain.commands import (
    CreatePatron,
    Credential,
    DeletePatron,
    Named,
    PatronChanged,
    PatronRef,
    UpdatePatron,
)
from gateway.domain.library import Block, BlockScope, Contact, IdentifierType, Patron, PatronDraft, PatronIdentifier
from gateway.domain.partner_identifiers import choose_identifier_types, institution_identifier
from gateway.domain.patterns import fits_pattern
from gateway.domain.problems import MessagePart, RefusalReason, Refused
from gateway.domain.sentences import write_sentence
from gateway.domain.value import replace, value_object
from gateway.ports.library_system import Capability, PatronKey
from gateway.ports.partner_things import ThingKind
from gateway.services.circulation.context import (
    CirculationContext,
    change_refusals_about,
    is_answered_as_success,
    lookup_refusals_about,
    require_capability,
)
from gateway.services.circulation.own_things import Maker


@value_object
class _PatronIdentity:
    """One way in which a message names a patron, and the value as sent."""

    key: PatronKey
    about: MessagePart
    sent: str


async def resolve_patron(ref: PatronRef | None, context: CirculationContext) -> Patron:
    """The patron that a message is about; one whom another partner has created is unknown.

    Raises Refused(DATA_MISSING | UNKNOWN_PATRON | AMBIGUOUS_PATRON | PATRON_AUTH_FAILED): the last when a secret is
    wrong, missing though required, of a kind that can't be checked, or when id and credentials don't agree.
    """
    require_capability(context, Capability.PATRON_LOOKUP)
    identities, secrets = _read_identities(ref, context)
    if not identities:
        raise Refused(RefusalReason.DATA_MISSING, "The message does not identify a patron.", about=MessagePart.PATRON)
    if ref is not None and ref.credentials and not secrets and context.policy.patrons.secret_required:
        raise Refused(
            RefusalReason.PATRON_AUTH_FAILED,
            "A PIN or password is required with these credentials.",
            about=MessagePart.CREDENTIALS,
        )
    first, *others = identities
    patron = await (_authenticate_identity(first, secrets, context) if secrets else _find_identity(first, context))
    for other in others:
        if (await _find_identity(other, context)).id != patron.id:
            raise Refused(
                RefusalReason.PATRON_AUTH_FAILED,
                "The user ID and the credentials do not match.",
                about=MessagePart.CREDENTIALS,
            )
    return patron


def list_secrets(ref: PatronRef, context: CirculationContext) -> tuple[tuple[PatronKey, str], ...]:
    """List the secrets that `resolve_patron` has checked, each with whose it is. Raises Refused as it does."""
    identities, secrets = _read_identities(ref, context)
    return tuple((identities[0].key, secret) for secret in secrets) if identities else ()


async def find_patron_by_id(patron_id: str, context: CirculationContext) -> Patron:
    """The patron whom a hold or loan of the library names."""
    return await context.library.find_patron(PatronKey(patron_id, (IdentifierType.INTERNAL,)))


_BLOCKED = {
    BlockScope.BORROW: write_sentence("The patron is blocked from borrowing."),
    BlockScope.REQUEST: write_sentence("The patron is blocked from placing requests."),
    BlockScope.RENEW: write_sentence("The patron is blocked from renewing."),
}


def refuse_if_blocked(patron: Patron, scope: BlockScope, context: CirculationContext) -> None:
    """Raise Refused(PATRON_EXPIRED | PATRON_BLOCKED) where the profile wants it. Why a patron is blocked is the
    library's business: it goes to staff only."""
    block = find_stopping_block(patron, scope, context)
    if block is not None:
        raise make_block_refusal(patron, scope, block, context)


def find_stopping_block(patron: Patron, scope: BlockScope, context: CirculationContext) -> Block | None:
    """None also where the profile lets blocked patrons have what they want."""
    return patron.find_block(scope) if context.policy.patrons.blocks_stop else None


def make_block_refusal(patron: Patron, scope: BlockScope, block: Block, context: CirculationContext) -> Refused:
    if patron.expires is not None and patron.expires < context.today():
        return Refused(
            RefusalReason.PATRON_EXPIRED,
            "The patron's membership has expired.",
            about=MessagePart.PATRON,
            internal=block.reason,
        )
    return Refused(
        RefusalReason.PATRON_BLOCKED,
        _BLOCKED[scope],
        about=MessagePart.PATRON,
        internal=block.reason,
    )


def is_institution(patron: Patron, ref: PatronRef, context: CirculationContext) -> bool:
    """Return whether a message means a library, for several of whose patrons it may ask for the same."""
    sent = ref.id.value.strip() if ref.id is not None else ""
    rules = context.policy.patrons
    return (
        patron.name.is_organisation
        or institution_identifier(sent, context.sender, rules) is not None
        or any(fits_pattern(pattern, sent) for pattern in rules.institution_ids)
    )


def is_named_patron(patron: Patron, ref: PatronRef | None, context: CirculationContext) -> bool:
    """Return whether a message names this very patron by id, told without asking the library."""
    if ref is None or ref.id is None:
        return False
    own = {identifier.value for identifier in patron.identifiers} | {patron.id}
    return _identity_of_user_id(ref.id, context).key.value in own


def _read_identities(ref: PatronRef | None, context: CirculationContext) -> tuple[list[_PatronIdentity], list[str]]:
    """The ways in which the patron is named, credentials first since they may be signed in with, and the secrets."""
    if ref is None:
        return [], []
    rules = context.policy.patrons
    secrets = [c.value for c in ref.credentials if c.type in rules.secret_types]
    identities = [_identity_of_credential(c, context) for c in ref.credentials if c.type not in rules.secret_types]
    if ref.id is not None and ref.id.value.strip():
        identities.append(_identity_of_user_id(ref.id, context))
    return identities, secrets


def _identity_of_credential(credential: Credential, context: CirculationContext) -> _PatronIdentity:
    """A credential that we can't read might be a secret, so ignoring it would let anybody in."""
    type_ = context.policy.patrons.identity_types.get(credential.type)
    if type_ is None:
        raise Refused(
            RefusalReason.PATRON_AUTH_FAILED,
            "This type of credentials is not supported.",
            about=MessagePart.CREDENTIALS,
            value=credential.type,
        )
    value = context.policy.patrons.rewrite.rewrite_identifier(credential.value)
    return _PatronIdentity(PatronKey(value, (type_,)), MessagePart.CREDENTIALS, credential.value)


def _identity_of_user_id(sent: Named, context: CirculationContext) -> _PatronIdentity:
    return _PatronIdentity(choose_patron_key(sent, context), MessagePart.PATRON, sent.value)


def choose_patron_key(sent: Named, context: CirculationContext) -> PatronKey:
    """Choose the key under which the library is asked for a patron, by a user id as sent."""
    rules = context.policy.patrons
    stand_in = institution_identifier(sent.value, context.sender, rules)
    if stand_in is not None:
        return PatronKey(stand_in, rules.lookup_by)
    return PatronKey(rules.rewrite.rewrite_identifier(sent.value), choose_identifier_types(sent, rules))


async def _find_identity(identity: _PatronIdentity, context: CirculationContext) -> Patron:
    with lookup_refusals_about(identity.about, identity.sent):
        patron = await context.library.find_patron(identity.key)
        if await _find_maker(patron, context) is Maker.ANOTHER_PARTNER:
            raise Refused(RefusalReason.UNKNOWN_PATRON, "Patron not found.")
        return patron


async def _authenticate_identity(identity: _PatronIdentity, secrets: list[str], context: CirculationContext) -> Patron:
    """Every secret must be right."""
    require_capability(context, Capability.AUTHENTICATE)
    with lookup_refusals_about(MessagePart.CREDENTIALS, identity.sent):
        patron = await context.authenticate(identity.key, secrets[0])
        for another in secrets[1:]:
            await context.authenticate(identity.key, another)
        if await _find_maker(patron, context) is Maker.ANOTHER_PARTNER:
            raise Refused(RefusalReason.PATRON_AUTH_FAILED, "the patron's PIN or password is incorrect")
        return patron


async def _find_maker(patron: Patron, context: CirculationContext) -> Maker:
    return await context.things.find_maker(ThingKind.PATRON, patron.id, patron.maker)


def to_library_draft(draft: PatronDraft, context: CirculationContext, *, named: Named | None = None) -> PatronDraft:
    """Identifiers by the profile's types and rewriting; `named` is one more, from the message's UserId. The expiry only
    where the profile lets the partner say it."""
    sent = [Named(identifier.value, identifier.type) for identifier in draft.identifiers]
    if named is not None and named.value.strip():
        sent.insert(0, named)
    return replace(
        draft,
        identifiers=tuple(dict.fromkeys(_translate_identifier(identifier, context) for identifier in sent)),
        expires=draft.expires if context.policy.patrons.expiry_from == "privilege" else None,
    )


def _translate_identifier(sent: Named, context: CirculationContext) -> PatronIdentifier:
    rules = context.policy.patrons
    known = {*rules.lookup_by, *rules.id_types.values(), *rules.identity_types.values()}
    type_ = sent.type if sent.type in known else choose_identifier_types(sent, rules)[0]
    return PatronIdentifier(type_, rules.rewrite.rewrite_identifier(sent.value))


async def create_patron(command: CreatePatron, context: CirculationContext, key: str) -> PatronChanged:
    """Category, expiry and home come from the profile where the message doesn't say them. Under the profile of a
    partner library everybody is that library's (loan to requester).

    Raises Refused(DATA_MISSING | INVALID_VALUE | DUPLICATE_PATRON).
    """
    require_capability(context, Capability.PATRON_CREATE)
    draft = _complete_draft(to_library_draft(command.draft, context, named=command.patron), command.sender, context)
    if draft.name is None or not draft.name.surname.strip():
        raise Refused(RefusalReason.DATA_MISSING, "The name of the new patron is missing.", about=MessagePart.PATRON)
    try:
        with change_refusals_about(MessagePart.PATRON, command.patron.value if command.patron is not None else ""):
            patron = await context.library.create_patron(draft, key)
        context.things.add_thing(ThingKind.PATRON, patron.id)
        return PatronChanged(patron)
    except Refused as refused:
        if is_answered_as_success(refused, "create-patron", context):
            return PatronChanged(await _find_existing_patron(draft, context, refused))
        raise


def _complete_draft(draft: PatronDraft, sender: str, context: CirculationContext) -> PatronDraft:
    rules = context.policy.patrons
    return replace(
        draft,
        category=draft.category or rules.create_category,
        expires=draft.expires or context.today() + timedelta(days=rules.create_days),
        home_library=draft.home_library or rules.create_library or None,
        home_institution=context.institution or draft.home_institution or context.agency_or_sender(sender),
        temporary=True if draft.temporary is None else draft.temporary,
    )


async def _find_existing_patron(draft: PatronDraft, context: CirculationContext, refused: Refused) -> Patron:
    """The patron who has one of these identifiers already."""
    for identifier in draft.identifiers:
        try:
            patron = await context.library.find_patron(PatronKey(identifier.value, (identifier.type,)))
            if await _find_maker(patron, context) is not Maker.ANOTHER_PARTNER:
                return patron
        except Refused as unknown:
            if unknown.reason is not RefusalReason.UNKNOWN_PATRON:
                raise
    raise refused


async def update_patron(command: UpdatePatron, context: CirculationContext, key: str) -> PatronChanged:
    """Values are absolute, so a repeat changes nothing; the key tells the time, for an address may change there
    and back. Policy `patrons.changeable` says whose record it may be. Raises Refused(UNKNOWN_PATRON |
    UNAUTHORIZED_SERVICE | NOT_ALLOWED (what can't be taken away) | DUPLICATE_PATRON)."""
    require_capability(context, Capability.PATRON_UPDATE)
    patron = await resolve_patron(command.patron, context)
    await _require_change_right(patron, command.patron, context)
    _refuse_lasting_removals(command.remove)
    draft = to_library_draft(command.add, context)
    contacts = _merge_contacts(patron, command)
    draft = replace(
        draft,
        contacts=contacts if contacts != patron.contacts else None,
        identifiers=(
            *draft.identifiers,
            *_list_removed_identifiers(patron, draft, to_library_draft(command.remove, context)),
        ),
    )
    if command.remove.language is not None and draft.language is None:
        draft = replace(draft, language="")
    if draft == PatronDraft():
        return PatronChanged(patron)
    changed = await context.library.update_patron(patron.id, draft, f"{key}:{context.now().isoformat()}")
    return PatronChanged(changed)


async def delete_patron(command: DeletePatron, context: CirculationContext, key: str) -> PatronChanged:
    """Temporary patrons only, as far as policy `patrons.changeable` goes: the library's own are its own business.

    Raises Refused(UNKNOWN_PATRON | UNAUTHORIZED_SERVICE | NOT_ALLOWED | IN_USE (loans, holds, unpaid fees)).
    """
    require_capability(context, Capability.PATRON_DELETE)
    patron = await resolve_patron(command.patron, context)
    await _require_change_right(patron, command.patron, context)
    sent = command.patron.id.value if command.patron.id is not None else ""
    with change_refusals_about(MessagePart.PATRON, sent):
        gone = await context.library.delete_patron(patron.id, key)
    await context.things.forget_thing(ThingKind.PATRON, patron.id)
    return PatronChanged(gone)


async def _require_change_right(patron: Patron, ref: PatronRef, context: CirculationContext) -> None:
    rights = context.policy.patrons.changeable
    if await _find_maker(patron, context) is Maker.THIS_PARTNER or rights is ChangeablePatrons.ALL:
        return
    if rights is ChangeablePatrons.OWN or not patron.temporary:
        raise Refused(
            RefusalReason.UNAUTHORIZED_SERVICE,
            "This partner is not allowed to change this patron.",
            about=MessagePart.PATRON,
            value=ref.id.value if ref.id is not None else "",
        )


def _refuse_lasting_removals(remove: PatronDraft) -> None:
    """A name or a category may be replaced, but nobody can be without one."""
    lasting = {
        "name": remove.name,
        "category": remove.category,
        "home library": remove.home_library,
        "expiry": remove.expires,
        "date of birth": remove.date_of_birth,
    }
    for what, value in lasting.items():
        if value is not None:
            raise Refused(
                RefusalReason.NOT_ALLOWED,
                write_sentence("The patron's %(what)s cannot be removed.", what=what),
                about=MessagePart.PATRON,
            )


def _list_removed_identifiers(patron: Patron, add: PatronDraft, remove: PatronDraft) -> tuple[PatronIdentifier, ...]:
    """Those that the patron has and that none of the same type replaces, as `LibrarySystem.update_patron` wants
    them: with an empty value. Raises Refused(NOT_ALLOWED) when none would be left."""
    replaced = {identifier.type for identifier in add.identifiers}
    gone = [id_ for id_ in patron.identifiers if id_ in remove.identifiers and id_.type not in replaced]
    if gone and not add.identifiers and len(gone) == len(patron.identifiers):
        raise Refused(
            RefusalReason.NOT_ALLOWED, "The patron's last identifier cannot be removed.", about=MessagePart.PATRON
        )
    return tuple(PatronIdentifier(patron_identifier.type, "") for patron_identifier in gone)


def _merge_contacts(patron: Patron, command: UpdatePatron) -> tuple[Contact, ...]:
    """Merge contacts: taken away by kind and value, or by kind and role where no value is said; added ones replace
    their equals."""
    kept = [c for c in patron.contacts if not any(_is_same_contact(gone, c) for gone in command.remove.contacts or ())]
    added = command.add.contacts or ()
    return (*(c for c in kept if not any(_is_same_contact(new, c) for new in added)), *added)


def _is_same_contact(sent: Contact, contact: Contact) -> bool:
    if sent.kind is not contact.kind:
        return False
    if sent.value or sent.postal is not None:
        return (sent.value, sent.postal) == (contact.value, contact.postal)
    return sent.role == contact.role
