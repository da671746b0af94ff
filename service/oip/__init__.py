"""The Open Inference Protocol, version 2: the network itself, asked by standard clients with tensors.

============  ============================================================================
`errors`      what can be wrong with a request
`packing`     a body -> its JSON and the bytes behind it, and the way back
`tensors`     the JSON and the bytes -> checked windows
`metadata`    what the network takes and gives, in the protocol's words
`inference`   a request's body -> the answer's
============  ============================================================================

Nothing here knows HTTP. The protocol is described at https://github.com/kserve/open-inference-protocol, its binary
extension in Triton Inference Server's documentation.
"""
