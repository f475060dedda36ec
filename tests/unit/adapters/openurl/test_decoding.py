"""What a link must not do: tell who asks to anybody, make us fetch, blow up, take long."""

from __future__ import annotations

from urllib.parse import quote_plus

import pytest

from adapters.openurl import links
from gateway.domain.problems import MalformationKind, MalformedMessage
from gateway.ports.catalogue import LinkCitation, ReceivedLink
from tests.support.processor_time import measure_processor_seconds

FORMAT = links.make()


def decode(query: str = "", form: str = "", content_type: str = "") -> LinkCitation:
    return FORMAT.decode(ReceivedLink(query.encode(), form.encode(), content_type))


# --- the original ----------------------------------------------------------------------------------------


def test_the_original_is_untouched() -> None:
    query = "genre=article&atitle=100%25+wool%2C+%26amp%3B+silk&date=20040501&rft.unheard=of&rft_id=info:doi/10.1000/a"

    assert decode(query).citation.original == query


def test_the_original_says_nothing_about_the_reader() -> None:
    """A citation goes to partners; forms of a library's own may have fields for the reader."""
    cited = decode(
        "genre=book&req_id=mailto:reader@north.example&title=Canals", "email=reader@north.example&rft.date=1975"
    )

    assert cited.citation.original == "genre=book&title=Canals&rft.date=1975"
    assert cited.requester == "mailto:reader@north.example"
    assert "reader" not in repr(cited)


def test_the_original_of_a_context_object_says_nothing_about_the_reader() -> None:
    inner = "rft.genre=book&rft.btitle=Canals&req_id=reader-17"
    document = (
        "<context-object xmlns='info:ofi/fmt:xml:xsd:ctx'><referent><identifier>urn:ISBN:9783161484100</identifier>"
        "</referent><requester><identifier>reader-17</identifier></requester></context-object>"
    )

    for link in (f"url_ctx_val={quote_plus(inner)}", f"url_ctx_val={quote_plus(document)}"):
        cited = decode(link)
        assert cited.requester == "reader-17"
        assert cited.citation.original
        assert "reader" not in repr(cited)


def test_bytes_that_are_no_characters_stay_in_the_original() -> None:
    cited = FORMAT.decode(ReceivedLink(b"genre=book&title=gro\xdfe"))

    assert cited.citation.title == "große"
    assert cited.citation.original == "genre=book&title=gro%DFe"


# --- long and hostile ------------------------------------------------------------------------------------


def test_a_very_long_link_is_read_whole() -> None:
    abstract = "Über Schleusen und Wehre am Unterlauf. " * 400
    query = f"rft.genre=article&rft.atitle=Wehre&rft.description={quote_plus(abstract)}&rft.jtitle=Wasser&rft.volume=7"
    cited = decode(query)

    assert len(query) > 16_000
    assert (cited.citation.title, cited.citation.volume) == ("Wasser", "7")
    assert cited.citation.extras[0].value == abstract.strip()


def test_a_link_of_more_than_a_megabyte_is_refused() -> None:
    with pytest.raises(MalformedMessage) as caught:
        decode("title=" + "x" * 1_000_000)

    assert caught.value.fault is MalformationKind.TOO_LARGE


def test_thousands_of_keys_are_cut_off_and_reported() -> None:
    cited = decode("title=Canals&" + "&".join(f"k{n}=1" for n in range(5000)))

    assert cited.citation.title == "Canals"
    assert cited.unknown[0] == "more than 1000 keys: the rest is ignored"
    assert len(cited.unknown) == 100


@pytest.mark.parametrize(
    "body",
    [
        "no XML",
        "<context-object>",
        "<other/>",
        '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><context-object>&b;</context-object>',
        '<!DOCTYPE x SYSTEM "file:///etc/hostname"><context-object/>',
        "<context-object>&unknown;</context-object>",
        "<a>" * 100 + "<context-object/>" + "</a>" * 100,
        "<context-object>" + "<referent/>" * 6000 + "</context-object>",
        '<?xml version="1.0" encoding="x-unheard"?><context-object/>',
    ],
)
def test_a_body_that_is_no_context_object_is_malformed(body: str) -> None:
    with pytest.raises(MalformedMessage):
        decode("", body, "text/xml")


def test_a_form_in_parts_without_its_boundary_is_malformed() -> None:
    with pytest.raises(MalformedMessage):
        decode("", "title=Canals", "multipart/form-data")


@pytest.mark.parametrize(
    "value",
    ["(" * 200_000, " " * 200_000 + "x", "a:" * 100_000, "{" * 200_000, "<a>" * 60_000, "1-" * 100_000, "%25" * 60_000],
    ids=["brackets", "blanks", "colons", "braces", "tags", "dashes", "percent signs"],
)
def test_no_value_takes_long(value: str) -> None:
    """A reader that looks at a hundred thousand characters for each of them needs minutes; a long title, 0.1 s."""
    keys = ("title", "isbn", "sici", "pages", "spage", "date", "rft_dat", "rft_id", "au", "genre")

    def read_and_write(key: str, value: str) -> None:
        cited = decode(f"{key}={quote_plus(value)[:150_000]}")
        FORMAT.encode(cited.citation, cited.service)

    ordinary = measure_processor_seconds(lambda: read_and_write("title", "Canals of the North " * 10_000))
    for key in keys:
        assert measure_processor_seconds(lambda key=key: read_and_write(key, value), times=1) < 100 * ordinary, key


# --- our own private data --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "own",
    ['{"type":"spaceship"}', '{"original":"x"}', '{"identifiers":[1]}', "[]", '{"title":{"a":1}}', '{"extras":"x"}'],
)
def test_private_data_that_only_looks_like_ours_is_reported(own: str) -> None:
    private = '{"illgate":' + own + "}"
    cited = decode(f"genre=book&title=Canals&rft_dat={quote_plus(private)}")

    assert cited.citation.title == "Canals"
    assert [line.partition(" (")[0] for line in cited.unknown] == ["rft_dat: could not be interpreted"]
