"""Who is asked, on a telephone: of many suppliers those that matter now."""

from __future__ import annotations

from dataclasses import replace

from gateway.web.staff.request_suppliers import ShownSupplier, mark_far_suppliers


def asked(number: int) -> ShownSupplier:
    return ShownSupplier(number=str(number), partner="", profile="", over=True)


def waiting(number: int) -> ShownSupplier:
    return ShownSupplier(number=str(number), partner="", profile="", moves=("skip",))


def near(suppliers: tuple[ShownSupplier, ...]) -> list[str]:
    return [one.number for one in mark_far_suppliers(suppliers) if not one.is_far]


def test_around_the_one_that_is_asked_now() -> None:
    current = replace(asked(30), over=False, current=True)
    suppliers = (*map(asked, range(1, 30)), current, *map(waiting, range(31, 61)))

    assert near(suppliers) == ["29", "30", "31", "32", "33"]


def test_before_anybody_is_asked_the_first_ones() -> None:
    assert near(tuple(map(waiting, range(1, 61)))) == ["1", "2", "3", "4", "5"]


def test_after_the_last_one_the_last_ones() -> None:
    assert near(tuple(map(asked, range(1, 61)))) == ["56", "57", "58", "59", "60"]


def test_a_few_are_shown_whole() -> None:
    assert near(tuple(map(waiting, range(1, 6)))) == ["1", "2", "3", "4", "5"]
