"""The shipped profiles of public catalogues: what would be said to each. No test contacts them."""

import pytest

from adapters.sru.codec import format_cql
from adapters.sru.dialect import SruDialect
from adapters.z3950 import pqf
from adapters.z3950.client import type1_query
from adapters.z3950.dialect import Z3950Dialect
from gateway.cli.installation import Installation
from gateway.domain.profile import Profile
from gateway.ports.catalogue import CatalogueQuery, SearchIndex, SearchTerm
from gateway.profiles import load_profiles
from tests.support.paths import ROOT

BOOK = CatalogueQuery(
    (
        SearchTerm(SearchIndex.ISBN, "978-83-0000417-8"),
        SearchTerm(SearchIndex.TITLE, "slow gardens"),
        SearchTerm(SearchIndex.YEAR, "1981"),
    )
)
CATALOGUES = ("bnf-sru", "dnb-sru", "k10plus-sru", "loc-z3950")


@pytest.fixture(scope="module")
def shipped() -> dict[str, Profile]:
    installation = Installation(ROOT / "gateway.yml")
    loaded = load_profiles(ROOT / "profiles", installation.adapters, installation.settings).loaded
    return {name: loaded[name].profile for name in CATALOGUES}


def said(profile: Profile) -> str:
    (dialect,) = profile.dialects.values()
    if isinstance(dialect, SruDialect):
        return format_cql(BOOK, dialect, profile.name)
    assert isinstance(dialect, Z3950Dialect)
    return pqf.format_pqf(type1_query(BOOK, dialect, profile.name))


def test_what_each_is_asked(shipped: dict[str, Profile]) -> None:
    assert {name: said(profile) for name, profile in shipped.items()} == {
        "bnf-sru": 'bib.isbn all "9788300004178" and bib.title all "slow gardens" and bib.publicationdate all "1981"',
        "dnb-sru": 'NUM = "9788300004178" and TIT = "slow gardens" and JHR = "1981"',
        "k10plus-sru": 'pica.isb = "9788300004178" and pica.tit all "slow gardens" and pica.jah = "1981"',
        "loc-z3950": '@and @and @attr 1=7 9788300004178 @attr 1=4 @attr 4=6 "slow gardens" @attr 1=31 1981',
    }


@pytest.mark.parametrize("name", CATALOGUES)
def test_a_public_catalogue_lets_nobody_in_and_says_that_it_was_not_tried(
    name: str, shipped: dict[str, Profile]
) -> None:
    assert shipped[name].auth == ()
    assert shipped[name].match == ()
    assert shipped[name].contact
    assert "nothing here was tried by us: [unverified]" in (ROOT / "profiles" / f"{name}.yml").read_text()
