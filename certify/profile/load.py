"""From a name or path to a `Profile`: look up, extend, override, read, build."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from certify import clock
from certify.profile import yaml
from certify.profile.build import Reading, build_profile
from certify.profile.fields import WAIVERS, profile_record
from certify.profile.kinds import TEXT
from certify.profile.merge import merged, override, replaced, without
from certify.profile.model import Profile
from certify.profile.near import shown
from certify.profile.places import Source, available, describe_missing, find, find_base, inside
from certify.profile.shapes import OneOrMany, Record
from certify.profile.vocabulary import Vocabulary
from certify.profile.yaml import Mapping, Node, Scalar

_KEPT_NULLS = ("components", "phases")
"""Where a null says something: out of scope, not run."""
_TOLD = ("hooks", "notify", "ping")


def load_profile(
    name_or_path: str | Path,
    overrides: Sequence[str] = (),
    cwd: Path | None = None,
    known: Vocabulary | None = None,
    *,
    today: date | None = None,
) -> Profile:
    """Return the profile with everything it extends, includes and is overridden by.

    Args:
        name_or_path: a path (it has a slash or ends in .yaml or .yml), else a name, looked up in
            `./profiles`, the user's configuration directory, and what ships with certify.
        overrides: `key.path=value`, laid upon the file in this order.
        cwd: what relative paths start from; default: the working directory.
        known: names of checks and parameters to hold the profile to; `None`: not looked at.
        today: the day on which waivers must still hold; default: today, UTC.

    Raises:
        ProfileError: one line with the place of the first mistake; nothing is run.
    """
    here = Path() if cwd is None else cwd
    source = find(str(name_or_path), here)
    tree = _Chain(here).read(source)
    for text in overrides:
        tree = merged(tree, override(text))
    tree = _with_waivers(tree, here)
    values = profile_record(known).read(tree)
    reading = Reading(
        values=values,
        source=source,
        digest=_digest(tree),
        here=here,
        known=known,
        today=today or clock.utc(clock.now_ns()).date(),
    )
    return build_profile(reading)


def profile_names(cwd: Path | None = None) -> dict[str, Path]:
    """Return every profile that can be given by name, with its file, in alphabetical order."""
    return {name: source.path for name, source in available(Path() if cwd is None else cwd).items()}


class _Chain:
    """Reads a file and what it extends, each file once."""

    def __init__(self, cwd: Path) -> None:
        self._cwd = cwd
        self._done: dict[Path, Mapping] = {}
        self._open: dict[Path, str] = {}

    def read(self, source: Source) -> Mapping:
        """Return the file laid upon what it extends."""
        key = source.path.resolve()
        if key not in self._done:
            self._open[key] = source.shown
            self._done[key] = self._extended(source)
            del self._open[key]
        return self._done[key]

    def _extended(self, source: Source) -> Mapping:
        own = yaml.parse_mapping(source.read(), source.shown)
        extends = own.entries.get("extends")
        own = without(own, "extends")
        if extends is None or yaml.is_null(extends):
            return own
        below: Mapping | None = None
        for name, mark in OneOrMany("extends", TEXT).read(extends):
            base = find_base(name, source, self._cwd)
            if base is None:
                raise mark.error(describe_missing(name, self._cwd))
            if base.path.resolve() in self._open:
                chain = " → ".join([*self._open.values(), base.shown])
                raise mark.error(f"extends goes round in a circle: {chain}")
            if len(self._open) >= yaml.MAX_DEPTH:
                raise mark.error(f"extends too deep: expected at most {yaml.MAX_DEPTH} files")
            # A profile has its own name, whatever it is made from.
            layer = without(self.read(base), "name")
            below = layer if below is None else merged(below, layer)
        return own if below is None else merged(below, own)


def _with_waivers(tree: Mapping, here: Path) -> Mapping:
    """Return the tree with the content of the waivers' file in the place of its path."""
    policy = tree.entries.get("policy")
    path = policy.entries.get("waivers") if isinstance(policy, Mapping) else None
    if not isinstance(path, Scalar) or not isinstance(path.value, str):
        return tree
    return replaced(tree, ("policy", "waivers"), _waivers_of(path, here))


def _waivers_of(path: Scalar, here: Path) -> Node:
    """Return the list in a file beside the profile: a list, or a mapping with the key `waivers`."""
    home = Path(path.mark.file).parent
    found = inside(here / home, path.text)
    if found is None or Path(path.text).is_absolute():
        raise path.mark.error(
            f"waivers {shown(path.text)}: expected a file below the profile's own directory"
        )
    if not found.is_file():
        raise path.mark.error(f"waivers {shown(path.text)}: no such file")
    source = Source(str(home / path.text), found)
    node = yaml.parse(source.read(), source.shown)
    if isinstance(node, Mapping):
        record = Record("the waivers' file", {"waivers": WAIVERS}, required=("waivers",))
        record.read(node)
        return node.entries["waivers"]
    return node


def _digest(tree: Mapping) -> str:
    """Return `sha256:…` over the merged content as JSON with sorted keys and no blanks.

    Who is told of a run bears on nothing that it finds, so that a new address makes no certificate stale.
    """
    content: dict[str, Any] = yaml.plain(without(tree, *_TOLD))
    for name in _KEPT_NULLS:
        node = tree.entries.get(name)
        if isinstance(node, Mapping):
            nulls = {key: None for key, item in node.entries.items() if yaml.is_null(item)}
            content[name] = {**content[name], **nulls}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return "sha256:" + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
