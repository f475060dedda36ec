"""Made-up citations in several scripts, and links of all kinds and none."""

from __future__ import annotations

from urllib.parse import quote_plus

from hypothesis import strategies as st

from adapters.openurl.keys import REFERENT
from gateway.domain.library import RecordId
from gateway.domain.requests.citation import Citation, CitationExtra, CitationType
from gateway.ports.catalogue import ReceivedLink

ALPHABETS = (
    "abcxyz ABC.,;:/&%+=<>\"'()",
    "äöüßÅçñ ·–",
    "ДЖабвг",
    "日本語の本",
    "عربي كتاب",
    "हिन्दी",
    "ไทย",
    "한국어",
    "ελ",
)

words = st.one_of(
    *(st.text(alphabet, max_size=30) for alphabet in ALPHABETS),
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20),
)
notes = st.lists(words, max_size=3).map("\n".join)
identifiers = st.lists(
    st.one_of(
        st.builds(RecordId, st.sampled_from(["isbn", "issn", "doi", "pmid", "oclc", "lccn", "local", "url"]), words),
        st.sampled_from(
            [
                RecordId("isbn", "9780140206524"),
                RecordId("isbn", "9783161484100"),
                RecordId("issn", "0317-8471"),
                RecordId("issn", "1050-124X"),
                RecordId("doi", "10.1000/a(b)%3Cc>;d"),
                RecordId("pmid", "12345"),
                RecordId("oclc", "8675309"),
                RecordId("lccn", "n78890351"),
                RecordId("url", "https://example.org/a?b=c&d=%20e"),
            ]
        ),
    ),
    max_size=4,
).map(tuple)
extras = st.lists(
    st.builds(
        CitationExtra,
        st.one_of(st.sampled_from(["part", "artnum", "genre", "quarter", "degree", "tpages"]), words),
        words,
        st.sampled_from(["text", "number", "date", "boolean"]),
    ),
    max_size=3,
).map(tuple)
citations = st.builds(
    Citation,
    type=st.sampled_from(CitationType),
    title=words,
    subtitle=words,
    author=words,
    component_title=words,
    component_author=words,
    series=words,
    edition=words,
    publisher=words,
    place=words,
    published=st.one_of(words, st.sampled_from(["1987", "2014-03", "2004-05-01", "Spring 2004", "20040501"])),
    volume=words,
    issue=words,
    pages=st.one_of(words, st.sampled_from(["12-15", "12", "12-15, 18", "e7", "xii, 340 p."])),
    language=words,
    call_number=words,
    identifiers=identifiers,
    source=words,
    note=notes,
    extras=extras,
)

keys = st.sampled_from(
    [
        *sorted(REFERENT),
        *(f"rft.{key}" for key in sorted(REFERENT)),
        *("rft_id", "id", "sid", "rft_val_fmt", "rft_dat", "pid", "url_ctx_val", "url_ctx_fmt", "ctx_enc", "rfr_id"),
        *("req_id", "req_dat", "rft_ref", "url_ver", "utm_source"),
    ]
)
values = st.one_of(
    st.binary(max_size=40),
    words.map(str.encode),
    st.text(max_size=40).map(lambda text: quote_plus(text.encode("utf-8", "surrogatepass")).encode()),
    st.sampled_from(
        [
            *(b"info:ofi/fmt:kev:mtx:journal", b"info:ofi/fmt:kev:mtx:dc", b"info:ofi/fmt:xml:xsd:ctx", b"article"),
            *(b"%7Bssid:1%7D", b'{"illgate":{"type":"map"}}', b'{"illgate":{"type":[]}}', b"{" * 50, b"[" * 50),
            *(b"<oclcnum>1</oclcnum>", b"<ctx:context-object/>", b"info:ofi/enc:ISO-8859-1", b"info:ofi/enc:rot13"),
            *(b"&#xD800;&#0;&lt;", b"%25252525", b"%C3%A4%FF", b"0317-8471(20040501)12:3<45:LPDLN>2.0.TX;2-R"),
        ]
    ),
)
queries = st.lists(st.tuples(keys, values), max_size=12).map(
    lambda pairs: b"&".join(key.encode() + b"=" + value for key, value in pairs)
)
media_types = st.sampled_from(
    [
        *("", "application/x-www-form-urlencoded", "application/x-www-form-urlencoded; charset=iso-8859-1"),
        *("text/xml", "application/xml; charset=x", "multipart/form-data; boundary=b", "multipart/form-data"),
        *("multipart/form-data; boundary*=x''%ff", "nonsense", "; charset=\x00", 'text/plain; charset="'),
    ]
)
bodies = st.one_of(
    st.binary(max_size=200),
    queries,
    st.binary(max_size=60).map(lambda part: b'--b\r\nContent-Disposition: form-data; name="title"\r\n\r\n' + part),
    st.binary(max_size=60).map(lambda part: b"<context-object><referent>" + part + b"</referent></context-object>"),
)
links = st.builds(
    ReceivedLink, query=st.one_of(st.binary(max_size=300), queries), form=bodies, content_type=media_types
)
