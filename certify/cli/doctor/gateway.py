"""What the doctor looks at in a gateway of Interactive Brokers, from the port up to the market data.

Each look goes as far as the one before allows, and says in one line what is wrong and what to do. No order is
sent: whether the API is read-only shows in the answer to the cancel of an order id that was never used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from certify import clock
from certify.cli.doctor import line as ib
from certify.cli.doctor.examination import Symptom, fail, fit, warn
from certify.cli.doctor.line import Line
from certify.model.trading import Instrument
from certify.report import mask

LIVE_PORTS = {7496: "TWS", 4001: "IB Gateway"}
"""The ports that a live login listens on as installed; paper: 7497 and 4002."""
DEFAULT_CLIENT_ID = 101
CLOCK_S = 1.0
SETTLE_S = 1.0
"""How long the notices of a session's start are waited for."""
TICKS_S = 4.0
MARKET_REQUEST = 1
BROKEN_FARMS = {2103: 2104, 2105: 2106, 2157: 2158, 2110: 1102, 1100: 1102}
"""What says that something is away → what says that it is back."""
NO_DATA = (354, 10089, 10168, 10186, 10197, 200)
SETTINGS = "Configure > API > Settings"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The gateway that a profile names."""

    host: str
    port: int
    account: str
    client_id: int = DEFAULT_CLIENT_ID
    allow_live: bool = False
    instrument: Instrument | None = None
    """One whose market is asked for; `None`: none is."""

    @property
    def address(self) -> str:
        """Return where it is, for a message."""
        return f"{self.host}:{self.port}"


def look_at_gateway(place: Place) -> Iterator[Symptom]:
    """Look at a gateway from outside, as far as it lets one."""
    if place.port in LIVE_PORTS and not place.allow_live:
        yield warn(
            "gateway port",
            f"{place.port} is the port of a live {LIVE_PORTS[place.port]}",
            "for a paper account: 7497 (TWS) or 4002 (IB Gateway)",
        )
    try:
        line = ib.connect(place.host, place.port)
    except OSError as error:
        yield fail(
            "gateway port",
            f"nothing answers at {place.address} ({error})",
            f"start TWS or IB Gateway and log in; the port is in {SETTINGS} > Socket port",
        )
        return
    try:
        yield from _talk(line, place)
    finally:
        line.close()


def _talk(line: Line, place: Place) -> Iterator[Symptom]:
    symptom = _handshake(line, place) or _session(line, place) or _accounts(line, place)
    if symptom is not None:
        yield symptom
        return
    yield fit("gateway", f"{place.address}, server version {line.version}, account {mask(place.account)}")
    line.listen(lambda: False, SETTLE_S)
    looks: tuple[Callable[[Line, Place], Symptom], ...] = (_farms, _clock, _read_only, _market)
    for look in looks:
        yield look(line, place)


def _handshake(line: Line, place: Place) -> Symptom | None:
    speaks = f"{ib.OLDEST_VERSION} to {ib.NEWEST_VERSION}"
    if ib.greet(line):
        if line.version < ib.OLDEST_VERSION:
            return fail(
                "gateway version",
                f"expected a server version of {speaks}, was {line.version}",
                "install a newer TWS or IB Gateway (10.x)",
            )
        if line.version > ib.NEWEST_VERSION:
            return fail(
                "gateway version",
                f"expected a server version of {speaks}, was {line.version}",
                "it does not speak the older dialects: install the stable version of TWS or IB Gateway",
            )
        return None
    if line.heard or line.closed == "no messages of the API":
        return fail(
            "gateway API",
            f"what listens at {place.address} is no gateway of Interactive Brokers",
            f"correct host and port of the profile; the port is in {SETTINGS} > Socket port",
        )
    how = f"the connection ended ({line.closed})" if line.closed else f"silence for {ib.ANSWER_S:g} s"
    return fail(
        "gateway API",
        f"{place.address} takes connections and does not answer as the API: {how}",
        f"{SETTINGS}: enable ActiveX and Socket Clients, add this machine to the trusted IPs, and look for "
        f"an open dialog; else it is another service, or one that no longer speaks versions {speaks}",
    )


def _session(line: Line, place: Place) -> Symptom | None:
    if ib.begin(line, place.client_id):
        return None
    taken = line.notice(326)
    if taken is not None:
        return fail(
            "gateway client id",
            f"client id {place.client_id} is in use",
            "end the program that uses it, or give the profile another `client_id`",
        )
    missing = " and ".join(
        text
        for kind, text in ((ib.ACCOUNTS, "accounts"), (ib.NEXT_ID, "next order id"))
        if not line.first(kind)
    )
    said = "; ".join(f"{notice.code} {notice.text}" for notice in line.notices)
    return fail(
        "gateway session",
        f"no {missing} within {ib.ANSWER_S:g} s{f' ({said})' if said else ''}",
        "log in to TWS or IB Gateway, and look for an open dialog there",
    )


def _accounts(line: Line, place: Place) -> Symptom | None:
    names = [name for name in (line.first(ib.ACCOUNTS) or [])[2].split(",") if name]
    shown = ", ".join(mask(name) for name in names)
    if not names:
        return fail(
            "gateway account", "the login has no accounts", "log in again, and wait until it is ready"
        )
    live = [name for name in names if not name.upper().startswith("D")]
    if live and not place.allow_live:
        return fail(
            "gateway account",
            f"a live account is behind {place.address}: {', '.join(mask(name) for name in live)}",
            "log in to paper trading, or use its port: 7497 (TWS) or 4002 (IB Gateway)",
        )
    if place.account not in names:
        return fail(
            "gateway account",
            f"expected {mask(place.account)} under the login, was {shown}",
            "correct `account` in the profile, or log in as another user",
        )
    return None


def _farms(line: Line, _place: Place) -> Symptom:
    broken: dict[int, str] = {}
    for notice in line.notices:
        if notice.code in BROKEN_FARMS:
            broken[BROKEN_FARMS[notice.code]] = notice.text
        broken.pop(notice.code, None)
        if notice.code == 1101:
            broken.pop(1102, None)
    if not broken:
        return fit("gateway farms", "connected to IB and its data farms")
    return fail(
        "gateway farms",
        "; ".join(broken.values()),
        "wait, or look at IB's system status and this machine's network; nothing is answered meanwhile",
    )


def _clock(line: Line, _place: Place) -> Symptom:
    line.send(ib.CURRENT_TIME, 1)
    if not line.listen(lambda: line.first(str(ib.CURRENT_TIME)) is not None, ib.ANSWER_S):
        return fail("gateway clock", "no answer to the question for the time", "restart TWS or IB Gateway")
    theirs_s = float((line.first(str(ib.CURRENT_TIME)) or [])[2])
    ours_s = clock.now_ns() / clock.NS_PER_S
    ahead_s, behind_s = theirs_s - ours_s, ours_s - (theirs_s + 1)  # told in whole seconds, cut off
    if max(ahead_s, behind_s) <= CLOCK_S:
        return fit("gateway clock", f"agrees with this machine's within {CLOCK_S:g} s")
    way = f"{ahead_s:.0f} s or more ahead of" if ahead_s > 0 else f"{behind_s:.0f} s or more behind"
    return fail(
        "gateway clock", f"IB's clock is {way} this machine's", "set this machine's clock by a time server"
    )


def _read_only(line: Line, _place: Place) -> Symptom:
    never_used = int((line.first(ib.NEXT_ID) or [])[2])
    fields = (ib.CANCEL_ORDER, 1, never_used)
    line.send(ib.OPEN_ORDERS, 1)
    line.send(*fields, "") if line.version >= 169 else line.send(*fields)

    def answered() -> bool:
        return line.notice(321) is not None or any(n.req_id == never_used for n in line.notices)

    line.listen(answered, ib.ANSWER_S)
    if line.notice(321) is not None:
        return fail(
            "gateway API mode", "the API is read-only", f"{SETTINGS}: take the tick off Read-Only API"
        )
    if not answered():
        return warn(
            "gateway API mode",
            f"no answer to a cancel within {ib.ANSWER_S:g} s",
            "look whether TWS or IB Gateway waits for a confirmation",
        )
    return fit("gateway API mode", "takes orders")


def _market(line: Line, place: Place) -> Symptom:
    name, instrument = "gateway data", place.instrument
    if instrument is None or instrument.kind != "STK":
        return fit(name, "not looked at: the profile names no stock")
    ib.ask_market(line, MARKET_REQUEST, instrument)

    def ticks() -> bool:
        return any(
            m[:1] == [ib.TICK_PRICE] and len(m) > 2 and m[2] == str(MARKET_REQUEST) for m in line.heard
        )

    def answered() -> bool:
        return ticks() or line.notice(*NO_DATA, req_id=MARKET_REQUEST) is not None

    line.listen(answered, TICKS_S)
    delayed = line.notice(10167, req_id=MARKET_REQUEST)
    refused = line.notice(*NO_DATA, req_id=MARKET_REQUEST)
    line.send(ib.CANCEL_MARKET_DATA, 2, MARKET_REQUEST)
    if refused is not None:
        return fail(name, f"{instrument.id}: {refused.code} {refused.text}", _remedy(refused.code))
    if delayed is not None:
        return warn(name, f"{instrument.id}: delayed data only ({delayed.code})", _remedy(delayed.code))
    if not ticks():
        return warn(
            name, f"{instrument.id}: no price within {TICKS_S:g} s", "try again while the exchange is open"
        )
    return fit(name, f"{instrument.id}: prices arrive")


def _remedy(code: int) -> str:
    if code == 200:
        return "correct the instrument's id in the profile: SYMBOL.PRIMARY_EXCHANGE"
    if code == 10197:
        return "the same user looks at market data elsewhere: log out there"
    return "subscribe to it in IB's Client Portal, and share live data with the paper account"
