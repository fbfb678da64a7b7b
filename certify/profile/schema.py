"""The JSON Schema of a profile, for the completion of an editor; made of the loader's own table."""

from __future__ import annotations

from typing import Any

from certify.profile.fields import profile_record
from certify.profile.vocabulary import Vocabulary


def profile_schema(known: Vocabulary | None = None) -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of one profile file.

    It holds everything that can be said of one file by itself: `version` may come from what the
    file extends, and what two keys say of each other is for the loader.
    """
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:certify:profile:1",
        "title": "certify profile",
        **profile_record(known).schema(),
    }
