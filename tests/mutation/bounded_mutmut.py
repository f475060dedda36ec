"""mutmut, with a time limit that hits its own workers only: `python tests/mutation/bounded_mutmut.py run …`.

mutmut 3.8 ends a worker that takes too long by the number of its process, and does so for workers that ended long ago
too. Where numbers come round within that time, as on a busy machine with 32,768 of them, the signal ends whatever
process has the number by then. Here a worker is held by a descriptor, which never stands for another process (Linux).
"""

from __future__ import annotations

import os
import signal
from threading import Timer

from mutmut.__main__ import cli
from mutmut.workers import isolation


def register_timeout(pid: int, timeout_s: float) -> None:
    """As mutmut's: end the worker after so many seconds."""
    timer = Timer(timeout_s, _end_worker, [os.pidfd_open(pid)])
    timer.daemon = True
    timer.start()


def _end_worker(descriptor: int) -> None:
    try:
        signal.pidfd_send_signal(descriptor, signal.SIGXCPU)
    except ProcessLookupError:
        return  # it ended in time
    finally:
        os.close(descriptor)


if __name__ == "__main__":
    isolation.register_timeout = register_timeout
    cli()
