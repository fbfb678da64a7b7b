"""What a report shows, as frozen values: every text and figure is already made, nothing is computed later."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A state, never shown by colour alone: a key for styling, a sign and words."""

    key: str
    sign: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A name and what it stands for."""

    name: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A text, with the anchor of the check it names where there is one."""

    text: str
    anchor: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasureView:
    """One measured figure, and what it was held to."""

    name: str
    value: str
    samples: str
    limit: str = ""
    kept: Mark | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalView:
    """Where in the journal a check is found, and some of it."""

    place: str
    lines: tuple[Fact, ...] = ()
    omitted: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckView:
    """One check with its evidence."""

    id: str
    anchor: str
    title: str
    phase: str
    component: str
    severity: str
    outcome: Mark
    message: str
    measures: tuple[MeasureView, ...]
    assurance: str
    took: str
    took_s: float
    score: str
    expected: str
    """What would have been right: its limits, or what its card asks for."""
    remedy: str
    """What to do when it did not pass."""
    notes: tuple[str, ...] = ()
    """Waived, passed only when tried again."""
    journal: JournalView | None = None
    references: tuple[str, ...] = ()

    @property
    def troubled(self) -> bool:
        """Whether a reader must look at it: failed, error, inconclusive."""
        return self.outcome.key in ("failed", "error", "inconclusive")


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseView:
    """One phase with its checks."""

    id: str
    title: str
    question: str
    outcome: Mark
    summary: str
    score: str
    took: str
    checks: tuple[CheckView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreView:
    """One score, what it had to reach, and what held it down."""

    name: str
    score: str
    percent: float | None
    minimum: str = ""
    kept: Mark | None = None
    lost: tuple[Link, ...] = ()
    more: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotTested:
    """What this run says nothing about, for one reason."""

    what: tuple[Link, ...]
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NotTestedGroup:
    """Things not tested for the same kind of reason."""

    title: str
    items: tuple[NotTested, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One phase of one component."""

    mark: Mark | None
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MatrixRow:
    """One phase over all components."""

    title: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """Phases × components."""

    columns: tuple[str, ...]
    rows: tuple[MatrixRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleView:
    """One rule of the verdict."""

    id: str
    held: Mark
    text: str
    because: tuple[Link, ...]
    effect: str = ""
    """What a rule that does not hold does to the grade."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows under columns; the first column names the row."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A limit drawn into a chart."""

    label: str
    value: float
    category: str | None = None
    """The one category it holds for; `None`: for all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Values of one name over the categories or times of a chart."""

    name: str
    values: tuple[float | None, ...]
    low: tuple[float | None, ...] = ()
    high: tuple[float | None, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartView:
    """One chart: what it finds in words, its figures as a table, and what to draw."""

    id: str
    kind: str
    """bars, levels, intervals, time."""
    title: str
    finding: str
    """The text alternative: what a reader of the picture would see."""
    axis: str
    categories: tuple[str, ...]
    series: tuple[Series, ...]
    table: Table
    lines: tuple[Line, ...] = ()
    times: tuple[float, ...] = ()
    """Seconds, for a chart over time; `categories` then name the stretches that start at `starts`."""
    starts: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ThresholdView:
    """One threshold of the profile at one level."""

    text: str
    level: str
    measured: str
    kept: Mark


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadView:
    """The load section."""

    summary: tuple[str, ...]
    tables: tuple[Table, ...]
    thresholds: tuple[ThresholdView, ...]
    charts: tuple[ChartView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceRow:
    """One rule or specification, the checks that are evidence for it, and the worst of their outcomes."""

    reference: str
    outcome: Mark
    checks: tuple[Link, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One sample for alerting."""

    name: str
    help: str
    value: float
    labels: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportView:
    """A whole report."""

    run_id: str
    grade: Mark
    assurance: Mark
    assurance_text: str
    title: str
    """Subject and version."""
    headline: str
    """The verdict in one or two sentences, from counts."""
    tallies: tuple[Fact, ...]
    marks: tuple[Mark, ...]
    """The mark of each tally."""
    facts: tuple[Fact, ...]
    problems: tuple[CheckView, ...]
    """Failed checks, worst first."""
    unmeasured: tuple[CheckView, ...]
    """Checks that ended error or inconclusive."""
    broken_rules: tuple[RuleView, ...]
    conditions: tuple[str, ...]
    warnings: tuple[str, ...]
    """What a reader must know before believing the rest."""
    not_tested: tuple[NotTestedGroup, ...]
    score: ScoreView
    phase_scores: tuple[ScoreView, ...]
    matrix: Matrix
    phases: tuple[PhaseView, ...]
    load: LoadView | None
    rules: tuple[RuleView, ...]
    scope: Table
    waivers: Table | None
    difference: Table | None
    """To the last certificate of the same profile and subject."""
    trace: tuple[TraceRow, ...]
    explanation: tuple[Fact, ...]
    environment: tuple[Fact, ...]
    digests: tuple[Fact, ...]
    verify: tuple[str, ...]
    """Commands, one a line."""
    notes: tuple[str, ...]
    finished_at: str
    """ISO, as in the result."""
    metrics: tuple[Metric, ...]
