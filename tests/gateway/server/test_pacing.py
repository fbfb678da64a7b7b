"""Fifty messages a second, with slack: who keeps the limit is never told off, who breaks it always is."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from certify.gateway.pacing import Pace, PaceMeter, Tally, Traffic
from certify.gateway.settings import PacingSettings

MS = 1_000_000


def judged(times_ms: list[int], lag_ms: int = 0) -> tuple[list[Pace], Tally]:
    tally = Tally()
    meter = PaceMeter(PacingSettings(), tally)
    return [meter.count(at * MS, lag_ms * MS) for at in times_ms], tally


def test_a_client_that_sends_45_in_a_burst_each_second_is_only_warned():
    paces, tally = judged([second * 1000 for second in range(20) for _ in range(45)])
    assert set(paces) == {Pace.FINE, Pace.WARN}
    assert tally.violations == 0
    assert tally.most_in_window == 45
    assert tally.warnings == 20


def test_a_burst_of_60_is_one_violation_with_nine_further_messages():
    paces, tally = judged([0] * 60)
    assert paces.count(Pace.VIOLATION) == 1
    assert paces.index(Pace.VIOLATION) == 50
    assert paces.count(Pace.ABOVE) == 9
    assert (tally.violations, tally.above, tally.most_in_window) == (1, 10, 60)


def test_a_client_that_goes_on_above_the_limit_is_dropped_at_the_third_window():
    paces, tally = judged([at * 10 for at in range(1000)])  # 100 a second
    assert paces.count(Pace.VIOLATION) == 2
    assert Pace.DROP in paces
    assert paces.index(Pace.DROP) < 350
    assert tally.most_in_window >= 95


@given(
    st.lists(st.integers(0, 45), min_size=1, max_size=12),
    st.lists(st.integers(0, 400), min_size=12, max_size=12),
)
def test_a_gateway_that_was_held_up_never_blames_a_client_for_it(bursts, lags_ms):
    meter = PaceMeter(PacingSettings(), Tally())
    seen_ms = 0
    for second, burst in enumerate(bursts):
        # The burst came at the full second; the gateway reads it later, and knows since when it was held up.
        seen_ms = max(seen_ms, second * 1000 + lags_ms[second])
        for _ in range(burst):
            assert meter.count(seen_ms * MS, lags_ms[second] * MS) in (Pace.FINE, Pace.WARN)


@given(st.lists(st.integers(0, 5000), max_size=400).map(sorted))
def test_a_window_with_more_than_the_limit_is_a_violation_and_any_other_is_not(times_ms):
    paces, tally = judged(times_ms)
    most = max(
        (sum(at - 950 <= other <= at for other in times_ms[: n + 1]) for n, at in enumerate(times_ms)),
        default=0,
    )
    assert tally.most_in_window == most
    assert bool(tally.violations) == (most > 50)
    assert (Pace.VIOLATION in paces or Pace.DROP in paces) == (most > 50)


def test_without_a_limit_nothing_is_judged_or_kept():
    meter = PaceMeter(PacingSettings(limit=0), Tally())
    assert {meter.count(0) for _ in range(1000)} == {Pace.FINE}
    assert not meter.sent_ns
    assert meter.room_in_s(0) == 0.0


@given(st.lists(st.integers(0, 3000), min_size=50, max_size=200).map(sorted))
def test_waiting_for_room_keeps_the_limit(times_ms):
    tally = Tally()
    meter = PaceMeter(PacingSettings(), tally)
    now_ns = 0
    for at in times_ms:
        now_ns = max(now_ns, at * MS)
        now_ns += int(meter.room_in_s(now_ns) * 1e9) + 1
        assert meter.count(now_ns) in (Pace.FINE, Pace.WARN)
    assert tally.most_in_window <= 50


def test_a_flood_of_client_ids_is_forgotten_from_the_oldest():
    traffic = Traffic(PacingSettings())
    for client_id in range(3000):
        traffic.tally(client_id).requests["ReqIds"] = 1
    assert len(traffic.requests()) == 1024
    assert traffic.requests(2999) == {2999: {"ReqIds": 1}}
    assert traffic.requests(0) == {}


def test_on_the_wire_a_burst_is_warned_of_at_44_and_told_off_once(gateway, connect):
    client = connect(gateway)
    client.start(5)
    for _ in range(70):
        client.send(8, 1, 1)
    assert client.error(0)[4] == "Warning: Approaching max rate of 50 messages per second (44)"
    assert client.error(100)[4] == "Max rate of messages per second has been exceeded:max=50 rec=51"
    client.ping()
    seen = gateway.do("pacing")[5]
    assert seen["violations"] == 1
    assert seen["most_in_window"] == 71


def test_on_the_wire_a_client_that_never_slows_down_is_dropped(gateway_with, connect):
    client = connect(gateway_with(pacing=PacingSettings(window_s=0.05, limit=10)))
    client.start(5)
    client.socket.settimeout(0.0005)
    told = 0
    try:
        while told < 100_000:
            client.send(8, 1, 1)
            try:
                told += client.read()[:4] == ["4", "2", "-1", "100"]
            except TimeoutError:
                continue
    except (EOFError, ConnectionError):
        pass
    assert told <= 3


def test_a_client_that_asks_to_be_paced_is_slowed_down_instead(gateway_with, connect):
    gateway = gateway_with(pacing=PacingSettings(window_s=0.05, limit=10))
    client = connect(gateway)
    client.start(5, "v157..178 +PACEAPI")
    client.socket.sendall(b"".join([b"\0\0\0\x05" + b"49\x001\0"] * 100))
    client.ping()
    assert gateway.do("pacing")[5]["violations"] == 0
    assert gateway.do("pacing")[5]["most_in_window"] == 10
    assert gateway.do("requests")[5]["ReqCurrentTime"] == 100


def test_with_the_limit_off_ten_thousand_messages_are_answered(gateway_with, connect):
    gateway = gateway_with(pacing=PacingSettings(limit=0))
    client = connect(gateway)
    client.start(5)
    client.socket.sendall((b"\0\0\0\x05" + b"49\x001\0") * 10_000)
    client.ping()
    assert gateway.do("requests")[5]["ReqCurrentTime"] == 10_000
