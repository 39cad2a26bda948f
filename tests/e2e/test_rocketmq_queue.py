"""The RocketMQ queue by itself against a real RocketMQ: rocketmq_queue.sh says what each part is."""
import subprocess
from pathlib import Path

import pytest

pytestmark = [pytest.mark.rocketmq, pytest.mark.timeout(630)]
SCRIPT = Path(__file__).with_name("rocketmq_queue.sh")


@pytest.mark.parametrize("parts", ["basic restart", "auth"])
def test_rocketmq_queue(parts):
    # By `timeout`, so that the script stops its servers when it takes too long.
    done = subprocess.run(["timeout", "-k", "30", "570", SCRIPT, *parts.split()], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
    print(done.stdout[-8000:])
    assert done.returncode == 0
    assert "\nall passed\n" in done.stdout
