"""Training on many devices and machines, by TensorFlow's strategies.

`assemble` gives the `Team` of a strategy, `Replicas` trains a model on it.
"""

from training.distributed.lost_worker import gone_worker_told
from training.distributed.replicas import Replicas
from training.distributed.strategies import STRATEGIES, assemble
from training.distributed.team import Team, keeps_folder, scope

__all__ = ["STRATEGIES", "Replicas", "Team", "assemble", "gone_worker_told", "keeps_folder", "scope"]
