"""Random changes to training clips, each a pure function of a seed.

Every function takes a stateless seed (int32 [2]), so that a parallel, a repeated or a resumed run sees the same data.
"""

from data_pipeline.augment.settings import AugmentSettings

__all__ = ["AugmentSettings"]
