"""Links as they come from discovery systems and databases: what these have written for each other is not shown."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlencode

import pytest

from tests.protocol.pages.support import Running, Visitor

KEV = "ctx_ver=Z39.88-2004&url_ver=Z39.88-2004&ctx_enc=info%3Aofi%2Fenc%3AUTF-8&url_ctx_fmt=info:ofi/fmt:kev:mtx:ctx"

ARTICLE = (
    "rft.genre=article&rft.atitle=La+navigation+sur+le+Saguenay&rft.jtitle=Cahiers+du+fjord&rft.date=1994"
    "&rft.volume=12&rft.issue=3&rft.spage=12&rft.epage=31&rft.issn=0317-8471&rft.aulast=Tremblay"
)

LINKS = {
    "Primo": (
        f"{KEV}&ctx_tim=2026-03-02T10%3A22%3A11IST&url_ctx_fmt=infofi/fmt:kev:mtx:ctx&rfr_id=info:sid/primo.example:base"
        f"&rft_val_fmt=info:ofi/fmt:kev:mtx:&{ARTICLE}&rft.object_id=110978984448763&rft.private_data=base%3E"
        "&rft_dat=%3Cbase%3E9000000017%3C/base%3E%3Cgrp_id%3E78%3C/grp_id%3E%3Coa%3E%3C/oa%3E%3Curl%3E%3C/url%3E"
        "&rft_id=info:oai/&svc_dat=viewit&req.language=eng&rft_pqid=2012&institution=FJORD&vid=FJORD_V1&lang=en_US"
    ),
    "360 Link": (
        f"{KEV}&rfr_id=info%3Asid%2Fsummon.example&rft_val_fmt=info%3Aofi%2Ffmt%3Akev%3Amtx%3Ajournal&{ARTICLE}"
        "&rft.externalDBID=n%2Fa&rft.externalDocID=10_1000_182&paramdict=en-US&rft_id=info%3Adoi%2F10.1000%2F182"
    ),
    "EBSCO": (
        "genre=article&issn=03178471&title=Cahiers+du+fjord&volume=12&issue=3&date=19940501&atitle=La+navigation"
        "&spage=12&pages=12-31&sid=EBSCO:Fjord%20Abstracts&au=Tremblay%2c+Ma%c3%ablle&aulast=Tremblay"
        + "&pid="
        + quote("<authors>Tremblay, Maëlle</authors><ui>8675309</ui><date>19940501</date><db>Fjord Abstracts</db>")
        + "&custid=s17&groupid=main&authtype=ip,uid&profile=ehost"
    ),
    "Ovid": (
        "sid=OVID:fjdb&id=pmid:123&id=doi:10.1000%2F182&issn=0317-8471&isbn=&volume=12&issue=3&spage=12&pages=12-31"
        "&date=1994&title=Cahiers+du+fjord&atitle=La+navigation&aulast=Tremblay&pid="
        + quote("<author>Tremblay M</author><AN>1994-17</AN><DT>Journal Article</DT>")
    ),
    "WorldCat": (
        f"{KEV}&rfr_id=info%3Asid%2Ffirstsearch.example%3AWorldCat&rft_val_fmt=info%3Aofi%2Ffmt%3Akev%3Amtx%3Abook"
        "&rft.genre=book&rft.btitle=Das+gro%C3%9Fe+Moor&rft.isbn=9783161484100&rft_id=info%3Aoclcnum%2F8675309"
        "&req_dat=%3Csessionid%3E0%3C%2Fsessionid%3E&rfe_dat=%3Caccessionnumber%3E8675309%3C%2Faccessionnumber%3E"
        "&rft_id=urn%3AISBN%3A9783161484100&rft_dat=%7B%22stdrt1%22%3A%22Book%22%2C%22stdrt2%22%3A%22Book%22%7D"
    ),
    "a search engine": (
        "sid=google&auinit=M&aulast=Tremblay&atitle=La+navigation&title=Cahiers+du+fjord&volume=12&date=1994&spage=12"
        "&hl=de&oi=gsb&utm_source=scholar&_gl=1*2&fbclid=IwAR0"
    ),
}

BIBLIOGRAPHIC = {
    *("Type", "Article", "In", "Author", "Title", "Volume", "Issue", "Pages", "Published"),
    *("ISBN", "ISSN", "DOI", "PubMed", "OCLC number"),
}


@pytest.mark.parametrize("source", LINKS)
async def test_only_rows_about_the_work_are_shown(source: str, anna: Visitor) -> None:
    page = await anna.get(f"/openurl?{LINKS[source]}")

    assert page.status == 200
    rows = dict(_rows_of(page.tree))
    assert rows
    assert set(rows) <= BIBLIOGRAPHIC
    assert "not understood" not in page.text
    assert not page.tree.xpath("//details")


@pytest.mark.parametrize("source", LINKS)
async def test_the_forms_show_no_more(source: str, anna: Visitor) -> None:
    page = await anna.get(f"/openurl?{LINKS[source]}")
    (link,) = page.tree.xpath("//a[contains(@href, '/request?')]/@href")
    await anna.sign_in()
    form = await anna.get(link)

    assert form.title == "Request from another library"
    assert set(dict(_rows_of(form.tree))) <= BIBLIOGRAPHIC


async def test_a_title_with_a_bare_ampersand_stays_whole_into_the_form(anna: Visitor) -> None:
    """As EBSCO writes it, with a code for an ISSN and a day that is none."""
    page = await anna.get(
        "/openurl?genre=article&isbn=&issn=edsamd.475&title=Waves%20&%20Tides&volume=3&issue=2&date=20150101"
        "&atitle=Mud%20&%20men&aulast=Tremblay,%20M.&spage=49&sid=EBSCO:Mud%20&%20Media&pid=Tremblay&umlaut.id=7"
    )
    (link,) = page.tree.xpath("//a[contains(@href, '/request?')]/@href")
    await anna.sign_in()
    form = await anna.get(link)

    shown, asked = dict(_rows_of(page.tree)), dict(_rows_of(form.tree))
    assert (shown["In"], shown["Published"]) == (asked["In"], asked["Published"]) == ("Waves & Tides", "2015")
    assert "Mud & men" in form.tree.xpath("//main//input/@value")
    assert "Mud & men" in page.tree.text_content()
    assert not page.tree.xpath("//details")


async def test_staff_and_programs_have_all_of_it(gateway: Running, anna: Visitor) -> None:
    await anna.sign_in()
    form = await anna.form("request", LINKS["Primo"])
    sent = {**form, "service": "copy", "component_title": "La navigation sur le Saguenay", "declared": "yes"}
    page = await anna.post("/openurl/DEMO/request", sent)
    assert page.title == "Request received"

    kept = await gateway.requests().find_request(page.tree.findtext(".//b[@class='code number']"))
    extras = {one.name: one.value for one in kept.citation.extras}
    assert extras["object_id"] == "110978984448763"
    assert extras["grp_id"] == "78"


async def test_what_is_wrong_with_a_number_is_still_said(anna: Visitor) -> None:
    page = await anna.get(f"/openurl?{urlencode({'genre': 'book', 'title': 'Nubes', 'isbn': '9780306406158'})}")

    assert page.tree.xpath("//details//li[contains(., 'the check digit of 9780306406158 is incorrect')]")


def _rows_of(tree: Any) -> list[tuple[str, str]]:
    names, values = tree.xpath("//main//dl/dt | //main//dl/div/dt"), tree.xpath("//main//dl//dd")
    return [
        (name.text_content().strip(), value.text_content().strip()) for name, value in zip(names, values, strict=True)
    ]
