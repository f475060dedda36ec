"""One message in, one answer out: the stage that every message of every protocol passes.

    open → choose profile, admit sender → decode → use case → encode → journal

`stage` is that way, on one screen. `admission` says whose message it is. What a message asks of the library goes the
way of `commands`, what it tells of a managed request that of `news`; `endings` is how the others end. `again` takes up
messages of the journal.

A message that changes something is journaled before its work begins (design rule 4 and users-want 16), so that a
crash leaves a `pending` row that `services.repair` finishes; its answer and the key that makes it idempotent are
committed together before the answer is sent.
"""

from gateway.services.exchange.exchange import Done, Exchange

__all__ = ["Done", "Exchange"]
