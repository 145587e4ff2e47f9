"""Which version of a model is `stable`, which one `canary`, and how a better one takes its place."""
