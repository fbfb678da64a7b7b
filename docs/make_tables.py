"""Fill the tables of README.md and of pages in docs from the code: `python docs/make_tables.py`.

A table stands between `<!-- NAME: … -->` and `<!-- end -->`; what is between is replaced.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from certify.adapter.contract import PORTS
from certify.model.capabilities import CAPABILITIES
from certify.model.ids import ExitCode
from certify.model.trading import LIMIT_UNITS
from certify.resources import profiles_dir

ROOT = Path(__file__).resolve().parents[1]
PAGES = (ROOT / "README.md", ROOT / "docs" / "adapter.md", ROOT / "docs" / "gateway.md")
BLOCK = re.compile(r"(<!-- (?P<name>[a-z_]+): [^>]* -->\n)(?P<body>.*?)(<!-- end -->)", re.DOTALL)


def filled(text: str) -> str:
    """Return a page with every table between its marks made anew."""
    return BLOCK.sub(lambda block: f"{block[1]}{_table(block['name'])}{block[4]}", text)


def _table(name: str) -> str:
    return "\n".join(TABLES[name]()) + "\n"


def _commands() -> Iterator[str]:
    from typer.main import get_command

    from certify.cli.app import app

    yield from ("| command | does |", "| --- | --- |")
    for name, command in getattr(get_command(app), "commands").items():  # noqa: B009 - a Typer group has it
        said = inspect.cleandoc(command.help or "").split("\n\n")[0].replace("\n", " ")
        yield f"| `certify {name}` | {said} |"


def _exit_codes() -> Iterator[str]:
    source = inspect.getsource(ExitCode)
    yield from ("| code | means |", "| --: | --- |")
    for code in ExitCode:
        match = re.search(rf'{code.name} = {code.value}\n\s+"""(.+?)"""', source)
        assert match is not None, f"{code.name} says nothing"  # noqa: S101 - a code without words is a mistake
        yield f"| {code.value} | {match[1]} |"


def _profiles() -> Iterator[str]:
    yield from ("| profile | is |", "| --- | --- |")
    for path in sorted(profiles_dir().glob("*.yaml")):
        lines = path.read_text(encoding="utf-8").splitlines()
        comment = [line.lstrip("# ") for line in lines[: _first_key(lines)]]
        paragraph = " ".join(comment).split("  ")[0]
        yield f"| `{path.stem}` | {paragraph.split('. ')[0].rstrip('.')} |"


def _first_key(lines: list[str]) -> int:
    return next(number for number, line in enumerate(lines) if not line.startswith("#"))


def _capabilities() -> Iterator[str]:
    yield from ("| flag | claims |", "| --- | --- |")
    yield from (f"| `{flag}` | {text} |" for flag, text in CAPABILITIES.items())


def _limits() -> Iterator[str]:
    yield from ("| limit | unit |", "| --- | --- |")
    yield from (f"| `{name}` | {unit} |" for name, unit in LIMIT_UNITS.items())


def _ports() -> Iterator[str]:
    from certify.adapter import contract

    kinds = dict.fromkeys(PORTS, "OrderPort") | {
        "market_data": "MarketDataFeed",
        "paper_trading": "PaperTrading",
        "broker_framework": "BrokerFramework",
        "risk": "RiskManager",
        "trade_monitor": "TradeMonitor",
    }
    yield from ("| method | asks |", "| --- | --- |")
    for kind in ("System", *dict.fromkeys(kinds.values())):
        ports = ", ".join(f"`{port}`" for port in PORTS if kinds[port] == kind) or "the object itself"
        yield f"| **{kind}** ({ports}) | |"
        for name, method in vars(getattr(contract, kind)).items():
            if inspect.isfunction(method) and not name.startswith("_"):
                yield f"| `{_signature(name, method)}` | {inspect.getdoc(method)} |"


def _signature(name: str, method: Callable[..., object]) -> str:
    signature = inspect.signature(method)
    kept = [parameter for parameter in signature.parameters.values() if parameter.name != "self"]
    returned = signature.return_annotation
    arrow = "" if returned in ("None", inspect.Signature.empty) else f" -> {returned}"
    return f"{name}({', '.join(map(str, kept))}){arrow}".replace("'", "")


def _gateway_actions() -> Iterator[str]:
    from certify.gateway.house import Gateway

    yield from ("| action | arguments | does |", "| --- | --- | --- |")
    for name, call in sorted(Gateway().all_actions().items()):
        arguments = ", ".join(_argument(each) for each in inspect.signature(call).parameters.values())
        yield f"| `{name}` | {arguments} | {_first_line(call)} |"


def _argument(parameter: inspect.Parameter) -> str:
    if parameter.kind is parameter.VAR_KEYWORD:
        return "…"
    if parameter.default in (parameter.empty, None):
        return parameter.name
    return f"{parameter.name}={parameter.default}"


def _first_line(call: Callable[..., object]) -> str:
    said = inspect.cleandoc(call.__doc__ or "").split("\n\n")[0]
    said = re.sub(r"(; raises|\. Raises) `UsageError`.*", ".", said, flags=re.DOTALL)
    return said.replace("\n", " ").replace("|", "\\|")


def _gateway_behaviours() -> Iterator[str]:
    from certify.gateway.orders import behaviours

    rows = [line for line in (behaviours.__doc__ or "").splitlines() if line.startswith("| ")]
    yield from (rows[0], rows[1])
    for row in rows[2:]:
        name, rest = row[2:].split(" | ", 1)
        yield f"| `{name}` | {rest}"


def _gateway_events() -> Iterator[str]:
    from certify.gateway.director import event_table

    yield from ("| event | when | can be narrowed to | a step may use |", "| --- | --- | --- | --- |")
    for name, says, filters, references in event_table():
        yield f"| `{name}` | {says} | {filters} | {references} |"


def _gateway_magic() -> Iterator[str]:
    from certify.gateway.magic import MAGIC

    yield from ("| quantity | what happens |", "| --: | --- |")
    yield from (f"| {qty} | {magic.says} |" for qty, magic in MAGIC.items())


TABLES: dict[str, Callable[[], Iterator[str]]] = {
    "commands": _commands,
    "exit_codes": _exit_codes,
    "profiles": _profiles,
    "capabilities": _capabilities,
    "limits": _limits,
    "ports": _ports,
    "gateway_actions": _gateway_actions,
    "gateway_behaviours": _gateway_behaviours,
    "gateway_events": _gateway_events,
    "gateway_magic": _gateway_magic,
}


def main() -> None:
    """Fill every page."""
    for page in PAGES:
        page.write_text(filled(page.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
