"""What machine and what software a run was made with, for the report."""

from __future__ import annotations

import os
import platform
import sys

import psutil

import certify


def environment() -> dict[str, str]:
    """Return the facts of machine and software that figures depend on; no name of host or user."""
    memory_gb = psutil.virtual_memory().total / 1e9
    return {
        "certify": certify.__version__,
        "python": platform.python_version(),
        "implementation": sys.implementation.name,
        "system": f"{platform.system()} {platform.release()}",
        "machine": platform.machine(),
        "cores": str(os.cpu_count()),
        "memory_gb": f"{memory_gb:.1f}",
    }
