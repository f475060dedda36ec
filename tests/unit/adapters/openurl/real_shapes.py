"""Links in the shapes that databases and discovery systems really write, over made-up works.

The shapes and how often each comes were looked up in a link resolver's public log; a title's bare `&`, codes in `issn`,
keys of systems and days that nobody knows are as frequent as there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import cycle, islice
from urllib.parse import quote, quote_plus

from stdnum import issn

from gateway.domain.value import value_object

JOURNALS = (
    *("Cahiers du fjord", "Polar Notes", "Northern Waters", "Journal of Dyke Engineering", "Acta Maritima Borealis"),
    *(
        "Revue des écluses",
        "Tidal Studies: A Journal for Diverse Coasts",
        "Zeitschrift für Moorkunde",
        "Wasser / Water",
    ),
    *("Annals of the Harbour", "Ice", "To-day : monthly magazine of the quay"),
)
AMPERSANDS = (
    *(
        "Locks & Dams",
        "Canal A&M Review",
        "Waste & water : the journal of the Society for Drains, SFD",
        "R&D in Sluices",
    ),
    *("Journal of Mud, Silt & Sand (JOMSS)", "Harbour & Place", "Ports & Dates & Tides", "Letters from AT&T"),
)
ARTICLES = (
    *(
        "La navigation sur le Saguenay",
        "Slow ice: a review of what melts, and when.",
        "Who says still waters?",
        "Wehre",
    ),
    *("[Letter on phare lamps]", "Ebb = Flood", "Supplying the North along the Road (B&R) Initiative", "Mud & men"),
    *("'Quay, USA': barges of 1880-1910", "A proof for the lock formula: L= λ W", "Dams—old and new", "100% wool"),
)
BOOKS = ("Das große Moor", "The Culture of Quays.", "On locks : four chapters", "Bed & Barge: A Memoir", "Canals")
PEOPLE = ("Tremblay, Maëlle", "Okonkwo, Adaeze", "Lindqvist, Åsa M.", "Brandt, Ilse")
DATABASES = (
    *("Fjord Search Complete", "ScienceQuay", "Harbour Abstracts", "Mud & Mass Media Complete", "Ports Index"),
    *("Inside Serials & Conference Proceedings", "Annals (Wharf)"),
)
CODES = ("edsble", "edsamd.475", "NBID.EHKL", "ustexasjjj", "edseee.CANALConferenc", "edscrc")
DAYS = (("1994", "0101"), ("2020", "0101"), ("2018", "0601"), ("1988", "0930"), ("2016", "0101"))


@value_object
class Work:
    """What a link is made of. `dated`: year, and month with day as databases write them; 0101 where they know none."""

    number: int
    journal: str
    article: str
    book: str
    author: str
    dated: tuple[str, str]
    issn: str
    code: str
    database: str

    @property
    def last(self) -> str:
        return self.author.partition(", ")[0]

    @property
    def first(self) -> str:
        return self.author.partition(", ")[2]

    @property
    def day(self) -> str:
        return "".join(self.dated)

    @property
    def iso_day(self) -> str:
        year, rest = self.dated
        return f"{year}-{rest[:2]}-{rest[2:]}"

    @property
    def published(self) -> str:
        return self.dated[0] if self.dated[1] == "0101" else self.iso_day


@value_object
class RealLink:
    query: str
    source: str
    title: str
    component: str
    published: str
    wrong: bool = False


def half_escaped(text: str) -> str:
    """As EBSCO writes it: everything but the `&`."""
    return quote(text, safe="&;:,'()?")


def plus_escaped(text: str) -> str:
    return quote_plus(text, safe="&:,'()?")


def entity_escaped(text: str) -> str:
    return half_escaped(text.replace("&", "&amp;").replace(":", "&colon;"))


def rewritten(text: str) -> str:
    """By a resolver that takes what follows the `&` for a key without a value."""
    return half_escaped(text) + ("=" if "&" in text else "")


def ebsco(work: Work, write: Callable[[str], str] = half_escaped, number: str = "") -> RealLink:
    query = (
        f"genre=article&isbn=&issn={number or work.issn.replace('-', '')}&title={write(work.journal)}&volume=12&issue=3"
        f"&date={work.day}&atitle={write(work.article)}&aulast={half_escaped(work.author)}&spage=49"
        f"&sid=EBSCO:{write(work.database)}&pid={half_escaped(work.author)}{work.number}{work.day}{write(work.database)}"
    )
    return RealLink(query, "EBSCO", work.journal, work.article, work.published)


def ebsco_rewritten(work: Work) -> RealLink:
    return ebsco(work, rewritten)


def ebsco_entities(work: Work) -> RealLink:
    return ebsco(work, entity_escaped)


def ebsco_code(work: Work) -> RealLink:
    return ebsco(work, number=work.code)


def ebsco_book(work: Work) -> RealLink:
    query = (
        f"genre=bookitem&isbn=9780306406157&issn=&title={half_escaped(work.book)}&volume=&issue=&date={work.day}"
        f"&atitle={half_escaped(work.article)}&aulast={half_escaped(work.author)}&spage=&sid=EBSCO:ECOQUAY"
        f"&pid={half_escaped(work.author)}EDSZ{work.number}{work.day}ECOQUAY"
    )
    return RealLink(query, "EBSCO", work.book, work.article, work.published)


def proquest(work: Work) -> RealLink:
    journal = plus_escaped(work.journal)
    query = (
        f"url_ver=Z39.88-2004&rft_val_fmt=info:ofi/fmt:kev:mtx:journal&genre=article&sid=ProQ:ProQ:harbours"
        f"&atitle={plus_escaped(work.article)}&title={journal}&issn={work.issn.replace('-', '')}&date={work.iso_day}"
        f"&volume=24&issue=4&spage=1150&au={plus_escaped(work.author)}&isbn=&jtitle={journal}&btitle="
        "&rft_id=info:eric/&rft_id=info:doi/"
    )
    return RealLink(query, "ProQuest", work.journal, work.article, work.published)


def search_engine(work: Work) -> RealLink:
    query = (
        f"sid=google&auinit=M&aulast={plus_escaped(work.last)}&atitle={quote_plus(work.article)}"
        f"&id=doi:10.1000/quay.{work.number}&title={quote_plus(work.journal)}&volume=68&date={work.dated[0]}&spage=238"
        f"&issn={work.issn}"
    )
    return RealLink(query, "search engine", work.journal, work.article, work.dated[0])


def apa(work: Work) -> RealLink:
    query = (
        f"sid=APA&url_ver=Z39.88-2004&rft.atitle={half_escaped(work.article)}&rft.aufirst={half_escaped(work.first)}"
        f"&rft.aulast={half_escaped(work.last)}&rft.date={work.iso_day[:7]}&rft.epage=568&rft.spage=547"
        f"&rft_id=info:doi/10.1000/{work.number}&rft.jtitle={rewritten(work.journal)}&rft.volume=60&rft.issue=4"
        f"&rft.issn={work.issn}&rft.genre=article&rft.pid=2014-16922-003&url_ver=Z39.88-2004"
        "&rft_val_fmt=info:ofi/fmt:kev:mtx:journal"
    )
    return RealLink(query, "APA", work.journal, work.article, work.iso_day[:7])


def publisher(work: Work) -> RealLink:
    query = (
        "?ctx_ver=Z39.88-2004&ctx_enc=info:ofi/enc:UTF-8&url_ver=Z39.88-2004&rfr_id=info:sid/Elsevier:SD"
        "&svc_val_fmt=info:ofi/fmt:kev:mtx:sch_svc&rft_val_fmt=info:ofi/fmt:kev:mtx:journal"
        f"&rft.aulast={quote(work.last.upper())}&rft.auinit=A&rft.date={work.dated[0]}&rft.issn={work.issn}"
        f"&rft.volume=80&rft.issue=5&rft.spage=611&rft.epage=614&rft.title={half_escaped(work.journal)}"
        f"&rft.atitle={half_escaped(work.article)}&rft_id=info:doi/10.1000/{work.number}"
    )
    return RealLink(query, "publisher", work.journal, work.article, work.dated[0])


def chemistry(work: Work) -> RealLink:
    source = f"<authfull>{work.author}</authfull><source>{work.journal} (1977), 25, (1), 192-5.</source>"
    query = (
        f"sid=CAS:CAPLUS&issn={work.issn}&volume=25&issue=1&coden=CPBTAL&genre=article&id=doi:10.1000/{work.number}"
        f"&date={work.dated[0]}&spage=192&epage=195&pages=192-5&title={rewritten(work.journal)}&stitle=Quay."
        f"&atitle={half_escaped(work.article)}&au={half_escaped(work.author)}&aulast={half_escaped(work.last)}"
        f"&pid={half_escaped(source)}"
    )
    return RealLink(query, "CAS", work.journal, work.article, work.dated[0])


_RESOLVED = (
    "url_ver=Z39.88-2004&url_ctx_fmt=info:ofi/fmt:kev:mtx:ctx&ctx_ver=Z39.88-2004&ctx_tim=2026-04-11T19:35:08-04:00"
    "&ctx_id=&ctx_enc=info:ofi/enc:UTF-8"
)


def resolver_article(work: Work) -> RealLink:
    journal = plus_escaped(work.journal)
    query = (
        f"forcedownload=1&umlaut.institution=QUAY&umlaut.referent_id={work.number}&{_RESOLVED}"
        f"&rft.atitle={plus_escaped(work.article)}&rft.au={plus_escaped(work.author)}&rft.aulast={quote_plus(work.last)}"
        f"&rft.date={work.day}&rft.day=18&rft.month=04&rft.epage=104&rft.genre=article&rft.issn={work.issn}&rft.issue=2"
        f"&rft.issue_start=2&rft.jtitle={journal}&rft.language=fre&rft.lccn=++2002211454&rft.object_id=111030131078004"
        f"&rft.place=QUAYTOWN&rft.pub=Routers+&+Kegs=&rft.spage=96&rft.stitle=QUAY-J&rft.title={journal}+:+QJ"
        "&rft.volume=38&rft.volume_start=38&rft_val_fmt=info:ofi/fmt:kev:mtx:journal&rfr_id=info:sid/google"
    )
    return RealLink(query, "resolver", work.journal, work.article, work.published)


def resolver_book(work: Work) -> RealLink:
    book = quote_plus(work.book)
    query = (
        f"umlaut.referent_id={work.number}&{_RESOLVED}&rft.au={plus_escaped(work.author)}&rft.btitle={book}"
        f"&rft.date={work.dated[0]}&rft.eisbn=978-0-306-40615-7&rft.eisbn_additional=978-3-16-148410-0&rft.genre=book"
        "&rft.isbn=9780306406157&rft.isbn_additional=978-3-16-148410-0&rft.language=eng&rft.lccn=91019029"
        "&rft.object_id=2560000000091611&rft.oclcnum=818234291&rft.place=Quaytown+[North]&rft.primo=dedupmrg490082093"
        "&rft.private_data=<aleph>003984836</aleph><oa></oa><url></url>"
        f"&rft.title={book}&rft_val_fmt=info:ofi/fmt:kev:mtx:book&rfr_id=info:sid/primo.example:dedupmrg490082093"
    )
    return RealLink(query, "resolver", work.book, "", work.dated[0])


def citation_form(work: Work) -> RealLink:
    query = (
        f"{_RESOLVED}&rft.genre=article&rft.isCitationLinker=Y&rft.date={work.dated[0]}"
        f"&rft.atitle={quote_plus(work.article)}&rft.jtitle={quote_plus(work.journal)}&rft.volume=46&rft.issue=7"
        f"&rft.object_id=954925557451&rft.issn={work.issn}&rft_val_fmt=info:ofi/fmt:kev:mtx:article"
        "&rft_id=info:lccn/87640752&rfr_id=info:sid/primo.example:primo4-article-cLinker"
    )
    return RealLink(query, "citation form", work.journal, work.article, work.dated[0])


def union_catalogue(work: Work) -> RealLink:
    book = quote_plus(work.book)
    query = (
        f"sid=FirstSearch:WorldCat&genre=book&title={book}&date={work.dated[0]}&aulast={quote_plus(work.last)}&id=doi:"
        f"&pid={work.number}<fssessid>0</fssessid>&url_ver=Z39.88-2004&rfr_id=info:sid/firstsearch.example:WorldCat"
        "&rft_val_fmt=info:ofi/fmt:kev:mtx:book&rft.genre=book&req_dat=<sessionid>0</sessionid>"
        f"&rfe_dat=<accessionnumber>{work.number}</accessionnumber>&rft_id=info:oclcnum/{work.number}&rft.title={book}"
        f"&rft.aulast={quote_plus(work.last)}&rft.date={work.dated[0]}&rft.place=Quaytown++NQ&rft.genre=book"
    )
    return RealLink(query, "union catalogue", work.book, "", work.dated[0])


def by_hand(work: Work) -> RealLink:
    query = (
        f"?charset=utf-8&spage=107955&atitle={half_escaped(work.article)}&jtitle={half_escaped(work.journal)}"
        f"&title={half_escaped(work.journal)}&issn={work.issn}&volume=210&date={work.dated[0]}&genre=article"
    )
    return RealLink(query, "by hand", work.journal, work.article, work.dated[0])


def wrong_number(work: Work) -> RealLink:
    """What is said about a number that was misprinted helps the reader, so it is still said."""
    wrong = work.issn[:-1] + ("1" if work.issn[-1] == "0" else "0")
    said = search_engine(work)
    return RealLink(
        said.query.replace(work.issn, wrong), said.source, said.title, said.component, said.published, wrong=True
    )


SHAPES: tuple[Callable[[Work], RealLink], ...] = (
    *(ebsco, proquest, ebsco_code, search_engine, ebsco, resolver_article, ebsco_rewritten, apa, ebsco, proquest),
    *(publisher, ebsco_code, resolver_book, ebsco, citation_form, ebsco_book, search_engine, ebsco_rewritten, ebsco),
    *(chemistry, proquest, union_catalogue, ebsco, by_hand, resolver_article, ebsco_entities, apa, ebsco_code, ebsco),
    *(publisher, wrong_number),
)


def make_works() -> Iterator[Work]:
    """Endless; the lists have lengths without a common divisor, so that each thing meets each other one."""
    journals = cycle((*JOURNALS, *AMPERSANDS, *JOURNALS[:9]))
    parts = zip(
        *(journals, cycle(ARTICLES[:11]), cycle(BOOKS), cycle(PEOPLE[:3]), cycle(DAYS), cycle(CODES), cycle(DATABASES)),
        strict=False,
    )
    for number, (journal, article, book, author, dated, code, database) in enumerate(parts, 1_000_003):
        digits = f"{number:07d}"
        whole = issn.format(digits + issn.calc_check_digit(digits))
        yield Work(number, journal, article, book, author, dated, whole, code, database)


def make_links(count: int) -> list[RealLink]:
    return [shape(work) for shape, work in islice(zip(cycle(SHAPES), make_works(), strict=False), count)]
