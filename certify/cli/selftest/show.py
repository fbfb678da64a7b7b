"""The matrix of the self-test for people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TextIO

from certify.cli.selftest.matrix import CaseResult, Matrix, Said, SeedResult

WIDTH = 32


def print_matrix(matrix: Matrix, out: TextIO) -> None:
    """Write the matrix, the gaps, the healthy runs and the totals."""
    lines = (*_cases(matrix), *_left_out(matrix), *_gaps(matrix), *_healthy(matrix), *_totals(matrix))
    out.writelines(line.rstrip() + "\n" for line in lines)


def case_line(result: CaseResult) -> str:
    """Return what became of a defect in one line: `caught` or `MISSED`, and by which check."""
    if not result.case.claimed_by:
        red = f"red: {', '.join(result.also_red)}" if result.also_red else "no card names it"
        return f"UNCLAIMED  {result.case.defect:<{WIDTH}} {red}"
    by = ", ".join(result.caught_by) or result.problem or "; ".join(_instead(s) for s in result.missed_by)
    return f"{'caught' if result.caught_by else 'MISSED':<9}  {result.case.defect:<{WIDTH}} {by}"


def seed_line(result: SeedResult) -> str:
    """Return what became of a healthy run in one line."""
    said = result.problem or "; ".join(_instead(alarm) for alarm in result.alarms)
    word = "healthy" if result.ok else "ALARM"
    name = f"seed {result.seed}{f' of {result.profile}' if result.profile else ''}"
    return f"{word:<9}  {name:<{WIDTH}} {said or f'{result.checks} checks'}"


def _instead(said: Said) -> str:
    return f"{said.check} {said.outcome.value}: {said.message}"


def _cases(matrix: Matrix) -> Iterator[str]:
    for result in matrix.cases:
        yield case_line(result)
        if result.caught_by:
            for said in result.missed_by:
                yield f"{'':<9}  {'':<{WIDTH}} but not by {_instead(said)}"
        if result.also_red and result.case.claimed_by:
            yield f"{'':<9}  {'':<{WIDTH}} also red: {', '.join(result.also_red)}"


def _left_out(matrix: Matrix) -> Iterator[str]:
    for left in matrix.left_out:
        yield f"{'LEFT OUT':<9}  {left.defect:<{WIDTH}} {left.why}"


def _gaps(matrix: Matrix) -> Iterator[str]:
    for check in matrix.never_red:
        yield f"{'NEVER RED':<9}  {check:<{WIDTH}} its card names no planted defect"
    for name, cards in matrix.without_defect.items():
        yield f"{'NOT THERE':<9}  {name:<{WIDTH}} named by {', '.join(cards)}"


def _healthy(matrix: Matrix) -> Iterator[str]:
    for result in matrix.seeds:
        if not result.ok:
            yield seed_line(result)


def _totals(matrix: Matrix) -> Iterator[str]:
    yield ""
    claims = sum(len(result.missed_by) for result in matrix.cases)
    caught = f"{matrix.caught} of {len(matrix.cases)} planted defects caught"
    yield f"{caught}; {claims} claims of cards did not hold"
    if matrix.left_out:
        count = len({left.defect for left in matrix.left_out})
        yield f"{count} defects left out, wholly or for some checks, for the reasons above"
    yield f"{len(matrix.proven)} checks seen red; {len(matrix.never_red)} that no defect turns red"
    if matrix.seeds:
        alarms = [result for result in matrix.seeds if not result.ok]
        yield f"{len(alarms)} of {len(matrix.seeds)} healthy runs with a false alarm"
    yield "the checks can be trusted" if matrix.ok else "the checks CANNOT be trusted yet"
