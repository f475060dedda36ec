"""Passwords of twelve and more characters that are guessed all the same.

Lists of leaked passwords have few that are so long, and these are made in the same ways: a favourite word or two, with
digits for letters, a year, keys that lie side by side, and all of it once more. So we keep the pieces and not the list:
a password counts as many pieces as it takes to write it, and a piece that everybody knows is one, however long.
"""

from __future__ import annotations

from collections.abc import Iterator

MIN_PIECES = 7
"""`MyPassword2026!` has five, a dozen characters at random have eleven or twelve."""

MIN_RUN_CHARS = 3

_WORDS = """
abc access account admin administrator adobe alexander amanda andrea andrew angel anna anthony apple april arsenal
ashley august austin autumn baby bailey banana baseball basketball batman battery bayern benutzer berlin biblio
bibliothek bienvenue blink bonjour book books borussia brandon buch butterfly camaro change changeme charles charlie
cheese chelsea chicken chocolate christian christopher club computer confidential cookie correct cowboys daniel
database december default demo dezember diamond donald dortmund dragon eagles eintracht elephant elizabeth enter esel
extreme family fenster fernleihe ferrari flower football forever frankfurt freedom friend friends fruehling frühling
fuer fussball geheim george gewinner ginger gmail google guest guitar hallo hamburg hammer hannah hannover happy
harley heaven heidelberg hello help herbst herzlich hockey horse hotmail house hunter ich illgate iloveyou info
internet isabella jackson january jasmine jennifer jessica jesus jetzt john johnson jordan joseph joshua july june
justin kennwort killer king kiss kitty knight koenig konto köln könig lakers laptop leihe letmein librarian library
liebe lieber linux liverpool loan login london love lovely loveme lover maggie manager manchester march marina martin
master matthew melanie mercedes merlin metallica mexico michael michelle microsoft midnight monday money monkey
monster morgan mother mustang mutter nachricht naruto network neu new newyork nicole nintendo november nutzer october
office oktober orange packers pass passport passwd password passwort patrick peanut pepper phoenix please pokemon
porsche princess prinzessin private purple qwerty qwertz rabbit rainbow ranger reader real robert rocket root sabrina
samantha samsung saturday schalke schatz school schule secret secure security september server service shadow sicher
silver simple snoopy soccer software sommer sonne sonnenschein sophie spiderman spongebob spring staff standard staple
start starwars steelers stella strawberry student summer sunday sunflower sunshine super superman support sweet switch
system temp temporary test tester testing the thomas thunder tiger tigger today trustno unbelievable universe
university universität user vanessa victoria viking villa wasser web webmaster weihnachten welcome welt wert whatever
whocares willkommen windows winner winter wizard wolf wonderful work world xbox yamaha yankees yellow you your zauber
zeppelin zimmer
"""
"""Words, names and teams that lists of leaked passwords begin with, in English and German; and those of our trade."""

WORDS = frozenset(_WORDS.split())

KEYS = (
    *("abcdefghijklmnopqrstuvwxyz", "01234567890", "1234567890ß", "!@#$%^&*()", '!"§$%&/()='),
    *("qwertyuiop", "qwertzuiopü", "azertyuiop", "asdfghjklöä", "zxcvbnm", "yxcvbnm,.-", "wxcvbn"),
    *("1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik", "1q2w3e4r5t6y7u8i9o0p", "q1w2e3r4t5y6u7i8o9p0", "zaq12wsxcde34rfvbgt5"),
    *("1qay2wsx3edc4rfv5tgb6zhn7ujm", "1q2w3e4r5t6z7u8i9o0p", "1qazxsw23edcvfr4"),
)
"""Keys in a row, on keyboards or as everybody counts them."""

RUNS = (*KEYS, *(keys[::-1] for keys in KEYS))

SIGNS_FOR_LETTERS = str.maketrans("013457@$!€", "oieastasie")
"""As `P@ssw0rd` has them."""

SEPARATORS = frozenset(" -_.,/+")


def count_unguessable_pieces(password: str, name: str) -> int:
    """A common word, the user's name or a part of it, keys in a row, a year, and what was there before are one piece
    each; so is any other character. What only stands between counts nothing."""
    text = password.casefold()
    plain = text.translate(SIGNS_FOR_LETTERS)
    words = WORDS | {part for part in _split_name(name) if len(part) >= MIN_RUN_CHARS}
    longest = max(map(len, words))
    count = at = 0
    while at < len(text):
        if text[at] in SEPARATORS:
            at += 1
            continue
        chars = max(
            _match_word(text, plain, at, words, longest),
            _match_run(text, at),
            _match_year(text, at),
            _match_repeat(text, at),
        )
        count += 1
        at += max(1, chars)
    return count


def _split_name(name: str) -> Iterator[str]:
    part = ""
    for char in f"{name.casefold()} ":
        if char.isalnum():
            part += char
        else:
            yield part
            part = ""


def _match_word(text: str, plain: str, at: int, words: frozenset[str], longest: int) -> int:
    for end in range(min(len(text), at + longest), at, -1):
        if text[at:end] in words or plain[at:end] in words:
            return end - at
    return 0


def _match_run(text: str, at: int) -> int:
    same = len(text) - at - len(text[at:].lstrip(text[at]))
    if same >= MIN_RUN_CHARS:
        return same
    end = at + MIN_RUN_CHARS
    while end <= len(text) and any(text[at:end] in run for run in RUNS):
        end += 1
    return end - 1 - at if end > at + MIN_RUN_CHARS else 0


def _match_year(text: str, at: int) -> int:
    year = text[at : at + 4]
    return 4 if len(year) == 4 and year.isascii() and year.isdigit() and year[:2] in ("19", "20") else 0


def _match_repeat(text: str, at: int) -> int:
    """Return where the repeats end of something that stands directly before, however often."""
    for size in range(at, 0, -1):
        block, end = text[at - size : at], at
        while end < len(text) and text.startswith(block, end):
            end += size
        if end > at and (size >= 2 or end - at >= 2):
            return end - at
    return 0
