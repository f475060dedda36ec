"""A made-up catalogue: thousands of MARC 21 records in several scripts, the same each time. No such books exist.

Each record has an ISBN or ISSN of a right check digit, an OCLC number, and 852 and 949 fields for its copies.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pymarc import Field, Indicators, Record, Subfield
from stdnum import ean

LIBRARIES = ("NORD", "HAVN", "SKOG")
SHELVES = ("MAG", "OPEN", "REF")


@dataclass(frozen=True)
class Script:
    """Words of one language: every title is one of each list, in that order."""

    language: str
    things: tuple[str, ...]
    ofs: tuple[str, ...]
    people: tuple[str, ...]
    publisher: str
    place: str


SCRIPTS = (
    Script(
        "eng",
        ("The lighthouse keepers", "A history", "The letters", "Maps and journeys", "The slow gardens"),
        ("of Tarnwick Bay", "of the northern ferries", "of a clockmaker's daughter", "of the salt marshes"),
        ("Aldersyde, Maud", "Quenby, Tobias", "Ferrow, Ines"),
        "Harrowgate & Lynd",
        "Tarnwick",
    ),
    Script(
        "ger",
        ("Die Brückenbauer", "Kleine Geschichte", "Das Gedächtnis", "Über die Vögel"),
        ("von Süderhöft", "der äußeren Inseln", "am großen Möörsee"),
        ("Ölbrück, Käthe", "Süßkind-Mövius, Jörg"),
        "Mövenverlag",
        "Süderhöft",
    ),
    Script(
        "pol",
        ("Żółte okręty", "Pamiętnik", "Źródła"),
        ("znad Łęgowej", "księżnej Świętochny", "dawnych młynów"),
        ("Śliwożyńska, Łucja", "Brzęczykowicz, Żegota"),
        "Oficyna Pod Dębem",
        "Łęgowa",
    ),
    Script(
        "fre",
        ("La forêt", "Les carnets", "Une saison"),
        ("d'Hérouville-les-Étangs", "des étés oubliés", "à l'île aux Chênes"),
        ("Desmarêts-Oulié, Anaïs", "Garçonnet, Théophraste"),
        "Éditions du Chêne-Vert",
        "Hérouville",
    ),
    Script(
        "rus",
        ("Северные сады", "Записки", "Повесть"),
        ("о реке Златоборке", "старого часовщика", "из Верхнеозёрска"),
        ("Златоборский, Еремей", "Чаечкина, Улита"),
        "Озёрное слово",
        "Верхнеозёрск",
    ),
    Script(
        "gre",
        ("Οι κήποι", "Ιστορία", "Τα γράμματα"),
        ("της Ανεμόπετρας", "των παλαιών φάρων"),
        ("Ανεμοπετρίδης, Φώτης", "Γλαυκοπούλου, Δάφνη"),
        "Εκδόσεις Γλαύκος",
        "Ανεμόπετρα",
    ),
    Script(
        "ara",
        ("حدائق", "رسائل", "تاريخ"),
        ("وادي النخيل الأزرق", "القنطرة القديمة"),
        ("النخيلي، سلافة", "القنطري، بدران"),
        "دار القنطرة",
        "وادي النخيل",
    ),
    Script(
        "heb",
        ("גנים", "מכתבים", "תולדות"),
        ("של עמק הצבעונים", "מן המגדלור הישן"),
        ("צבעוני, אביטל", "מגדלאור, נחשון"),
        "הוצאת צבעון",
        "עמק הצבעונים",
    ),
    Script(
        "chi",
        ("灯塔", "北山花园", "旧钟表匠"),
        ("的历史", "书信集", "与河流"),
        ("林远帆", "乔碧湖"),
        "碧湖书局",
        "碧湖",
    ),
    Script(
        "jpn",
        ("灯台守", "青い渡し船", "みずうみの庭"),
        ("の手紙", "についての覚え書き"),
        ("湖山, 千鶴子", "灯野, 帆太郎"),
        "みずうみ書房",
        "湖山",
    ),
)

FIRST_YEAR = 1931


def records(count: int) -> Iterator[Record]:
    """Numbers from 1 on; the scripts take turns."""
    for number in range(1, count + 1):
        yield record(number)


def record(number: int) -> Record:
    script = SCRIPTS[number % len(SCRIPTS)]
    serial = number % 17 == 0
    year = FIRST_YEAR + number % 90
    turn = number // len(SCRIPTS)
    title = f"{_of(script.things, turn)} {_of(script.ofs, turn // len(script.things))}"
    made = Record(force_utf8=True)
    made.leader[5:9] = f"na{'s' if serial else 'm'} "
    made.add_field(
        Field("001", data=local_number(number)),
        Field("008", data=f"260101{'c' if serial else 's'}{year}    xx {' ' * 17}{script.language} d"),
        _field("010", ("a", f"{2000000000 + number}")),
        _field("022", ("a", issn(number))) if serial else _field("020", ("a", f"{isbn(number)} (hbk.)")),
        _field("035", ("a", f"(OCoLC){oclc(number)}")),
        _field("100", ("a", f"{_of(script.people, turn)},"), ("d", f"{year - 40}-"), indicators="1 "),
        _field("245", ("a", f"{title} :"), ("b", f"{number} /"), ("c", _of(script.people, turn)), indicators="10"),
        _field("250", ("a", f"{1 + number % 4}. ed.")),
        _field("264", ("a", f"{script.place} :"), ("b", f"{script.publisher},"), ("c", f"{year}."), indicators=" 1"),
        _field("300", ("a", f"{80 + number % 300} p. ;"), ("c", "23 cm")),
        _field("650", ("a", ("Lighthouses", "Gardens", "Rivers")[number % 3]), indicators=" 0"),
        *_copies(number, serial),
    )
    return made


def _copies(number: int, serial: bool) -> Iterator[Field]:
    library = _of(LIBRARIES, number)
    yield _field("852", ("b", library), ("c", _of(SHELVES, number)), ("h", f"QX{number % 900}"), ("i", f".T{number}"))
    if serial:
        yield _field("866", ("a", f"v.1-{number % 40 + 2} ({FIRST_YEAR}-{FIRST_YEAR + 30})"))
    for copy in range(1, 2 + number % 3):
        status = ("Available", "Checked out", "Missing")[(number + copy) % 3]
        policy = ("loan", "reading-room")[number % 2]
        due = (("d", "2027-02-14"),) if status == "Checked out" else ()
        yield _field("949", ("l", library), ("b", f"{number:06}{copy}"), ("p", policy), ("s", status), *due)


def local_number(number: int) -> str:
    return f"mk{number:06}"


def isbn(number: int) -> str:
    body = f"97883{number:07}"
    return body + ean.calc_check_digit(body)


def issn(number: int) -> str:
    digits = f"{9000000 + number}"
    check = (11 - sum(int(one) * weight for one, weight in zip(digits, range(8, 1, -1), strict=True)) % 11) % 11
    return f"{digits[:4]}-{digits[4:]}{'X' if check == 10 else check}"


def oclc(number: int) -> int:
    return 1_900_000_000 + number


def _of(words: tuple[str, ...], number: int) -> str:
    return words[number % len(words)]


def _field(tag: str, *subfields: tuple[str, str], indicators: str = "  ") -> Field:
    return Field(
        tag,
        indicators=Indicators(*indicators),
        subfields=[Subfield(code=code, value=value) for code, value in subfields],
    )
