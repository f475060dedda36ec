"""`illgate journal follow`: messages as they come, each once, until Ctrl-C."""

from __future__ import annotations

import json
import signal
import subprocess

from tests.bench.messages import lookup_user
from tests.support.daemon import ILLGATE, Installation


def heed_interrupt() -> None:
    """A shell's background jobs ignore Ctrl-C, and so do their children."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_messages_appear_as_they_come_each_once_and_ctrl_c_ends_it(installation: Installation) -> None:
    follow = [ILLGATE, "--config", str(installation.config), "journal", "follow", "--json", "--direction", "in"]
    with installation.serve():
        installation.post(lookup_user())
        with subprocess.Popen(
            [*follow, "--since", "1h"], stdout=subprocess.PIPE, text=True, preexec_fn=heed_interrupt
        ) as following:
            assert following.stdout is not None
            first = following.stdout.readline()
            installation.post(lookup_user())
            second = following.stdout.readline()
            following.send_signal(signal.SIGINT)
            rest, _ = following.communicate(timeout=60)

    messages = [json.loads(line) for line in (first, second)]
    assert [(one["service"], one["direction"], one["outcome"]) for one in messages] == [("LookupUser", "in", "ok")] * 2
    assert messages[0]["id"] < messages[1]["id"]
    assert (following.returncode, rest) == (0, "")


def test_it_has_no_end_of_its_own(installation: Installation) -> None:
    refused = installation.run("journal", "follow", "--until", "today", check=False)

    assert (refused.returncode, "has no end" in refused.stderr) == (2, True)
