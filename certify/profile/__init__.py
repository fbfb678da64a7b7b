"""YAML to a frozen `Profile`, with the place of every mistake."""

from __future__ import annotations

from certify.profile.load import load_profile, profile_names
from certify.profile.schema import profile_schema
from certify.profile.vocabulary import Vocabulary

__all__ = ["Vocabulary", "load_profile", "profile_names", "profile_schema"]
