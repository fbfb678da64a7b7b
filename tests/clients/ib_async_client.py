"""The session of `ib_scenario.py` with ib_async."""

import ib_async
from ib_scenario import main

if __name__ == "__main__":
    main(ib_async)
