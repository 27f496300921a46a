"""What benchmarks have in common: programs under test, figures of rounds, tables and plots."""
