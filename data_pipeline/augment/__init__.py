"""Random changes to training clips, each a pure function of a seed.

Every function takes a stateless seed (int32 [2]), so that a parallel, a repeated or a resumed run sees the same data.

- `settings`: how strongly clips are changed; imports no TensorFlow.
- `waveform_chain`: all changes to a waveform, in order; `edges`, `speed`, `reverberation`, `noise`: single ones.
- `spectrograms`: SpecAugment's masks, and mixup.
- `examples`: each change by itself, for plots.
"""

from data_pipeline.augment.settings import AugmentSettings

__all__ = ["AugmentSettings"]
