"""Words that the trade doesn't use, as rules: what to look for, what to write instead, and where the rule holds.

Each rule is data. How many texts of each file break one is in `tests/support/word_bounds.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import StrEnum
from typing import NamedTuple


class WordPlace(StrEnum):
    TEXT = "text"
    """A text of pages, letters, slips and refusals: what catalogues translate."""
    HELP = "help"
    """The help of a command, and the description of a setting."""
    PAGE = "page"
    """Documentation."""


EVERYWHERE = frozenset(WordPlace)
NOT_ON_PAGES = frozenset({WordPlace.TEXT, WordPlace.HELP})
NOT_IN_TEXTS = frozenset({WordPlace.HELP, WordPlace.PAGE})
ONLY_IN_PAGES = frozenset({WordPlace.PAGE})


class WordRule(NamedTuple):
    name: str
    pattern: re.Pattern[str]
    instead: str
    places: frozenset[WordPlace] = EVERYWHERE


class WordFinding(NamedTuple):
    rule: WordRule
    text: str

    def __str__(self) -> str:
        return f"{self.rule.name}: {self.text.strip()[:140]} → {self.rule.instead}"


START = r"(?:^|(?<=[.:;!?|] )|(?<=\*\*))"
"""Of a sentence, a cell or a label."""


def _find(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


RULES = (
    # Name the actor: a clause is no subject.
    WordRule(
        "what as subject",
        re.compile(START + r"What (?!happens\b)(?:\w+ ){1,5}[^.|?]*(?:[.|]|$)"),
        "a noun: failed messages",
    ),
    WordRule(
        "who as subject", re.compile(START + r"Who (?!can help)\w+[^.|?]*(?:[.|]|$)"), "the actor: staff, a partner"
    ),
    WordRule("whoever", _find(r"\bwho(?:m?ever|soever)\b"), "the actor: an operator, anyone who"),
    WordRule("nobody", _find(r"\bnobody\b|\bsomebody\b(?! else| has)"), "the actor, or the passive", NOT_IN_TEXTS),
    WordRule("one that", _find(r"\b(?:one|ones|that) (?:that|which)\b(?! is to say)"), "the noun again", NOT_IN_TEXTS),
    # Programs and files don't speak; things don't stand, go on or play.
    WordRule("says", _find(r"\b(?:says?|saying|said)\b"), "contain, report, define; only people say"),
    WordRule("let in", _find(r"\blet(?:s|ting)? (?:\w+ ){0,3}in\b(?! the| a)"), "accept, authenticate, reject"),
    WordRule("go on", _find(r"\b(?:go|goes|going|gone|went) on\b"), "continue, approve"),
    WordRule("stand", _find(r"\b(?:stands?|stood|standing)\b(?! alone| still| for\b)"), "is, is listed, status"),
    WordRule(
        "value that counts",
        _find(r"\bcounts? (?:too|from)\b|\b(?:values?|defaults?) (?:that )?counts?\b"),
        "effective, applies",
    ),
    WordRule(
        "play", _find(r"\bplay(?:s|ed|ing)? (?:an?|the|that|its|here|by|at|this)\b|\b(?:is|are) played\b"), "simulate"
    ),
    # The trade's verb.
    WordRule("give up", _find(r"\bg(?:ive|ives|ave|iven|iving) up\b"), "failed, withdrawn"),
    WordRule("forget", _find(r"\bforg(?:ets?|ot|otten)\b(?! (?:the|your) password)"), "delete, anonymise, erase"),
    WordRule("look at", _find(r"\blook(?:s|ed)? at (?:it|them)\b|\bto look at\b"), "review, check"),
    WordRule("take back", _find(r"\bt(?:ake|akes|ook|aken|aking) back\b"), "check in, undo"),
    WordRule("send back", _find(r"\bsen[dt](?:s|ing)? (?:it |them )?back\b"), "return"),
    WordRule("want back", _find(r"\bwant(?:s|ed|ing)? (?:it |them )?back\b"), "recall"),
    WordRule("put off", _find(r"\bput off\b"), "postpone"),
    WordRule("pass over", _find(r"\bpass(?:es|ed|ing)? over\b|\bleft out\b|\bleave \w+ out\b"), "skip, exclude, omit"),
    WordRule("keep longer", _find(r"\bke(?:ep|eps|pt) (?:it|them) longer\b|\bkeeps? to\b"), "renew; follow"),
    WordRule("mend", _find(r"\bmend(?:s|ed)?\b"), "fix"),
    WordRule("by itself", _find(r"\bby (?:itself|themselves)\b"), "automatically"),
    WordRule("by hand", _find(r"\bby hand\b"), "manually"),
    WordRule("in hand", _find(r"\bin hand\b"), "in progress"),
    # Plain and exact.
    WordRule("anew", _find(r"\banew\b"), "again, new"),
    WordRule("meanwhile", _find(r"\bmeanwhile\b"), "since, in the meantime", NOT_ON_PAGES),
    WordRule("as it stands", _find(r"\bas it stands\b"), "by default"),
    WordRule("otherwise than", _find(r"\botherwise than\b|\bsay (?:\w+ )?otherwise\b"), "differ, reword"),
    WordRule("up to date", _find(r"\bbrought up to date\b"), "updated, upgraded"),
    WordRule("so long", _find(r"\bso (?:long|many|much) (?:\w+ )+that\b"), "up to N, N seconds"),
    WordRule("of ours", _find(r"\bof (?:ours|our own)\b(?! [a-z]+s\b)"), "our, your own"),
    WordRule(
        "is no",
        _find(
            r"(?<!there )\b(?:is|are|was|were|be) no "
            r"(?!longer|more|\d|one\b|need|way|problem|doubt|limit|sign|other)[a-z]+"
        ),
        "is not a",
    ),
    WordRule("no such", _find(r"\b(?:knows?|has|is|are) no such\b"), "X not found"),
    WordRule("can't", _find(r"\bcan['’]t\b"), "cannot"),
    # One term per thing.
    WordRule("reader", _find(r"\breaders?\b(?! of this)"), "patron; to patrons: you", NOT_ON_PAGES),
    WordRule("wish", _find(r"\b(?:a|the|their|patron's) wish(?:es)?\b"), "request"),
    WordRule("house", _find(r"\b(?:whole|your|our|own|the) house\b|\bhouse's\b"), "library"),
    WordRule(
        "mails",
        _find(r"\b(?:a|the|one|this|each|of|some|what) mail\b(?! (?:server|box|file|client|channel))|\bmails\b"),
        "email, emails",
    ),
    WordRule("e-mail", _find(r"\be-mails?\b"), "email"),
    WordRule("library's own system", _find(r"\blibrar(?:y|ies)['’]s?(?: own)? systems?\b"), "library system"),
    WordRule("act", _find(r"\bacts? (?:on|of|that|with) (?:a|the|this|it)\b|\b(?:an|this|the) act\b"), "action"),
    WordRule("move", _find(r"\b(?:our|nobody['’]s|patron['’]s|whose) move\b"), "action needed, waiting for X"),
    WordRule("story", _find(r"\b(?:its|the|one) story\b"), "history"),
    WordRule("remark", _find(r"\bremarks?\b"), "note", NOT_ON_PAGES),
    WordRule("question as heading", re.compile(r"^#{2,} .*\?$"), "a heading that names the task", ONLY_IN_PAGES),
)

PLACEHOLDERS = re.compile(r"%\(\w+\)[sd]|\{\w*\}")


def find_forbidden_words(text: str, place: WordPlace) -> Iterator[WordFinding]:
    plain = PLACEHOLDERS.sub("x", text)
    for rule in RULES:
        if place in rule.places and rule.pattern.search(plain):
            yield WordFinding(rule, text)
