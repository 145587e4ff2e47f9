"""The map of `docs/architecture.md`, as the imports have it: one direction, no circles, few modules in a root."""

import ast
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

PACKAGES = ("data_pipeline", "training", "serving", "benchmarks")
"""In the order in which they may import each other: each only what stands before it."""

MOST_MODULES = 10
"""In the root of a package; what else there is has a room that says its job."""


def modules_of(root: Path) -> dict[str, Path]:
    """All modules by their dotted names."""
    files = [file for package in PACKAGES for file in (root / package).rglob("*.py")]
    return {".".join(file.relative_to(root).with_suffix("").parts).removesuffix(".__init__"): file for file in files}


def imports_of(file: Path, modules: Mapping[str, Path]) -> Iterator[str]:
    """The project's modules that a file imports: at its top, within its functions, or for its types only."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names if name.name in modules)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative imports hide where they lead"
            for name in node.names:
                found = [one for one in (f"{node.module}.{name.name}", node.module) if one in modules]
                yield from found[:1]


@pytest.fixture(scope="module")
def imports():
    """The project's modules that each of them imports."""
    modules = modules_of(ROOT)
    return {name: set(imports_of(file, modules)) - {name} for name, file in modules.items()}


def room_of(module: str) -> str:
    """The folder below the package that a module lies in; a module of the package's root is a room of its own."""
    return ".".join(module.split(".")[:2])


def circles(graph: Mapping[str, set[str]]) -> list[list[str]]:
    """Paths that lead back to where they begin, one for each way back that a search meets."""
    found, done = [], set()

    def visit(node: str, path: list[str]) -> None:
        if node in path:
            found.append([*path[path.index(node) :], node])
        elif node not in done:
            for after in sorted(graph.get(node, ())):
                visit(after, [*path, node])
            done.add(node)

    for node in sorted(graph):
        visit(node, [])
    return found


def test_packages_import_only_what_stands_before_them(imports):
    order = {package: number for number, package in enumerate(PACKAGES)}
    back = [
        f"{module} imports {other}"
        for module, others in imports.items()
        for other in others
        if order[other.split(".")[0]] > order[module.split(".")[0]]
    ]
    assert back == []


def test_no_two_rooms_import_each_other_by_whatever_way(imports):
    rooms = defaultdict(set)
    for module, others in imports.items():
        rooms[room_of(module)] |= {room_of(other) for other in others} - {room_of(module)}
    assert circles(rooms) == []


def test_no_module_imports_itself_by_whatever_way(imports):
    assert circles(imports) == []


@pytest.mark.parametrize("package", PACKAGES[:3])
def test_the_root_of_a_package_holds_few_modules(package):
    modules = [file.name for file in (ROOT / package).glob("*.py") if file.name != "__init__.py"]
    assert len(modules) <= MOST_MODULES, modules


@pytest.mark.parametrize("word", ["util", "helper", "common", "misc", "base"])
def test_no_file_is_named_after_no_job(word):
    assert [name for name in modules_of(ROOT) if word in name.split(".")[-1].split("_")] == []


def test_the_client_and_the_call_side_know_nothing_of_training(imports):
    reached = {module for module in imports if module.startswith(("serving.client", "serving.recognition"))}
    while more := set().union(*(imports[module] for module in reached)) - reached:
        reached |= more
    assert [module for module in reached if module.startswith("training")] == []


def test_a_circle_is_found(tmp_path):
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == [["a", "b", "c", "a"]]
    package = tmp_path / "training"
    package.mkdir()
    (package / "one.py").write_text("def f():\n    from training import two\n")
    (package / "two.py").write_text("import training.one\n")
    modules = modules_of(tmp_path)
    assert {name: set(imports_of(file, modules)) for name, file in modules.items()} == {
        "training.one": {"training.two"},
        "training.two": {"training.one"},
    }
