"""Port `SystemRehearsal`: a library's system that is played, and what it can do wrong in its answers
(docs/rehearsing.md).

Each misbehaviour takes an answer as it should be, and makes one thing of it wrong. Those that name a system were seen
with it (docs/facts/ncip.md 1.2, 2.9, 3.6). How its refusals are worded where nothing is wrong is said by the profile.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import tzinfo

from lxml import etree
from pydantic import BaseModel

from adapters.ncip.client import mirror_dialect
from adapters.ncip.client.services import choose_style
from adapters.ncip.codec import decode_message, encode_message
from adapters.ncip.dialect import NcipDialect
from adapters.ncip.wire_dialect import Strictness
from adapters.ncip.xml_parser import parse_xml
from gateway.domain.problems import ConfigurationError, ConfigurationProblem
from gateway.domain.profile import Profile
from gateway.domain.value import replace, value_object
from gateway.ports.responder import ExchangeContext, ResponderAnswer
from rehearsal.ports.partner_simulator import PartnerService

CONTENT_TYPE = "application/xml; charset=utf-8"

_PAGE = b"<!DOCTYPE html><html><head><title>Welcome</title></head><body><p>It works.</p></body></html>"
_FOLIO_ERROR = b"<Problem><message>Server error processing message</message></Problem>"
_PROBLEM_TYPE = re.compile(rb"(<(?:\w+:)?ProblemType\b[^>]*>)[^<]*")


class NcipRehearsal:
    @property
    def misbehaviours(self) -> Mapping[str, str]:
        return {name: misbehaviour.words for name, misbehaviour in MISBEHAVIOURS.items()}

    def mirror_dialect(self, profile: Profile) -> BaseModel:
        return mirror_dialect(_get_ncip_dialect(profile))

    def is_reached_by_tcp(self, profile: Profile) -> bool:
        return bool(_get_ncip_dialect(profile).tcp.address)

    def is_sent(self, service: PartnerService, profile: Profile) -> bool:
        return _get_ncip_dialect(profile).is_service_offered(service.wire)

    def change_message(self, body: bytes, elements: Mapping[str, str | None], exchange: ExchangeContext) -> bytes:
        """See `rehearsal.ports.rehearsals.SystemRehearsal`."""
        return change_elements(body, elements, _get_ncip_dialect(exchange.profile), exchange.zone)

    def spoil_answer(self, name: str, answer: ResponderAnswer, _number: int) -> ResponderAnswer:
        return MISBEHAVIOURS[name].change_answer(answer)


def _get_ncip_dialect(profile: Profile) -> NcipDialect:
    dialect = profile.dialects.get("ncip")
    return dialect if isinstance(dialect, NcipDialect) else NcipDialect()


# --- elements that scenarios name ------------------------------------------------------------------------


_EMPTY = "an-element-without-text"
"""In place of none, with which it would not be written."""


def change_elements(body: bytes, elements: Mapping[str, str | None], ours: NcipDialect, zone: tzinfo) -> bytes:
    """The partner's message with these elements, in the order of the schema. Raises ConfigurationError for one that the
    schema doesn't have there."""
    root = etree.fromstring(body)
    for path, text in elements.items():
        _change_element(root[0], path.split("/"), _EMPTY if text == "" else text)
    as_read = ours.xml.model_copy(update={"strictness": Strictness.LENIENT})
    message = decode_message(parse_xml(etree.tostring(root), as_read), as_read, zone)
    spoken = mirror_dialect(ours)
    changed = encode_message(message, choose_style(message, spoken.xml), zone)
    written = etree.fromstring(changed)[0]
    for path, text in elements.items():
        if (text is not None) is not bool(_find_elements(written, path.split("/"))):
            problem = "this service has no such element, or it must be there"
            raise ConfigurationError([ConfigurationProblem("scenario", 0, ("elements", path), problem)])
    return changed.replace(_EMPTY.encode(), b"")


def _find_elements(parent: etree._Element, names: Sequence[str]) -> list[etree._Element]:
    nodes = [node for node in parent.iterchildren(etree.Element) if etree.QName(node).localname == names[0]]
    return nodes if len(names) == 1 else [element for each in nodes for element in _find_elements(each, names[1:])]


def _change_element(parent: etree._Element, names: Sequence[str], text: str | None) -> None:
    elements = _find_elements(parent, names[:1])
    if len(names) > 1:
        if elements or text is not None:
            inner = elements[0] if elements else etree.SubElement(parent, _qualify_like(parent, names[0]))
            _change_element(inner, names[1:], text)
        return
    for element in elements:
        parent.remove(element)
    if text is not None:
        etree.SubElement(parent, _qualify_like(parent, names[0])).text = text


@value_object
class NcipMisbehaviour:
    words: str
    change_answer: Callable[[ResponderAnswer], ResponderAnswer]


ChangeRoot = Callable[[etree._Element], None]


def _change_tree(change: ChangeRoot) -> Callable[[ResponderAnswer], ResponderAnswer]:
    """An answer that is no XML stays as it is."""

    def change_answer(answer: ResponderAnswer) -> ResponderAnswer:
        try:
            root = etree.fromstring(answer.body)
        except etree.XMLSyntaxError:
            return answer
        change(root)
        return replace(answer, body=etree.tostring(root, xml_declaration=True, encoding="UTF-8"))

    return change_answer


def _qualify_like(element: etree._Element, name: str) -> str:
    namespace = etree.QName(element).namespace
    return f"{{{namespace}}}{name}" if namespace else name


def _find_body(root: etree._Element) -> etree._Element | None:
    return next((element for element in root if isinstance(element.tag, str)), None)


def _find_parts(root: etree._Element, name: str) -> list[etree._Element]:
    return [element for element in root.iter(etree.Element) if etree.QName(element).localname == name]


# --- changes of the message ------------------------------------------------------------------------------


def _raise_problems(root: etree._Element) -> None:
    """Move problems up; where there is none the answer stays as it is."""
    body, problems = _find_body(root), _find_parts(root, "Problem")
    if body is not None and problems:
        root.remove(body)
        root.extend(problems)


def _answer_something_else(root: etree._Element) -> None:
    body = _find_body(root)
    if body is not None:
        is_renewal = etree.QName(body).localname == "RenewItemResponse"
        body.tag = _qualify_like(body, "LookupItemResponse" if is_renewal else "RenewItemResponse")


def _drop_header(root: etree._Element) -> None:
    for header in _find_parts(root, "ResponseHeader"):
        parent = header.getparent()
        if parent is not None:
            parent.remove(header)


def _drop_problem_type(root: etree._Element) -> None:
    for part in _find_parts(root, "ProblemType"):
        parent = part.getparent()
        if parent is not None:
            parent.remove(part)


def _empty_message(root: etree._Element) -> None:
    root[:] = []


def _say_it_works(root: etree._Element) -> None:
    root[:] = []
    root.text = "It works!"


def _answer_as_evergreen(root: etree._Element) -> None:
    """A refusal as ItemRequestedResponse, with its text in the place of an agency."""
    body, problems = _find_body(root), _find_parts(root, "Problem")
    if body is None or not problems:
        return
    words = " ".join("".join(map(str, problems[0].itertext())).split())
    root.remove(body)
    named = _qualify_like(body, "ItemRequestedResponse")
    header = etree.SubElement(etree.SubElement(root, named), _qualify_like(body, "ResponseHeader"))
    for place, text in (("FromAgencyId", "EVERGREEN"), ("ToAgencyId", words)):
        agency = etree.SubElement(header, _qualify_like(body, place))
        etree.SubElement(agency, _qualify_like(body, "AgencyId")).text = text


# --- changes of the answer -------------------------------------------------------------------------------


def _cut_off_body(answer: ResponderAnswer) -> ResponderAnswer:
    return replace(answer, body=answer.body[: max(1, len(answer.body) * 2 // 3)])


def _misspell_problem(answer: ResponderAnswer) -> ResponderAnswer:
    return replace(answer, body=_PROBLEM_TYPE.sub(rb"\1Unkown User", answer.body))


def _encode_as_latin_1(answer: ResponderAnswer) -> ResponderAnswer:
    """Its declaration says UTF-8 all the same."""
    return replace(answer, body=answer.body.decode(errors="replace").encode("latin-1", "replace"))


def _send_body(body: bytes, content_type: str, status: int = 200) -> Callable[[ResponderAnswer], ResponderAnswer]:
    return lambda answer: replace(answer, body=body, content_type=content_type, status=status)


MISBEHAVIOURS: Mapping[str, NcipMisbehaviour] = {
    # HTTP and XML
    "broken-xml": NcipMisbehaviour("the answer ends in the middle", _cut_off_body),
    "empty-answer": NcipMisbehaviour("the answer has no body", _send_body(b"", CONTENT_TYPE)),
    "web-page": NcipMisbehaviour("the answer is a web page", _send_body(_PAGE, "text/html; charset=utf-8")),
    "wrong-content-type": NcipMisbehaviour(
        "the answer calls itself text/html", lambda answer: replace(answer, content_type="text/html; charset=utf-8")
    ),
    "server-error": NcipMisbehaviour("the answer has HTTP status 500", lambda answer: replace(answer, status=500)),
    "wrong-encoding": NcipMisbehaviour("it says UTF-8 and is Latin-1", _encode_as_latin_1),
    # the message
    "other-answer": NcipMisbehaviour("another service is answered", _change_tree(_answer_something_else)),
    "no-header": NcipMisbehaviour("there is no ResponseHeader", _change_tree(_drop_header)),
    "problem-at-top": NcipMisbehaviour("a Problem stands outside the service's answer", _change_tree(_raise_problems)),
    "no-problem-type": NcipMisbehaviour("a Problem has no type", _change_tree(_drop_problem_type)),
    "empty-message": NcipMisbehaviour("NCIPMessage has nothing in it", _change_tree(_empty_message)),
    # what single systems do
    "koha-misspelling": NcipMisbehaviour("each Problem is called `Unkown User`", _misspell_problem),
    "koha-wrong-token": NcipMisbehaviour("the answer is `It works!` alone", _send_body(b"It works!", CONTENT_TYPE)),
    "koha-not-understood": NcipMisbehaviour("NCIPMessage says `It works!`", _change_tree(_say_it_works)),
    "folio-error": NcipMisbehaviour(
        "HTTP 500 with a Problem that is no NCIP", _send_body(_FOLIO_ERROR, CONTENT_TYPE, 500)
    ),
    "evergreen-error": NcipMisbehaviour(
        "a refusal is an ItemRequestedResponse with its text as ToAgencyId", _change_tree(_answer_as_evergreen)
    ),
}
