"""The documentation names only files, headings and modules that exist, and the README stays short."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
PACKAGES = ("data_pipeline", "training", "serving")
FOLDERS = (*PACKAGES, "benchmarks", "deployment", "docs", "tests")

README_WORDS = 700

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


@cache
def prose(page: Path) -> str:
    """The text of a page without its code blocks."""
    return re.sub(r"^ *```.*?^ *```$", "", page.read_text(encoding="utf-8"), flags=re.S | re.M)


def headings(page: Path) -> set[str]:
    """The anchors of a page, as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", prose(page), re.M)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


def broken_links(page: Path) -> list[str]:
    broken = []
    for link in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        place, _, anchor = link.partition("#")
        target = page.parent / place if place else page
        if "://" in link:
            continue
        if not target.exists() or (anchor and anchor not in headings(target)):
            broken.append(link)
    return broken


def missing_paths(page: Path) -> list[str]:
    """Paths in backticks that start in a folder of the project or end in `.py`. Capitals stand for any name."""
    paths = [path for path in re.findall(r"`([\w.-]+(?:/[\w.-]+)*/?)`", prose(page)) if "/" in path]
    own = [path for path in paths if path.split("/")[0] in FOLDERS or path.endswith(".py")]
    return [path for path in own if not re.search(r"\b[A-Z]+\b", path) and not (ROOT / path).exists()]


def missing_modules(page: Path) -> list[str]:
    """Dotted names of the project in backticks, and modules that commands run, which do not exist."""
    text = page.read_text(encoding="utf-8")
    names = re.findall(rf"`((?:{'|'.join(FOLDERS[:4])})(?:\.\w+)+)(?:\(.*?\))?`", prose(page))
    names += re.findall(r"python -m ((?:benchmarks|training|serving)[\w.]*)", text)
    names += re.findall(r"^ *from ((?:data_pipeline|training|serving)[\w.]*) import", text, re.M)
    # `serving.protoset` is the name of a file.
    return [name for name in names if not name.endswith(".protoset") and not exists(name.split("."))]


def exists(parts: list[str]) -> bool:
    """Whether the parts of a dotted name lead to a module, or to a name in one."""
    place = ROOT
    for number, part in enumerate(parts):
        if (place / part).is_dir():
            place = place / part
        else:
            module = place / f"{part}.py"
            rest = parts[number + 1 :] if module.is_file() else parts[number:]
            module = module if module.is_file() else place / "__init__.py"
            return not rest or rest[0] in names_in(module)
    return True


@cache
def names_in(module: Path) -> set[str]:
    """What a module defines or imports at its top."""
    names = set()
    for node in ast.parse(module.read_text(encoding="utf-8")).body:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                names.add(node.name)
            case ast.ImportFrom():
                names |= {one.asname or one.name for one in node.names}
            case ast.Assign():
                names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
            case ast.AnnAssign(target=ast.Name()):
                names.add(node.target.id)
    return names


@each_page
def test_links_lead_somewhere(page):
    assert broken_links(page) == []


@each_page
def test_named_files_exist(page):
    assert missing_paths(page) == []


@each_page
def test_named_modules_exist(page):
    assert missing_modules(page) == []


def passages(page: Path) -> list[str]:
    """The rows of tables and the paragraphs of a page."""
    blocks = prose(page).split("\n\n")
    return [part for block in blocks for part in (block.splitlines() if block.startswith("|") else [block])]


@each_page
def test_figures_on_a_cut_corpus_say_that_it_was_cut(page):
    """The copy of EmoDB that all figures are from was cut or padded to exactly 2.00 s by its mirror."""
    figures = [part for part in passages(page) if re.search(r"EmoDB|German", part) and re.search(r"\d %|worse", part)]
    assert [part for part in figures if "2.00 s" not in part] == []


def test_the_time_of_a_training_stands_in_one_place():
    """Figures that stand twice contradict each other sooner or later. The pages of results own it."""
    places = [ROOT / "README.md", ROOT / "ser.py", *(ROOT / "training").rglob("recipe.py"), ROOT / "docs/settings.md"]
    assert [file.name for file in places if re.search(r"\d+ minutes|half an hour", file.read_text("utf-8"))] == []


def test_the_readme_is_short():
    assert len((ROOT / "README.md").read_text(encoding="utf-8").split()) <= README_WORDS


@pytest.mark.parametrize("package", PACKAGES)
def test_the_map_has_every_folder(package):
    text = prose(ROOT / "docs" / "architecture.md")
    folders = [file.parent.relative_to(ROOT).as_posix() for file in (ROOT / package).glob("*/__init__.py")]
    assert [folder for folder in folders if f"| `{folder}/` |" not in text] == []


@pytest.mark.parametrize("package", PACKAGES)
def test_packages_name_their_modules(package):
    unnamed = []
    for file in (ROOT / package).rglob("__init__.py"):
        named = re.findall(r"`(\w+)`", ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or "")
        modules = [one.stem for one in file.parent.glob("*.py") if one != file]
        modules += [one.parent.name for one in file.parent.glob("*/__init__.py")]
        if file.parent.name != "cli":  # a module for each command
            unnamed += [f"{file.parent}: {name}" for name in sorted(set(modules) - set(named))]
    assert unnamed == []


def test_what_is_missing_is_found(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        "# A title: one\n[x](#a-title-one) [y](#other) [z](gone.md) [web](https://example.com) `training/gone.py` "
        "`training/families/NAME/` `gone/some.py` `benchmarks.gone` `training.evaluation.paired.gone` `training.cli`\n"
        "```sh\npython -m benchmarks.prepare_gone [no](link.md)\n```\n"
    )
    assert broken_links(page) == ["#other", "gone.md"]
    assert missing_paths(page) == ["training/gone.py", "gone/some.py"]
    assert missing_modules(page) == ["benchmarks.gone", "training.evaluation.paired.gone", "benchmarks.prepare_gone"]
