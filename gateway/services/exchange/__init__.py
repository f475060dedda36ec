"""One message in, one answer out: the pipeline that every message of every protocol passes.

    open → choose profile, admit sender → decode → use case → encode → journal

`pipeline` is that way, on one screen, and takes up messages of the journal. `admission` says whose message it is. What
a message asks of the library and what it tells of a managed request are the two ways in `handlers`; `message_context`
is the message in work, and how it ends.

A message that changes something is journaled before its work begins (design rule 4 and users-want 16), so that a
crash leaves a `pending` row that `recovery` finishes; its answer and the key that makes it idempotent are committed
together before the answer is sent.
"""

from gateway.services.exchange.pipeline import ExchangeRecord, MessageExchange

__all__ = ["ExchangeRecord", "MessageExchange"]
