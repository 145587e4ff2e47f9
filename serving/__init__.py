"""From a run folder to answers over gRPC.

- `export`: writes a trained model as a SavedModel for TensorFlow Serving.
- `model_repository`: the folder of models and versions that servers read, and its configuration files.
- `server`: a model server for one machine (`ser serve`), and a SavedModel used without a server.
- `client`: sends requests to a model server. It needs neither `server` nor `training`.
- `protocol`: TensorFlow Serving's messages without TensorFlow, for the client.
- `recognition`: audio in, typed answers out; shared by the client and the model without a server.
- `promotion`: the labels `stable`, `canary` and `previous`, and how a better model gets them.
- `cli`: the commands.

The root holds what several rooms use: `status` (why a row has no answer), `errors` (the exceptions) and `tensors`
(`TensorProto` to and from numpy).
"""
