# SPDX-FileCopyrightText: The Fedway authors
# SPDX-License-Identifier: Apache-2.0
"""What `scripts/demo` shows once it has built: both ways, from the first line to the last, with nothing left behind."""
import os
import subprocess
import sys

import pytest

SCRIPTS = os.path.join(os.path.dirname(__file__), "..", "..", "scripts")


@pytest.mark.parametrize("demo", ["demo.py", "demo_nodes.py"])
def test_demo(demo):
    done = subprocess.run([sys.executable, os.path.join(SCRIPTS, demo)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout
    assert done.stdout.rstrip().endswith("Stopping all that was started …"), done.stdout
