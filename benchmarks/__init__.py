"""What tickws costs and how it holds out: run one with `python -m benchmarks.NAME`."""
