"""Hugging Face checkpoints of speech transformers, read without PyTorch if they are safetensors.

`checkpoint` opens and copies checkpoints, `hub` fetches them into the hub's cache (`hub_errors` explains failures),
`settings_files` reads the JSON files, `weights` the tensors in a `safetensors_file` or a `torch_file`, `tensor_info`
describes them, `architectures` has the names of each architecture's tensors, `summary` is what
`ser checkpoint inspect` prints.
"""

from training.checkpoint.checkpoint import Checkpoint, open_checkpoint
from training.checkpoint.tensor_info import TensorInfo

__all__ = ["Checkpoint", "TensorInfo", "open_checkpoint"]
