"""How much history a client may ask for: IB's limits on simultaneous and on small-bar requests."""

from __future__ import annotations

from collections import deque

from certify.clock import NS_PER_S

MOST_AT_ONCE = 50
"""Requests of one client that are not answered yet, or are kept up to date."""
IDENTICAL_NS = 15 * NS_PER_S
"""The same request again within this time is a violation."""
SAME_CONTRACT, SAME_CONTRACT_NS = 6, 2 * NS_PER_S
"""So many requests for one contract, exchange and kind of tick within this time are one."""
MOST, MOST_NS = 60, 600 * NS_PER_S
"""More requests than this within this time are one."""


class HistoryPacing:
    """Remembers the requests of one client for bars of at most 30 seconds and for ticks."""

    def __init__(self) -> None:
        """Begin with none."""
        self._all: deque[int] = deque()
        self._same: dict[object, int] = {}
        self._contracts: dict[object, deque[int]] = {}

    def violated(self, now_ns: int, identical: object, contract: object) -> bool:
        """Note a request; whether it comes too soon. What is refused counts too."""
        last = self._same.get(identical)
        self._same[identical] = now_ns
        several = self._contracts.setdefault(contract, deque())
        several.append(now_ns)
        self._all.append(now_ns)
        self._forget(now_ns, several)
        too_soon = last is not None and now_ns - last < IDENTICAL_NS
        return too_soon or len(several) >= SAME_CONTRACT or len(self._all) > MOST

    def _forget(self, now_ns: int, several: deque[int]) -> None:
        while several and now_ns - several[0] >= SAME_CONTRACT_NS:
            several.popleft()
        while self._all and now_ns - self._all[0] >= MOST_NS:
            self._all.popleft()
        if len(self._same) > 4 * MOST:
            self._same = {key: at for key, at in self._same.items() if now_ns - at < IDENTICAL_NS}
        if len(self._contracts) > MOST:
            self._contracts = {key: times for key, times in self._contracts.items() if times}
