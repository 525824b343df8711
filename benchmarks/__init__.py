"""Training steps timed beside the same steps in other libraries: `python -m benchmarks`."""
