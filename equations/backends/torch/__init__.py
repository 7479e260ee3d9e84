"""The torch backend: rules on tensors, on CPU and GPU, with gradients."""
