"""One folding for matching, fingerprints and look-up words: what readers take for the same is the same everywhere."""

from __future__ import annotations

import unicodedata
from hashlib import blake2b

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.library.embedded.catalogue import index_words, select_query_words
from gateway.domain.library import Bib, RecordId
from gateway.domain.requests.citation import Citation
from gateway.domain.requests.citation_matching import citation_fingerprint, rank_candidates, title_similarity
from gateway.domain.text_folding import fold_text

ALIKE = [
    ("Łódź", "lodz"),
    ("Ørsted", "ORSTED"),
    ("Straße", "STRASSE"),
    ("Đorđe Balašević", "dorde balasevic"),
    ("Ætt og øyer", "aett og oyer"),
    ("Þingvellir á Íslandi", "thingvellir a islandi"),
    ("İstanbul ve ışık", "istanbul ve isik"),
    ("Œuvres complètes", "oeuvres completes"),
    ("Ħal Għaxaq", "hal ghaxaq"),
    ("Zażółć", unicodedata.normalize("NFD", "Zażółć")),
    ("ﬁn-de-siècle", "fin de siecle"),
    ("Ｗｉｄｅ １２", "wide 12"),
    ("Silben\u00adtrennung", "Silbentrennung"),
    ("Вишнёвый сад", "ВИШНЕВЫЙ САД"),
    ("Гоголь", "ГОГОЛЬ"),
    ("Gogolʹ", "Gogol"),  # as catalogues romanise it
    ("Qurʼān", "Qur'an"),
    ("Ἰλιάς", "ΙΛΙΑΣ"),
    ("الْقُرْآن", "القران"),  # without vowel points and hamza
    ("أحمد", "احمد"),
    ("ٱلله", "الله"),
    ("مكتبة", "مكتبه"),
    ("على", "علي"),
    ("کتاب", "كتاب"),  # Persian kaf
    ("فارسی", "فارسي"),
    ("كتـــاب", "كتاب"),  # stretched
    ("می\u200cشود", "می شود"),
    ("١٩٨٤", "1984"),
    ("۱۹۸۴", "1984"),
    ("१९८४", "1984"),
    ("שָׁלוֹם", "שלום"),
    ("\u200fשלום\u200e", "שלום"),  # marks of direction
    ("ﭏ", "אל"),
    ("ガク", "ｶﾞｸ"),
    ("ភាសា\u200bខ្មែរ", "ភាសា ខ្មែរ"),  # a blank without width between words
    ("葛\U000e0100飾区", "葛飾区"),  # in another shape
    ("Co\u034fop", "Coop"),  # what keeps letters from being sorted as one
]


@pytest.mark.parametrize(("one", "other"), ALIKE)
def test_what_readers_take_for_the_same_is_the_same_everywhere(one: str, other: str) -> None:
    assert fold_text(one) == fold_text(other)
    assert title_similarity(Citation(title=one), other) == 1.0
    assert citation_fingerprint(Citation(title=one, author=other)) == citation_fingerprint(
        Citation(title=other, author=one)
    )
    assert set(select_query_words(other)) <= index_words(one)
    assert set(select_query_words(one)) <= index_words(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("がく", "かく"), ("की", "का"), ("คำ", "คา"), ("ไม่", "ไม้"), ("кот", "kot"), ("ب", "ت"), ("కి", "కీ"), ("红", "紅")],
)
def test_other_letters_are_other_words(one: str, other: str) -> None:
    assert fold_text(one) != fold_text(other)


def test_letters_without_a_name_stay() -> None:
    assert fold_text("𗼇𗟲 (1190)") == "𗼇𗟲 1190"  # Tangut


def test_a_request_finds_its_record_whatever_both_are_written_in() -> None:
    record = Bib(id="b1", title="Łódź i Straße", author="Ørsted, H. C.", identifiers=(RecordId("local", "b1"),))

    (found,) = rank_candidates(Citation(title="LODZ I STRASSE", author="H. C. Orsted"), [record])

    assert found.confidence >= 90


@given(st.text(max_size=40))
def test_folding_again_changes_nothing(text: str) -> None:
    assert fold_text(fold_text(text)) == fold_text(text)


@given(st.text(max_size=40), st.sampled_from(["NFC", "NFD", "NFKC", "NFKD"]))
def test_however_the_characters_are_composed(text: str, form: str) -> None:
    assert fold_text(unicodedata.normalize(form, text)) == fold_text(text)  # type: ignore[arg-type]


def test_folded_texts_are_stored_so_a_change_needs_a_migration() -> None:
    """If this fails, folded columns of old databases are wrong: add a migration that folds them anew, as 0011 and the
    embedded library's 0002 do, and put the new digest here. It also fails when anyascii changes a letter."""
    ranges = ((0x00, 0x250), (0x1E00, 0x2000), (0x2C60, 0x2C80), (0x370, 0x560), (0x5D0, 0x700), (0x900, 0x980))
    folded = "|".join(fold_text(f"a{chr(code)}a") for start, end in ranges for code in range(start, end))

    assert blake2b(folded.encode(), digest_size=8).hexdigest() == "583fc13d7305c35d"
