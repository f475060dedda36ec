"""Managed requests.

`transitions` has the one way in which a request changes; `intake`, `lending_intake` and `partner_inbox` are how events
come about, `effects`, `suppliers` and `lending` what goes on from them. What people and the outbox do with requests
stands in the packages above this one, `request_work` first.
"""
