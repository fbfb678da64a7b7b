"""The session of `ib_scenario.py` with ib_insync."""

import ib_insync
from ib_scenario import main

if __name__ == "__main__":
    main(ib_insync)
