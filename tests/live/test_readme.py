# SPDX-FileCopyrightText: The Fedway authors
# SPDX-License-Identifier: Apache-2.0
"""What the README tells an operator to write is accepted by the daemon that was installed."""
import os
import re
import subprocess

import fedway
from certificates import self_signed

SOURCE = os.environ.get("FEDWAY_SOURCE") or os.path.join(os.path.dirname(__file__), "..", "..")


def test_the_configuration_of_the_readme_is_accepted(tmp_path):
    with open(os.path.join(SOURCE, "README.md"), encoding="utf-8") as f:
        blocks = re.findall(r"((?:^       [^\n]*\n|^\n)+)", f.read(), re.MULTILINE)
    text = next(b for b in blocks if "realm" in b)
    installed = fedway.Installation()
    os.rename(self_signed(str(tmp_path), "edge.corp.example").both, tmp_path / "edge.pem")
    for name in ("chat.secret", "dialback.secret"):
        (tmp_path / name).write_text("secret\n")
        os.chmod(tmp_path / name, 0o600)
    conf = tmp_path / "fedway.conf"
    conf.write_text(f'module_path = "{installed.modules}";\n' + text)
    done = subprocess.run([f"{installed.prefix}/sbin/fedwayd", "--check", "--config", str(conf)], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env={**os.environ, **installed.env})
    assert done.returncode == 0, done.stdout
