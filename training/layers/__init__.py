"""Parts that the networks of several families share.

- `windows`: a whole clip through a network with windows of fixed length, so that padding never changes an answer.
- `pooling`: from the frames of a clip to one vector; `head`: from windows to probabilities.
- `opinion_pool`: the probabilities of several models as one answer.
- `mixed_conv`, `pointwise_conv`, `fused_batch_norm`: convolutions and batch norms that are faster in training.
- `folding`: batch norms folded into the convolutions, for inference.
- `replica_moments`: mean and variance over the whole batch of several devices.
- `choices`: settings that several families declare in the same words.
"""
