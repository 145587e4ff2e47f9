"""WavLM: wav2vec 2.0's network with gated relative positions in its attention.

- `family`, `recipe`: the family's entry in the registry, and the settings of a training with their presets.
- `settings`: the shape of the network.
- `classifier`: the network with a head. Its parts are those of `wav2vec2` and `transformer`.
"""
