"""PQF, read and written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.z3950.pqf import NoQuery, parse, written
from adapters.z3950.values import Attribute, Joined, Op, Operand, ResultSet, RpnQuery, TermKind


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("lamps", Operand((), "lamps")),
        ('"slow gardens"', Operand((), "slow gardens")),
        (r'"a \"quoted\" \\ word"', Operand((), r'a "quoted" \ word')),
        ("@attr 1=4 lamps", Operand((Attribute(1, 4),), "lamps")),
        ("@attr 1=dc.title lamps", Operand((Attribute(1, "dc.title"),), "lamps")),
        ("@attr gils 1=2008 lamps", Operand((Attribute(1, 2008, "1.2.840.10003.3.5"),), "lamps")),
        ("@ATTR 1=4 @attr 1=7 lamps", Operand((Attribute(1, 7),), "lamps")),
        ("@term numeric 12", Operand((), "12", TermKind.NUMERIC)),
        ("@set default", ResultSet("default")),
        ('"@and"', Operand((), "@and")),
        ("@and a b", Joined(Op.AND, Operand((), "a"), Operand((), "b"))),
        (
            "@attr 1=4 @or a @not b c",
            Joined(
                Op.OR,
                Operand((Attribute(1, 4),), "a"),
                Joined(Op.NOT, Operand((Attribute(1, 4),), "b"), Operand((Attribute(1, 4),), "c")),
            ),
        ),
    ],
)
def test_a_query_is_read(text: str, expected: object) -> None:
    assert parse(text).rpn == expected


def test_an_attribute_set_for_the_whole() -> None:
    assert parse("@attrset 1.2.3 lamps") == RpnQuery(Operand((), "lamps"), "1.2.3")


@pytest.mark.parametrize(
    "text",
    [
        '@and @attr 1=4 @attr 4=1 "slow gardens" @or @attr 1=7 9788300000012 @set 3',
        "@prox 0 3 1 2 known 2 lamps tides",
        '@attrset gils @attr exp-1 1=2 @term string "a b"',
        '""',
    ],
)
def test_what_is_written_means_the_same(text: str) -> None:
    assert written(parse(text)) == text


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "it ends where a term should stand"),
        ("@and a", "it ends where a term should stand"),
        ("a b", "'b' is one term too many"),
        ("@attr 4 a", "no attribute set is called '4'"),
        ("@attr x=4 a", "'x=4' is no attribute"),
        ('"a', "a quotation mark is not closed"),
        ("@near a b", "'@near' is not known"),
        ("@term date x", "no terms of kind 'date'"),
        ("@term numeric x", "'x' is no number"),
        ("@prox 0 1 1 2 inches 2 a b", "'inches' is neither known nor private"),
        ("@and " * 200 + "a", "more than 100 operators"),
    ],
)
def test_what_is_no_query_says_why(text: str, reason: str) -> None:
    with pytest.raises(NoQuery, match=reason):
        parse(text)


OPERANDS = st.builds(
    Operand,
    st.lists(st.builds(Attribute, st.integers(1, 6), st.integers(1, 5000)), max_size=3, unique_by=lambda a: a.type).map(
        tuple
    ),
    st.text(st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp")), max_size=20),
)


@given(st.recursive(OPERANDS, lambda inner: st.builds(Joined, st.sampled_from(Op), inner, inner), max_leaves=6))
def test_every_query_comes_back_from_its_text(rpn: Operand | Joined) -> None:
    assert parse(written(RpnQuery(rpn))).rpn == rpn


@given(st.text(max_size=60))
def test_no_text_makes_it_fail_otherwise(text: str) -> None:
    try:
        parse(text)
    except NoQuery:
        return
