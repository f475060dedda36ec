"""Citations and links lead somewhere: facts and rules that comments cite, decisions, pages and headings.

A citation is text such as `facts/ncip.md 2.1`, `facts/openurl.md sections 1 and 2`, `users-want 16`, `design rule 4` or
`decision 10`. What may be cited is a numbered heading or an entry of a numbered list in `docs/`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from tests.support.paths import ROOT

DOCS = ROOT / "docs"
FOLDERS = ("gateway", "adapters", "rehearsal", "profiles", "deploy", "docs", "tests")
TEXTS = frozenset({".py", ".md", ".yml", ".yaml", ".json", ".j2", ".conf", ".asn", ".service"})
PAGES_WITH_SOURCES = ("artemail", "ils-backends", "iso-18626", "iso-ill-10161", "ncip", "openurl")

NUMBER = r"\d+(?:\.\d+)*"
NUMBERS = rf"(?:sections? )?{NUMBER}(?:(?:, and |, | and | to )(?:sections? )?{NUMBER})*"
FACTS = re.compile(rf"(?<![\w/-])(?:docs/)?facts/(?P<page>[\w-]+)\.md`?(?:,? (?P<numbers>{NUMBERS}))?")
WISHES = re.compile(rf"(?<![\w/-])users-want (?P<numbers>{NUMBERS})")
RULES = re.compile(rf"\bdesign rules? (?P<numbers>{NUMBERS})")
DECISIONS = re.compile(r"\b[Dd]ecisions? (?P<numbers>\d{1,2})\b")
PAGES = re.compile(r"(?<![\w/.-])docs/(?P<page>[\w/-]+)\.md\b")
BY_SECTION = re.compile(r"facts/(?P<page>[\w-]+)\.md, by section")
SEEN = re.compile(rf"\[(?:seen|unverified)\] (?P<numbers>{NUMBER})\b")
MARKS = frozenset("DRU")  # our design, tried out, unverified
IRREGULAR = re.compile(r"shared/facts|\bdesign\.md\b|(?<!/)\bfacts section")


@dataclass(frozen=True)
class Citation:
    """A page under docs/, without its suffix, and a number on it; without a number the whole page."""

    page: str
    number: str = ""


# --- what is cited ---------------------------------------------------------------------------------------


def find_citations(text: str) -> list[Citation]:
    text = join_comment_lines(text)
    found = []
    for match in FACTS.finditer(text):
        page = f"facts/{match['page']}"
        found += [Citation(page, number) for number in split_numbers(match["numbers"])] or [Citation(page)]
    for match in BY_SECTION.finditer(text):
        found += [Citation(f"facts/{match['page']}", seen["numbers"]) for seen in SEEN.finditer(text)]
    for match in WISHES.finditer(text):
        found += [Citation("facts/users-want", number) for number in split_numbers(match["numbers"])]
    for match in RULES.finditer(text):
        found += [Citation("design-rules", number) for number in split_numbers(match["numbers"])]
    for match in DECISIONS.finditer(text):
        found.append(Citation("decisions/README", match["numbers"]))
    for match in PAGES.finditer(text):
        if not match["page"].startswith("facts/"):
            found.append(Citation(match["page"]))
    return found


def join_comment_lines(text: str) -> str:
    """A citation may go on in the next line, behind the mark of a comment."""
    return re.sub(r"\s*\n[ \t]*(?:#|\*|--)?[ \t]*", " ", text)


def split_numbers(text: str | None) -> list[str]:
    """`1, 3 and 4` is three numbers, `11 to 13` as well."""
    numbers: list[str] = []
    for part in re.split(r", and |, | and ", text or ""):
        first, _, last = part.removeprefix("sections ").removeprefix("section ").partition(" to ")
        if last:
            numbers += [str(number) for number in range(int(first), int(last) + 1)]
        elif first:
            numbers.append(first)
    return numbers


# --- what can be cited -----------------------------------------------------------------------------------


@cache
def read_page(page: Path) -> str:
    """The page without its blocks of code."""
    return re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)


@cache
def list_numbers(page: Path) -> frozenset[str]:
    """Numbers of its headings and of the entries of its lists; in the index of decisions those of its rows."""
    text = read_page(page)
    headings = re.findall(rf"^#+ ({NUMBER})\.? ", text, flags=re.MULTILINE)
    entries = re.findall(r"^(\d+)\. ", text, flags=re.MULTILINE)
    rows = re.findall(r"^\| \[(\d+)\]\(", text, flags=re.MULTILINE)
    return frozenset([*headings, *entries, *rows])


@cache
def list_anchors(page: Path) -> frozenset[str]:
    """What GitHub makes of the headings."""
    anchors: list[str] = []
    for heading in re.findall(r"^#+ (.+?)\s*$", read_page(page), flags=re.MULTILINE):
        words = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).lower()
        anchor = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
        again = sum(1 for one in anchors if re.fullmatch(rf"{re.escape(anchor)}(-\d+)?", one))
        anchors.append(f"{anchor}-{again}" if again else anchor)
    return frozenset(anchors)


def has_target(citation: Citation, docs: Path = DOCS) -> bool:
    page = docs / f"{citation.page}.md"
    return page.is_file() and (not citation.number or citation.number in list_numbers(page))


def find_links(page: Path) -> list[str]:
    """Targets of relative links."""
    text = re.sub(r"`[^`\n]*`", "", read_page(page))
    targets = re.findall(r"\]\(([^)\s]+)\)", text)
    return [target for target in targets if not re.match(r"[a-z][a-z+.-]*:", target)]


def has_link_target(page: Path, target: str) -> bool:
    name, _, anchor = target.partition("#")
    path = page.parent / name if name else page
    return path.exists() and (not anchor or anchor in list_anchors(path))


def list_texts() -> Iterator[Path]:
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in TEXTS or path.name == "Dockerfile":
                yield path
    yield from sorted(ROOT.glob("*.md"))
    yield from sorted(ROOT.glob("*.yml"))


def list_pages() -> list[Path]:
    return [path for path in list_texts() if path.suffix == ".md"]


# --- the repository --------------------------------------------------------------------------------------


def test_resolve_every_citation() -> None:
    missing = [
        f"{path.relative_to(ROOT)}: {citation.page}.md {citation.number}".rstrip()
        for path in list_texts()
        if path != Path(__file__)
        for citation in find_citations(path.read_text("utf-8"))
        if not has_target(citation)
    ]
    assert not missing, "\n".join(missing)


def test_write_every_citation_in_the_regular_form() -> None:
    irregular = [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path in list_texts()
        if path != Path(__file__)
        for match in IRREGULAR.finditer(path.read_text("utf-8"))
    ]
    assert not irregular, "\n".join(irregular)


def test_find_the_citations_that_are_there() -> None:
    """A pattern that finds nothing would let everything pass."""
    in_code = [
        citation
        for path in list_texts()
        if path.suffix != ".md" and path != Path(__file__)
        for citation in find_citations(path.read_text("utf-8"))
    ]
    pages = {citation.page for citation in in_code}
    assert len(in_code) > 150
    assert {f"facts/{name}" for name in PAGES_WITH_SOURCES} | {"facts/users-want", "design-rules"} <= pages


@pytest.mark.parametrize("page", list_pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_follow_every_relative_link(page: Path) -> None:
    assert [target for target in find_links(page) if not has_link_target(page, target)] == []


@pytest.mark.parametrize("folder", ["facts", "decisions"])
def test_list_every_page_in_its_index(folder: str) -> None:
    index = DOCS / folder / "README.md"
    pages = {page.name for page in index.parent.glob("*.md")} - {"README.md"}
    linked = [target.partition("#")[0] for target in find_links(index)]
    assert pages <= set(linked)


@pytest.mark.parametrize("name", PAGES_WITH_SOURCES)
def test_name_every_source_that_a_fact_has(name: str) -> None:
    """What stands in square brackets begins with a short name of section 0."""
    page = DOCS / "facts" / f"{name}.md"
    assert find_unknown_sources(read_page(page)) == []


def find_unknown_sources(text: str) -> list[str]:
    body = re.sub(r"`[^`\n]*`|\]\([^)\s]+\)", " ", text.partition("\n## 1. ")[2])
    table = re.search(r"^## 0\..*?(?=^## )", text, flags=re.MULTILINE | re.DOTALL)
    rows = re.findall(r"^\| ([\w, -]+?) \|", table[0] if table else "", flags=re.MULTILINE)
    known = {name for row in rows for name in row.split(", ")} | MARKS
    groups = [group.removeprefix("seen: ") for group in re.findall(r"\[([^]\[]+)\]", body)]
    cited = {re.split(r"[\s:]", part)[0] for group in groups for part in re.split(r"[,;]\s+", group)}
    return sorted(name for name in cited - known if re.fullmatch(r"[A-Z][A-Z0-9-]*", name))


# --- examples --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "citations"),
    [
        ("the profile's default (facts/ncip.md 2.4)", [("facts/ncip", "2.4")]),
        ("Facts stand in docs/facts/ncip.md sections 1, 3 and 4.", [("facts/ncip", one) for one in "134"]),
        ("facts/iso-ill-10161.md sections 11 to 13.", [("facts/iso-ill-10161", one) for one in ("11", "12", "13")]),
        ("facts/ncip.md 1.5, section 5 `date.*`", [("facts/ncip", "1.5"), ("facts/ncip", "5")]),
        ("facts/ncip.md 1.1: Voyager, BIB", [("facts/ncip", "1.1")]),
        ("(facts/openurl.md\n    # section 2: [seen])", [("facts/openurl", "2")]),
        ("The rules are facts/openurl.md section 1's.", [("facts/openurl", "1")]),
        ("see facts/artemail.md.", [("facts/artemail", "")]),
        ("(design rule 4 and users-want 16)", [("facts/users-want", "16"), ("design-rules", "4")]),
        ("why: decision 10", [("decisions/README", "10")]),
        ("Guide: docs/openurl.md", [("openurl", "")]),
        (
            "# [seen] stands in\n# facts/iso-ill-10161.md, by section\nmode: call-back  # [seen] 10: a new connection",
            [("facts/iso-ill-10161", ""), ("facts/iso-ill-10161", "10")],
        ),
        ("ISO 10161 and RFC 3834 section 5 are no pages of ours", []),
    ],
)
def test_find_citations(text: str, citations: list[tuple[str, str]]) -> None:
    assert find_citations(text) == [Citation(*citation) for citation in citations]


@pytest.mark.parametrize(
    ("citation", "found"),
    [
        (Citation("facts/birds"), True),
        (Citation("facts/birds", "1.2"), True),
        (Citation("facts/birds", "3"), True),
        (Citation("facts/birds", "1.3"), False),
        (Citation("facts/birds", "9"), False),
        (Citation("facts/fish"), False),
    ],
)
def test_resolve_citation(citation: Citation, found: bool, tmp_path: Path) -> None:
    (tmp_path / "facts").mkdir()
    (tmp_path / "facts" / "birds.md").write_text(
        "# Birds\n## 1. Sea\n### 1.2 Gulls\n3. Terns\n```\n## 9. No heading\n```\n", "utf-8"
    )
    assert has_target(citation, tmp_path) is found


@pytest.mark.parametrize(
    ("target", "found"),
    [
        ("nests.md", True),
        ("nests.md#11-on-cliffs", True),
        ("#birds-and-eggs", True),
        ("nests.md#on-cliffs", False),
        ("caves.md", False),
    ],
)
def test_resolve_link(target: str, found: bool, tmp_path: Path) -> None:
    page = tmp_path / "birds.md"
    page.write_text("# Birds, and `eggs`\n", "utf-8")
    (tmp_path / "nests.md").write_text("## 1.1 On cliffs\n", "utf-8")
    assert has_link_target(page, target) is found


def test_report_unknown_source() -> None:
    sources = "## 0. Sources\n| name | source |\n| GULL | a book |\n"
    text = sources + "\n## 1. Facts\nIt flies [GULL 3, TERN]. [seen: OWL] [46] [R]\n"
    assert find_unknown_sources(text) == ["OWL", "TERN"]
