"""What recipes of log-mel networks call the fields of `config.json`."""

from collections.abc import Mapping
from typing import Any


def without_kinds(config: Mapping[str, Any]) -> dict[str, Any]:
    """A configuration without the names of its model's family and its front end's kind, which the recipe's class tells.

    Args:
        config: `config.json` of a run, or some of its fields.
    """
    told = {"model": "family", "front_end": "kind"}
    return {
        name: {field: value[field] for field in value if field != told[name]} if name in told else value
        for name, value in config.items()
    }


def without_initial_weights(config: Mapping[str, Any]) -> dict[str, Any]:
    """A configuration of a network that always starts from random weights, without saying so.

    Args:
        config: `config.json` of a run, which says `weights: null` of every such network, or some of its fields. Weights
            that are named stay, to be refused.
    """
    return {name: value for name, value in config.items() if name != "weights" or value is not None}
