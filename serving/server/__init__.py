"""A model server for one machine with TensorFlow Serving's gRPC and REST APIs, and a SavedModel without a server.

What is served:

- `servable`: a loaded version; `catalogue`: all versions and their states.
- `version_manager`: loads and unloads versions; `watched_repository`: follows changes of the model repository.

Answering requests:

- `services`: gRPC; `rest` and `rest_json`: REST; `model_queries`: status and signatures of models.
- `predictor`: from a request to its answer; `call`: checks a request; `request_error`: errors as gRPC statuses.
- `batching_settings`, `batch_scheduler` and `batch`: concurrent calls are computed together.

Around them:

- `local_server`: starts and stops everything; `tls`: certificates; `metrics`: counters for Prometheus.
- `recogniser_in_process`: a SavedModel as an `EmotionRecogniser` in this process.
"""
