"""Port `ProtocolRehearsal`: a partner of ISO 18626 that is played, and what it can do wrong in its confirmations
(docs/rehearsing.md).

Each misbehaviour takes a confirmation as it should be, and makes one thing of it wrong.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from lxml import etree
from pydantic import BaseModel

from adapters.iso18626.codec import NAMESPACE
from adapters.iso18626.codec.reader import get_local_name
from adapters.iso18626.dialect import SECTION, Account, Iso18626Dialect, dialect_of
from adapters.iso18626.messages.codes import Action
from gateway.domain.profile import AuthKind, Profile
from gateway.domain.value import replace, value_object
from gateway.ports.responder import ResponderAnswer
from rehearsal.protocols.iso18626.rehearsed_elements import change_answer, write_elements

MEDIA_TYPE = "application/xml; charset=utf-8"

_OTHER_NAMESPACE = NAMESPACE.replace("2013", "2021")
_DEFAULT_NAMESPACE = re.compile(rb'\sxmlns="[^"]*"')

_PAGE = b"<!DOCTYPE html><html><head><title>Welcome</title></head><body><p>It works.</p></body></html>"


class Iso18626Rehearsal:
    channel = SECTION

    @property
    def misbehaviours(self) -> Mapping[str, str]:
        return {name: misbehaviour.words for name, misbehaviour in MISBEHAVIOURS.items()}

    def mirror_dialect(self, profile: Profile, address: str) -> BaseModel:
        return mirror_dialect(profile, address)

    def write_elements(self, profile: Profile, elements: Mapping[str, str | None]) -> Profile:
        return write_elements(profile, elements)

    def change_answer(self, answer: ResponderAnswer, elements: Mapping[str, str | None]) -> ResponderAnswer:
        return change_answer(answer, elements)

    def spoil_answer(self, name: str, answer: ResponderAnswer, number: int) -> ResponderAnswer:
        return apply_misbehaviour(name, answer, number)


def mirror_dialect(profile: Profile, url: str) -> Iso18626Dialect:
    """Make the dialect as the partner would have it. Version and habits are those of both sides, but for what the
    profile says of one side alone: symbols change places, the partner shows the account by which the profile lets it
    in, and we take every action."""
    ours = dialect_of(profile)
    symbols = ours.symbols.model_copy(update={"ours": ours.symbols.theirs, "theirs": ours.symbols.ours})
    http = ours.http.model_copy(
        update={"url": url, "lending_url": "", "headers": {}, "secret_header": "", "secret": ""}
    )
    return ours.model_copy(
        update={
            "symbols": symbols,
            "http": http,
            "account": _account_of_partner(profile),
            "actions": tuple(action.value for action in Action),
        }
    )


def _account_of_partner(profile: Profile) -> Account:
    """Return what is shown to be let in by the security code; an account and code in one secret can't be told apart
    before it is resolved, so such a partner is let in by its address alone."""
    authentication = next((rule for rule in profile.auth if rule.kind is AuthKind.AGENCY_SECRET and rule.secret), None)
    return Account(id=profile.name, code=authentication.secret) if authentication is not None else Account()


# --- misbehaviours ----------------------------------------------------------------------------------------

ChangeTree = Callable[[etree._Element], None]


@value_object
class Misbehaviour:
    """`change_answer` for what HTTP says or bytes are, else `change_tree` for the message."""

    words: str
    change_answer: Callable[[ResponderAnswer, int], ResponderAnswer] | None = None
    change_tree: ChangeTree | None = None


def apply_misbehaviour(name: str, answer: ResponderAnswer, number: int) -> ResponderAnswer:
    """Apply a misbehaviour; raises KeyError. An answer that is no message of ISO 18626 stays as it is where a message
    is to be changed."""
    misbehaviour = MISBEHAVIOURS[name]
    if misbehaviour.change_answer is not None:
        return misbehaviour.change_answer(answer, number)
    assert misbehaviour.change_tree is not None
    try:
        root = etree.fromstring(answer.body)
    except etree.XMLSyntaxError:
        return answer
    misbehaviour.change_tree(root)
    return replace(answer, body=etree.tostring(root, xml_declaration=True, encoding="UTF-8"))


# --- finding places --------------------------------------------------------------------------------------


def _find_element(root: etree._Element, name: str) -> etree._Element | None:
    return next((element for element in root.iter(etree.Element) if get_local_name(element) == name), None)


def _list_bodies(root: etree._Element) -> list[etree._Element]:
    return [element for element in root if isinstance(element.tag, str)]


def _remove_element(name: str) -> ChangeTree:
    def remove_found(root: etree._Element) -> None:
        element = _find_element(root, name)
        parent = element.getparent() if element is not None else None
        if element is not None and parent is not None:
            parent.remove(element)

    return remove_found


def _replace_text(name: str, text: str) -> ChangeTree:
    def replace_found(root: etree._Element) -> None:
        element = _find_element(root, name)
        if element is not None:
            element.text = text

    return replace_found


def _qualify_like(root: etree._Element, name: str) -> str:
    namespace = etree.QName(root).namespace
    return f"{{{namespace}}}{name}" if namespace else name


# --- changes of the message ------------------------------------------------------------------------------


def _rename_namespace(root: etree._Element) -> None:
    for element in root.iter(etree.Element):
        element.tag = f"{{{_OTHER_NAMESPACE}}}{get_local_name(element)}"


def _drop_version(root: etree._Element) -> None:
    for name in list(root.attrib):
        del root.attrib[name]


def _unprefix_version(root: etree._Element) -> None:
    version = next(iter(root.attrib.values()), "")
    _drop_version(root)
    root.set("version", str(version))


def _swap_agencies(root: etree._Element) -> None:
    supplier, requester = (_find_element(root, name) for name in ("supplyingAgencyId", "requestingAgencyId"))
    if supplier is None or requester is None:
        return
    ours, theirs = list(supplier), list(requester)
    supplier.extend(theirs)
    requester.extend(ours)


def _rename_confirmation(root: etree._Element) -> None:
    names = ("requestConfirmation", "supplyingAgencyMessageConfirmation")
    for body in _list_bodies(root):
        is_first = get_local_name(body) == names[0]
        body.tag = _qualify_like(root, names[1] if is_first else names[0])


def _double_confirmation(root: etree._Element) -> None:
    for body in _list_bodies(root):
        root.append(etree.fromstring(etree.tostring(body)))


def _confirm_with_action(word: str) -> ChangeTree:
    """Replace the action of a confirmation by another one."""
    return _replace_text("action", word)


def _reverse_header(root: etree._Element) -> None:
    header = _find_element(root, "confirmationHeader")
    if header is not None:
        header[:] = list(reversed(header))


def _add_unknown_element(root: etree._Element) -> None:
    header = _find_element(root, "confirmationHeader")
    if header is not None:
        etree.SubElement(header, _qualify_like(root, "correlationToken")).text = "117"


def _double_status(root: etree._Element) -> None:
    element = _find_element(root, "messageStatus")
    if element is not None:
        element.addnext(etree.fromstring(etree.tostring(element)))


def _set_error(root: etree._Element) -> None:
    """ERROR, with an error of which the standard knows the type."""
    _replace_text("messageStatus", "ERROR")(root)
    if _find_element(root, "errorData") is None:
        _add_error(root, "BadlyFormedMessage", "We don't feel like it.")


def _set_error_without_data(root: etree._Element) -> None:
    _replace_text("messageStatus", "ERROR")(root)
    for _ in range(3):
        _remove_element("errorData")(root)


def _set_success(root: etree._Element) -> None:
    _replace_text("messageStatus", "OK")(root)
    for _ in range(3):
        _remove_element("errorData")(root)


def _add_error_to_success(root: etree._Element) -> None:
    _add_error(root, "UnrecognisedDataValue", "title: not liked")


def _set_unknown_error(root: etree._Element) -> None:
    _set_error(root)
    _replace_text("errorType", "ComputerSaysNo")(root)


def _add_error(root: etree._Element, kind: str, value: str) -> None:
    for body in _list_bodies(root):
        error = etree.SubElement(body, _qualify_like(root, "errorData"))
        etree.SubElement(error, _qualify_like(root, "errorType")).text = kind
        etree.SubElement(error, _qualify_like(root, "errorValue")).text = value


# --- changes of the answer -------------------------------------------------------------------------------


def _cut_off_body(answer: ResponderAnswer, _number: int) -> ResponderAnswer:
    return replace(answer, body=answer.body[: max(1, len(answer.body) * 2 // 3)])


def _drop_envelope(answer: ResponderAnswer, _number: int) -> ResponderAnswer:
    try:
        root = etree.fromstring(answer.body)
    except etree.XMLSyntaxError:
        return answer
    bodies = _list_bodies(root)
    return replace(answer, body=etree.tostring(bodies[0], encoding="UTF-8", xml_declaration=True)) if bodies else answer


def _drop_namespace(answer: ResponderAnswer, _number: int) -> ResponderAnswer:
    """Drop the namespace of elements; the prefix of attributes stays bound."""
    return replace(answer, body=_DEFAULT_NAMESPACE.sub(b"", answer.body))


def _encode_as_latin_1(answer: ResponderAnswer, _number: int) -> ResponderAnswer:
    try:
        root = etree.fromstring(answer.body)
    except etree.XMLSyntaxError:
        return answer
    text = etree.tostring(root, encoding="unicode")
    declaration = '<?xml version="1.0" encoding="ISO-8859-1"?>'
    return replace(answer, body=f"{declaration}{text}".encode("latin-1", "xmlcharrefreplace"))


def _add_doctype(answer: ResponderAnswer, _number: int) -> ResponderAnswer:
    return replace(answer, body=answer.body.replace(b"?>", b"?><!DOCTYPE ISO18626Message>", 1))


def _change_repeat(answer: ResponderAnswer, number: int) -> ResponderAnswer:
    """The first answer is right, the next ones to the same message aren't."""
    return apply_misbehaviour("refuses-all", answer, number) if number > 1 else answer


def _send_as(content_type: str) -> Callable[[ResponderAnswer, int], ResponderAnswer]:
    return lambda answer, _number: replace(answer, content_type=content_type)


def _send_with_status(status: int) -> Callable[[ResponderAnswer, int], ResponderAnswer]:
    return lambda answer, _number: replace(answer, status=status)


def _send_body(body: bytes, content_type: str) -> Callable[[ResponderAnswer, int], ResponderAnswer]:
    return lambda answer, _number: replace(answer, body=body, content_type=content_type)


MISBEHAVIOURS: Mapping[str, Misbehaviour] = {
    # HTTP and XML
    "broken-xml": Misbehaviour("the answer ends in the middle", _cut_off_body),
    "empty-answer": Misbehaviour("the answer has no body", _send_body(b"", MEDIA_TYPE)),
    "web-page": Misbehaviour("the answer is a web page", _send_body(_PAGE, "text/html; charset=utf-8")),
    "wrong-content-type": Misbehaviour("the answer calls itself text/html", _send_as("text/html; charset=utf-8")),
    "server-error": Misbehaviour("the confirmation has HTTP status 500", _send_with_status(500)),
    "status-202": Misbehaviour("the confirmation has HTTP status 202", _send_with_status(202)),
    "latin-1": Misbehaviour("the answer isn't in UTF-8", _encode_as_latin_1),
    "doctype": Misbehaviour("the answer has a DOCTYPE", _add_doctype),
    # the envelope
    "no-envelope": Misbehaviour("the confirmation stands without ISO18626Message", _drop_envelope),
    "no-namespace": Misbehaviour("elements have no namespace", _drop_namespace),
    "other-namespace": Misbehaviour("elements are in another namespace", change_tree=_rename_namespace),
    "no-version": Misbehaviour("ISO18626Message says no version", change_tree=_drop_version),
    "plain-version": Misbehaviour("the attribute version has no prefix", change_tree=_unprefix_version),
    "other-confirmation": Misbehaviour("it confirms another kind of message", change_tree=_rename_confirmation),
    "two-confirmations": Misbehaviour("two confirmations stand in one message", change_tree=_double_confirmation),
    # the header
    "no-header": Misbehaviour("there is no confirmationHeader", change_tree=_remove_element("confirmationHeader")),
    "no-timestamp": Misbehaviour("there is no timestamp", change_tree=_remove_element("timestamp")),
    "local-timestamp": Misbehaviour(
        "the timestamp has a blank and no zone", change_tree=_replace_text("timestamp", "2026-03-02 10:00:00")
    ),
    "no-timestamp-received": Misbehaviour(
        "there is no timestampReceived", change_tree=_remove_element("timestampReceived")
    ),
    "other-timestamp-received": Misbehaviour(
        "timestampReceived isn't the timestamp of the message",
        change_tree=_replace_text("timestampReceived", "2026-01-01T00:00:00Z"),
    ),
    "no-request-id": Misbehaviour(
        "there is no requestingAgencyRequestId", change_tree=_remove_element("requestingAgencyRequestId")
    ),
    "other-request-id": Misbehaviour(
        "the id of another request is echoed", change_tree=_replace_text("requestingAgencyRequestId", "000000")
    ),
    "swapped-agencies": Misbehaviour("requester and supplier are exchanged", change_tree=_swap_agencies),
    "no-requester": Misbehaviour("there is no requestingAgencyId", change_tree=_remove_element("requestingAgencyId")),
    "no-status": Misbehaviour("there is no messageStatus", change_tree=_remove_element("messageStatus")),
    "unknown-status": Misbehaviour(
        "messageStatus is a word of its own", change_tree=_replace_text("messageStatus", "MAYBE")
    ),
    "out-of-order": Misbehaviour("elements of the header are in another order", change_tree=_reverse_header),
    "unknown-element": Misbehaviour(
        "the header has an element that the schema doesn't have", change_tree=_add_unknown_element
    ),
    "double-status": Misbehaviour("messageStatus stands there twice", change_tree=_double_status),
    # what it says
    "no-action": Misbehaviour("the action isn't echoed", change_tree=_remove_element("action")),
    "other-action": Misbehaviour("another action is echoed", change_tree=_confirm_with_action("ShippedForward")),
    "no-reason": Misbehaviour("the reason isn't echoed", change_tree=_remove_element("reasonForMessage")),
    "unknown-reason": Misbehaviour(
        "a reason of its own is echoed", change_tree=_replace_text("reasonForMessage", "JustBecause")
    ),
    "error-without-data": Misbehaviour("ERROR without errorData", change_tree=_set_error_without_data),
    "success-with-error": Misbehaviour("OK with errorData", change_tree=_add_error_to_success),
    "unknown-error": Misbehaviour("errorType is a word of its own", change_tree=_set_unknown_error),
    "refuses-all": Misbehaviour("everything is refused", change_tree=_set_error),
    "accepts-all": Misbehaviour("everything is confirmed, whatever is in it", change_tree=_set_success),
    "changing-answer": Misbehaviour("a repeat of a message is refused", _change_repeat),
}
