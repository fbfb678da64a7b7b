"""Every request ends once, with one row, whatever comes first."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from certify.adapter import flights as air
from certify.adapter.flights import Flight, Flights
from certify.load.meter import rows_of


def opened(flights: Flights, number: int, called: int = 100) -> Flight:
    flight = Flight(0, number, called - 10, called, 3)
    flights.open(number, flight)
    return flight


def test_an_answer_may_come_before_the_call_is_back() -> None:
    flights = Flights(1, 1000)
    flight = opened(flights, 1)
    flights.answered(1, 150, air.OK)
    assert not flights.take_rows()
    flights.returned(1, flight, 160)
    assert list(rows_of(flights.take_rows())) == [(0, 1, 90, 100, 160, 150, 3, air.OK)]
    assert len(flights) == 0


def test_what_timed_out_stays_so_when_the_answer_comes_late() -> None:
    flights = Flights(1, 1000)
    flight = opened(flights, 1)
    flights.returned(1, flight, 110)
    flights.sweep(1099)
    assert len(flights) == 1
    flights.sweep(1100)
    flights.answered(1, 1200, air.OK)
    assert [row[-1] for row in rows_of(flights.take_rows())] == [air.TIMEOUT]


def test_an_exception_is_an_error_of_the_system_even_after_an_answer() -> None:
    flights = Flights(1, 1000)
    flight = opened(flights, 1)
    flights.answered(1, 150, air.OK)
    flights.raised(1, flight, 160)
    assert [row[-1] for row in rows_of(flights.take_rows())] == [air.SYSTEM_ERROR]


def test_at_the_end_what_is_in_the_air_is_counted_and_recorded() -> None:
    flights = Flights(2, 1000)
    for number in range(3):
        opened(flights, number)
    flights.answered(1, 150, air.OK)  # its call never came back
    assert flights.give_up() == [2, 0]
    assert sorted(row[-1] for row in rows_of(flights.take_rows())) == [air.OK, air.TIMEOUT, air.TIMEOUT]


steps = st.lists(
    st.tuples(st.sampled_from(["open", "answer", "return", "raise", "sweep"]), st.integers(0, 7)), max_size=60
)


@given(steps)
def test_rows_and_counts_agree_and_nobody_ends_twice(script: list[tuple[str, int]]) -> None:
    flights, made, now = Flights(1, 50), {}, 100
    for what, number in script:
        now += 10
        if what == "open" and number not in made:
            made[number] = opened(flights, number, now)
        elif what == "answer":
            flights.answered(number, now, air.VENUE_REJECT)
        elif what == "return" and number in made:
            flights.returned(number, made[number], now)
        elif what == "raise" and number in made:
            flights.raised(number, made[number], now)
        elif what == "sweep":
            flights.sweep(now)
    flights.give_up()
    rows = list(rows_of(flights.take_rows()))
    assert sorted(row[1] for row in rows) == sorted(made)
    assert sum(flights.counts[0]) == len(made)
