"""A program that has loaded a peer's `peer.py` once, and is forked for each peer: to start Python and load it takes a
fifth of a second, and hundreds of tests start one each.

    python peer_loader.py PEER_PY DESCRIPTOR

The socket DESCRIPTOR gets, for each peer, its arguments as JSON with the descriptor that becomes its standard output,
and gives back its process id.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from pathlib import Path

MAX_BYTES = 65_536


def serve_forks(path: str, asked: socket.socket) -> None:
    sys.path[0] = str(Path(path).parent)
    program = compile(Path(path).read_text("utf-8"), path, "exec")
    exec(program, {"__name__": "loaded", "__file__": path})  # as no main program: it loads, and serves nothing
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # whoever has ended is nobody's zombie
    while True:
        message, descriptors, _, _ = socket.recv_fds(asked, MAX_BYTES, 1)
        if not message:
            return
        process = os.fork()
        if process == 0:
            asked.close()
            os.dup2(descriptors[0], sys.stdout.fileno())
            os.close(descriptors[0])
            sys.argv = [path, *json.loads(message)]
            exec(program, {"__name__": "__main__", "__file__": path})
            sys.exit(0)
        os.close(descriptors[0])
        asked.sendall(f"{process}\n".encode())


if __name__ == "__main__":
    serve_forks(sys.argv[1], socket.socket(fileno=int(sys.argv[2])))
