"""Files to events, in the order in which they were recorded."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, closing
from decimal import Decimal

from certify.backends.replay.files import NumberedRows, Row, open_rows
from certify.backends.replay.options import FIELDS, REQUIRED, FileSpec
from certify.backends.replay.values import number, price_reader, sequence_number, time_reader
from certify.errors import UsageError
from certify.model.trading import Quote, Trade

Event = Quote | Trade
MakeEvent = Callable[[Row], Event]


class RecordedFile:
    """One file, its columns found."""

    def __init__(self, spec: FileSpec) -> None:
        """Look at the header.

        Raises:
            UsageError: a column that is needed or named is not there.
        """
        self.spec = spec
        header, rows = open_rows(spec.path, spec.delimiter)
        rows.close()
        self.columns = _positions(spec, header)
        self._width = len(header)

    def events(self) -> Generator[Event, None, None]:
        """Yield the events in file order.

        Raises:
            UsageError: a row cannot be read; names file and row.
        """
        make = _maker(self.spec, self.columns)
        with closing(self._rows()) as rows:
            yield from self._made(make, rows)

    def _made(self, make: MakeEvent, rows: Iterator[tuple[int, Row]]) -> Iterator[Event]:
        for place, row in rows:
            try:
                event = make(row)
            except (ValueError, ArithmeticError, TypeError) as error:
                raise UsageError(
                    f"{self.spec.path}: row {place}: {_reason(error)}: {','.join(row)}"
                ) from error
            yield event

    def index(self) -> tuple[dict[str, None], int]:
        """Return the instruments in the order of their first rows, and the number of rows."""
        position, names, count = self.columns.get("instrument"), dict[str, None](), 0
        with closing(self._rows()) as rows:
            for _, row in rows:
                count += 1
                if position is not None:
                    names[row[position]] = None
        if position is None and self.spec.instrument is not None:
            names[self.spec.instrument] = None
        return names, count

    def _rows(self) -> NumberedRows:
        _, opened = open_rows(self.spec.path, self.spec.delimiter)
        with closing(opened) as rows:
            for place, row in rows:
                if len(row) != self._width:
                    what = f"expected {self._width} columns, found {len(row)}"
                    raise UsageError(f"{self.spec.path}: row {place}: {what}")
                yield place, row


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, ValueError) else "expected a number"


def _positions(spec: FileSpec, header: Sequence[str]) -> dict[str, int]:
    """Return field → position of its column."""
    found: dict[str, int] = {}
    for name in FIELDS[spec.kind]:
        column = spec.columns.get(name, name)
        if column in header:
            found[name] = header.index(column)
        elif name in spec.columns or name in REQUIRED[spec.kind]:
            columns = ", ".join(header)
            raise UsageError(f"{spec.path}: no column {column!r} for {name}: the file has {columns}")
    if "instrument" not in found and spec.instrument is None:
        raise UsageError(f"{spec.path}: no column 'instrument': name it in columns, or set instrument")
    return found


def _maker(spec: FileSpec, columns: dict[str, int]) -> MakeEvent:
    return _quote_maker(spec, columns) if spec.kind == "quotes" else _trade_maker(spec, columns)


def _quote_maker(spec: FileSpec, columns: dict[str, int]) -> MakeEvent:
    common = _common(spec, columns)
    price = price_reader(spec.price_scale, zero_is_absent=spec.zero_is_absent)
    bid_at, ask_at = columns["bid"], columns["ask"]
    bid_size_at, ask_size_at = columns.get("bid_size"), columns.get("ask_size")

    def make(row: Row) -> Quote:
        instrument, ts_event, ts_recv, seq, venue = common(row)
        bid, ask = price(row[bid_at]), price(row[ask_at])
        bid_size = None if bid_size_at is None or bid is None else number(row[bid_size_at])
        ask_size = None if ask_size_at is None or ask is None else number(row[ask_size_at])
        return Quote(instrument, bid, bid_size, ask, ask_size, ts_event, ts_recv, seq, venue)

    return make


def _trade_maker(spec: FileSpec, columns: dict[str, int]) -> MakeEvent:
    common = _common(spec, columns)
    price = price_reader(spec.price_scale, zero_is_absent=False)
    price_at, size_at = columns["price"], columns["size"]
    texts = [columns.get(name) for name in ("trade_id", "condition", "correction")]

    def make(row: Row) -> Trade:
        instrument, ts_event, ts_recv, seq, venue = common(row)
        trade_id, condition, correction = [None if at is None else row[at] or None for at in texts]
        return Trade(
            instrument=instrument,
            price=_there(price(row[price_at]), "price"),
            size=_there(number(row[size_at]), "size"),
            ts_event_ns=ts_event,
            ts_recv_ns=ts_recv,
            trade_id=trade_id,
            seq=seq,
            venue=venue,
            condition=condition,
            correction=correction,
        )

    return make


def _there(value: Decimal | None, what: str) -> Decimal:
    if value is None:
        raise ValueError(f"a trade without a {what}")
    return value


def _common(
    spec: FileSpec, columns: dict[str, int]
) -> Callable[[Row], tuple[str, int, int | None, int | None, str | None]]:
    """Return the function that reads instrument, times, number and venue of a row."""
    time = time_reader(spec.time_unit, spec.time_zone)
    event_at, recv_at, seq_at = columns["ts_event"], columns.get("ts_recv"), columns.get("seq")
    instrument_at, venue_at = columns.get("instrument"), columns.get("venue")

    def read(row: Row) -> tuple[str, int, int | None, int | None, str | None]:
        name = spec.instrument if instrument_at is None else row[instrument_at]
        return (
            name or "",
            time(row[event_at]),
            time(row[recv_at]) if recv_at is not None and row[recv_at] else None,
            sequence_number(row[seq_at]) if seq_at is not None else None,
            row[venue_at] or None if venue_at is not None else None,
        )

    return read


def merged(files: Sequence[RecordedFile]) -> Generator[Event, None, None]:
    """Yield the events of all files as they were recorded.

    Among the next of each file comes the one received first (without receive times: that happened
    first), then the lower number. Inside a file its own order stays, so that disorder stays visible.
    """
    with ExitStack() as stack:
        iterators = [stack.enter_context(closing(file.events())) for file in files]
        heads = [(_moment(event), i, event) for i, it in enumerate(iterators) if (event := next(it, None))]
        while len(heads) > 1:
            at = min(range(len(heads)), key=lambda place: heads[place][0])
            _, i, event = heads[at]
            yield event
            following = next(iterators[i], None)
            if following is None:
                del heads[at]
            else:
                heads[at] = (_moment(following), i, following)
        for _, i, event in heads:
            yield event
            yield from iterators[i]


def _moment(event: Event) -> tuple[int, int]:
    return (event.ts_recv_ns or event.ts_event_ns, event.seq or 0)
