"""The sign-in throttle: a delay that grows with failures, asked before the costly password check.

Rules kept here:
- Each attempt counts as failed until it succeeded, so that many at once gain nothing.
- A person's delay is at most 30 seconds, so that strangers can slow nobody down for long; an address's grows.
- A browser that has signed in as this person before waits for neither.
- A loopback address is a proxy that nobody told us to believe: everybody comes from it, so it is not counted.
- Names and addresses stand in the table as keyed hashes only.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address

from crypto.context import LABEL_THROTTLE
from crypto.rowmac import keyed_hash
from service.flows.errors import ThrottledError
from service.house import House
from service.store import sessions
from service.store.engine import Transaction

FREE_FOR_A_PERSON = 4
FREE_FOR_AN_ADDRESS = 20
LONGEST_FOR_A_PERSON = timedelta(seconds=30)
LONGEST_FOR_AN_ADDRESS = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """The two rows that an attempt counts in: the login name's and the address's, as keyed hashes."""

    person: bytes
    address: bytes | None


def throttle_keys(house: House, login: str, address: str) -> Keys:
    """The keys of an attempt; a login name is counted whether it exists or not."""
    return Keys(
        person=keyed_hash(house.root, LABEL_THROTTLE, b"person" + login.encode("utf-8", "surrogatepass")),
        address=None
        if _is_shared(address)
        else keyed_hash(house.root, LABEL_THROTTLE, b"address" + address.encode()),
    )


def _is_shared(address: str) -> bool:
    """Whether the address tells nobody apart: none at all, or this machine's own."""
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return True


async def count_attempt(tx: Transaction, house: House, keys: Keys, *, known_device: bool) -> bool:
    """Counts the attempt as failed until it succeeds; True where it is the one from which the person waits longest.

    Raises ThrottledError where it comes too early.
    """
    now = house.clock()
    person, person_until = await sessions.throttle(tx, keys.person)
    address, address_until = (0, now) if keys.address is None else await sessions.throttle(tx, keys.address)
    wait = max(person_until, address_until) - now
    if wait > timedelta() and not known_device:
        raise ThrottledError(wait)
    longest = _until(now, person + 1, FREE_FOR_A_PERSON, LONGEST_FOR_A_PERSON)
    await sessions.put_throttle(tx, keys.person, person + 1, longest)
    if keys.address is not None:
        until = _until(now, address + 1, FREE_FOR_AN_ADDRESS, LONGEST_FOR_AN_ADDRESS)
        await sessions.put_throttle(tx, keys.address, address + 1, until)
    return longest - now == LONGEST_FOR_A_PERSON


async def forget_attempts(tx: Transaction, keys: Keys) -> None:
    """After a success: the person starts anew; of the address's count this attempt is taken back."""
    await sessions.put_throttle(tx, keys.person, 0, _EPOCH)
    if keys.address is not None:
        address, until = await sessions.throttle(tx, keys.address)
        await sessions.put_throttle(tx, keys.address, max(0, address - 1), until)


_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


def _until(now: datetime, failures: int, free: int, longest: timedelta) -> datetime:
    """When the next attempt may come: at once for the first few, then twice as long each time."""
    if failures <= free:
        return now
    return now + min(longest, timedelta(seconds=2 ** min(failures - free - 1, 16)))
