"""Hugging Face checkpoints of wav2vec 2.0 and HuBERT, read without PyTorch wherever they are safetensors."""

from training.checkpoint.checkpoint import Checkpoint, open_checkpoint
from training.checkpoint.tensor_info import TensorInfo

__all__ = ["Checkpoint", "TensorInfo", "open_checkpoint"]
