"""The Keras stacks and their export: the only room, beside `forecaster.training`, that knows tensorflow.

`layers` holds the quantile head, `build` makes a network from a spec, `export` writes it as fused ONNX nodes.
The service imports nothing from here.
"""
