from __future__ import annotations

import pytest
import yaml as library

from certify.errors import ProfileError
from certify.profile import yaml
from certify.profile.yaml import Listing, Mapping, Scalar, parse, parse_mapping, plain


def value(text: str) -> object:
    node = parse(text, "x.yaml")
    assert isinstance(node, Scalar)
    return node.value


def refused(text: str | bytes) -> str:
    with pytest.raises(ProfileError) as caught:
        parse_mapping(text, "x.yaml")
    message = str(caught.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("yes", "yes"),
        ("no", "no"),
        ("on", "on"),
        ("off", "off"),
        ("NO", "NO"),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("12", 12),
        ("-3", -3),
        ("010", 10),
        ("0o17", 15),
        ("0x1f", 31),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("1_000", "1_000"),
        ("0b11", "0b11"),
        ("2027-01-31", "2027-01-31"),
        ("10s", "10s"),
        ("50/s", "50/s"),
        ('"12"', "12"),
        ("'null'", "null"),
        ('"10:30:00"', "10:30:00"),
        ("127.0.0.1:4002", "127.0.0.1:4002"),
    ],
)
def test_scalars_are_those_of_yaml_1_2(text: str, expected: object) -> None:
    found = value(text)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    "text",
    [
        "10:30:00",
        "9:30",
        "09:30:00.123",
        "10:30Z",
        "10:30+02:00",
        "9:30am",
        "2026-01-31T10:30:00",
        "2026-01-31 10:30",
    ],
)
def test_a_time_wants_quotes(text: str) -> None:
    message = refused(f"a:\n  b: {text}\n")
    assert message.startswith("x.yaml:2:6: ")
    assert "quote it" in message


@pytest.mark.parametrize(
    ("text", "start", "words"),
    [
        ("a: 1\nb: 2\na: 3\n", "x.yaml:3:1: ", "duplicate key 'a': first given in line 1"),
        ("a: 1\n\tb: 2\n", "x.yaml:2:1: ", "tab in the indentation: use spaces"),
        ("a:\n  \tb: 2\n", "x.yaml:2:3: ", "tab in the indentation: use spaces"),
        ("", "x.yaml:1:1: ", "empty"),
        ("# only a comment\n", "x.yaml:1:1: ", "empty"),
        ("---\n", "x.yaml:1:1: ", "empty"),
        ("- a\n", "x.yaml:1:1: ", "expected a mapping, was a list"),
        ("hello\n", "x.yaml:1:1: ", "expected a mapping, was 'hello'"),
        (b"a: 1\nb: \xff\n", "x.yaml:2:4: ", "not UTF-8"),
        ("a: [1, 2\n", "x.yaml:", "not YAML"),
        ("a: b: c\n", "x.yaml:1:5: ", "not YAML"),
        ("a: *b\n", "x.yaml:1:4: ", "unknown alias 'b'"),
        ("a: &a [*a]\n", "x.yaml:1:8: ", "stands inside what it names"),
        ("a: !!python/object/apply:os.system [ls]\n", "x.yaml:1:4: ", "tags are refused"),
        ("a: !!str 1\n", "x.yaml:1:4: ", "tags are refused"),
        ("1: a\n", "x.yaml:1:1: ", "expected a name as key, was '1'"),
        ("[a]: 1\n", "x.yaml:1:1: ", "expected a name as key, was a list"),
        ("a: 1\n---\nb: 2\n", "x.yaml:2:1: ", "a second document"),
        ("a: .inf\n", "x.yaml:1:4: ", "expected a finite number"),
        ("a: 1e999\n", "x.yaml:1:4: ", "expected a finite number"),
        ("a: " + "9" * 5000, "x.yaml:1:4: ", "number too long"),
        ("a: " + "[" * 40 + "]" * 40, "x.yaml:1:35: ", "too deep"),
        ("a: \x01\n", "x.yaml:1:", "not YAML"),
        ("a: '" + "x" * yaml.MAX_BYTES + "'", "x.yaml: ", "too large"),
    ],
)
def test_a_mistake_is_one_line_with_its_place(text: str | bytes, start: str, words: str) -> None:
    message = refused(text)
    assert message.startswith(start)
    assert words in message


def test_aliases_are_followed() -> None:
    node = parse_mapping("a: &x {k: [1, 2]}\nb: *x\n", "x.yaml")
    assert plain(node) == {"a": {"k": [1, 2]}, "b": {"k": [1, 2]}}


def test_aliases_that_multiply_are_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 9)]
    assert "too large" in refused("\n".join(lines))


def test_aliases_that_deepen_are_refused() -> None:
    lines = ["a0: &a0 [x]"] + [f"a{i}: &a{i} [*a{i - 1}]" for i in range(1, 60)]
    assert "too deep" in refused("\n".join(lines))


def test_every_scalar_knows_its_place() -> None:
    node = parse_mapping("a:\n  - x\n  -   {k: v}\n", "x.yaml")
    items = node.entries["a"]
    assert isinstance(items, Listing)
    inner = items.items[1]
    assert isinstance(inner, Mapping)
    mark = inner.entries["k"].mark
    assert (mark.file, mark.line, mark.column) == ("x.yaml", 3, 11)
    assert inner.keys["k"].column == 8


def test_a_tab_between_words_is_a_blank() -> None:
    assert plain(parse_mapping("a:\t1\n", "x.yaml")) == {"a": 1}


def test_a_byte_order_mark_is_no_content() -> None:
    assert plain(parse_mapping(b"\xef\xbb\xbfa: 1\n", "x.yaml")) == {"a": 1}


def test_the_slow_parser_says_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml, "_LOADER", library.SafeLoader)
    assert plain(parse_mapping("a: yes\nb: '1'\nc: 1\n", "x.yaml")) == {"a": "yes", "b": "1", "c": 1}
    assert refused("a: 1\na: 2\n").startswith("x.yaml:2:1: duplicate key")
