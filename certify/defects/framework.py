"""Defects that the checks of the phase `framework` must find."""

from __future__ import annotations

from certify.defects.api import Defect

DEFECTS: tuple[Defect, ...] = ()
