"""How many descriptors a process lets itself have."""

import subprocess
import sys

import pytest

CODE = """
import resource
from accounts.lib.descriptors import allow_descriptors
resource.setrlimit(resource.RLIMIT_NOFILE, (100, 200))
allow_descriptors({needed})
print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])
"""


@pytest.mark.parametrize(("needed", "allowed"), [(50, 100), (150, 150), (500, 200)])
def test_a_process_has_as_many_as_it_needs_and_may_have(needed, allowed):
    said = subprocess.run(
        [sys.executable, "-c", CODE.format(needed=needed)], capture_output=True, check=True, text=True
    )
    assert int(said.stdout) == allowed
