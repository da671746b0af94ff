"""The parts of `benchmarks/serve.py`: a home to serve, what asks, and what answers beside the service."""
