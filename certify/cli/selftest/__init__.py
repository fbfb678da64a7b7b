"""`certify self-test`: planted defects × checks, and the healthy system over many seeds."""
