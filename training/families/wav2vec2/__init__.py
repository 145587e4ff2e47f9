"""wav2vec 2.0 and HuBERT, and the parts of WavLM: the same network on every Keras backend.

- `family`, `recipe`: the family's entry in the registry, and the settings of a training with their presets.
- `settings`: the shape of the network.
- `feature_encoder`, `masking`, `encoder`: the parts of the network.
- `backbone`, `classifier`: the network without and with a head.
- `state`: the weights of published checkpoints.
- `kernels`: convolutions that TensorFlow computes faster on CPUs than Keras's own.
"""
