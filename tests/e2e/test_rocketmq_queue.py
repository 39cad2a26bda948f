"""The RocketMQ queue by itself against a real RocketMQ: rocketmq_queue.sh says what each part is."""
import subprocess
from pathlib import Path

import pytest

pytestmark = [pytest.mark.rocketmq, pytest.mark.timeout(420)]
SCRIPT = Path(__file__).with_name("rocketmq_queue.sh")


@pytest.mark.parametrize("part", ["basic", "restart", "auth"])
def test_rocketmq_queue(part):
    done = subprocess.run([SCRIPT, part], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=400)
    print(done.stdout[-8000:])
    assert done.returncode == 0
    assert "\nall passed\n" in done.stdout
