"""A defect of a running gateway shows in its log, without the data it was about: where a test finds no traceback in
it, there was none."""

from __future__ import annotations

import pytest

from tests.bench import messages
from tests.faults.altered import serve_with_defect
from tests.support.daemon import Installation, stopped_at_end, wait_for
from tests.support.forked_processes import ForkedProcess
from tests.support.looking import count_defects, tracebacks


@pytest.mark.parametrize("log_format", ["console", "json"])
def test_a_defect_shows_in_the_log(installation: Installation, log_format: str) -> None:
    installation.change(log={"format": log_format})
    daemon = ForkedProcess(serve_with_defect, (installation.config, "find_patron"), installation.log)
    with stopped_at_end(daemon):
        wait_for(installation.port, "/readyz")
        answer = installation.post(messages.lookup_user())
        assert count_defects(installation) == 1

    assert b"Problem>" in answer
    found = "\n".join(tracebacks(installation))
    assert "exchange.defect" in found
    assert "in raise_defect" in found
    assert "KeyError" in installation.log.read_text()
    assert messages.PATRON not in installation.log.read_text()
