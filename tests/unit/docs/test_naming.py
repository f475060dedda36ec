"""The product keeps to its naming rules (CONTRIBUTING.md): counted, so that a slide is seen."""

from __future__ import annotations

import pytest

from tests.support.naming import NamingReport, read_modules


@pytest.fixture(scope="module")
def report() -> NamingReport:
    return NamingReport(read_modules())


def test_a_story_fits_into_one_file(report: NamingReport) -> None:
    """The number of files grows with what the product can do; their size, and how few are cut off another, must not."""
    assert 180 <= report.median_lines <= 300
    assert len(report.small_modules_of_one) <= 8


def test_names_say_what_and_to_what(report: NamingReport) -> None:
    assert report.one_word_functions <= 0.35
    assert report.one_word_classes <= 0.25
    assert max(report.frequent_names.values()) <= 20


def test_constants_say_what_they_limit(report: NamingReport) -> None:
    assert report.old_constants == ()
