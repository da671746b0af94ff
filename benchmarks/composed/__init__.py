"""The parts of `benchmarks/stack.py`: the stack as it is told what to do, and what is done to it."""
