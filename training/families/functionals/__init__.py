"""A small network on statistics of a whole clip (functionals), to be pooled with another model.

- `family`: what the rest of the project asks about it; `recipe`: settings and presets.
- `functionals`: the statistics, as a layer; `network`: the layers that receive them.
"""
