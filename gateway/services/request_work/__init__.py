"""The work of people and of the outbox on requests.

`request_lists`, `request_reader`, `request_service`, `actions` and `questions` are what API, pages and commands call;
`outbox_handlers` and `patron_notices` do what waits. The `desk_*`, `library_*` and `item_conflicts` have things done in
the library's own system, and tell what it means for a request when the library has done something.
"""
