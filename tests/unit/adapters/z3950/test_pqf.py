"""PQF, read and written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.z3950.pqf import PqfSyntaxError, format_pqf, parse_pqf
from adapters.z3950.values import (
    BooleanOperator,
    BooleanQuery,
    QueryOperand,
    ResultSet,
    RpnQuery,
    TermAttribute,
    TermKind,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("lamps", QueryOperand((), "lamps")),
        ('"slow gardens"', QueryOperand((), "slow gardens")),
        (r'"a \"quoted\" \\ word"', QueryOperand((), r'a "quoted" \ word')),
        ("@attr 1=4 lamps", QueryOperand((TermAttribute(1, 4),), "lamps")),
        ("@attr 1=dc.title lamps", QueryOperand((TermAttribute(1, "dc.title"),), "lamps")),
        ("@attr gils 1=2008 lamps", QueryOperand((TermAttribute(1, 2008, "1.2.840.10003.3.5"),), "lamps")),
        ("@ATTR 1=4 @attr 1=7 lamps", QueryOperand((TermAttribute(1, 7),), "lamps")),
        ("@term numeric 12", QueryOperand((), "12", TermKind.NUMERIC)),
        ("@set default", ResultSet("default")),
        ('"@and"', QueryOperand((), "@and")),
        ("@and a b", BooleanQuery(BooleanOperator.AND, QueryOperand((), "a"), QueryOperand((), "b"))),
        (
            "@attr 1=4 @or a @not b c",
            BooleanQuery(
                BooleanOperator.OR,
                QueryOperand((TermAttribute(1, 4),), "a"),
                BooleanQuery(
                    BooleanOperator.NOT,
                    QueryOperand((TermAttribute(1, 4),), "b"),
                    QueryOperand((TermAttribute(1, 4),), "c"),
                ),
            ),
        ),
    ],
)
def test_a_query_is_read(text: str, expected: object) -> None:
    assert parse_pqf(text).rpn == expected


def test_an_attribute_set_for_the_whole() -> None:
    assert parse_pqf("@attrset 1.2.3 lamps") == RpnQuery(QueryOperand((), "lamps"), "1.2.3")


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
    assert format_pqf(parse_pqf(text)) == text


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
    with pytest.raises(PqfSyntaxError, match=reason):
        parse_pqf(text)


OPERANDS = st.builds(
    QueryOperand,
    st.lists(
        st.builds(TermAttribute, st.integers(1, 6), st.integers(1, 5000)), max_size=3, unique_by=lambda a: a.type
    ).map(tuple),
    st.text(st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp")), max_size=20),
)


@given(
    st.recursive(
        OPERANDS, lambda inner: st.builds(BooleanQuery, st.sampled_from(BooleanOperator), inner, inner), max_leaves=6
    )
)
def test_every_query_comes_back_from_its_text(rpn: QueryOperand | BooleanQuery) -> None:
    assert parse_pqf(format_pqf(RpnQuery(rpn))).rpn == rpn


@given(st.text(max_size=60))
def test_no_text_makes_it_fail_otherwise(text: str) -> None:
    try:
        parse_pqf(text)
    except PqfSyntaxError:
        return
