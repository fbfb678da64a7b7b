"""Defects that the checks of the phase `performance` must find."""

from __future__ import annotations

from certify.defects.api import Defect

DEFECTS: tuple[Defect, ...] = ()
