"""Codes of an app: the standards' own values, and which of them is good when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest

from gateway.services.people.one_time_codes import (
    STEP_SECONDS,
    find_code_step,
    make_code,
    make_code_secret,
    make_key_uri,
    step_of_moment,
    write_code_secret,
)
from gateway.web.html.barcodes import draw_qr_code

SECRET = b"12345678901234567890"

HOTP = ("755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489")
"""RFC 4226, appendix D: by counter, from 0."""

TOTP = {
    59: "287082",
    1111111109: "081804",
    1111111111: "050471",
    1234567890: "005924",
    2000000000: "279037",
    20000000000: "353130",
}
"""RFC 6238, appendix B: seconds since 1970, by SHA-1; the last six of eight digits are those of a code of six."""

NOW = datetime(2026, 3, 2, 8, 0, 10, tzinfo=UTC)
STEP = timedelta(seconds=STEP_SECONDS)


def code_at(moment: datetime) -> str:
    return make_code(SECRET, step_of_moment(moment))


def test_the_codes_of_rfc_4226() -> None:
    assert tuple(make_code(SECRET, counter) for counter in range(10)) == HOTP


@pytest.mark.parametrize(("seconds", "code"), TOTP.items())
def test_the_codes_of_rfc_6238(seconds: int, code: str) -> None:
    assert code_at(datetime.fromtimestamp(seconds, UTC)) == code


@pytest.mark.parametrize(("steps", "is_good"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_a_clock_may_be_half_a_minute_apart(steps: int, is_good: bool) -> None:
    step = find_code_step(SECRET, code_at(NOW + steps * STEP), NOW, 0)
    assert step == (step_of_moment(NOW) + steps if is_good else None)


def test_a_code_is_good_once_and_those_before_it_no_more() -> None:
    current = step_of_moment(NOW)
    assert find_code_step(SECRET, code_at(NOW), NOW, current) is None
    assert find_code_step(SECRET, code_at(NOW - STEP), NOW, current) is None
    assert find_code_step(SECRET, code_at(NOW + STEP), NOW, current) == current + 1


@pytest.mark.parametrize("code", ["", "00000", code_at(NOW)[:5], code_at(NOW) + "0", "٣٤٥٦٧٨", "abcdef"])
def test_what_is_no_code_is_none(code: str) -> None:
    assert find_code_step(SECRET, code, NOW, 0) is None


def test_a_secret_is_new_each_time_and_has_160_bits() -> None:
    assert len({make_code_secret() for _ in range(10)}) == 10
    assert len(make_code_secret()) == 20


def test_what_apps_read() -> None:
    key = write_code_secret(SECRET)
    uri = urlsplit(make_key_uri(SECRET, "r.okafor", "Stadt: Bücherei & Archiv"))

    assert key == "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ"
    assert (uri.scheme, uri.netloc) == ("otpauth", "totp")
    assert unquote(uri.path) == "/Stadt  Bücherei & Archiv:r.okafor"
    said = dict(parse_qsl(uri.query))
    assert said["secret"] == key.replace(" ", "")
    assert said["issuer"] == "Stadt  Bücherei & Archiv"
    assert (said["algorithm"], said["digits"], said["period"]) == ("SHA1", "6", "30")


@pytest.mark.parametrize("sign", ["a", "ä", "館", "&", "%"])
def test_a_code_is_drawn_for_the_longest_names(sign: str) -> None:
    """And still a small one, which a telephone reads from the screen."""
    drawn = draw_qr_code(make_key_uri(SECRET, sign * 200, f"{sign}:" * 2_000))
    assert drawn.width <= 150
