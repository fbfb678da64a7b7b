"""Which backend stands behind each component, and where its files lie.

A component without a `backend` of its own starts from the top-level `backend`, `adapter`, `python`
and `options`; one that names a backend stands for itself. A relative path of an adapter or an
interpreter is looked for beside the file that names it, then in the working directory.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from certify.adapter.contract import PORTS
from certify.profile.fields import BACKEND_KEYS, backend_keys
from certify.profile.model import ComponentSpec, GatewaySpec
from certify.profile.near import shown, unknown
from certify.profile.shapes import EMPTY, Values
from certify.profile.yaml import Mark

NOT_IN_PROFILE = "not in the profile"
SKIP = "skip"
_COMMON = ("adapter", "python", "options")


def components_of(values: Values, here: Path) -> tuple[dict[str, ComponentSpec], dict[str, str]]:
    """Return the components in scope with their backends, and those out of scope with the reason.

    With a top-level backend every component is in scope unless it is null or says `skip`; without one,
    those given.

    Raises:
        ProfileError: a component without backend, an adapter missing, or keys of another backend.
    """
    given: Values = values.get("components", EMPTY)
    _check_top(values)
    specs: dict[str, ComponentSpec] = {}
    why: dict[str, str] = {}
    for port in PORTS:
        own: Values = given.get(port, EMPTY)
        if SKIP in own.data:
            why[port] = _reason(own)
        elif port in given.data or (port not in given.nulls and "backend" in values.data):
            specs[port] = _spec(own, values, here)
    return specs, {port: why.get(port, NOT_IN_PROFILE) for port in PORTS if port not in specs}


def _reason(own: Values) -> str:
    """Return why a component is out of scope; nothing else may be said of it then."""
    for name in own.data:
        if name != SKIP:
            raise own.keys[name].error(f"a component with {SKIP!r} is out of scope: expected no {name!r}")
    return str(own.data[SKIP])


def _check_top(values: Values) -> None:
    """Refuse keys of a backend without one, and those of another."""
    backend = values.get("backend")
    allowed = (*_COMMON, *BACKEND_KEYS.get(backend, {}))
    for name in (*_COMMON, *backend_keys()):
        if name not in values.data:
            continue
        if backend is None:
            raise values.keys[name].error(
                f"{name!r} at the top goes with a backend: expected the key 'backend'"
            )
        if name not in allowed:
            raise values.keys[name].error(unknown(f"key of backend {backend}", name, allowed))


def _spec(own: Values, top: Values, here: Path) -> ComponentSpec:
    """Return the spec of one component."""
    stands_alone = "backend" in own.data
    layers = (own,) if stands_alone else (own, top)
    backend_at = next((layer for layer in layers if "backend" in layer.data), None)
    if backend_at is None:
        raise own.mark.error("expected the key 'backend', here or at the top of the profile")
    backend: str = backend_at.data["backend"]
    allowed = (*_COMMON, "backend", *BACKEND_KEYS.get(backend, {}))
    for name in own.data:
        if name not in allowed:
            raise own.keys[name].error(unknown(f"key of backend {backend}", name, allowed))
    found = {name: _first(layers, name) for name in _COMMON}
    _check_adapter(backend, found, backend_at.at("backend"))
    options = (
        {**top.get("options", {}), **own.get("options", {})} if not stands_alone else own.get("options", {})
    )
    own_keys = [name for name in BACKEND_KEYS.get(backend, {}) if name != "gateway"]
    for layer in reversed(layers):
        options = {**options, **layer.given(*own_keys)}
    gateway = _gateway(_first(layers, "gateway"), here)
    if backend == "ibkr":
        _check_address(options, gateway, layers, backend_at.at("backend"))
    adapter, python = (_located(found[name], here) for name in ("adapter", "python"))
    return ComponentSpec(backend=backend, adapter=adapter, python=python, options=options, gateway=gateway)


def _gateway(found: tuple[Any, Mark] | None, here: Path) -> GatewaySpec | None:
    if found is None:
        return None
    values: Values = found[0]
    script = values.get("script")
    if script is not None:
        script = str(_beside(script, values.at("script"), here))
    return GatewaySpec(script=script, **values.given("kind", "account", "max_version"))


def _check_address(
    options: dict[str, Any], gateway: GatewaySpec | None, layers: tuple[Values, ...], mark: Mark
) -> None:
    """Refuse a backend ibkr that is told no gateway, or two."""
    if gateway is None:
        missing = [name for name in ("port", "account") if name not in options]
        if missing:
            raise mark.error(
                "backend ibkr: expected 'gateway: embedded', or 'port' and 'account' of a gateway that runs; "
                f"was without {' and '.join(missing)}"
            )
        return
    for name in ("host", "port"):
        if name in options:
            place = next((layer.keys[name] for layer in layers if name in layer.keys), mark)
            raise place.error(f"an embedded gateway has an address of its own: expected no {name!r}")


def _first(layers: tuple[Values, ...], name: str) -> tuple[Any, Mark] | None:
    for layer in layers:
        if name in layer.data:
            return layer.data[name], layer.at(name)
    return None


def _check_adapter(backend: str, found: dict[str, tuple[Any, Mark] | None], mark: Mark) -> None:
    adapter, python = found["adapter"], found["python"]
    if backend == "python":
        if adapter is None:
            raise mark.error("backend python: expected the key 'adapter', as \"acme.certify:create\"")
        module, colon, function = str(adapter[0]).rpartition(":")
        if not colon or not module or not function.isidentifier():
            raise adapter[1].error(
                f'expected an adapter as "module:function" or "file.py:function", was {shown(adapter[0])}'
            )
        return
    for name, value in (("adapter", adapter), ("python", python)):
        if value is not None:
            raise value[1].error(f"{name!r} goes with backend python: backend {backend} brings its own")


def _located(found: tuple[Any, Mark] | None, here: Path) -> str | None:
    """Return an adapter or interpreter with its relative path made absolute; a bare name stays as it is."""
    if found is None:
        return None
    text, mark = str(found[0]), found[1]
    path, colon, function = text.rpartition(":")
    is_adapter = path.endswith(".py") and bool(colon)
    name = path if is_adapter else text
    if not is_adapter and ("/" not in text or colon):
        return text
    place = _beside(name, mark, here)
    return f"{place}:{function}" if is_adapter else str(place)


def _beside(name: str, mark: Mark, here: Path) -> Path:
    """Return a file's absolute path: beside the file that names it, else in the working directory."""
    for directory in (here / Path(mark.file).parent, here):
        candidate = _absolute(directory, name)
        if candidate is not None:
            return candidate
    raise mark.error(
        f"no such file {shown(name)}: expected it beside the profile or in the working directory"
    )


def _absolute(directory: Path, name: str) -> Path | None:
    """Return the file's absolute path, links not followed: an environment's interpreter is one."""
    try:
        path = (directory / Path(name).expanduser()).absolute()
        return path if path.is_file() else None
    except (OSError, ValueError, RuntimeError):
        return None
