"""Benchmarks are programs, not packages: their modules are found as Python finds them when it runs one."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[3] / "benchmarks" / "operator"))
