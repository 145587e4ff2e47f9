"""From a run folder to answers over gRPC: export, the local model server, the client."""
