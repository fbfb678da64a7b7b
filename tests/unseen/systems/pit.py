"""What a venue shows and what may be taken of it, and what fills make of a position. Nothing else."""

from decimal import Decimal

ZERO = Decimal(0)


class Pit:
    """One quote for each instrument; what is taken is gone until the venue shows more."""

    def __init__(self):
        self.shown = {}

    def show(self, name, bid, bid_size, ask, ask_size):
        self.shown[name] = [bid, bid_size, ask, ask_size]

    def there(self, name, buys, limit=None):
        """Return price and size of the side that an order would meet, or None."""
        quote = self.shown.get(name)
        if quote is None:
            return None
        price, size = (quote[2], quote[3]) if buys else (quote[0], quote[1])
        if price is None or not size:
            return None
        if limit is not None and (price > limit if buys else price < limit):
            return None
        return price, size

    def take(self, name, buys, qty, limit=None):
        """Take at most `qty`; return price and quantity, or None."""
        found = self.there(name, buys, limit)
        if found is None:
            return None
        price, size = found
        got, at = min(qty, size), 2 if buys else 0
        self.shown[name][at + 1] = size - got
        if size == got:
            self.shown[name][at] = self.shown[name][at + 1] = None
        return price, got


class Holding:
    """A signed position with its average price and what was earned by closing."""

    def __init__(self, multiplier=Decimal(1)):
        self.qty, self.average, self.realized, self.multiplier = ZERO, ZERO, ZERO, multiplier

    def book(self, qty, price):
        """Add a fill, signed."""
        if self.qty * qty >= 0:
            total = self.qty + qty
            self.average = (abs(self.qty) * self.average + abs(qty) * price) / abs(total) if total else ZERO
        else:
            closed = min(abs(qty), abs(self.qty))
            sign = 1 if self.qty > 0 else -1
            self.realized += closed * (price - self.average) * sign * self.multiplier
            if abs(qty) > abs(self.qty):
                self.average = price
            elif abs(qty) == abs(self.qty):
                self.average = ZERO
        self.qty += qty

    def worth(self, price):
        """Return what closing at a price would earn."""
        return self.qty * (price - self.average) * self.multiplier
