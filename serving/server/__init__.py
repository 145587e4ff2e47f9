"""A model server for one machine that speaks TensorFlow Serving's gRPC API."""
