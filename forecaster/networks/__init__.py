"""The Keras stacks and their export: the only room, beside `forecaster.training`, that knows tensorflow.

`build` makes a network from a spec: `recurrent` its layers, whose own cells are in `cells`, then `attention`, then the
quantile head of `layers`. `export` writes it as fused ONNX nodes, with `fused` for the recurrent ones, and `gates` what
happens inside them. `losses` is what training minimises. `torch_layout` converts weights from and to PyTorch's.

A `.keras` archive is read where `build` has been imported: that registers the own classes, and no `custom_objects` are
needed. The service imports nothing from here.
"""
