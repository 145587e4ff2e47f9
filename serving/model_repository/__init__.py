"""The folder that model servers read: models, their versions, and the configuration files beside them.

- `layout`: models and versions on disk, and how a new version appears.
- `server_config`: `models.config`, `batching.config` and `monitoring.config`.
- `served_models`: which models, versions and labels these files ask a server to serve.
- `config_messages`: the message types of those files that `tensorflow-serving-api` lacks.
"""
