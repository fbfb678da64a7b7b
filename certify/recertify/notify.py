"""Telling people and watchers: notifications through apprise, and pings to a dead man's switch.

Nothing here ever ends a renewal: what could not be told is returned in words, to be recorded. An
address may hold a secret, so only its scheme and host are ever repeated.
"""

from __future__ import annotations

import http.client
import os
import urllib.error
import urllib.request
import warnings
from collections.abc import Iterable, Iterator
from urllib.parse import urlsplit

from certify.recertify.facts import Facts

PING_S = 10.0
"""How long a ping may take."""
FROM_ENVIRONMENT = "env:"
"""`env:NAME`: the address is in that variable of the environment."""
LOG_TARGET = "log:"
"""A target that is the log of recertification, and nobody else."""


def resolved(target: str) -> str:
    """Return an address, read from the environment where it says so; empty where that has none."""
    if target.startswith(FROM_ENVIRONMENT):
        return os.environ.get(target.removeprefix(FROM_ENVIRONMENT).strip(), "").strip()
    return target


def shown(target: str) -> str:
    """Return as much of an address as is no secret: `https://hc-ping.com/…`, `slack://…`."""
    if target.startswith(FROM_ENVIRONMENT) or target == LOG_TARGET:
        return target
    try:
        parts = urlsplit(target)
        host = f"{parts.hostname}/" if parts.scheme in ("http", "https") and parts.hostname else ""
    except ValueError:
        return "an address"
    return f"{parts.scheme}://{host}…" if parts.scheme else "an address"


def notify(targets: Iterable[str], facts: Facts) -> Iterator[str]:
    """Tell every target; yield in words how it went, for the log. Never raises."""
    for target in targets:
        if target == LOG_TARGET:
            yield f"notification: {facts.title()}\n{facts.body()}"
        else:
            yield f"notification to {shown(target)}: {_told(resolved(target), facts)}"


def _told(address: str, facts: Facts) -> str:
    if not address:
        return "failed: the environment does not say where"
    try:
        import apprise
    except ImportError:
        return "failed: apprise is not installed (pip install 'certify-trading[notify]')"
    kinds = {"certified": apprise.NotifyType.SUCCESS, "failed": apprise.NotifyType.FAILURE}
    try:
        with warnings.catch_warnings(action="ignore"):  # its plugins are imported now, with theirs
            sender = apprise.Apprise()
            if not sender.add(address):
                return "failed: apprise knows no such target"
            kind = kinds.get(facts.event, apprise.NotifyType.WARNING)
            sent = sender.notify(title=facts.title(), body=facts.body(), notify_type=kind)
    except Exception as error:  # noqa: BLE001 - somebody else's plugin must not end a renewal
        return f"failed: {type(error).__name__}"
    return "sent" if sent else "failed: it was not accepted"


def ping(base: str | None, moment: str = "", *, timeout_s: float = PING_S) -> str:
    """Tell a dead man's switch, and return in words how it went; empty where there is none. Never raises.

    Args:
        base: the address of the switch; `env:NAME` takes it from the environment.
        moment: what is put behind it: `start`, nothing for success, an exit status for a failure.
        timeout_s: how long it may take.
    """
    if not base:
        return ""
    address = resolved(base)
    if urlsplit(address).scheme not in ("http", "https"):
        return f"ping {shown(base)}: failed: expected an address of http or https"
    what = f"ping {shown(base)} {moment or 'success'}".rstrip()
    try:
        url = f"{address.rstrip('/')}/{moment}" if moment else address
        with urllib.request.urlopen(url, timeout=timeout_s) as answer:  # noqa: S310 - the scheme was looked at
            return f"{what}: {answer.status}"
    except urllib.error.HTTPError as error:
        with error:
            return f"{what}: failed: {error.code}"
    except (OSError, ValueError, http.client.HTTPException) as error:
        return f"{what}: failed: {getattr(error, 'reason', None) or type(error).__name__}"
