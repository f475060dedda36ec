"""Who is meant: a patron by id, by credentials, or both."""

from __future__ import annotations

from gateway.domain.commands import Credential, Named, PatronRef
from gateway.domain.frozen import frozen
from gateway.domain.identifiers import institution, patron_types
from gateway.domain.library import IdentifierType, Patron, Scope
from gateway.domain.problems import About, Reason, Refused
from gateway.ports.library import Capability, PatronKey
from gateway.services.circulation.desk import Desk, naming, need


@frozen
class _Identity:
    """One way in which a message names a patron, and the value as sent."""

    key: PatronKey
    about: About
    sent: str


async def resolve(ref: PatronRef | None, desk: Desk) -> Patron:
    """The patron that a message is about.

    Raises Refused(DATA_MISSING | UNKNOWN_PATRON | AMBIGUOUS_PATRON | PATRON_AUTH_FAILED): the last when a secret is
    wrong, missing though required, of a kind that can't be checked, or when id and credentials don't agree.
    """
    need(desk, Capability.PATRON_LOOKUP)
    identities, secrets = _read(ref, desk)
    if not identities:
        raise Refused(Reason.DATA_MISSING, "The message doesn't say which patron is meant.", about=About.PATRON)
    if ref is not None and ref.credentials and not secrets and desk.policy.patrons.secret_required:
        raise Refused(
            Reason.PATRON_AUTH_FAILED, "A PIN or password is needed with these credentials.", about=About.CREDENTIALS
        )
    first, *others = identities
    patron = await (_authenticate(first, secrets, desk) if secrets else _find(first, desk))
    for other in others:
        if (await _find(other, desk)).id != patron.id:
            raise Refused(
                Reason.PATRON_AUTH_FAILED, "The user id and the credentials don't agree.", about=About.CREDENTIALS
            )
    return patron


async def by_internal_id(patron_id: str, desk: Desk) -> Patron:
    """The patron whom a hold or loan of the library names."""
    return await desk.library.find_patron(PatronKey(patron_id, (IdentifierType.INTERNAL,)))


def stop_if_blocked(patron: Patron, scope: Scope, desk: Desk) -> None:
    """Raises Refused(PATRON_EXPIRED | PATRON_BLOCKED) where the profile wants it. Why a patron is blocked is the
    library's business: it goes to staff only."""
    if not desk.policy.patrons.blocks_stop:
        return
    block = patron.blocked_for(scope)
    if block is None:
        return
    if patron.expires is not None and patron.expires < desk.today():
        raise Refused(
            Reason.PATRON_EXPIRED, "The patron's membership has expired.", about=About.PATRON, internal=block.reason
        )
    doing = {Scope.BORROW: "borrowing", Scope.REQUEST: "placing requests", Scope.RENEW: "renewing"}[scope]
    raise Refused(
        Reason.PATRON_BLOCKED, f"The patron is blocked from {doing}.", about=About.PATRON, internal=block.reason
    )


def is_named(patron: Patron, ref: PatronRef | None, desk: Desk) -> bool:
    """Whether a message names this very patron by id, told without asking the library."""
    if ref is None or ref.id is None:
        return False
    own = {identifier.value for identifier in patron.identifiers} | {patron.id}
    return _by_id(ref.id, desk).key.value in own


def _read(ref: PatronRef | None, desk: Desk) -> tuple[list[_Identity], list[str]]:
    """The ways in which the patron is named, credentials first since they may be signed in with, and the secrets."""
    if ref is None:
        return [], []
    rules = desk.policy.patrons
    secrets = [c.value for c in ref.credentials if c.type in rules.secret_types]
    identities = [_by_credential(c, desk) for c in ref.credentials if c.type not in rules.secret_types]
    if ref.id is not None and ref.id.value.strip():
        identities.append(_by_id(ref.id, desk))
    return identities, secrets


def _by_credential(credential: Credential, desk: Desk) -> _Identity:
    """A credential that we can't read might be a secret, so ignoring it would let anybody in."""
    type_ = desk.policy.patrons.identity_types.get(credential.type)
    if type_ is None:
        raise Refused(
            Reason.PATRON_AUTH_FAILED,
            "Credentials of this type can't be checked here.",
            about=About.CREDENTIALS,
            value=credential.type,
        )
    value = desk.policy.patrons.rewrite.apply(credential.value)
    return _Identity(PatronKey(value, (type_,)), About.CREDENTIALS, credential.value)


def _by_id(sent: Named, desk: Desk) -> _Identity:
    rules = desk.policy.patrons
    stand_in = institution(sent.value, desk.sender, rules)
    if stand_in is not None:
        return _Identity(PatronKey(stand_in, rules.lookup_by), About.PATRON, sent.value)
    return _Identity(PatronKey(rules.rewrite.apply(sent.value), patron_types(sent, rules)), About.PATRON, sent.value)


async def _find(identity: _Identity, desk: Desk) -> Patron:
    with naming(identity.about, identity.sent):
        return await desk.library.find_patron(identity.key)


async def _authenticate(identity: _Identity, secrets: list[str], desk: Desk) -> Patron:
    """Every secret must be right."""
    need(desk, Capability.AUTHENTICATE)
    with naming(About.CREDENTIALS, identity.sent):
        patron = await desk.library.authenticate(identity.key, secrets[0])
        for another in secrets[1:]:
            await desk.library.authenticate(identity.key, another)
        return patron
