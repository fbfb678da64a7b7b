"""Every mistake is one line with its place and the nearest known name, before anything runs."""

# ruff: noqa: E501 - a table: each mistake on one line with its place

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from certify.errors import ProfileError, UsageError
from certify.profile import load_profile
from certify.profile.vocabulary import Vocabulary

HEAD = "version: 1\nbackend: mock\n"
LOADS = (
    HEAD
    + "phases:\n  performance:\n    loads: [{name: light, orders: 5/s, duration: 5s}]\n    thresholds:\n      - "
)


def mistake(tmp_path: Path, known: Vocabulary, name: str = "p", overrides: tuple[str, ...] = ()) -> str:
    with pytest.raises(ProfileError) as caught:
        load_profile(name, overrides, cwd=tmp_path, known=known, today=date(2026, 6, 1))
    message = str(caught.value)
    assert "\n" not in message
    assert isinstance(caught.value, UsageError)
    return message


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        (HEAD + "phasez: {}\n", "3:1", "unknown key in the profile 'phasez': did you mean 'phases'?"),
        (HEAD + "xyzzy: {}\n", "3:1", "unknown key in the profile 'xyzzy': expected one of version, name"),
        ("backend: mock\n", "1:1", "expected the key 'version'"),
        ("version: 2\n", "1:10", "expected a whole number, 1 to 1, was '2'"),
        (HEAD + "seed: -1\n", "3:7", "expected a whole number, 0 to"),
        (HEAD + "seed: true\n", "3:7", "expected a whole number"),
        (HEAD + "mode: qick\n", "3:7", "unknown mode 'qick': did you mean 'quick'?"),
        (HEAD + "name: a b\n", "3:7", "expected a name"),
        ("version: 1\nbackend: mok\n", "2:10", "unknown backend 'mok': did you mean 'mock'?"),
        (HEAD + "components: {brokr: {}}\n", "3:14", "unknown key in components 'brokr': did you mean 'broker'?"),
        (HEAD + "components: {broker: mock}\n", "3:22", "expected a component as a mapping, was 'mock'"),
        (HEAD + "components: {broker: {host: x}}\n", "3:23", "unknown key of backend mock 'host'"),
        ("version: 1\ncomponents: {risk: {}}\n", "2:20", "expected the key 'backend'"),
        ("version: 1\ncomponents: {risk: {backend: python}}\n", "2:30", "expected the key 'adapter'"),
        ("version: 1\nbackend: python\nadapter: acme\n", "3:10", "module:function"),
        (HEAD + "python: python3\n", "3:9", "'python' goes with backend python"),
        ("version: 1\noptions: {a: 1}\n", "2:1", "expected the key 'backend'"),
        (HEAD + "safety: {allow_live: yes}\n", "3:22", "expected true or false, was 'yes'"),
        (HEAD + "safety: {max_order_notional: 2.5}\n", "3:30", 'quote it, as "2.5"'),
        (HEAD + "safety: {max_order_qty: 0}\n", "3:25", "above 0"),
        (HEAD + "instruments: [{id: A, tick: 0.01}]\n", "3:29", 'quote it, as "0.01"'),
        (HEAD + 'instruments: [{id: A, tick: "0"}]\n', "3:29", "expected a price step above 0"),
        (HEAD + 'instruments: [{id: A, tick: "-1"}]\n', "3:29", "expected a price step above 0"),
        (HEAD + "instruments: [{kind: STK}]\n", "3:15", "an instrument: expected the key 'id'"),
        (HEAD + "instruments: [{id: A}, {id: A}]\n", "3:29", "duplicate instrument 'A'"),
        (HEAD + "instruments: {id: A}\n", "3:14", "expected instruments as a list, was a mapping"),
        (HEAD + "phases: {risks: {}}\n", "3:10", "did you mean 'risk'?"),
        (HEAD + "phases: {risk: {limits: {max_order_qy: 5}}}\n", "3:26", "did you mean 'max_order_qty'?"),
        (HEAD + "phases: {risk: {limits: {max_order_rate: 50}}}\n", "3:42", "expected a rate such as 50/s"),
        (HEAD + "phases: {risk: {limits: {price_band: 5}}}\n", "3:38", "expected a percentage such as 2%"),
        (HEAD + "phases: {risk: {limits: {max_order_qty: -5}}}\n", "3:41", "above 0"),
        (HEAD + "phases: {integration: {market_data: {max_stail: 2s}}}\n", "3:38", "did you mean 'max_stale'?"),
        (HEAD + "phases: {integration: {market_data: {max_stale: 2}}}\n", "3:49", "expected a duration"),
        (HEAD + "phases: {integration: {market_data: {share: 2s}}}\n", "3:45", "expected a percentage"),
        (HEAD + "phases: {integration: {market_data: {count: many}}}\n", "3:45", "expected a whole number"),
        (HEAD + "phases: {integration: {market_data: {ratio: much}}}\n", "3:45", "expected a number"),
        (
            HEAD + "phases: {framework: , integration: , trading: , performance: , risk: , certification: }\n",
            "3:9", "every phase is null",
        ),
        (HEAD + "mode: certified\nphases:\n  risk: null\n", "5:9", "mode certified runs every phase"),
        (HEAD + "policy: {validity: 366d}\n", "3:20", "expected whole days, 1d to 365d"),
        (HEAD + "policy: {validity: 36h}\n", "3:20", "expected whole days"),
        (HEAD + "policy: {validity: 90}\n", "3:20", "expected a duration"),
        (HEAD + "policy: {min_assurance: papr}\n", "3:25", "did you mean 'paper'?"),
        (HEAD + "policy: {min_phase_score: {performance: 101}}\n", "3:41", "expected a number, 0 to 100"),
        (HEAD + "policy: {min_phase_score: {perf: 1}}\n", "3:28", "did you mean 'performance'?"),
        (HEAD + "policy: {checks: {orders.cancel_unknow: {}}}\n", "3:19", "did you mean 'orders.cancel_unknown'?"),
        (HEAD + "policy: {checks: {orders.cancel_unknown: {severity: major-ish}}}\n", "3:53", "'major'"),
        (
            HEAD + "mode: certified\npolicy: {checks: {orders.cancel_unknown: {skip: later}}}\n",
            "4:49", "mode certified skips nothing",
        ),
        (
            HEAD + "policy:\n  waivers:\n    - {check: orders.cancel_unknow, reason: r, approved_by: a, expires: 2027-01-01}\n",
            "5:15", "did you mean 'orders.cancel_unknown'?",
        ),
        (
            HEAD + "policy:\n  waivers:\n    - {check: market_data.fresh, reason: r, approved_by: a, expires: 2026-05-31}\n",
            "5:70", "expired on 2026-05-31",
        ),
        (
            HEAD + "policy:\n  waivers:\n    - {check: market_data.fresh, reason: r, expires: 2027-05-31}\n",
            "5:7", "a waiver: expected the key 'approved_by'",
        ),
        (
            HEAD + "policy:\n  waivers:\n    - {check: market_data.fresh, reason: r, approved_by: a, expires: 2027-02-30}\n",
            "5:70", "expected a date",
        ),
        (HEAD + "hooks: {succeeded: x}\n", "3:9", "unknown key in hooks 'succeeded'"),
        (HEAD + "phases: {performance: {loads: [{name: orders, orders: 1/s, duration: 5s}]}}\n", "3:39", "stream"),
        (HEAD + "phases: {performance: {loads: [{name: a, orders: 1, duration: 5s}]}}\n", "3:50", "expected a rate"),
        (HEAD + "phases: {performance: {loads: [{name: a, duration: 5s}]}}\n", "3:32", "expected a rate above 0"),
        (HEAD + "phases: {performance: {loads: [{name: a, orders: 1/s, duration: 0s}]}}\n", "3:65", "above 0"),
        (
            HEAD + "phases: {performance: {loads: [{name: a, orders: 1/s, duration: 5s, warmup: 5s}]}}\n",
            "3:77", "expected a warmup shorter than the duration of 5s",
        ),
        (
            HEAD + "phases: {performance: {loads: [{name: a, orders: 1/s, duration: 5s, arrival: poison}]}}\n",
            "3:78", "did you mean 'poisson'?",
        ),
        (
            HEAD + "phases: {performance: {loads: [{name: a, orders: 1/s, duration: 5s}, {name: a, orders: 1/s, duration: 5s}]}}\n",
            "3:77", "duplicate load level 'a'",
        ),
        (LOADS + "orders.latency.p98 < 5ms\n", "7:9", "unknown metric 'latency.p98'"),
        (LOADS + "oders.latency.p99 < 5ms\n", "7:9", "unknown stream 'oders': did you mean 'orders'?"),
        (LOADS + "light.order.latency.p99 < 5ms\n", "7:9", "unknown stream 'order': did you mean 'orders'?"),
        (LOADS + "lihgt.orders.latency.p99 < 5ms\n", "7:9", "unknown load level 'lihgt': did you mean 'light'?"),
        (LOADS + "orders.latency.p99 =< 5ms\n", "7:9", "unknown operator '=<'"),
        (LOADS + "orders.latency.p99 < 5\n", "7:9", "latency.p99: expected a value such as 50ms, was '5'"),
        (LOADS + "orders.error_rate < 2ms\n", "7:9", "error_rate: expected a value such as 2%, was '2ms'"),
        (LOADS + "orders.achieved > 5ms\n", "7:9", "achieved: expected a value such as 500/s"),
        (LOADS + "orders.latency.p99\n", "7:9", "expected a threshold such as"),
        (LOADS + "market_data.latency.p99 < 5ms\n", "7:9", "expected a rate of market_data at any load level"),
        (LOADS + "light.market_data.latency.p99 < 5ms\n", "7:9", "expected a rate of market_data at load level light"),
        (HEAD + "extends: bsae\n", "3:10", "unknown profile 'bsae': did you mean 'base'?"),
        (HEAD + "extends: ./gone.yaml\n", "3:10", "extends './gone.yaml': no such file"),
        (HEAD + "extends: {a: b}\n", "3:10", "expected text, was a mapping"),
        (HEAD + "extends: p\n", "3:10", "extends goes round in a circle: profiles/p.yaml → profiles/p.yaml"),
    ],
)  # fmt: skip
def test_in_a_file(write, tmp_path: Path, known: Vocabulary, text: str, place: str, words: str) -> None:
    write(text)
    message = mistake(tmp_path, known)
    assert message.startswith(f"profiles/p.yaml:{place}: ")
    assert words in message


def test_a_longer_circle_is_drawn(write, tmp_path: Path, known: Vocabulary) -> None:
    write("extends: b\n", "profiles/a.yaml")
    write("extends: [c]\n", "profiles/b.yaml")
    write("version: 1\nextends: a\n", "profiles/c.yaml")
    assert mistake(tmp_path, known, "a") == (
        "profiles/c.yaml:2:10: extends goes round in a circle: "
        "profiles/a.yaml → profiles/b.yaml → profiles/c.yaml → profiles/a.yaml"
    )


def test_a_mistake_in_what_is_extended_is_told_there(write, tmp_path: Path, known: Vocabulary) -> None:
    write("version: 1\nbackend: mock\nsed: 1\n", "profiles/ground.yaml")
    write("extends: ground\n")
    assert mistake(tmp_path, known).startswith("profiles/ground.yaml:3:1: unknown key in the profile 'sed'")


def test_a_mistake_in_the_waivers_file_is_told_there(write, tmp_path: Path, known: Vocabulary) -> None:
    write(HEAD + "policy: {waivers: w.yaml}\n")
    write("- {check: market_data.fresh, resaon: x}\n", "profiles/w.yaml")
    assert mistake(tmp_path, known).startswith("profiles/w.yaml:1:30: unknown key in a waiver 'resaon'")


def test_an_unknown_profile_names_the_nearest(tmp_path: Path, known: Vocabulary) -> None:
    assert "unknown profile 'stagign': did you mean 'staging'?" in mistake(tmp_path, known, "stagign")


@pytest.mark.parametrize("name", ["gone/x.yaml", "x.yaml", "a\0b.yaml", "profiles/"])
def test_a_path_that_leads_nowhere(tmp_path: Path, known: Vocabulary, name: str) -> None:
    (tmp_path / "profiles").mkdir()
    assert "no such file" in mistake(tmp_path, known, name)


@pytest.mark.parametrize(
    ("override", "start", "words"),
    [
        ("sed=1", "--set:1:1: ", "unknown key in the profile 'sed': did you mean 'seed'?"),
        ("seed", "--set:1:1: ", "expected key.path=value"),
        ("=1", "--set:1:1: ", "expected key.path=value"),
        ("a..b=1", "--set:1:1: ", "expected key.path=value"),
        ("seed=x", "--set:1:6: ", "expected a whole number"),
        ("seed=[1", "--set:1:", "not YAML"),
        ("seed.deep=1", "--set:1:", "expected a whole number"),
        ("phases.risk.limits.max_order_qty=1.5", "--set:1:34: ", "quote it"),
        ("notify=10:30", "--set:1:8: ", "quote it"),
        ("notify=\udcff", "--set:1:1: ", "not UTF-8"),
    ],
)
def test_in_an_override(
    write, tmp_path: Path, known: Vocabulary, override: str, start: str, words: str
) -> None:
    write(HEAD)
    message = mistake(tmp_path, known, overrides=(override,))
    assert message.startswith(start)
    assert words in message
