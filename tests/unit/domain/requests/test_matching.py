"""Which of our records is meant: by number, by words in any script, and never by a guess."""

from dataclasses import replace

import pytest

from gateway.domain.library import Bib, RecordId
from gateway.domain.requests.citation import SUPPLIER_RECORD, Citation, CitationType, is_listed_work, normalize_number
from gateway.domain.requests.citation_matching import (
    BY_NUMBER,
    BY_WORDS,
    CONTRADICTED,
    author_similarity,
    choose_candidate,
    is_named_record,
    rank_candidates,
    title_similarity,
)
from gateway.domain.requests.request import ItemCandidate
from gateway.domain.text_folding import fold_text

SOLITUDE = Citation(
    type=CitationType.BOOK,
    title="Cien años de soledad",
    author="García Márquez, Gabriel",
    published="1967",
    identifiers=(RecordId("isbn", "84-376-0494-X"),),
)
OURS = Bib(
    id="b1",
    title="Cien años de soledad",
    author="Gabriel García Márquez",
    published="1967",
    identifiers=(RecordId("isbn", "9788437604947 (pbk.)"),),
)


def only(citation: Citation, bib: Bib) -> ItemCandidate:
    (found,) = rank_candidates(citation, [bib])
    return found


def without_numbers(citation: Citation = SOLITUDE) -> Citation:
    return replace(citation, identifiers=())


def candidate(bib_id: str, confidence: int, **changes: object) -> ItemCandidate:
    made = ItemCandidate(bib_id=bib_id, title="The Book of Sand", confidence=confidence, how="title 100% similar")
    return replace(made, **changes)


# --- by number -------------------------------------------------------------------------------------------


def test_number_and_title() -> None:
    found = only(SOLITUDE, OURS)

    assert (found.confidence, found.how) == (99, "ISBN and title match")


def test_a_number_alone() -> None:
    nothing_else = replace(SOLITUDE, title="", author="")

    found = only(nothing_else, OURS)
    assert (found.confidence, found.how) == (BY_NUMBER, "ISBN matches; no title to compare")


def test_a_number_and_a_title_that_is_somewhat_alike() -> None:
    found = only(replace(SOLITUDE, title="Cien días de paz"), OURS)

    assert found.confidence == BY_NUMBER
    assert found.how == "ISBN matches; title 67% similar"


@pytest.mark.parametrize(
    ("asked", "there", "alike"),
    [
        ("García Márquez, Gabriel", "Gabriel García Márquez", 1.0),
        ("G. García Márquez", "Gabriel García Márquez", 1.0),
        ("Zofia", "Anna Zofia Łukasiewicz", 1.0),
        ("Anna Zofia Łukasiewicz", "Zofia", 1.0),
        ("Ana Z.", "Zofia Łukasiewicz", 0.5),
        ("Sato", "García Márquez", 0.0),
        ("", "García Márquez", None),
        ("Sato", "", None),
    ],
)
def test_authors_are_compared_by_the_names_of_who_has_fewer(asked: str, there: str, alike: float | None) -> None:
    assert author_similarity(asked, there) == alike


def test_what_is_not_said_counts_half() -> None:
    alike = replace(without_numbers(), title="Cien años de paz")

    assert only(replace(alike, author=""), OURS).confidence == 73  # 0.65 * 0.78 + 0.25 / 2 + 0.1
    assert only(replace(alike, author="", published=""), OURS).confidence == 68
    assert only(alike, OURS).confidence == 86


def test_what_words_agree_is_said() -> None:
    unlike = replace(without_numbers(), published="1999", author="")

    assert only(without_numbers(), OURS).how == "title 100% similar, author 100% similar, same year"
    assert only(unlike, OURS).how == "title 100% similar, no author to compare, year differs"


def test_a_number_with_another_title_is_not_trusted() -> None:
    found = only(replace(SOLITUDE, title="Gramática del esperanto"), OURS)

    assert found.confidence == CONTRADICTED
    assert found.how.startswith("ISBN matches; title differs")


def test_the_same_words_with_another_number_are_another_edition() -> None:
    other = replace(OURS, identifiers=(RecordId("isbn", "9780306406157"),))

    found = only(SOLITUDE, other)

    assert found.confidence == CONTRADICTED
    assert found.how.endswith("ISBN differs")

    unlike = only(replace(SOLITUDE, author="Selma Lagerlöf", published="1891"), other)
    assert (unlike.confidence, unlike.how) == (65, "title 100% similar, author 0% similar, year differs; ISBN differs")


def test_numbers_of_different_kinds_do_not_contradict() -> None:
    known_otherwise = replace(OURS, identifiers=(RecordId("oclc", "3049"),))

    assert only(SOLITUDE, known_otherwise).confidence == BY_WORDS


def test_our_own_record_number_is_a_number() -> None:
    local = replace(SOLITUDE, identifiers=(RecordId("local", "B1"),))

    assert only(local, OURS).how == "record number and title match"


def test_the_record_that_a_requester_names_is_certain_if_its_title_agrees() -> None:
    named = replace(SOLITUDE, identifiers=(RecordId(SUPPLIER_RECORD, "b1"), *SOLITUDE.identifiers))
    other = replace(OURS, id="b2")
    assert only(named, replace(OURS, identifiers=(), author="")).confidence == 99
    assert is_named_record(named, OURS)
    assert not is_named_record(named, other)


@pytest.mark.parametrize("title", ["El libro de arena", ""])
def test_a_number_that_a_requester_names_is_nothing_without_the_title(title: str) -> None:
    """It may be that of another library's catalogue."""
    named = Citation(title=title, author="Borges", identifiers=(RecordId(SUPPLIER_RECORD, "b1"),))
    assert not is_named_record(named, OURS)
    assert not [one for one in rank_candidates(named, [OURS]) if one.confidence >= BY_WORDS]


def test_a_record_number_may_have_a_colon_in_it() -> None:
    local = replace(SOLITUDE, identifiers=(RecordId("local", "shelf:7"),))

    assert only(local, replace(OURS, id="shelf:7")).how == "record number and title match"


# --- by words --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("title", "author"),
    [
        ("CIEN ANOS DE SOLEDAD", "Garcia Marquez, G."),
        ("Cien años de soledad: novela", "Gabriel García Márquez"),
        ("Cien an\u0303os de soledad", "márquez gabriel"),
    ],
)
def test_spelling_does_not_matter(title: str, author: str) -> None:
    asked = without_numbers(replace(SOLITUDE, title=title, author=author, subtitle=""))

    assert only(asked, OURS).confidence >= 85


def test_a_subtitle_on_our_side_only() -> None:
    longer = replace(OURS, title="Cien años de soledad : con un prólogo y notas al texto", identifiers=())

    assert only(without_numbers(), longer).confidence == BY_WORDS


def test_another_year_counts_against_it() -> None:
    reprint = replace(OURS, published="2007", identifiers=())

    found = only(without_numbers(), reprint)

    assert found.confidence < 92
    assert "year differs" in found.how


def test_another_author_counts_more() -> None:
    other = replace(OURS, author="Selma Lagerlöf", identifiers=())

    assert only(without_numbers(), other).confidence < 80


def test_what_is_not_alike_is_left_out() -> None:
    assert rank_candidates(SOLITUDE, [Bib(id="b9", title="Byzantine mosaics", author="Otto Demus")]) == ()


def test_a_record_that_is_just_enough_alike_is_shown_with_its_own_words() -> None:
    record = Bib(id="b1", title="Poems of Emily Dickinson")

    assert only(Citation(title="Poems"), record) == ItemCandidate(
        bib_id="b1",
        title="Poems of Emily Dickinson",
        author="",
        confidence=40,
        how="title 34% similar, no author to compare",
    )
    assert only(SOLITUDE, OURS).author == "Gabriel García Márquez"


def test_a_subtitle_alone_is_no_title_and_a_record_may_have_nothing_else() -> None:
    assert title_similarity(Citation(subtitle="Ein Roman"), "Ein Roman") is None
    assert title_similarity(Citation(title="Gedichte"), ": Gedichte") == 1.0


def test_a_title_of_a_whole_page_is_compared_letter_by_letter() -> None:
    page = (
        "Beschreibung der Reise durch das mittägliche Deutschland und die angrenzenden Länder, worin von Sitten, "
        "Handel, Bergbau und Gelehrsamkeit ausführlich gehandelt wird, nebst einem Anhange von allerley Urkunden"
    )
    assert len(page) > 200
    older = page.replace("ei", "ey").replace("t", "th").replace("u", "v")
    found = title_similarity(Citation(title=page), older)
    assert found is not None
    assert found > 0.9


def test_a_record_without_a_title_is_no_candidate_and_no_error() -> None:
    assert rank_candidates(without_numbers(), [Bib(id="b9")]) == ()
    assert rank_candidates(Citation(), [OURS]) == ()


def test_the_best_comes_first_and_equal_ones_by_their_number() -> None:
    records = [replace(OURS, id=id_, identifiers=()) for id_ in ("b3", "b2")]

    found = rank_candidates(without_numbers(), [*records, OURS])

    assert [one.bib_id for one in found] == ["b1", "b2", "b3"]

    reprint = replace(OURS, id="b0", published="2007", identifiers=())
    assert [one.bib_id for one in rank_candidates(without_numbers(), [reprint, OURS])] == ["b1", "b0"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Straße", "STRASSE"),
        ("Łódź", "lodz"),
        ("Ætt og øyer", "aett og oyer"),
        ("Đorđe Balašević", "dorde balasevic"),
        ("Ｗｉｄｅ １２", "wide 12"),
        ("الْقُرْآن", "القرآن"),
        ("שָׁלוֹם", "שלום"),
        ("Ἰλιάς", "ιλιας"),
        ("ﬁn-de-siècle", "fin de siecle"),
    ],
)
def test_folded_alike(one: str, other: str) -> None:
    assert fold_text(one) == fold_text(other)


@pytest.mark.parametrize(("one", "other"), [("がく", "かく"), ("की", "का"), ("คำ", "คา")])
def test_marks_that_make_another_letter_stay(one: str, other: str) -> None:
    assert fold_text(one) != fold_text(other)


# --- deciding --------------------------------------------------------------------------------------------


def test_one_that_is_sure_enough_is_taken() -> None:
    sure, unsure = candidate("b1", 97), candidate("b2", 89)

    assert choose_candidate([sure, unsure], 90) == sure


def test_two_that_are_sure_enough_are_never_guessed_between() -> None:
    assert choose_candidate([candidate("b1", 99), candidate("b2", 90)], 90) is None


def test_none_is_taken_when_none_is_sure_enough() -> None:
    assert choose_candidate([candidate("b1", 89)], 90) is None
    assert choose_candidate([], 90) is None


def test_of_several_items_of_one_record_the_first_that_can_be_lent() -> None:
    out = candidate("b1", 97, barcode="1", lendable=False, why_not="on-loan")
    here = candidate("b1", 97, barcode="2")

    assert choose_candidate([out, here], 90) == here
    assert choose_candidate([out], 90) == out


# --- identifiers -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("type_", "one", "other"),
    [
        ("isbn", "3-16-148410-X", "978-3-16-148410-0 (hbk.)"),
        ("issn", "0317-847x", "0317847X"),
        ("oclc", "(OCoLC)ocm00003049", "3049"),
        ("doi", "https://doi.org/10.1000/ABC.1", "doi: 10.1000/abc.1"),
        ("ISMN", "979-0-2600-0043-8", "979-0-2600-0043-8"),
        ("local", "KY 12 / 3", "ky12/3"),
    ],
)
def test_numbers_in_one_spelling(type_: str, one: str, other: str) -> None:
    assert normalize_number(type_, one) == normalize_number(type_, other) != ""


def test_what_is_no_isbn_is_nothing() -> None:
    assert normalize_number("isbn", "none given") == ""


def test_a_list_that_says_nothing_about_such_numbers_leaves_it_open() -> None:
    asked = (RecordId("issn", "0317-8471"),)

    assert is_listed_work(asked, ("issn:03178471",)) is True
    assert is_listed_work(asked, ("issn:1344-8668",)) is False
    assert is_listed_work(asked, ("isbn:9783161484100",)) is None
    assert is_listed_work((), ("isbn:9783161484100",)) is None
