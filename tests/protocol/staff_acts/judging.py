"""What is said of an act and isn't so, or has no claim in the table."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from tests.protocol.staff_acts.claims import BANNERS, HEADINGS, LETTERS, STORIES, SUBJECTS, TASKS
from tests.protocol.staff_acts.presses import Press


def _pattern(sentence: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\\{\w+\\\}", "(.+?)", re.escape(sentence)))


_BANNER_PATTERNS = {_pattern(one): one for one in sorted(BANNERS, key=len, reverse=True)}
_HEADING_PATTERNS = {_pattern(one): one for one in HEADINGS}
_STORY_PATTERNS = {_pattern(one): one for one in STORIES}


def judge(press: Press) -> list[str]:
    """What is said and isn't so, or has no claim here."""
    return [*_judge_banner(press), *judge_request(press)]


def judge_request(press: Press) -> list[str]:
    """All but the banner."""
    return [
        *_judge_heading(press),
        *_judge_story(press),
        *_judge_letters(press),
        *_judge_tasks(press),
        *(f"queued in vain: {kind}" for kind in press.failed_kinds),
    ]


def judge_undoing(press: Press) -> list[str]:
    """Of an act that was undone at once: all is as it was before."""
    before, after = press.before.request, press.after.request
    said = press.page.banner
    if said == f"Undone: {before.number}, but its status is now “{press.page.tag}”.":
        return [] if before.state != after.state and not press.sent_kinds else [f"undoing: {before.state} as before"]
    if said == f"Undone: {before.number}. Please check its volumes.":
        return (
            [] if before.volumes != after.volumes and len(after.volumes) > 1 else ["undoing: the volumes are as before"]
        )
    if said != f"Undone: {before.number}.":
        return [f"undoing without a claim: {said}"]
    differences = {
        "state": (before.state, after.state),
        "flags": (before.flags, after.flags),
        "messages": ([], press.sent_kinds),
        "letters": ([], press.letter_names),
        "mails": (0, len(press.letters)),
        "items": (press.before.items, press.after.items),
        "loans": (press.before.loans, press.after.loans),
        "holds": (press.before.holds, press.after.holds),
        "lists": (press.before.tasks, press.after.tasks),
        "heading": (press.page_before.heading, press.page.heading),
    }
    return [f"{name}: {was} is {now}" for name, (was, now) in differences.items() if was != now]


def judge_audience(press: Press) -> Iterable[str]:
    """Who is told, as it was said before, is who has been told. A supplier that the rules choose may be none; an item
    may have to go to its pickup location first; what is overdue is told by a timer, not by the act."""
    said, letters = press.audience, [name for name in press.letter_names if name != "overdue"]
    if not said:
        return
    to_partners = [kind for kind in press.sent_kinds if kind != "request"]
    if (", by " in said.replace("The patron, by email.", "")) != bool(press.sent_kinds) and (
        "The next supplier, chosen by the rules." not in said or to_partners
    ):
        yield f"messages: {press.sent_kinds}"
    if ("The patron" in said) != bool(letters) and "once the item is at its pickup location" not in said:
        yield f"letters: {letters}"
    if "No supplier:" in said and "request" in press.sent_kinds:
        yield f"asked all the same: {press.sent_kinds}"
    if said == "Nobody." and (press.sent_kinds or letters):
        yield f"told all the same: {press.sent_kinds} {letters}"


def split_banner(text: str) -> tuple[list[str], str]:
    """Sentences of the table, and what is left over."""
    found, rest = [], text
    while rest:
        match = next((one for pattern in _BANNER_PATTERNS if (one := pattern.match(rest))), None)
        if match is None:
            break
        found.append(_BANNER_PATTERNS[match.re])
        rest = rest[match.end() :].strip()
    return found, rest


def _judge_banner(press: Press) -> Iterable[str]:
    found, rest = split_banner(press.page.banner)
    if rest or not found:
        yield f"banner without a claim: {rest or '(none)'}"
    yield from (f"banner: {one}" for one in found if not BANNERS[one](press))


def _judge_heading(press: Press) -> Iterable[str]:
    text = press.page.heading
    found = [one for pattern, one in _HEADING_PATTERNS.items() if pattern.fullmatch(text)]
    if not found:
        yield f"heading without a claim: {text}"
    yield from (f"heading: {one}" for one in found[:1] if not any(HEADINGS[each](press) for each in found))


def _judge_story(press: Press) -> Iterable[str]:
    new = Counter(press.page.story) - Counter(press.page_before.story)
    for line in new:
        found = [one for pattern, one in _STORY_PATTERNS.items() if pattern.fullmatch(line)]
        yield from (f"history: {line}" for one in found if not STORIES[one](press))


def _judge_letters(press: Press) -> Iterable[str]:
    for mail in press.letters:
        body = mail.get_body(("plain",))
        assert body is not None
        text = " ".join(str(body.get_content()).split())
        found = [one for one in LETTERS if one in text]
        if not found:
            yield f"letter without a claim: {text[:100]}"
        yield from (f"letter: {one}" for one in found if not LETTERS[one](press))
        subject = str(mail["Subject"])
        yield from (
            f"subject: {one}" for one, claim in SUBJECTS.items() if subject.startswith(one) and not claim(press)
        )


def _judge_tasks(press: Press) -> Iterable[str]:
    yield from (f"list without a claim: {one}" for one in press.after.tasks if one not in TASKS)
    yield from (f"list: {one}" for one in press.after.tasks if one in TASKS and not TASKS[one](press))
