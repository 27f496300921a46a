"""Benchmarks are programs, not packages: their modules are found as Python finds them when it runs one."""

import sys
from pathlib import Path

_BENCHMARKS = Path(__file__).parents[3] / "benchmarks"
sys.path += [str(_BENCHMARKS), str(_BENCHMARKS / "operator")]
