#!/usr/bin/env bash
# Fails when a file, a function or a line is too long, or a folder is missing in ARCHITECTURE.md.
exec python3 "$(dirname "$0")/../tools/tidy.py"
