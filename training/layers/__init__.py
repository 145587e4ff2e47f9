"""Parts that the networks of several families share.

- `windows`: a whole clip through a network with windows of fixed length, so that padding never changes an answer.
- `pooling`: from the frames of a clip to one vector.
- `standard_scores`: standard scores of features, by mean and deviation of training clips.
- `head`: from windows to probabilities.
- `convolution`: convolutions in float32 and bfloat16, and which of them bfloat16 is safe for.
- `fused_batch_norm`: batch norms that are faster in training, also over the batch of several devices.
- `folding`: batch norms folded into the convolutions, for inference.
- `opinion_pool`: the probabilities of several models as one answer.
- `choices`: settings that several families declare in the same words.
"""
