"""The messages and methods of TensorFlow Serving, without TensorFlow.

- `messages`: the classes of the messages; `stubs`: the methods that a client calls.
- `protoset`: writes `serving.protoset`, which describes them all, for the classes here and for clients in any language.
"""
