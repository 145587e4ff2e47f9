"""The sides of a split: what a model learns from, what it is tuned on, what it is measured on."""

from typing import Literal

Side = Literal["train", "validation", "test"]

SIDES: tuple[Side, ...] = ("train", "validation", "test")
