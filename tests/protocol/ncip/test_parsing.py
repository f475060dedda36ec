"""Bytes that aren't what they say, damage that is mended, attacks that are refused."""

# ruff: noqa: E501 (messages read better in one piece)

from __future__ import annotations

from contextlib import suppress
from urllib.parse import quote_plus

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from adapters.ncip.codec import decode_message, encode_message, peek_message
from adapters.ncip.messages import ItemId, LookupUser, Message, UserId
from adapters.ncip.wire_dialect import BodyEncoding, HttpDialect, Repair, Strictness, XmlDialect
from adapters.ncip.xml_parser import DocumentLimits, parse_xml, wrap_body
from gateway.domain.problems import MalformationKind, MalformedMessage
from tests.support.processor_time import measure_processor_seconds

OPEN = '<NCIPMessage xmlns="http://www.niso.org/2008/ncip"><AcceptItem><ItemOptionalFields><BibliographicDescription><Title>'
CLOSE = "</Title></BibliographicDescription></ItemOptionalFields></AcceptItem></NCIPMessage>"


def titled(title: str, declaration: str = "") -> str:
    return declaration + OPEN + title + CLOSE


def title_of(raw: bytes, dialect: XmlDialect | None = None) -> str | None:
    body = decode_message(parse_xml(raw, dialect or XmlDialect())).body
    return body.item_optional_fields.bibliographic_description.title  # type: ignore[union-attr]


def refused(raw: bytes, dialect: XmlDialect | None = None, limits: DocumentLimits | None = None) -> MalformedMessage:
    with pytest.raises(MalformedMessage) as caught:
        decode_message(
            parse_xml(raw, dialect or XmlDialect(), limits=limits or DocumentLimits()), dialect or XmlDialect()
        )
    return caught.value


LATIN = '<?xml version="1.0" encoding="ISO-8859-1"?>'
CYRILLIC = '<?xml version="1.0" encoding="windows-1251"?>'
CHARSETS = [
    pytest.param(titled("Über", LATIN).encode("utf-8"), "Über", (), id="UTF-8 though Latin-1 is declared: VCU"),
    pytest.param(titled("Über", LATIN).encode("latin-1"), "Über", ("read as iso8859-1",), id="Latin-1 as declared"),
    pytest.param(
        titled("Книга", CYRILLIC).encode("cp1251"), "Книга", ("read as cp1251",), id="Windows-1251 as declared"
    ),
    pytest.param(titled("“Über”").encode("cp1252"), "“Über”", ("read as cp1252",), id="Windows-1252, undeclared"),
    pytest.param(
        titled("“Ü”", '<?xml version="1.0" encoding="UTF-8"?>').encode("cp1252"),
        "“Ü”",
        ("read as cp1252",),
        id="declared wrongly",
    ),
    pytest.param(titled("Über").encode("utf-8-sig"), "Über", (), id="UTF-8 with BOM"),
    pytest.param(titled("日本").encode("utf-16"), "日本", ("read as utf-16",), id="UTF-16 with BOM"),
    pytest.param(titled("日本").encode("utf-16-le"), "日本", ("read as utf-16-le",), id="UTF-16 without BOM"),
    pytest.param(
        titled("Ü", '<?xml version="1.0" encoding="hex"?>').encode("latin-1"), "Ü", ("read as cp1252",), id="no charset"
    ),
    pytest.param(b"\r\n \n" + titled("T", LATIN).encode(), "T", (), id="blank lines before the declaration: INC"),
]


@pytest.mark.parametrize(("raw", "title", "notes"), CHARSETS)
def test_charsets(raw: bytes, title: str, notes: tuple[str, ...]) -> None:
    assert title_of(raw) == title
    assert parse_xml(raw).notes == notes


def test_a_profile_may_name_the_charset() -> None:
    dialect = XmlDialect(charset_in="cp437")

    assert title_of(titled("Ü").encode("cp437"), dialect) == "Ü"
    assert refused(titled("Ü").encode("latin-1"), XmlDialect(charset_in="utf-8")).reason == "not utf-8"


REPAIRS = [
    pytest.param("R&D &amp; Sons", "R&D & Sons", "bare & escaped", id="bare &: VCU, PHP"),
    pytest.param("a?b=1&scheme=2", "a?b=1&scheme=2", "bare & escaped", id="query string: KOHA"),
    pytest.param("caf&eacute; &xxe;", "caf&eacute; &xxe;", "bare & escaped", id="entities stay text"),
    pytest.param("1 < 2 and <3", "1 < 2 and <3", "bare < escaped", id="bare <"),
    pytest.param("C++ <vector>", "C++ <vector>", "tags in a text escaped", id="what looks like a tag: VCU, PHP"),
    pytest.param("Zwei<br>Zeilen", "Zwei<br>Zeilen", "tags in a text escaped", id="HTML without end"),
    pytest.param("Γη <ou> & <Title>", "Γη <ou> & <Title>", "tags in a text escaped", id="names of elements too"),
    pytest.param("<i>Одиссея</b>", "<i>Одиссея</b>", "tags in a text escaped", id="HTML in a muddle"),
    pytest.param("<![CDATA[<b>]]> <br>", "<b> <br>", "tags in a text escaped", id="CDATA beside a tag"),
    pytest.param("a\x04b", "ab", "control characters dropped", id="^D: INN-Reach"),
    pytest.param("a&#x04;b&#31;c&#xD800;&#228;", "abcä", "control characters dropped", id="references: BIB"),
    pytest.param("<![CDATA[R&D]]> & <![CDATA[<b>]]>", "R&D & <b>", "bare & escaped", id="CDATA is left alone"),
]


@pytest.mark.parametrize(("written", "title", "note"), REPAIRS)
def test_repairs(written: str, title: str, note: str) -> None:
    raw = titled(written).encode()

    assert title_of(raw) == title
    assert note in parse_xml(raw).notes
    assert refused(raw, XmlDialect(repair=())).fault is MalformationKind.SYNTAX


@pytest.mark.parametrize(
    ("before", "after", "note"),
    [
        ("HTTP/1.0 200 OK\n\n", "", "text before the document dropped"),
        ("", "\n</NCIPMessage>junk", "text after the document dropped"),
        ("", "\x00\x00", "control characters dropped"),
        ("", "<second/>", "text after the document dropped"),
    ],
)
def test_junk_around_the_root(before: str, after: str, note: str) -> None:
    raw = (before + titled("T") + after).encode()
    if after.startswith("\n</"):
        raw = (titled("T") + "junk").encode()

    assert title_of(raw) == "T"
    assert note in parse_xml(raw).notes
    assert refused(raw, XmlDialect(repair=())).fault is MalformationKind.SYNTAX


def test_only_allowed_repairs_are_made() -> None:
    raw = titled("R&D \x04").encode()

    assert refused(raw, XmlDialect(repair=(Repair.BARE_AMPERSAND,))).fault is MalformationKind.SYNTAX


BOMB = (
    '<!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY lol2 "&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;">'
    '<!ENTITY lol3 "&lol2;&lol2;&lol2;&lol2;&lol2;&lol2;&lol2;&lol2;&lol2;"> <!-- it\'s ] > here --> ]>'
)


def test_entities_are_never_expanded() -> None:
    external = '<!DOCTYPE x [<!ENTITY xxe SYSTEM "file:///etc/passwd">]>'

    assert title_of(titled("&lol3;", BOMB).encode()) == "&lol3;"
    assert title_of(titled("&xxe;", external).encode()) == "&xxe;"
    assert "DOCTYPE skipped" in parse_xml(titled("T", BOMB).encode()).notes


def test_a_doctype_inside_text_is_text() -> None:
    assert title_of(titled("<![CDATA[<!DOCTYPE x>]]>").encode()) == "<!DOCTYPE x>"


HOSTILE = [
    pytest.param(b"", MalformationKind.SYNTAX, id="empty"),
    pytest.param(b" \n", MalformationKind.SYNTAX, id="blank"),
    pytest.param(b"hello", MalformationKind.SYNTAX, id="no XML"),
    pytest.param(b"<a/>", MalformationKind.PROTOCOL, id="another root"),
    pytest.param(b"<NCIPMessage/>", MalformationKind.PROTOCOL, id="no message"),
    pytest.param(b"<NCIPMessage>It works!</NCIPMessage>", MalformationKind.PROTOCOL, id="Koha's words"),
    pytest.param(b"<NCIPMessage><Sing/></NCIPMessage>", MalformationKind.UNKNOWN_SERVICE, id="unknown service"),
    pytest.param(b"<NCIPMessage>", MalformationKind.SYNTAX, id="not closed"),
    pytest.param(b"<!DOCTYPE x [", MalformationKind.SYNTAX, id="DOCTYPE without end"),
    pytest.param(b"x" * 1_000_001, MalformationKind.TOO_LARGE, id="large"),
    pytest.param(b"<a>" * 100 + b"</a>" * 100, MalformationKind.TOO_LARGE, id="deep"),
    pytest.param(b"<a>" * 300 + b"</a>" * 300, MalformationKind.SYNTAX, id="deeper than the parser goes"),
    pytest.param(b"<a>" + b"<b/>" * 50_000 + b"</a>", MalformationKind.TOO_LARGE, id="many elements"),
    pytest.param(
        b"<a " + b" ".join(b"a%d='1'" % n for n in range(40)) + b"/>", MalformationKind.TOO_LARGE, id="many attributes"
    ),
    pytest.param(
        b"<NCIPMessage><CheckOutItem><DesiredDateDue>soon</DesiredDateDue></CheckOutItem></NCIPMessage>",
        MalformationKind.INVALID_DATE,
        id="date",
    ),
    pytest.param(
        b"<NCIPMessage><LookupItemSet><MaximumItemsCount>ten</MaximumItemsCount></LookupItemSet></NCIPMessage>",
        MalformationKind.INVALID_VALUE,
        id="number",
    ),
]


@pytest.mark.parametrize(("raw", "fault"), HOSTILE)
def test_hostile_input_is_refused(raw: bytes, fault: MalformationKind) -> None:
    assert refused(raw).fault is fault


def test_the_place_is_told() -> None:
    error = refused(b"<NCIPMessage><CheckOutItem><DesiredDateDue>soon</DesiredDateDue></CheckOutItem></NCIPMessage>")
    syntax = refused(b"<NCIPMessage>\n<a>patron 4711</b></NCIPMessage>")

    assert str(error) == "CheckOutItem/DesiredDateDue: not a date or time: soon"
    assert syntax.place.startswith("line 2, column")
    assert "4711" not in str(syntax)


def test_tags_around_the_text_stay_tags() -> None:
    """Only what stands between the tags of a title is text; an empty title doesn't begin one."""
    raw = (
        b'<n:NCIPMessage xmlns:n="http://www.niso.org/2008/ncip"><n:AcceptItem><n:ItemOptionalFields>'
        b"<n:BibliographicDescription><n:Author /><n:Edition/><n:Publisher datatype='string'>A <& B</n:Publisher>"
        b"<n:Title>The <ou> sound</n:Title></n:BibliographicDescription></n:ItemOptionalFields></n:AcceptItem>"
        b"</n:NCIPMessage>"
    )
    body = decode_message(parse_xml(raw)).body
    described = body.item_optional_fields.bibliographic_description  # type: ignore[union-attr]

    assert (described.author, described.publisher, described.title) == (None, "A <& B", "The <ou> sound")


LONG_LIST = (
    b"<NCIPMessage><LookupUser>" + b"<UserElementType>x</UserElementType>" * 19_000 + b"</LookupUser></NCIPMessage>"
)

SLOW = [
    pytest.param(b"<a>" + b"<Title>" * 39_000 + b"</b>", id="titles without end"),
    pytest.param(b"<a>" + b"<Title >x</Title>" * 19_000 + b"</b>", id="titles with end"),
    pytest.param(b"<a>" + b"<Title " * 39_000 + b"</b>", id="starts of titles without end"),
    pytest.param(b"<!DOCTYPE x [" + b"<!--" * 240_000, id="comments without end"),
    pytest.param(b"<a>" + b"<![CDATA[" * 100_000, id="CDATA without end"),
    pytest.param(b"<a>" + b"&" * 900_000 + b"</a>", id="ampersands"),
    pytest.param(b"<" * 900_000, id="less-than signs"),
    pytest.param(b"xml=" + b"%3C" * 300_000, id="form of less-than signs"),
    pytest.param(b"&xml" * 200_000, id="form without values"),
    pytest.param(b"+" * 900_000, id="blanks, URL-encoded"),
    pytest.param(b"%EF%BB%BF+" * 90_000, id="marks and blanks, URL-encoded"),
    pytest.param("\ufeff ".encode() * 200_000 + b"<", id="marks and blanks"),
    pytest.param(b"<?xml " + b"encoding " * 100_000, id="declaration without end"),
    pytest.param(b"&#x0;" * 200_000, id="references"),
]


@pytest.mark.parametrize("raw", SLOW)
def test_large_nonsense_costs_little(raw: bytes) -> None:
    """As much as a few messages of that size that say something; a quadratic pattern would take minutes."""

    def parse_nonsense() -> None:
        with suppress(MalformedMessage):
            decode_message(parse_xml(raw))

    ordinary = measure_processor_seconds(lambda: decode_message(parse_xml(LONG_LIST)))
    assert measure_processor_seconds(parse_nonsense, times=1) < 20 * ordinary


FRAGMENTS = st.sampled_from(
    [
        b"<",
        b">",
        b"</",
        b"/>",
        b"<NCIPMessage>",
        b"</NCIPMessage>",
        b"<LookupUser>",
        b"</LookupUser>",
        b"<UserId>",
        b"&",
        b"&#4;",
        b"<!DOCTYPE x [",
        b"]>",
        b"<![CDATA[",
        b"]]>",
        b"<!--",
        b"-->",
        b"xml=",
        b"%3CNCIPMessage%3E",
        b"\x00",
        b"\xff\xfe",
        b'<?xml version="1.0" encoding="utf-7"?>',
        b"<Problem>",
        b"<Ext>",
        b"<DateDue>24:00</DateDue>",
        b' xmlns="x"',
        b"\xc3",
    ]
)
ANYTHING = st.binary(max_size=300) | st.lists(FRAGMENTS | st.binary(max_size=8), max_size=30).map(b"".join)


@settings(deadline=5_000, max_examples=600, derandomize=True)
@given(ANYTHING, st.sampled_from(list(Strictness)))
@example(b"<NCIPMessage><DeleteItem><Ext>text</Ext></DeleteItem></NCIPMessage>", Strictness.SCHEMA)
def test_any_bytes_give_a_message_or_a_refusal(raw: bytes, strictness: Strictness) -> None:
    try:
        parsed = parse_xml(raw)
        peek_message(parsed)
        message = decode_message(parsed, XmlDialect(strictness=strictness))
    except MalformedMessage:
        return
    assert decode_message(parse_xml(encode_message(message))).body == message.body


@settings(deadline=5_000, max_examples=300, derandomize=True)
@given(st.data())
def test_damaged_messages_give_a_message_or_a_refusal(data: st.DataObject) -> None:
    whole = bytearray(titled("The Three-Body Problem").encode())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(whole) - 1))
        whole[at : at + data.draw(st.integers(0, 5))] = data.draw(FRAGMENTS | st.binary(max_size=3))
    with suppress(MalformedMessage):
        decode_message(parse_xml(bytes(whole)))


# --- bodies ----------------------------------------------------------------------------------------------

DOCUMENT = titled("R+D & Söhne = 100 %".replace("&", "&amp;"))
BODIES = [
    pytest.param(quote_plus(DOCUMENT).encode(), "URL-encoded body", id="URL-encoded whole: USMAI"),
    pytest.param(b"xml=" + quote_plus(DOCUMENT).encode(), "form field", id="form field xml: KOHA"),
    pytest.param(
        b"a=1&XForms%3AModel=" + quote_plus(DOCUMENT).encode() + b"&b=2", "form field", id="XForms:Model: KOHA"
    ),
    pytest.param(b"xml=" + DOCUMENT.encode(), "form field", id="form field without encoding"),
]


@pytest.mark.parametrize(("body", "note"), BODIES)
def test_wrapped_bodies(body: bytes, note: str) -> None:
    assert title_of(body) == "R+D & Söhne = 100 %"
    assert parse_xml(body).notes == (note,)
    with pytest.raises(MalformedMessage):
        parse_xml(body, XmlDialect(repair=()), http=HttpDialect(body_encoding=BodyEncoding.PLAIN))


BLANKS = ("+", "%20", "%09", "%0D", "%0d%0A", "%0A%0d%0a", " ", "\t", "\r\n", "%EF%BB%BF", "%ef%bb%bf", "\ufeff")


@pytest.mark.parametrize("encoding", [BodyEncoding.AUTO, BodyEncoding.URL_ENCODED])
@pytest.mark.parametrize("before", [*BLANKS, "++++", "".join(BLANKS), "%EF%BB%BF%0D%0A++", "++%EF%BB%BF", "+" * 5000])
@pytest.mark.parametrize("declaration", ["", '<?xml version="1.0" encoding="ISO-8859-1"?>'])
def test_blanks_before_an_encoded_document_are_passed_over(
    declaration: str, before: str, encoding: BodyEncoding
) -> None:
    """USMAI's body begins `++++%3CNCIPMessage`."""
    body = (before + quote_plus(declaration + DOCUMENT)).encode()
    parsed = parse_xml(body, http=HttpDialect(body_encoding=encoding))

    assert decode_message(parsed) == decode_message(parse_xml(DOCUMENT.encode()))
    assert parsed.notes == ("URL-encoded body",)


@pytest.mark.parametrize("before", ["\ufeff", "  \ufeff", "\ufeff\r\n\t", "\r\n\ufeff \ufeff"])
@pytest.mark.parametrize("declaration", ["", '<?xml version="1.0" encoding="ISO-8859-1"?>'])
@pytest.mark.parametrize("field", ["", "xml="])
def test_blanks_and_marks_before_a_plain_document_are_passed_over(declaration: str, before: str, field: str) -> None:
    raw = (field + before + declaration + DOCUMENT).encode()

    assert title_of(raw) == "R+D & Söhne = 100 %"
    assert parse_xml(raw).notes == (("form field",) if field else ())


def test_what_a_profile_calls_encoded_is_decoded_whatever_it_begins_with() -> None:
    http = HttpDialect(body_encoding=BodyEncoding.URL_ENCODED)
    words = b"NCIP+message%3A%0D%0A" + quote_plus(DOCUMENT).encode()
    utf16 = quote_plus(DOCUMENT.encode("utf-16")).encode()

    assert decode_message(parse_xml(words, http=http)) == decode_message(parse_xml(DOCUMENT.encode()))
    assert decode_message(parse_xml(utf16, http=http)) == decode_message(parse_xml(DOCUMENT.encode()))
    assert title_of(DOCUMENT.encode()) == title_of(("\r\n " + DOCUMENT).encode())
    assert decode_message(parse_xml(("\r\n" + DOCUMENT).encode(), http=http)).body  # a plain one is taken too


@pytest.mark.parametrize("encoding", list(BodyEncoding))
def test_wrapping_is_undone(encoding: BodyEncoding) -> None:
    http = HttpDialect(body_encoding=encoding)
    message = Message(body=LookupUser(user_id=UserId(value="ä+b%20&c=d")))

    assert decode_message(parse_xml(wrap_body(encode_message(message), http), http=http)) == message


# --- strict ----------------------------------------------------------------------------------------------

STRICT = XmlDialect(strictness=Strictness.SCHEMA)
ROOT = '<n:NCIPMessage xmlns:n="http://www.niso.org/2008/ncip" n:version="http://www.niso.org/schemas/ncip/v2_02/ncip_v2_02.xsd">'
ITEM = "<ItemId><ItemIdentifierValue>i</ItemIdentifierValue></ItemId>"
USER = "<UserId><UserIdentifierValue>u</UserIdentifierValue></UserId>"
STRICTLY_WRONG = [
    ("<CheckInItem>" + USER + ITEM + "</CheckInItem>", MalformationKind.UNKNOWN_ELEMENT, "CheckInItem/UserId"),
    ("<CheckInItem></CheckInItem>", MalformationKind.DATA_MISSING, "CheckInItem/ItemId"),
    ("<CheckInItem>" + ITEM + ITEM + "</CheckInItem>", MalformationKind.PROTOCOL, "CheckInItem/ItemId"),
    ("<CheckInItem>words" + ITEM + "</CheckInItem>", MalformationKind.UNKNOWN_ELEMENT, "CheckInItem"),
    ("<RenewItem>" + ITEM + USER + "</RenewItem>", MalformationKind.PROTOCOL, "RenewItem/UserId"),
    ("<RenewItem>" + ITEM + "</RenewItem>", MalformationKind.DATA_MISSING, "RenewItem"),
    (
        "<RenewItem>" + USER + ITEM + "<DesiredDateDue>2026-01-01</DesiredDateDue></RenewItem>",
        MalformationKind.INVALID_DATE,
        "RenewItem/DesiredDateDue",
    ),
    (
        "<LookupItemSet>" + ITEM + "<MaximumItemsCount>0</MaximumItemsCount></LookupItemSet>",
        MalformationKind.INVALID_VALUE,
        "LookupItemSet/MaximumItemsCount",
    ),
    (
        "<DeleteItem><ItemId><UniqueAgencyId>A</UniqueAgencyId><ItemIdentifierValue>i</ItemIdentifierValue></ItemId></DeleteItem>",
        MalformationKind.UNKNOWN_ELEMENT,
        "DeleteItem/ItemId/UniqueAgencyId",
    ),
    (
        "<DeleteItemResponse><Problem><ProblemType>x</ProblemType></Problem>" + ITEM + "</DeleteItemResponse>",
        MalformationKind.PROTOCOL,
        "DeleteItemResponse/ItemId",
    ),
    (
        "<DeleteItem>" + ITEM + "</DeleteItem><DeleteItem>" + ITEM + "</DeleteItem>",
        MalformationKind.PROTOCOL,
        "NCIPMessage",
    ),
]


@pytest.mark.parametrize(("inner", "fault", "place"), STRICTLY_WRONG)
def test_strict_mode_refuses_what_the_schema_does_not_have(inner: str, fault: MalformationKind, place: str) -> None:
    raw = (
        ROOT + inner.replace("</", "</n:").replace("<", "<n:").replace("<n:/n:", "</n:") + "</n:NCIPMessage>"
    ).encode()

    error = refused(raw, STRICT)

    assert (error.fault, error.place) == (fault, place)


def test_strict_mode_wants_the_namespace_and_a_qualified_version() -> None:
    plain = b'<NCIPMessage xmlns="http://www.niso.org/2008/ncip" version="http://www.niso.org/schemas/ncip/v2_0/ncip_v2_0.xsd"><DeleteItem/></NCIPMessage>'
    none = plain.replace(b' xmlns="http://www.niso.org/2008/ncip"', b"")

    assert "version attribute" in refused(plain, STRICT).reason
    assert refused(none, STRICT).fault is MalformationKind.PROTOCOL


def test_lenient_mode_takes_all_of_it() -> None:
    raw = b"<NCIPMessage><CheckInItem>words<ItemId><ItemIdentifierValue>i</ItemIdentifierValue></ItemId></CheckInItem></NCIPMessage>"

    assert decode_message(parse_xml(raw)).body.item_id == ItemId(value="i")  # type: ignore[union-attr]


def test_a_message_that_nobody_carries_out_is_known_by_name_and_header() -> None:
    said = "<InitiationHeader><FromAgencyId><AgencyId>A</AgencyId></FromAgencyId></InitiationHeader><DateSent>soon"
    raw = f"<NCIPMessage><UserNoticeSent>{said}</DateSent></UserNoticeSent></NCIPMessage>".encode()

    message = decode_message(parse_xml(raw), STRICT)

    assert message.service == "UserNoticeSent"
    assert message.body.initiation_header.from_agency_id.value == "A"  # type: ignore[union-attr]
