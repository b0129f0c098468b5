#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs a test with the Python that has the clients; exits 77, which ctest reports as skipped, where there is none.

usage: run_with_clients.py ENVIRONMENT SCRIPT
"""
import os
import pathlib
import sys

environment, script = sys.argv[1:]
cache = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
folder = pathlib.Path(os.environ.get("KINGLET_TEST_CLIENTS") or pathlib.Path(cache, "kinglet-clients"), environment)
if not (folder / "made-from.txt").is_file():
    print(f"skipped: {folder} is not made; tools/install_clients does it")
    sys.exit(77)
python = folder / "bin/python"
os.execv(python, [python, script])
