"""What is installed: the wheel holds its data, and the distribution has its own name."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
#: Names of the modules of a dependency, where they differ from the distribution's.
MODULES = {"pillow": "PIL", "pyyaml": "yaml", "jsonschema-rs": "jsonschema_rs"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    pytest.importorskip("hatchling", reason="hatchling builds the wheel and is not installed")
    target = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(target)]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    (path,) = target.glob("*.whl")
    assert path.name.startswith("mmcheck_datasets-")
    return zipfile.ZipFile(path)


def below(folder: str, pattern: str) -> list[str]:
    """The files of a data folder of the checkout, as the wheel calls them."""
    return [f"mmcheck/{path.relative_to(ROOT)}" for path in (ROOT / folder).rglob(pattern) if path.is_file()]


@pytest.mark.parametrize(
    ("folder", "pattern"),
    [("schemas", "*.json"), ("rules", "*.yaml"), ("examples", "*"), ("mmcheck", "*.py"), ("mmcheck", "page/*")],
)
def test_wheel_holds(wheel: zipfile.ZipFile, folder: str, pattern: str) -> None:
    wanted = below(folder, pattern) if folder != "mmcheck" else [each[8:] for each in below("mmcheck", pattern)]
    assert wanted
    assert set(wanted) <= set(wheel.namelist())


def test_wheel_holds_nothing_else(wheel: zipfile.ZipFile) -> None:
    assert {name.partition("/")[0] for name in wheel.namelist()} == {
        "mmcheck",
        next(name.partition("/")[0] for name in wheel.namelist() if ".dist-info/" in name),
    }
    assert not [name for name in wheel.namelist() if "__pycache__" in name]


def test_wheel_finds_its_data(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    wheel.extractall(tmp_path)
    code = (
        "from mmcheck.resources import folder as f; print(*(f(n) for n in ('schemas', 'rules', 'examples')), sep='\\n')"
    )
    command = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(tmp_path)!r}); {code}"]
    found = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout.split("\n")
    assert found[:3] == [str(tmp_path / "mmcheck" / name) for name in ("schemas", "rules", "examples")]


def test_metadata(wheel: zipfile.ZipFile) -> None:
    (name,) = [each for each in wheel.namelist() if each.endswith(".dist-info/METADATA")]
    metadata = wheel.read(name).decode()
    assert "Name: mmcheck-datasets\n" in metadata
    assert "License-Expression: Apache-2.0\n" in metadata
    (points,) = [each for each in wheel.namelist() if each.endswith("entry_points.txt")]
    assert "mmcheck = mmcheck.__main__:main" in wheel.read(points).decode()


def test_every_dependency_is_imported() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    code = "\n".join(path.read_text() for path in (ROOT / "mmcheck").rglob("*.py"))
    for requirement in project["dependencies"]:
        distribution = re.split(r"[<>=\[]", requirement)[0]
        module = MODULES.get(distribution, distribution)
        assert re.search(rf"^\s*(import|from) {module}\b|import_module\(\"{module}", code, re.M), (
            f"{distribution} is imported nowhere"
        )


def test_every_import_is_a_dependency() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    requirements = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    names = {re.split(r"[<>=\[]", requirement)[0] for requirement in requirements}
    declared = {MODULES.get(name, name) for name in names} | {"mmcheck"}
    for path in (ROOT / "mmcheck").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            modules += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for module in modules:
                assert module.partition(".")[0] in declared | sys.stdlib_module_names, f"{path.name} imports {module}"


def test_the_name_on_the_index_is_never_given_away() -> None:
    """`mmcheck` on the package index is somebody else's project."""
    texts = [path for pattern in ("*.md", "docs/*.md", "Makefile") for path in ROOT.glob(pattern)]
    for path in texts:
        assert not re.search(r"pip install (-U )?[\"']?mmcheck(?![-_\w])", path.read_text()), path
