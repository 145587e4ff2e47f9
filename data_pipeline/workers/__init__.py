"""Processes that do the work clip by clip and may be lost.

- `process`: how a worker process starts: quickly, without TensorFlow, ready to be killed.
- `pool`: tasks carried out by several of them; a clip that crashes or hangs its process is skipped.
"""
