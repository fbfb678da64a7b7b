"""Defects that the checks of the phase `integration` must find."""

from __future__ import annotations

from certify.defects.api import Defect

DEFECTS: tuple[Defect, ...] = ()
