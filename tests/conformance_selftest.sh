#!/usr/bin/env bash
# docs/conformance.md has a row for every statement of tests/conformance_numbers.txt, once, and every test that it names exists.
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
exec python3 tests/conformance_check.py
