"""Interfaces that the daemon needs of the outside. Adapters implement these ports; the gateway calls nothing else.

- `library_system`: the library's own system
- `responder`: a wire protocol that asks us things; `partner_simulator`: how we play a partner in it
- `partner_channel`: what we say to partners
- `catalogue`: catalogues asked, links read and written
- `article_lookup`: public services that know articles
- `incoming_mail`, `outgoing_mail`: mails of partners, and letters
- `shared_store`: library systems that keep their tables in the gateway's store
- `adapter`: how an adapter offers itself under the entry point group `illgate.adapters`
"""
