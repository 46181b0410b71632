"""The house holds together: who may import what, one way only, and no room grows past its name."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "mmcheck"
MODULES = sorted(PACKAGE.rglob("*.py"))
FORMATS = sorted(folder.name for folder in (PACKAGE.parent / "rules").iterdir() if (folder / "1.yaml").is_file())
MOST_LINES = 400

#: Libraries that only some modules may import, as prefixes of module names.
CONFINED = {
    "rich": ("mmcheck.cli", "mmcheck.reporters"),
    "PIL": ("mmcheck.probe",),
    "simplejpeg": ("mmcheck.probe",),
    "av": ("mmcheck.probe",),
    "fsspec": ("mmcheck.remote",),
    "aiohttp": ("mmcheck.remote",),
}

#: The layers, from the values at the bottom to the story at the top: a module imports its own layer and those before.
LAYERS = (
    (
        "errors",
        "limits",
        "patterns",
        "cores",
        "installed",
        "cache",
        "grounds",
        "child",
        "differences",
        "finding",
        "contracts",
        "paths",
        "resources",
        "report",
        "stored",
        "fingerprint",
        "runs",
        "histograms",
        "storage",
        "remote",
    ),
    (
        "readers",
        "duplicates",
        "sweeping",
        "cells",
        "schema",
        "dialect",
        "expression",
        "neighbours",
        "yaml_lines",
        "columns",
    ),
    ("metaschema", "thresholds", "rulefile", "config", "baseline", "starting"),
    ("evidence", "table_plans", "aggregates", "pile", "slots", "probe", "publishing", "locate", "custom", "writers"),
    (
        "sources",
        "arrow_elements",
        "arrow_tables",
        "content",
        "align",
        "order",
        "lengths",
        "tables",
        "paranoid",
        "statistics",
        "comparison",
        "reporters",
        "convert",
    ),
    ("format", "listing", "compiling", "choosing", "ruleset", "rules", "global_rules", "compose", "media"),
    ("detection", "dataset", "request", "ahead", "recalling", "verification", "testing", "rule_examples"),
    ("file_facts", "plan", "results", "sampling", "unfolding"),
    ("shard", "trial", "verdicts"),
    ("local", "ray_engine"),
    ("remembering", "gathering"),
    ("accounts", "crew", "relocating", "repairs", "storing", "judging", "checking", "diffing"),
    ("clipping", "recasting", "target_tables"),
    ("encoding",),
    ("image_tables", "repartition", "transcribing", "rewriting"),
    ("converting", "splitting", "fixing"),
    ("cli",),
    ("__main__",),
)


def name(path: Path) -> str:
    """The dotted name of a module."""
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


NAMES = {name(path): path for path in MODULES}


def imports(path: Path, *, runtime: bool = False) -> Iterator[str]:
    """Every module that `path` imports, wherever it does; `runtime` leaves out functions and TYPE_CHECKING."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes = list(_at_import(tree)) if runtime else list(ast.walk(tree))
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            module = node.module or ""
            for alias in node.names:
                inner = f"{module}.{alias.name}"
                yield inner if inner in NAMES else module


def _at_import(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        yield child
        yield from _at_import(child)


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_confined_libraries(path: Path) -> None:
    for module in imports(path):
        allowed = CONFINED.get(module.partition(".")[0])
        assert allowed is None or name(path).startswith(allowed), f"{name(path)} imports {module}"


@pytest.mark.parametrize("path", sorted((PACKAGE / "readers").glob("*.py")), ids=name)
def test_readers_know_no_format(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            assert node.value not in FORMATS, f"{name(path)}:{node.lineno} names the format {node.value}"
    above = {module for layer in LAYERS[2:] for module in layer}
    assert not {module.split(".")[1] for module in imports(path) if module.startswith("mmcheck.")} & above


def layer(module: str) -> int | None:
    """The number of a module's layer; None for the package itself, which holds only the version."""
    parts = module.split(".")
    if len(parts) == 1:
        return None
    found = [number for number, names in enumerate(LAYERS) if parts[1] in names]
    assert found, f"{module} stands in no layer of tests/test_architecture.py"
    return found[0]


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_imports_run_one_way(path: Path) -> None:
    own = layer(name(path))
    if own is None:
        return
    for module in imports(path):
        other = layer(module) if module in NAMES else None
        assert other is None or other <= own, f"{name(path)} imports {module}, which stands above it"


def test_no_circles() -> None:
    graph = {module: {each for each in imports(path, runtime=True) if each in NAMES} for module, path in NAMES.items()}
    done: set[str] = set()

    def visit(module: str, trail: tuple[str, ...]) -> None:
        assert module not in trail, " → ".join((*trail, module))
        if module not in done:
            for each in graph[module]:
                if each != module:
                    visit(each, (*trail, module))
            done.add(module)

    for module in graph:
        visit(module, ())


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_no_room_is_too_large(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= MOST_LINES
    assert not text or ast.get_docstring(ast.parse(text)), f"{name(path)} does not say what it is for"


def test_the_command_line_is_quick_to_import() -> None:
    """Nothing that the command line imports before it runs a command pays for polars, pyarrow or rich."""
    slow = {"polars", "pyarrow", "rich", "sqlglot", "PIL", "numpy"}
    seen: set[str] = set()
    todo = [*(each for each in NAMES if each.startswith("mmcheck.cli")), "mmcheck.__main__"]
    while todo:
        module = todo.pop()
        if module in seen:
            continue
        seen.add(module)
        for each in imports(NAMES[module], runtime=True):
            assert each.partition(".")[0] not in slow, f"{module} imports {each} at once"
            if each in NAMES:
                todo.append(each)
