"""Whisper's encoder, written with `keras.ops` and `keras.layers`: the same network on every Keras backend.

- `family`, `recipe`: the family's entry in the registry, and the settings of a training with their presets.
- `settings`: the shape of the network.
- `log_mel`: the spectrogram that the network receives.
- `backbone`, `classifier`: the network without and with a head.
- `state`: the weights of published checkpoints.
"""
