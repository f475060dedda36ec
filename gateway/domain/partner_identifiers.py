"""Rules that make the identifiers that a partner sends the library's own. Pure rules over
`domain.circulation_policy`."""

from __future__ import annotations

from hashlib import blake2b

from gateway.domain.circulation_policy import (
    AcceptItemRules,
    BarcodeSource,
    CirculationPolicy,
    PatronRules,
    PrefixMeaning,
    RecordRules,
)
from gateway.domain.commands import Named
from gateway.domain.library import RecordId
from gateway.domain.patterns import expand_template, match_whole
from gateway.domain.problems import MessagePart, RefusalReason, Refused
from gateway.domain.sentences import write_sentence
from gateway.domain.value import value_object

# --- agencies and patrons --------------------------------------------------------------------------------


def translate_agency(wire: str, policy: CirculationPolicy) -> str:
    """An agency id as sent -> ours; unchanged where the profile doesn't map it."""
    sent = wire.strip()
    folded = sent.casefold()
    return next((ours for theirs, ours in policy.agencies.items() if theirs.casefold() == folded), sent)


def institution_identifier(user: str, agency: str, rules: PatronRules) -> str | None:
    """The identifier of the patron that stands for a partner library, None when `user` is a person's id."""
    sent = user.strip()
    for rule in rules.institutional:
        if match := match_whole(rule.match, sent):
            patron = rule.patron.format(agency=_escape_backslashes(agency), user=_escape_backslashes(sent))
            return expand_template(match, patron)
    return None


def _escape_backslashes(text: str) -> str:
    """A text that `Match.expand` leaves as it is."""
    return text.replace("\\", r"\\")


def choose_identifier_types(sent: Named, rules: PatronRules) -> tuple[str, ...]:
    """The identifier types under which a user id is looked up."""
    ours = rules.id_types.get(sent.type.strip().lower())
    return (ours,) if ours else rules.lookup_by


# --- request numbers -------------------------------------------------------------------------------------


@value_object
class RequestNumber:
    """A request number and what its prefix says."""

    value: str
    library_use_only: bool = False
    renewable: bool | None = None  # None: not said


def read_request_number(sent: Named | None, policy: CirculationPolicy) -> RequestNumber:
    """Empty value when none was sent."""
    if sent is None:
        return RequestNumber("")
    value = sent.value.strip()
    rule = next((r for r in policy.requests.prefixes if r.prefix and value.startswith(r.prefix)), None)
    if rule is None:
        return RequestNumber(policy.requests.rewrite.rewrite_identifier(value))
    if not rule.keep:
        value = value[len(rule.prefix) :]
    renewable = True if PrefixMeaning.RENEWABLE in rule.means else None
    if PrefixMeaning.NOT_RENEWABLE in rule.means:
        renewable = False
    return RequestNumber(
        policy.requests.rewrite.rewrite_identifier(value), PrefixMeaning.LIBRARY_USE_ONLY in rule.means, renewable
    )


# --- barcodes --------------------------------------------------------------------------------------------


def is_request_number(sent: Named, policy: CirculationPolicy) -> bool:
    """Return whether an item id is said to be a request number (OCLC: type `ILL Request Id`)."""
    return sent.type.strip().lower() in policy.items.request_id_types


def list_item_barcodes(sent: Named, agency: str, policy: CirculationPolicy) -> tuple[str, ...]:
    """The barcodes that an item id may stand for: one of the library's own first, then that of the temporary
    record which the same id gave in AcceptItem."""
    own = policy.items.rewrite.rewrite_identifier(sent.value)
    if policy.accept.barcode_from is BarcodeSource.GENERATED:
        return (own,)
    return tuple(dict.fromkeys((own, _rewrite_barcode(sent.value, agency, policy))))


def make_temporary_barcode(
    item: Named | None,
    request: RequestNumber,
    sent_request: Named | None,
    agency: str,
    key: str,
    policy: CirculationPolicy,
) -> str:
    """The barcode of a temporary record. `key`: what a generated one is derived from.

    Raises Refused(DATA_MISSING) without the id that it is made of, Refused(INVALID_VALUE) when it is too long.
    """
    source = policy.accept.barcode_from
    if source is BarcodeSource.GENERATED:
        barcode, about, value = generate_barcode(policy.accept, request.value, key), MessagePart.ITEM, ""
    else:
        sent, about = (
            (item, MessagePart.ITEM) if source is BarcodeSource.ITEM_ID else (sent_request, MessagePart.REQUEST)
        )
        value = sent.value if sent is not None else ""
        if not value.strip():
            raise Refused(RefusalReason.DATA_MISSING, "The ID for the item’s barcode is missing.", about=about)
        barcode = _rewrite_barcode(value, agency, policy)
    if len(barcode) > policy.accept.barcode_max:
        limit = policy.accept.barcode_max
        raise Refused(
            RefusalReason.INVALID_VALUE,
            write_sentence("The barcode would be longer than %(limit)s characters.", limit=limit),
            about=about,
            value=value,
        )
    return barcode


def _rewrite_barcode(sent: str, agency: str, policy: CirculationPolicy) -> str:
    return append_agency_code(policy.accept.barcode.rewrite_identifier(sent), agency, policy)


def append_agency_code(barcode: str, agency: str, policy: CirculationPolicy) -> str:
    """INN-Reach: barcodes of several sites may be equal, so the site's code is put behind (facts/ncip.md 2.9)."""
    return barcode + agency if policy.notifications.barcode_suffix_agency else barcode


def generate_barcode(accept: AcceptItemRules, request: str, key: str) -> str:
    """The same for the same key, so that a repeated message needs no counter to find its barcode again."""
    number = int.from_bytes(blake2b(key.encode(), digest_size=8).digest(), "big") % 1_000_000_000
    return accept.barcode_template.format(number=number, request=request)


# --- records ---------------------------------------------------------------------------------------------


def translate_record_ids(record_ids: tuple[RecordId, ...], rules: RecordRules) -> tuple[RecordId, ...]:
    """Record ids in our types and spelling, in the order in which they are tried.

    Raises Refused(INVALID_VALUE) when none is of a type that this profile looks up.
    """
    typed = ((rules.types.get(r.type.strip().lower(), r.type.strip().lower()), r.value) for r in record_ids)
    known = sorted((pair for pair in typed if pair[0] in rules.order), key=lambda pair: rules.order.index(pair[0]))
    ids = tuple(RecordId(type_, _rewrite_record_number(type_, value, rules)) for type_, value in known)
    usable = tuple(record for record in ids if record.value)
    if not usable:
        raise Refused(
            RefusalReason.INVALID_VALUE,
            "None of the record numbers can be looked up in this library system.",
            about=MessagePart.RECORD,
            value=record_ids[0].value if record_ids else "",
        )
    return usable


def _rewrite_record_number(type_: str, value: str, rules: RecordRules) -> str:
    rewrite = rules.rewrite.get(type_)
    value = rewrite.rewrite_identifier(value) if rewrite is not None else value.strip()
    return value[:-1] if rules.drop_check_digit and type_ == "local" else value
