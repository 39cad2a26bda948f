"""E2E_SLOW=4: every wait of the tests is four times as long, for a binary with sanitizers."""
import os

SLOW = float(os.environ.get("E2E_SLOW", "1"))
