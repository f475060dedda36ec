"""What is taken out of NCIP messages before they are kept, and what stays."""

from __future__ import annotations

from html import escape
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.ncip.concealment import conceal_secrets, has_concealed_agency, has_concealed_input
from tests.support.processor_time import measure_processor_seconds

STARS = "********"
SECRET = "4711 Łódź"


def credential(data: str, type_: str, prefix: str = "") -> str:
    p = prefix
    return (
        f"<{p}AuthenticationInput><{p}AuthenticationInputData>{data}</{p}AuthenticationInputData>"
        f"<{p}AuthenticationDataFormatType>text</{p}AuthenticationDataFormatType>"
        f"<{p}AuthenticationInputType>{type_}</{p}AuthenticationInputType></{p}AuthenticationInput>"
    )


def message(inputs: str, prefix: str = "") -> str:
    p = prefix
    return f"<{p}NCIPMessage><{p}LookupUser>{inputs}</{p}LookupUser></{p}NCIPMessage>"


def concealed(text: str) -> str:
    return conceal_secrets(text.encode()).decode()


@pytest.mark.parametrize("prefix", ["", "ns1:", "ncip:", "нсип:", "a.b-c_1:"])
@pytest.mark.parametrize("type_", ["PIN", "Password", "pin", "MD5 Message Digest Algorithm", "Geheimnummer", ""])
def test_only_what_proves_is_taken_out(prefix: str, type_: str) -> None:
    before = message(credential("21000000000017", "Barcode Id", prefix) + credential(SECRET, type_, prefix), prefix)

    assert concealed(before) == before.replace(SECRET, STARS)


@pytest.mark.parametrize(
    "type_",
    [
        *(
            "Barcode Id",
            "barcode",
            "User Id",
            "username",
            "Username",
            "LDAPUsername",
            "externalSystemId",
            "Card Number",
        ),
        "<Scheme>http://www.niso.org/ncip/v1_0/schemes/x.scm?a=b&amp;c</Scheme><Value>Barcode Id</Value>",
        "<ns1:Scheme/><ns1:Value>\n Barcode Id </ns1:Value>",
    ],
)
def test_what_names_a_patron_stays(type_: str) -> None:
    before = message(credential("21000000000017", type_))

    assert conceal_secrets(before.encode()) == before.encode()


@pytest.mark.parametrize(
    "element",
    ["FromSystemAuthentication", "FromAgencyAuthentication", "fromagencyauthentication", "x:FromSystemAuthentication"],
)
@pytest.mark.parametrize(
    "secret", [SECRET, f"<![CDATA[{SECRET}]]>", "R&D", "a<b", "4<!-- -->7", "<b>4711</b>", " 47\n11 "]
)
def test_credentials_of_the_sender(element: str, secret: str) -> None:
    before = (
        f"<InitiationHeader><{element} a='>'>{secret}</{element}\n><ToAgencyId>DEMO</ToAgencyId></InitiationHeader>"
    )

    assert concealed(before) == before.replace(secret, STARS)


@pytest.mark.parametrize(
    "text",
    [
        "<FromAgencyAuthentication/><ToAgencyId>DEMO</ToAgencyId>",
        '<FromAgencyAuthentication xml:lang="en" /><ToAgencyId>DEMO</ToAgencyId>',
        "<FromAgencyAuthentication></FromAgencyAuthentication><ToAgencyId>DEMO</ToAgencyId>",
        "<FromAgencyAuthentication>\n  </FromAgencyAuthentication><ToAgencyId>DEMO</ToAgencyId>",
        "<ProblemElement>AuthenticationInputData</ProblemElement><ProblemValue>x</ProblemValue>",
        "<Title>Authentication &lt;FromAgencyAuthenticationX&gt; explained</Title>",
        message("<UserElementType>Authentication Input</UserElementType>"),
    ],
)
def test_what_holds_nothing_comes_back_as_it_is(text: str) -> None:
    body = text.encode()

    assert conceal_secrets(body) is body


KOHA = (
    '<NCIPMessage xmlns="http://www.niso.org/2008/ncip"><LookupUserResponse><Problem>'
    "<ProblemType>User Authentication Failed</ProblemType><ProblemDetail>Barcode Id or Password are invalid"
    "</ProblemDetail><ProblemElement>Password</ProblemElement><ProblemValue>4711</ProblemValue></Problem>"
    "</LookupUserResponse></NCIPMessage>"
)


def test_a_pin_that_comes_back_in_a_refusal() -> None:
    assert concealed(KOHA) == KOHA.replace("4711", STARS)
    other = KOHA.replace("User Authentication Failed", "Unknown User")
    assert concealed(other) == other


SPELLINGS = {
    "URL-encoded": lambda text: quote_plus(text).encode(),
    "with %20": lambda text: quote(text, safe="").lower().encode(),
    "behind blanks": lambda text: b"++++%0D%0A" + quote_plus(text).encode(),
    "in a form": lambda text: b"charset=utf-8&xml=" + quote_plus(text).encode(),
    "encoded twice": lambda text: quote_plus(quote_plus(text)).encode(),
    "every octet encoded": lambda text: "".join(f"%{octet:02X}" for octet in text.encode()).encode(),
    "inside another document": lambda text: f"<soap:Body>{escape(text)}</soap:Body>".encode(),
    "with numeric references": lambda text: text.replace("<", "&#60;").replace(">", "&#x3E;").encode(),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_tags_in_another_spelling(spelling: str) -> None:
    before = message(
        f"<ns1:FromAgencyAuthentication>{SECRET}</ns1:FromAgencyAuthentication>"
        + credential("21000000000017", "PIN", "ns1:")
    )
    spell = SPELLINGS[spelling]

    after = conceal_secrets(spell(before))

    expected = spell(before.replace(SECRET, "5555").replace("21000000000017", "5555"))
    assert after == expected.replace(b"5555", STARS.encode()).replace(b"%35%35%35%35", STARS.encode())


@pytest.mark.parametrize("charset", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"])
def test_several_octets_a_character(charset: str) -> None:
    before = message("<Title>ļ㰼 <</Title>" + credential("PIN-ļ㰼", "PIN") + "<Title>三体</Title>")

    after = conceal_secrets(before.encode(charset))

    assert after.decode(charset) == before.replace("PIN-ļ㰼", STARS)
    assert conceal_secrets(before.encode(charset) + b"x")[:-1] == after, "an octet too many"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("<AuthenticationInputData>4711", f"<AuthenticationInputData>{STARS}"),
        ("<AuthenticationInputData>47</Authentica", f"<AuthenticationInputData>{STARS}"),
        ('<x:AuthenticationInputData a="1>4711</x:Auth', f'<x:AuthenticationInputData a="1>{STARS}'),
        (credential("1", "User Id").removesuffix("</AuthenticationInput>"), None),  # a PIN may have followed
        (credential("1", "User Id").replace("</AuthenticationInput>", credential("2", "PIN")), None),
        (
            "<AuthenticationInputData>1</AuthenticationInputData>"
            "<AuthenticationInputType>User Id</AuthenticationInputType>",
            None,
        ),
        (credential("1", "User Id, PIN &amp; all"), None),
        (credential("1", "User Id</AuthenticationInputType><AuthenticationInputType>PIN"), None),
    ],
)
def test_what_is_broken_is_rather_hidden(before: str, after: str | None) -> None:
    found = concealed(before)

    assert found == after if after is not None else "Data>1<" not in found


def test_done_twice_it_is_as_done_once() -> None:
    once = conceal_secrets(message(credential(SECRET, "PIN")).encode())

    assert conceal_secrets(once) is once


def test_what_was_taken_out_is_known_again() -> None:
    pin = conceal_secrets(quote_plus(message(credential(SECRET, "PIN"))).encode())
    agency = conceal_secrets(b"<FromAgencyAuthentication>x</FromAgencyAuthentication>")

    assert (has_concealed_input(pin), has_concealed_agency(pin)) == (True, False)
    assert (has_concealed_input(agency), has_concealed_agency(agency)) == (False, True)
    assert not has_concealed_input(message(credential("21000000000017", "Barcode Id")).encode())


PIECES = st.sampled_from(
    [
        *(
            "<",
            ">",
            "/",
            '"',
            "'",
            "%3C",
            "%3E",
            "%2F",
            "&lt;",
            "&gt;",
            "%25",
            " ",
            "+",
            "x:",
            "%3a",
            "PIN",
            "User Id",
            "\0",
        ),
        *("<AuthenticationInput>", "</AuthenticationInput>", "<AuthenticationInputData>", "</AuthenticationInputData>"),
        *(
            "<AuthenticationInputType>",
            "</AuthenticationInputType>",
            "FromAgencyAuthentication",
            "<![CDATA[",
            "]]>",
            "ü",
        ),
    ]
)


@given(st.lists(PIECES, max_size=30).map("".join) | st.binary(max_size=60))
def test_whatever_comes_it_never_raises(text: str | bytes) -> None:
    body = text if isinstance(text, bytes) else text.encode()
    once = conceal_secrets(body)

    assert conceal_secrets(once) == once


@given(st.text(st.characters(exclude_characters="<>&%", exclude_categories=["Cs", "Cc"]), min_size=1).filter(str.strip))
def test_no_secret_is_left(secret: str) -> None:
    for spell in (str.encode, lambda text: quote_plus(text).encode(), lambda text: text.encode("utf-16")):
        after = conceal_secrets(spell(message(credential(secret, "Password"))))
        assert after == spell(message(credential(STARS, "Password"))).replace(b"%2A", b"*")


@pytest.mark.slow
@pytest.mark.parametrize(
    "piece",
    [
        *(b"<", b"%41", b"%25", b"&amp;", b"<AuthenticationInputData>", b'<AuthenticationInputData "', b"<  ", b"</"),
        *(
            b"<AuthenticationInput>",
            b"<AuthenticationInputType>",
            b"%3C",
            b"&lt;",
            b"aaaa:",
            b"<FromAgencyAuthentication ",
        ),
        credential("1", "PIN").encode(),
    ],
)
def test_a_long_body_takes_time_in_proportion(piece: bytes) -> None:
    def measure_size(size: int) -> float:
        body = b"Authentication" + piece * (size // len(piece))
        return measure_processor_seconds(lambda: conceal_secrets(body))

    conceal_secrets(b"Authentication" + piece)  # patterns are compiled
    assert measure_size(2_000_000) < 40 * max(measure_size(200_000), 0.002)
