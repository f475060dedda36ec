"""The protocol's own state tables (ISO 10161-1 clause 8 as far as it could be reconstructed).

    services.py     the services that the tables are keyed by, and their words in a profile
    tables.py       requester and responder: (state, service) -> next state, as data
    overriding.py   the section `states` of a profile: single cells said otherwise
    rules.py        guard(apdu, context): is it allowed now; deviation(…): did our tables do something else

What happens to a request is decided by the domain's tables (gateway/domain/requests); these say what the partner may
send, and where the two disagree.
"""
