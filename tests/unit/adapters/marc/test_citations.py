"""Records of every format to citations."""

import pytest
from lxml import etree

from adapters.marc.dialect import Records
from adapters.marc.record_reader import record_from_xml
from gateway.domain.requests.citation import CitationType
from gateway.ports.catalogue import FoundRecord
from tests.unit.adapters.marc.support import iso2709, of, read


def ids(found: FoundRecord) -> list[str]:
    return [f"{one.type}:{one.value}" for one in found.citation.identifiers]


BOOK = iso2709(
    ("001", b"mk000417"),
    ("003", b"NORD"),
    ("008", b"260101s1981    xx                  eng d"),
    ("010", b"  $a   81000417 //r85"),
    ("020", b"  $a978-83-0000-417-8 (hbk.)"),
    ("020", b"  $z9788300009999"),
    ("024", b"7 $a10.9999/quenby.417$2doi"),
    ("035", b"  $a(OCoLC)ocm01900417"),
    ("050", b" 4$aQX417$b.Q8 1981"),
    ("100", b"1 $aQuenby, Tobias,$d1941-"),
    ("245", b"14$aThe slow gardens of Tarnwick Bay :$ba history /$cby Tobias Quenby."),
    ("250", b"  $a2nd ed., rev."),
    ("264", b" 3$aElsewhere :$bA printer,$c1982."),
    ("264", b" 1$aTarnwick :$bHarrowgate & Lynd,$c1981."),
    ("490", b"1 $aShore studies ;$vv. 7"),
    ("880", of("14$6245-01/(N$aТихие сады =$bистория /$cТ. Квенби.")),
)


def test_a_book_in_marc_21() -> None:
    found = read(BOOK)
    cited = found.citation

    assert found.problem == ""
    assert found.holdings is None
    assert cited.type is CitationType.BOOK
    assert (cited.title, cited.subtitle) == ("The slow gardens of Tarnwick Bay", "a history")
    assert cited.author == "Quenby, Tobias"
    assert (cited.edition, cited.place, cited.publisher) == ("2nd ed., rev", "Tarnwick", "Harrowgate & Lynd")
    assert (cited.published, cited.language, cited.series) == ("1981", "eng", "Shore studies ; v. 7")
    assert (cited.call_number, cited.source) == ("QX417 .Q8 1981", "the catalogue")
    assert ids(found) == [
        "lccn:81000417",
        "isbn:9788300004178",
        "doi:10.9999/quenby.417",
        "oclc:1900417",
        "local:mk000417",
    ]
    assert [(one.name, one.value) for one in cited.extras] == [("title in original script", "Тихие сады = история")]


def test_a_part_has_the_title_of_its_host() -> None:
    found = read(
        iso2709(
            ("100", b"1 $aFerrow, Ines."),
            ("245", b"10$aLamps and tides /$cInes Ferrow."),
            ("773", b"0 $tJournal of the northern ferries.$gVol. 12, no. 3 (May 1998), p. 45-61$x9000-0179"),
            leader=b"00000nab a2200000   4500",
        )
    ).citation

    assert found.type is CitationType.ARTICLE
    assert (found.title, found.component_title) == ("Journal of the northern ferries", "Lamps and tides")
    assert (found.author, found.component_author) == ("", "Ferrow, Ines")
    assert (found.volume, found.issue, found.pages) == ("12", "3", "45-61")
    assert found.identifier("issn") == "9000-0179"


@pytest.mark.parametrize(
    ("leader", "fields", "expected"),
    [
        (b"nas", (), CitationType.JOURNAL),
        (b"nas", (("008", b"260101c19319999xx    n            0   eng d"),), CitationType.NEWSPAPER),
        (b"naa", (("773", b"0 $tA book"),), CitationType.CHAPTER),
        (b"nam", (("502", b"  $aThesis (doctoral)"),), CitationType.THESIS),
        (b"ncm", (), CitationType.SCORE),
        (b"nem", (), CitationType.MAP),
        (b"ngm", (), CitationType.VIDEO),
        (b"njm", (), CitationType.AUDIO),
        (b"npc", (), CitationType.ARCHIVE),
        (b"nrm", (), CitationType.OTHER),
        (b"nam", (), CitationType.BOOK),
    ],
)
def test_what_it_is_stands_in_the_leader(
    leader: bytes, fields: tuple[tuple[str, bytes], ...], expected: CitationType
) -> None:
    octets = iso2709(("245", b"10$aLamps"), *fields, leader=b"00000" + leader + b" a2200000   4500")

    assert read(octets).citation.type is expected


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Lamps /", "Lamps"),
        ("Lamps / by Ines Ferrow", "Lamps"),
        ("Lamps :", "Lamps"),
        ("Lamps, by J. R. Q.", "Lamps, by J. R. Q."),
        ("Lamps.", "Lamps"),
        ("Lamps and/or tides", "Lamps and/or tides"),
        ("\x98Die\x9c Brücken", "Die Brücken"),
        ("Wait ...", "Wait ..."),
    ],
)
def test_titles_come_without_the_punctuation_of_catalogues(title: str, expected: str) -> None:
    assert read(iso2709(("245", of(f"10$a{title}")))).citation.title == expected


def test_the_number_of_the_target_stands_where_the_profile_says() -> None:
    octets = iso2709(("001", b"one"), ("245", b"10$aLamps"), ("907", b"  $a.b1234567x"))

    assert ids(read(octets, local="907a")) == ["local:.b1234567x"]
    assert ids(read(octets, local="none")) == []


def test_a_book_in_unimarc() -> None:
    found = read(
        iso2709(
            ("001", b"FRN0417"),
            ("010", b"  $a978-83-0000417-8$bbr."),
            ("100", b"  $a19990101d1981    m  y0frey50      ba"),
            ("101", b"0 $afre"),
            ("200", of("1 $aLa forêt d'Hérouville$eune saison$fAnaïs Desmarêts-Oulié")),
            ("205", of("  $a2e éd.")),
            ("210", of("  $aHérouville$cÉditions du Chêne-Vert$dDL 1981")),
            ("225", b"1 $aLes rives$v3"),
            ("700", of(" 1$aDesmarêts-Oulié$bAnaïs")),
            leader=b"00000nam  2200000   4500",
        ),
        "unimarc",
    )
    cited = found.citation

    assert found.problem == ""
    assert (cited.title, cited.subtitle) == ("La forêt d'Hérouville", "une saison")
    assert (cited.author, cited.publisher, cited.place) == (
        "Desmarêts-Oulié, Anaïs",
        "Éditions du Chêne-Vert",
        "Hérouville",
    )
    assert (cited.published, cited.language, cited.edition, cited.series) == ("1981", "fre", "2e éd.", "Les rives 3")
    assert ids(found) == ["isbn:9788300004178", "local:FRN0417"]


def test_unimarc_under_the_name_of_marc_21() -> None:
    octets = iso2709(("200", b"1 $aLamps$fInes Ferrow"))

    assert read(octets).citation.title == ""
    assert read(octets, format="unimarc").citation.author == "Ines Ferrow"


# --- XML -------------------------------------------------------------------------------------------------

MARCXML = """<record xmlns="http://www.loc.gov/MARC21/slim"><leader>00000nam a2200000 i 4500</leader>
<controlfield tag="001">mk1</controlfield>
<controlfield tag="008">260101s1981    xx                  gre d</controlfield>
<datafield tag="245" ind1="1" ind2="0"><subfield code="a">Οι κήποι :</subfield>
<subfield code="b">ιστορία</subfield></datafield>
<datafield tag="bad!" ind1=" "/></record>"""


@pytest.mark.parametrize(
    "document", [MARCXML, f"<collection>{MARCXML}</collection>", MARCXML.replace("http://www.loc.gov/MARC21/slim", "x")]
)
def test_marcxml_in_whatever_it_stands(document: str) -> None:
    found = read(of(document), "xml")

    assert (found.syntax, found.problem) == ("xml", "")
    assert (found.citation.title, found.citation.subtitle, found.citation.language) == ("Οι κήποι", "ιστορία", "gre")


def test_marcxchange_of_unimarc() -> None:
    document = """<mxc:record xmlns:mxc="info:lc/xmlns/marcxchange-v2" format="Unimarc" type="Bibliographic">
    <mxc:leader>00000nam  2200000   450 </mxc:leader>
    <mxc:datafield tag="200" ind1="1" ind2=" ">
    <mxc:subfield code="a">Les carnets</mxc:subfield></mxc:datafield></mxc:record>"""

    assert read(of(document), "xml").citation.title == "Les carnets"


MODS = """<mods xmlns="http://www.loc.gov/mods/v3"><titleInfo type="abbreviated"><title>Lmps</title></titleInfo>
<titleInfo><nonSort>The</nonSort><title>lamps</title><subTitle>a history</subTitle></titleInfo>
<name><namePart>Ferrow, Ines</namePart><role><roleTerm type="text">editor</roleTerm></role></name>
<name type="personal"><namePart type="family">Quenby</namePart><namePart type="given">Tobias</namePart>
<namePart type="date">1941-</namePart><role><roleTerm type="code">aut</roleTerm></role></name>
<typeOfResource>text</typeOfResource>
<originInfo><place><placeTerm type="code">xx</placeTerm></place>
<place><placeTerm type="text">Tarnwick :</placeTerm></place>
<publisher>Harrowgate &amp; Lynd,</publisher><dateIssued>c1981</dateIssued><edition>2nd ed.</edition></originInfo>
<language><languageTerm type="text">English</languageTerm><languageTerm type="code">eng</languageTerm></language>
<identifier type="isbn">9788300004178 (hbk.)</identifier><identifier type="isbn" invalid="yes">1</identifier>
<identifier type="oclc">ocm01900417</identifier>
<location><physicalLocation>NORD</physicalLocation><holdingSimple><copyInformation><subLocation>MAG</subLocation>
<shelfLocator>QX417</shelfLocator></copyInformation></holdingSimple></location>
<recordInfo><recordIdentifier>mk417</recordIdentifier></recordInfo></mods>"""


def test_mods() -> None:
    found = read(of(MODS), "xml")
    cited = found.citation

    assert (found.syntax, cited.title, cited.subtitle, cited.author) == (
        "mods",
        "The lamps",
        "a history",
        "Quenby, Tobias",
    )
    assert (cited.place, cited.publisher, cited.published, cited.language) == (
        "Tarnwick",
        "Harrowgate & Lynd",
        "1981",
        "eng",
    )
    assert ids(found) == ["isbn:9788300004178", "oclc:1900417", "local:mk417"]
    assert found.holdings is not None
    assert [(one.location, one.sublocation, one.call_number) for one in found.holdings] == [("NORD", "MAG", "QX417")]


def test_an_article_in_mods() -> None:
    document = """<mods><titleInfo><title>Lamps and tides</title></titleInfo><genre>article</genre>
    <relatedItem type="host"><titleInfo><title>Journal of the ferries</title></titleInfo>
    <identifier type="issn">9000-0179</identifier>
    <part><detail type="volume"><number>12</number></detail>
    <extent unit="pages"><start>45</start><end>61</end></extent></part>
    </relatedItem></mods>"""
    cited = read(of(document), "xml").citation

    assert (cited.type, cited.title, cited.component_title) == (
        CitationType.ARTICLE,
        "Journal of the ferries",
        "Lamps and tides",
    )
    assert (cited.volume, cited.pages, cited.identifier("issn")) == ("12", "45-61", "9000-0179")


@pytest.mark.parametrize("root", ["srw_dc:dc", "oai_dc:dc", "record"])
def test_dublin_core_in_whatever_it_stands(root: str) -> None:
    document = f"""<{root} xmlns:srw_dc="info:srw/schema/1/dc-schema" xmlns:oai_dc="http://www.openarchives.org/OAI/2.0/oai_dc/"
    xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>Żółte okręty / Żegota Brzęczykowicz</dc:title>
    <dc:creator>Brzęczykowicz, Żegota</dc:creator><dc:date>1981-05</dc:date><dc:type>text</dc:type>
    <dc:identifier>URN:ISBN:9788300004178</dc:identifier><dc:identifier>https://doi.org/10.9999/okrety.1</dc:identifier>
    <dc:identifier>9000-0179</dc:identifier><dc:identifier>https://catalogue.example/1234567890</dc:identifier></{root}>"""
    found = read(of(document), "xml")

    assert (found.syntax, found.citation.title, found.citation.author) == (
        "dc",
        "Żółte okręty",
        "Brzęczykowicz, Żegota",
    )
    assert (found.citation.published, found.citation.type) == ("1981", CitationType.BOOK)
    assert ids(found) == ["isbn:9788300004178", "doi:10.9999/okrety.1", "issn:9000-0179"]


def test_sutrs_is_read_by_its_labels_and_kept_whole() -> None:
    text = (
        "Title:     The slow gardens of\n           Tarnwick Bay /\nAuthor: Quenby, Tobias\n"
        "ISBN: 978-83-0000417-8\nPublished: 1981\n"
    )
    found = read(of(text), "sutrs")

    assert (found.citation.title, found.citation.author) == ("The slow gardens of Tarnwick Bay", "Quenby, Tobias")
    assert (found.citation.published, ids(found)) == ("1981", ["isbn:9788300004178"])
    assert found.citation.note == text.strip()


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        ("<nothing/>", "<nothing> is not a supported record format"),
        ("<open>", "line 1: "),
        ('<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "it has a document type declaration, which is not read"),
        ('<!DOCTYPE a SYSTEM "file:///etc/hostname"><a/>', "it has a document type declaration, which is not read"),
    ],
)
def test_xml_that_is_no_record_says_so(document: str, problem: str) -> None:
    assert read(of(document), "xml").problem.startswith(problem)


def test_marc_syntax_with_xml_in_it() -> None:
    assert read(of(MARCXML), "marc21").citation.title == "Οι κήποι"


def test_a_record_without_its_octets_gets_them_from_the_element() -> None:
    found = record_from_xml(etree.fromstring(MARCXML), 7, Records())

    assert found.position == 7
    assert etree.fromstring(found.raw).tag.endswith("record")
