"""Settings, declared once: `declaration` (defaults, ranges, help, flags), `search_range` (what `ser tune` tries)."""

from pydantic import Field

from data_pipeline.settings.declaration import (
    Declared,
    Flag,
    Listed,
    Settings,
    changed,
    declared,
    range_in_words,
)
from data_pipeline.settings.search_range import Choice, Range, Space

__all__ = [
    "Choice",
    "Declared",
    "Field",
    "Flag",
    "Listed",
    "Range",
    "Settings",
    "Space",
    "changed",
    "declared",
    "range_in_words",
]
