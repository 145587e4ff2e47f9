"""`docs/settings.md`: all settings of all families, from their declarations. `make docs` writes it."""

from training.cli.flags import default_in_words, flag_of
from training.families.family import Family
from training.families.registry import family_named, family_names

_INTRODUCTION = """# Settings

All settings of `ser train`, with their defaults. `make docs` writes this page from the settings' declarations.

A setting without a flag is stated in a file, which `--config FILE` reads: TOML, JSON, or the `config.json` of a run.
Names have a dot after each section: `fit.epochs` is `epochs` in the section `[fit]`. Where presets have different
defaults, the first value is that of the first preset. "Searched" is what `ser tune` tries unless a file says otherwise.
"""


def settings_page() -> str:
    """The page as Markdown, of the families of this project."""
    families = map(family_named, family_names())
    own = [family for family in families if type(family).__module__.startswith("training.families.")]
    return "\n".join([_INTRODUCTION, *map(_section, own)])


def _section(family: Family) -> str:
    presets = [
        f"`{name}`" + (f" ({note})" if (note := family.preset_notes.get(name)) else "") for name in family.presets
    ]
    rows = [
        (
            f"`{family.config_name(name)}`",
            f"`{flag}`" if (flag := flag_of(setting)) else "",
            default_in_words(setting, family) or "none",
            range_.in_words() if (range_ := family.space.get(family.config_name(name))) else "",
            setting.help.replace("|", "\\|"),
        )
        for name, setting in family.settings().items()
    ]
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return (
        f"## {family.name}\n\n{family.summary} Presets: {', '.join(presets)}.\n\n"
        f"| setting | flag | default | searched | meaning |\n| --- | --- | --- | --- | --- |\n{table}\n"
    )


if __name__ == "__main__":
    print(settings_page(), end="")
