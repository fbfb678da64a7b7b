"""The client library that the tests speak with: ib_insync, else ib_async, whichever is installed."""

from __future__ import annotations

import warnings
from importlib import import_module
from types import ModuleType


def _find() -> ModuleType:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # eventkit asks for a loop at import
        try:
            return import_module("ib_insync")
        except ModuleNotFoundError:
            return import_module("ib_async")


ib = _find()
NAME = ib.__name__
Client = import_module(f"{NAME}.client").Client
Decoder = import_module(f"{NAME}.decoder").Decoder
