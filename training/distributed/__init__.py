"""Training on many devices and machines, by TensorFlow's strategies.

`strategies` makes the replicas of a strategy (`team`) on the machines that `cluster` reads from TF_CONFIG; `replicas`
trains a model on them, each with its share of a batch (`batch_shares`).
"""

from training.distributed.replicas import Replicas
from training.distributed.strategies import STRATEGIES, assemble, explain_lost_worker
from training.distributed.team import Team, keeps_folder, scope

__all__ = ["STRATEGIES", "Replicas", "Team", "assemble", "explain_lost_worker", "keeps_folder", "scope"]
