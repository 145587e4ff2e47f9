"""The search space of a family, from the ranges that its settings declare."""

from data_pipeline.settings import Choice, Range, Settings, declared

FITTING = ("fit.weight_decay", "fit.label_smoothing", "fit.batch_size", "fit.augment.mixup")
"""Names of the settings of the fit that are searched for every family on log-mels."""


def declared_space(settings: type[Settings], *names: str) -> dict[str, Range | Choice]:
    """What is searched of some settings.

    Args:
        settings: The class of a recipe.
        *names: Names of its settings, with a dot after each section, each of which declares a `Range` or a `Choice`.

    Returns:
        The ranges by name, in the order of `names`.

    Raises:
        ValueError: If one of them declares none.
    """
    found = {".".join(one.path): one.found(Range) or one.found(Choice) for one in declared(settings)}
    without = [name for name in names if found.get(name) is None]
    if without:
        raise ValueError(f"names must be settings that declare a range. Received: {without}")
    return {name: found[name] for name in names}
