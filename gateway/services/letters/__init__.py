"""Letters: notices to patrons, and what a partner is written.

`LetterRenderer` renders them from templates (the operator's, then those in gateway/letters), in plain text and HTML, in
the reader's language; `build_mail` makes a mail of one. Nothing is sent from here.
"""

from gateway.ports.outgoing_mail import LetterStyle, PartnerLetters, build_mail
from gateway.services.letters.facts import NoticeFacts
from gateway.services.letters.renderer import LetterRenderer, ResolvedLanguage, SlipFacts, mail_address
from gateway.services.letters.templates import (
    ALL,
    PARTNER_LETTERS,
    PATRON_LETTERS,
    SHIPPED,
    SLIPS,
    LetterAudience,
    find_letter_names,
)

__all__ = [
    "ALL",
    "PARTNER_LETTERS",
    "PATRON_LETTERS",
    "SHIPPED",
    "SLIPS",
    "LetterAudience",
    "LetterRenderer",
    "LetterStyle",
    "NoticeFacts",
    "PartnerLetters",
    "ResolvedLanguage",
    "SlipFacts",
    "build_mail",
    "find_letter_names",
    "mail_address",
]
