"""What our mail server found out about a mail's sender: Authentication-Results (RFC 8601). Pure.

Only fields that carry our own server's name count. It takes away those that a mail brings along under that name (RFC
8601 section 5), so whatever stands there is its own.
"""

from __future__ import annotations

import re

from gateway.domain.frozen import frozen
from gateway.domain.requests.partner_mail import PartnerMail
from gateway.services.mailbox.parsing import ParsedMail

_COMMENT = re.compile(r"\([^()]*\)")
_RESULT = re.compile(r"^\s*([a-z0-9-]+)\s*=\s*([a-z]+)", re.IGNORECASE)
_DOMAIN = {
    "spf": re.compile(r"\bsmtp\.(?:mailfrom|helo)\s*=\s*\"?(?:[^\s\";@]*@)?([^\s\";@]+)", re.IGNORECASE),
    "dkim": re.compile(r"\bheader\.(?:d|i)\s*=\s*\"?(?:[^\s\";@]*@)?([^\s\";@]+)", re.IGNORECASE),
    "dmarc": re.compile(r"\bheader\.from\s*=\s*\"?(?:[^\s\";@]*@)?([^\s\";@]+)", re.IGNORECASE),
}


@frozen
class Result:
    method: str  # spf, dkim, dmarc …
    result: str  # pass, fail, none …
    domain: str = ""  # whom it is about


def results(parsed: ParsedMail, server: str) -> tuple[Result, ...]:
    """Of the fields that `server` wrote; none where no server is named."""
    if not server:
        return ()
    found: list[Result] = []
    for value in parsed.all_headers("authentication-results"):
        name, *parts = _COMMENT.sub(" ", value).split(";")
        if name.casefold().split()[:1] != [server.casefold()]:
            continue
        for part in parts:
            if result := _RESULT.match(part):
                method = result[1].lower()
                domain = _DOMAIN[method].search(part) if method in _DOMAIN else None
                found.append(Result(method, result[2].lower(), domain[1].lower().rstrip(".") if domain else ""))
    return tuple(found)


def unmet(parsed: ParsedMail, server: str, rules: PartnerMail) -> str:
    """Why the sender may be forged; empty: all that the profile requires was found right, for the sender's domain."""
    if not rules.require:
        return ""
    if not server:
        return "the profile requires checks, but `authserv_id` of the mailbox doesn't name the server that makes them"
    found = results(parsed, server)
    sender = parsed.mail.sender.rpartition("@")[2]
    for method in rules.require:
        of_method = [one for one in found if one.method == method]
        if not any(one.result == "pass" and _same_house(one.domain, sender) for one in of_method):
            said = ", ".join(sorted({one.result for one in of_method})) or "nothing"
            return f"{method} must be passed for the sender's domain; our server says {said}"
    return ""


def _same_house(domain: str, sender: str) -> bool:
    """Relaxed alignment (RFC 7489 section 3.1), as far as it can be told without a list of public suffixes."""
    if not domain or not sender:
        return False
    longer, shorter = sorted((domain, sender), key=len, reverse=True)
    return longer == shorter or (longer.endswith(f".{shorter}") and shorter.count(".") >= 1)
