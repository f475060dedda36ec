"""Profiles are edited while the daemon serves: a bad edit harms nobody, a good one is taken within seconds."""

from __future__ import annotations

import json
import re
import signal
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.bench import messages
from tests.support.daemon import Installation
from tests.support.looking import tracebacks

SECONDS = 10


def page(served: Installation, path: str) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{served.port}{path}", timeout=10) as answer:
        return str(answer.read().decode())


def notes(served: Installation) -> list[str]:
    """What /readyz says of the profiles; the daemon is ready all the while."""
    ready: dict[str, Any] = json.loads(page(served, "/readyz"))
    assert ready["ready"]
    (part,) = [part for part in ready["parts"] if part["name"] == "profiles"]
    return list(part.get("notes", []))


def problems(served: Installation) -> float:
    found = re.search(r"^illgate_profile_problems (\S+)$", page(served, "/metrics"), re.MULTILINE)
    assert found is not None
    return float(found[1])


def soon(look: Callable[[], bool]) -> bool:
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        if look():
            return True
        time.sleep(0.05)
    return False


def says(served: Installation, place: str, words: str) -> bool:
    """/readyz names the place soon, and says these words of it."""
    return soon(lambda: any(place in note and words in note for note in notes(served)))


def is_served(served: Installation, path: str) -> bool:
    return b"Problem>" not in served.post(messages.lookup_user(), path)


@contextmanager
def busy(served: Installation) -> Iterator[list[bytes]]:
    """A partner who sends one message after the other all the while; the answers that were no success."""
    wrong: list[bytes] = []
    stop = threading.Event()

    def partner() -> None:
        while not stop.wait(0.05):
            answer = served.post(messages.lookup_user())
            if b"Problem>" in answer:
                wrong.append(answer)

    thread = threading.Thread(target=partner)
    thread.start()
    try:
        yield wrong
    finally:
        stop.set()
        thread.join()


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert text.count(old) >= 1, old
    file.write_text(text.replace(old, new, 1))


def line_of(file: Path, words: str) -> int:
    return next(number for number, line in enumerate(file.read_text().splitlines(), 1) if words in line)


def test_a_bad_edit_changes_nothing_and_a_good_one_is_taken(installation: Installation) -> None:
    profile = installation.folder / "profiles" / "ncip2.yml"
    good = profile.read_text()
    with installation.serve() as daemon, busy(installation) as wrong:
        assert notes(installation) == []
        assert problems(installation) == 0
        for old, new, where, words in (
            ("match:", "match: [", "", ""),  # no YAML any more: the reader finds out at some later line
            ("- path: ncip2", "- pfad: ncip2", "pfad", "path"),  # a misspelt key
            ("networks: [127.0.0.0/8", "networks: [127.0.0.0/99", "127.0.0.0/99", "network"),  # a wrong value
        ):
            profile.write_text(good.replace(old, new, 1))
            place = f"ncip2.yml:{line_of(profile, where)}" if where else "ncip2.yml:"
            assert says(installation, place, words), notes(installation)
            assert problems(installation) >= 1
            assert is_served(installation, "ncip2")

        assert not is_served(installation, "annexe")
        profile.write_text(good.replace("- path: ncip2", "- path: annexe\n  - path: ncip2"))
        assert soon(lambda: is_served(installation, "annexe"))
        assert problems(installation) == 0

        second = installation.folder / "profiles" / "second.yml"
        second.write_text("name: second\nextends: ncip2\nmatch:\n  - path: ncip2\n")  # the rule is another's already
        assert says(installation, "second.yml:4", "ncip2"), notes(installation)
        second.unlink()
        assert soon(lambda: notes(installation) == [])
        assert daemon.poll() is None
    assert wrong == []
    log = installation.log.read_text()
    assert log.count("configuration.not_reloaded") >= 4
    assert tracebacks(installation) == []


def test_sighup_reads_profiles_where_nobody_watches(installation: Installation) -> None:
    installation.change(profiles={"reload": False})
    profile = installation.folder / "profiles" / "ncip2.yml"
    with installation.serve() as daemon:
        edit(profile, "- path: ncip2", "- path: annexe\n  - path: ncip2")
        time.sleep(0.7)  # a watcher would have seen it
        assert not is_served(installation, "annexe")

        daemon.send_signal(signal.SIGHUP)
        assert soon(lambda: is_served(installation, "annexe"))

        edit(profile, "- path: annexe", "- path: annexe\n    pfad: here")
        daemon.send_signal(signal.SIGHUP)
        assert says(installation, f"ncip2.yml:{line_of(profile, 'pfad')}", "path")
        assert is_served(installation, "annexe")
