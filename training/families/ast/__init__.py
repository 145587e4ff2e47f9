"""The Audio Spectrogram Transformer, written with `keras.ops` and `keras.layers`: the same on every Keras backend.

- `family`, `recipe`: the family's entry in the registry, and the settings of a training with their presets.
- `settings`: the shape of the network.
- `filter_bank`: the spectrogram that the network receives.
- `backbone`, `classifier`: the network without and with a head.
- `state`: the weights of published checkpoints.
"""
