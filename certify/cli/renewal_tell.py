"""Who hears of a renewal, and when: hooks, notifications, pings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from certify import clock
from certify.cli.renewal_run import Ran
from certify.evidence.files import CERTIFICATE_FILE
from certify.profile.fields import HOOKS
from certify.profile.model import Profile
from certify.recertify.facts import Facts
from certify.recertify.hooks import HookEnd, run_hook
from certify.recertify.notify import notify, ping
from certify.recertify.standing import NS_PER_DAY, Standing

EXPIRING_NS = 7 * NS_PER_DAY
"""How long before its end a certificate that could not be renewed is called expiring."""
AGAIN_NS = NS_PER_DAY * 9 // 10
"""How long before the same is told again: once a day, whatever the scheduler's delay."""
Say = Callable[[str], None]


class Teller:
    """Tells; nothing that goes wrong here ends a renewal, and everything is said to the log."""

    def __init__(self, say: Say, *, dry_run: bool = False) -> None:
        """Say to `say` what was told; in a dry run hooks are tried and nobody else hears."""
        self._say, self._dry_run = say, dry_run

    def ping(self, profile: Profile | None, moment: str = "") -> None:
        """Tell the dead man's switch of a profile."""
        if profile is not None and profile.ping and not self._dry_run:
            self._say(ping(profile.ping, moment))

    def before(self, profile: Profile, standing: Standing, reason: str) -> str | None:
        """Run the hook `pre`; return why nothing may be run, or `None`."""
        end = self._hook(profile, _facts("pre", standing, reason))
        return None if end is None or end.ok else f"hook pre: {end}"

    def after(self, profile: Profile | None, standing: Standing, ran: Ran) -> None:
        """Tell how the run ended."""
        self._say(f"{standing.name}: {ran.text}")
        if not ran.renewed and standing.state.acceptable:
            self._say(f"{standing.name}: the certificate in force stays, until {standing.expires}")
        if profile is not None:
            facts = _after(standing, ran)
            self._hook(profile, facts)
            self._notify(profile, facts)

    def expiring(
        self, profile: Profile | None, standing: Standing, ran: Ran, told_ns: int, now_ns: int
    ) -> bool:
        """Tell that one that could not be renewed is about to expire; return whether it was told."""
        if profile is None or standing.left_ns is None or standing.left_ns > EXPIRING_NS:
            return False
        if now_ns - told_ns < AGAIN_NS:
            return False
        left = (
            f"{standing.days_left:g} days left" if standing.left_ns > 0 else f"expired on {standing.expires}"
        )
        facts = replace(_facts("expiring", standing, f"{left}; {ran.text}"), exit_code=int(ran.code))
        self._hook(profile, facts)
        self._notify(profile, facts)
        return True

    def rehearse(self, profile: Profile | None, standing: Standing) -> None:
        """Try every hook of a profile, with `CERTIFY_DRY_RUN=1`; say who else would hear."""
        if profile is None:
            return
        for event in HOOKS:
            self._hook(profile, replace(_facts(event, standing, "a rehearsal"), dry_run=True))
        if profile.notify:
            self._say(f"{standing.name}: {len(profile.notify)} notifications would be sent")

    def _hook(self, profile: Profile, facts: Facts) -> HookEnd | None:
        command = profile.hooks.get(facts.event)
        if command is None:
            return None
        end = run_hook(command, facts)
        self._say(f"hook {facts.event}: {end}")
        if end.output:
            self._say("\n".join(f"  | {line}" for line in end.output.splitlines()))
        return end

    def _notify(self, profile: Profile, facts: Facts) -> None:
        for text in notify(profile.notify, facts):
            self._say(text)


def _facts(event: str, standing: Standing, reason: str) -> Facts:
    """Return the facts of the certificate in force."""
    return Facts(
        event=event,
        profile=standing.profile,
        subject=standing.subject,
        reason=reason,
        version=standing.version,
        grade=standing.grade,
        assurance=standing.assurance.value if standing.assurance else "",
        certificate=_certificate(standing.run_dir),
        expires=standing.expires,
        days_left=standing.days_left,
    )


def _after(standing: Standing, ran: Ran) -> Facts:
    facts = replace(
        _facts("certified" if ran.renewed else "failed", standing, ran.text),
        exit_code=int(ran.code),
        run_dir=ran.run_dir,
    )
    if ran.outcome is None:
        return facts
    verdict = ran.outcome.verdict
    facts = replace(
        facts,
        grade=verdict.grade.value,
        assurance=verdict.assurance.value,
        version=ran.outcome.result.subject.version,
    )
    if not ran.renewed:
        return facts
    left_ns = _ns_left(ran)
    return replace(
        facts,
        certificate=ran.outcome.certificate,
        expires=verdict.expires_at or "",
        days_left=round(left_ns / NS_PER_DAY, 2),
    )


def _ns_left(ran: Ran) -> int:
    from certify.attest.times import ns_of

    expires = ran.outcome.verdict.expires_at if ran.outcome else None
    return ns_of(expires) - clock.now_ns() if expires else 0


def _certificate(run_dir: Path | None) -> Path | None:
    return run_dir / CERTIFICATE_FILE if run_dir else None
