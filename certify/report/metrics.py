"""The figures of a run for alerting."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from certify.model.ids import Assurance, Grade, Outcome
from certify.model.results import LoadResult
from certify.report import words
from certify.report.files import RunFiles
from certify.report.views import Metric

Labels = tuple[tuple[str, str], ...]


def metrics(files: RunFiles) -> tuple[Metric, ...]:
    """Return every sample, each with its subject and profile; what is not known has no sample."""
    who = (("subject", files.result.subject.name), ("profile", files.result.profile.name))
    return (
        *_verdict(files, who),
        *_checks(files, who),
        *(m for load in files.result.load for m in _load(load, who)),
    )


def _verdict(files: RunFiles, who: Labels) -> Iterator[Metric]:
    verdict, result = files.verdict, files.result
    for grade in Grade:
        yield _one("grade", "1 for the grade of the run", grade is verdict.grade, who, ("grade", grade.value))
    for level in Assurance:
        yield _one(
            "assurance",
            "1 for the assurance of the run",
            level is verdict.assurance,
            who,
            ("assurance", level.value),
        )
    dates = (
        (("not_before", verdict.valid_from), ("not_after", verdict.expires_at)) if files.certificate else ()
    )
    for name, text in dates:
        moment = words.moment_of(text)
        if moment is not None:
            yield _one(
                f"certificate_{name}_seconds",
                "Validity of the certificate, Unix time",
                moment.timestamp(),
                who,
            )
    yield _one("run_finished_seconds", "End of the run, Unix time", result.finished_at_ns / 1e9, who)
    if verdict.score is not None:
        yield _one("score", "Readiness score, 0 to 100", verdict.score, who)
    for phase, score in sorted(verdict.phase_scores.items()):
        yield _one("phase_score", "Score of a phase, 0 to 100", score, who, ("phase", phase))


def _checks(files: RunFiles, who: Labels) -> Iterator[Metric]:
    tally = Counter(check.outcome for check in files.result.checks)
    for outcome in Outcome:
        yield _one("checks", "Checks by outcome", tally[outcome], who, ("outcome", outcome.value))


def _load(load: LoadResult, who: Labels) -> Iterator[Metric]:
    where = (*who, ("level", load.level), ("stream", load.stream))
    if load.latency_ms.p99 is not None:
        yield _one(
            "load_latency_p99_seconds", "Response time, 99th percentile", load.latency_ms.p99 / 1000, where
        )
    if load.sent:
        yield _one("load_error_ratio", "Errors by calls sent, 0 to 1", load.error_rate, where)
    yield _one("load_offered_per_second", "Calls planned per second", load.offered_per_s, where)
    yield _one(
        "load_achieved_per_second", "Calls completed without error per second", load.achieved_per_s, where
    )
    yield _one(
        "load_generator_limited", "1 when the generator bounded the load", load.generator.limited, where
    )


def _one(name: str, text: str, value: float, labels: Labels, *more: tuple[str, str]) -> Metric:
    return Metric(name=f"certify_{name}", help=text, value=float(value), labels=(*labels, *more))
