"""YAML to a frozen `Profile`, with the place of every mistake."""
