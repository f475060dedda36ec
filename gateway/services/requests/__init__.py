"""Managed requests.

`transitions` has the one way in which a request changes; `intake`, `lending_intake`, `partner_inbox` and `actions` are
how events come about, `effects`, `suppliers` and `lending` what goes on from them. `request_reader`,
`request_service`, `patron_requests` and `staff_service` are what API, pages and commands call.
"""
