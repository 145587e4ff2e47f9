"""Load on a model server.

- `workload`: the requests, and the times at which they are sent; `callers`: sending them.
- `model_server`: the server under load; `server_counts`: its own metrics and its processor time.
- `summary`: the figures of a run, and their plot.
- `batching_comparison`: one call against the model in process, and a batching server against unbatched ones.
"""
