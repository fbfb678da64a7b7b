"""Certificates: an in-toto statement in a DSSE envelope, signed with Ed25519, and how they are verified."""
