"""What the library can do for a citation: which services, in which order, and those that need no staff carried out."""

from gateway.services.offering.held import Held, held
from gateway.services.offering.offering import Offer, Offered, Offering, nothing_known
from gateway.services.offering.resolving import Resolved, Resolver

__all__ = ["Held", "Offer", "Offered", "Offering", "Resolved", "Resolver", "held", "nothing_known"]
