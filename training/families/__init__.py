"""Families of models, a folder each with all that belongs to it.

- `family`: `Family`, the object that tells the rest of the project everything about a family.
- `registry`: the families by name; a new one is a folder here and one line there.
- `recipe`: the settings that all trainings have: labels, augmentation, optimiser, schedule, stopping rule.
- `settings_file`: recipes from TOML, JSON or a run; `search_space`: what `ser tune` searches.

The families are `mobilenet`, `cnn`, `functionals`, `wav2vec2`, `wavlm`, `ast`, `whisper` and `ensemble`; `transformer`
holds what speech transformers share. A family's folder holds `family.py` (its
`Family`), `recipe.py` (its settings and presets) and its network. `ensemble` has no recipe, since its members are
trained by their own.
"""
