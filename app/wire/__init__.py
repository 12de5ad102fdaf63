"""The bytes of inference protocols: tensors in JSON or binary, read and written; no I/O."""
