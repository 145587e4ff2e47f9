"""A wav2vec 2.0 that is quick to train: the shape of the base model, much narrower."""

SMALL = {
    "model_type": "wav2vec2",
    "conv_dim": [32] * 7,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 4,
}
