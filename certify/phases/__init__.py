"""The six phases: one package each, a check is a function with a card."""
