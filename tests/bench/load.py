"""A load generator that costs little: one thread, plain sockets, requests made beforehand."""

from __future__ import annotations

import os
import selectors
import socket
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field


def post(path: str, body: bytes, port: int) -> bytes:
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/xml\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


@dataclass(slots=True)
class Result:
    """Seconds of each request, and what its answer lacked, if anything."""

    seconds: list[float] = field(default_factory=list)
    elapsed: float = 0.0
    wrong: int = 0

    @property
    def rate(self) -> float:
        return len(self.seconds) / self.elapsed

    def percentile(self, share: float) -> float:
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def all_good(result: Result) -> Result:
    """Raises RuntimeError where it isn't."""
    if result.wrong:
        raise RuntimeError(f"{result.wrong} of {len(result.seconds)} answers were no success")
    return result


def processor_seconds(process: int) -> float:
    """What it has used so far, by its id."""
    with open(f"/proc/{process}/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@dataclass(slots=True)
class _Connection:
    socket: socket.socket
    sent: float = 0.0
    received: bytes = b""
    idle: bool = True


def drive(
    port: int,
    requests: Iterator[bytes],
    *,
    connections: int,
    good: Callable[[bytes], bool],
    rate: float | None = None,
) -> Result:
    """All requests, over as many connections at once; with `rate`, that many a second at even distances.

    In the second case a request's time counts from when it was due, so that waiting for a free connection shows.
    """
    result = Result()
    selector = selectors.DefaultSelector()
    pool: deque[_Connection] = deque()
    for _ in range(connections):
        one = socket.create_connection(("127.0.0.1", port))
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection = _Connection(one)
        pool.append(connection)
        selector.register(one, selectors.EVENT_READ, connection)
    begun = time.perf_counter()
    number, open_requests, exhausted = 0, 0, False
    while True:
        for _ in range(len(pool)):
            connection = pool[0]
            pool.rotate(-1)  # each has its turn, so that none is idle for long
            if not connection.idle or exhausted:
                continue
            due = begun + number / rate if rate else time.perf_counter()
            if due > time.perf_counter():
                break
            request = next(requests, None)
            if request is None:
                exhausted = True
                break
            connection.sent, connection.idle, connection.received = due, False, b""
            connection.socket.sendall(request)
            number += 1
            open_requests += 1
        if exhausted and not open_requests:
            break
        wait = max(0.0, begun + number / rate - time.perf_counter()) if rate and not exhausted else None
        for key, _ in selector.select(wait if rate else None):
            connection = key.data
            data = connection.socket.recv(65536)
            if not data:
                raise ConnectionError("the server closed a connection")
            connection.received += data
            if _complete(connection.received):
                result.seconds.append(time.perf_counter() - connection.sent)
                result.wrong += not good(connection.received)
                connection.idle = True
                open_requests -= 1
    result.elapsed = time.perf_counter() - begun
    for connection in pool:
        connection.socket.close()
    return result


def send_one(connection: socket.socket, request: bytes) -> bytes:
    """The whole answer, over a connection that stays open. Raises ConnectionError where it is closed before."""
    connection.sendall(request)
    received = b""
    while not _complete(received):
        data = connection.recv(65536)
        if not data:
            raise ConnectionError("the server closed a connection")
        received += data
    return received


def _complete(received: bytes) -> bool:
    head, found, body = received.partition(b"\r\n\r\n")
    if not found:
        return False
    start = head.lower().index(b"content-length:") + len(b"content-length:")
    return len(body) >= int(head[start:].split(b"\r\n", 1)[0])
