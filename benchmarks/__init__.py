"""Measurements behind the claims of speed that the project makes; each is a module with a `--help`."""
