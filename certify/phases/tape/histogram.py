"""A log-linear histogram of integers: constant memory, relative error at most 1/16."""

from __future__ import annotations

_SUB_BITS = 4


class LogHistogram:
    """Counts non-negative integers; a percentile is the upper edge of its bucket, at most the maximum."""

    __slots__ = ("_buckets", "maximum", "samples")

    def __init__(self) -> None:
        self._buckets: dict[int, int] = {}
        self.maximum = 0
        self.samples = 0

    def add(self, value: int) -> None:
        """Count one value; a negative one as 0."""
        value = max(value, 0)
        self.maximum = max(self.maximum, value)
        self.samples += 1
        shift = max(0, value.bit_length() - _SUB_BITS - 1)
        key = (shift << (_SUB_BITS + 2)) + (value >> shift)
        self._buckets[key] = self._buckets.get(key, 0) + 1

    def percentile(self, percent: float) -> int:
        """Return the value that `percent` of the samples do not exceed; 0 without samples."""
        wanted = self.samples * percent / 100
        seen = 0
        for key in sorted(self._buckets):
            seen += self._buckets[key]
            if seen >= wanted:
                shift, top = key >> (_SUB_BITS + 2), key & ((1 << (_SUB_BITS + 2)) - 1)
                return min(self.maximum, ((top + 1) << shift) - 1)
        return self.maximum
