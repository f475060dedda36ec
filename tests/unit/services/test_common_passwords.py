"""Passwords that are long enough, and guessed all the same: as lists of leaked ones have them."""

from __future__ import annotations

import random
import string

import pytest

from gateway.services.people.passwords import WeakPasswordError, check_password_strength

_GUESSED = """
123456789012 1234567890123 0987654321098 123456123456 qwertyuiop12 qwertyuiop123 qwertzuiop123 asdfghjkl123
zxcvbnm12345 1qaz2wsx3edc 1q2w3e4r5t6y 1q2w3e4r5t6z q1w2e3r4t5y6 zaq12wsxcde3 1qazxsw23edc abcdefghijkl abcdefg12345
abcdabcdabcd password1234 Password1234! P@ssw0rd1234 Passw0rd!234 passwordpassword Passwort123! passwort2026
iloveyou1234 letmein12345 welcome12345 Welcome2026!! Willkommen123 Willkommen2026! administrator administrator1
admin1234567 adminadmin12 Admin@123456 changeme1234 superman1234 spongebob123 princess1234 football1234 basketball12
chocolate123 butterfly123 liverpool123 manchester12 christopher1 unbelievable sunshine1234 trustno1trustno1
Sommer2026!! Winter2025/26 Fruehling2026 Hallo1234567 hallohallo12 fussball1234 schalke04schalke04 dortmund1909
bayern1900bayern Bibliothek2026 Bibliothek123! library12345 Library2026!! illgate12345 illgateillgate illgate-admin1
fernleihe2026 MyPassword123 MyPassword2026! ilovemymonkey correcthorsebatterystaple correct-horse-battery-staple
test123test123 testtest1234 qwerty123456 qwerty-qwerty google123456 samsung12345 starwars1977 abc123abc123
aaabbbcccddd123 MyPassword2026!? r.okafor2026! okaforokafor1 Ruth-Okafor-1 QWERTZ-123456
"""

GOOD = (
    "vier Wörter sind genug",
    "ein ganz neues Wort",
    "fünf Wörter sind besser",
    "blaue Kachel im Regen",
    "tyk2-vawm-99qe",
    "xkQ7vrmZp2Lw",
    "Zebrastreifen kochen nie",
    "les nuages de mardi",
    "云的语法和雨的声音从今天开始",
)


@pytest.mark.parametrize("password", _GUESSED.split())
def test_what_everybody_tries_is_refused(password: str) -> None:
    with pytest.raises(WeakPasswordError):
        check_password_strength(password, "ruth.okafor")


@pytest.mark.parametrize("password", GOOD)
def test_what_nobody_tries_is_taken(password: str) -> None:
    check_password_strength(password, "ruth.okafor")


def test_what_a_password_manager_makes_is_taken() -> None:
    chance = random.Random(34)
    for _ in range(2_000):
        check_password_strength("".join(chance.choices(string.ascii_letters + string.digits, k=14)), "ruth.okafor")


def test_a_long_one_is_judged_in_no_time() -> None:
    for password in ("ab" * 250, "x" * 250 + "y" * 250, "abcdefgh " * 55):
        with pytest.raises(WeakPasswordError):
            check_password_strength(password, "ruth.okafor")
