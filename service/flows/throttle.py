"""The sign-in throttle: a delay that grows with failures, asked before the costly password check.

Rules kept here:
- Each attempt counts as failed until it succeeded, so that many at once gain nothing.
- A person's delay is at most 30 seconds, so that strangers can slow nobody down for long; an address's grows.
- A browser that has signed in as this person before is counted by itself: strangers cannot slow it down.
- A browser that is known is forgotten when its user's password is changed or reset.
- An attempt that was not tried, because too much waited already, is taken back.
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
LOGGED_A_MINUTE = 120
LONGEST_FOR_A_PERSON = timedelta(seconds=30)
LONGEST_FOR_AN_ADDRESS = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """The rows that an attempt counts in, as keyed hashes: the person's (for a browser that has signed in as this
    person before, its own) and the address's, None where it tells nobody apart."""

    person: bytes
    address: bytes | None


def throttle_keys(house: House, login: str, address: str, device: bytes | None = None) -> Keys:
    """The keys of an attempt; a login name is counted whether it exists or not. ``device``: a browser that is known."""
    name = login.encode("utf-8", "surrogatepass")
    if device is not None:
        return Keys(person=keyed_hash(house.root, LABEL_THROTTLE, b"device" + device), address=None)
    shared = _is_shared(address)
    return Keys(
        person=keyed_hash(house.root, LABEL_THROTTLE, b"person" + name),
        address=None if shared else keyed_hash(house.root, LABEL_THROTTLE, b"address" + address.encode()),
    )


def _is_shared(address: str) -> bool:
    """Whether the address tells nobody apart: none at all, or this machine's own."""
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return True


async def count_attempt(tx: Transaction, house: House, keys: Keys) -> bool:
    """Counts the attempt as failed until it succeeds; True where it is the one from which the person waits longest.

    Raises ThrottledError where it comes too early.
    """
    now = house.clock()
    person, person_until = await sessions.throttle(tx, keys.person)
    address, address_until = (0, now) if keys.address is None else await sessions.throttle(tx, keys.address)
    wait = max(
        min(person_until - now, LONGEST_FOR_A_PERSON), min(address_until - now, LONGEST_FOR_AN_ADDRESS)
    )  # a clock that was set back makes nobody wait longer
    if wait > timedelta():
        raise ThrottledError(wait)
    longest = _until(now, person + 1, FREE_FOR_A_PERSON, LONGEST_FOR_A_PERSON)
    await sessions.put_throttle(tx, keys.person, person + 1, longest)
    if keys.address is not None:
        until = _until(now, address + 1, FREE_FOR_AN_ADDRESS, LONGEST_FOR_AN_ADDRESS)
        await sessions.put_throttle(tx, keys.address, address + 1, until)
    return longest - now == LONGEST_FOR_A_PERSON


async def forget_attempts(tx: Transaction, house: House, keys: Keys) -> None:
    """After a success: the person starts anew; of the address's count this attempt is taken back."""
    await sessions.put_throttle(tx, keys.person, 0, _EPOCH)
    await _take_back(tx, house, keys.address)


async def take_back(tx: Transaction, house: House, keys: Keys) -> None:
    """An attempt that was never tried, because too much waited already, is no failure."""
    await _take_back(tx, house, keys.person)
    await _take_back(tx, house, keys.address)


async def _take_back(tx: Transaction, house: House, key: bytes | None) -> None:
    if key is not None:
        failures, _ = await sessions.throttle(tx, key)
        await sessions.put_throttle(tx, key, max(0, failures - 1), house.clock())


async def count_failure(tx: Transaction, house: House) -> tuple[bool, int]:
    """Counts a failed sign-in of anybody's: whether it gets an entry of its own, and how many of the last minute got
    none. Strangers make the log grow by so many failures a minute and no more."""
    key = _all_failures(house)
    now = house.clock()
    failures, until = await sessions.throttle(tx, key)
    if not now < until <= now + _MINUTE:
        await sessions.put_throttle(tx, key, 1, now + _MINUTE)
        return True, max(0, failures - LOGGED_A_MINUTE)
    await sessions.put_throttle(tx, key, failures + 1, until)
    return failures < LOGGED_A_MINUTE, 0


async def take_suppressed_failures(tx: Transaction, house: House) -> int:
    """How many failures of an ended minute got no entry; they are not counted again."""
    key = _all_failures(house)
    failures, until = await sessions.throttle(tx, key)
    if house.clock() < until or failures <= LOGGED_A_MINUTE:
        return 0
    await sessions.put_throttle(tx, key, 0, _EPOCH)
    return failures - LOGGED_A_MINUTE


def _all_failures(house: House) -> bytes:
    return keyed_hash(house.root, LABEL_THROTTLE, b"all failures")


_MINUTE = timedelta(minutes=1)
_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


def _until(now: datetime, failures: int, free: int, longest: timedelta) -> datetime:
    """When the next attempt may come: at once for the first few, then twice as long each time."""
    if failures <= free:
        return now
    return now + min(longest, timedelta(seconds=2 ** min(failures - free - 1, 16)))
