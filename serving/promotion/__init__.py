"""Which version of a model is `stable`, which one is `canary`, and how a better version takes its place.

- `version_labels`: reads and moves the labels in `models.config`.
- `servers`: the same on running servers, at once.
- `champion`: the version that a challenger must beat, and a better challenger as the new canary.
"""
