#!/usr/bin/env python3
"""Style that no compiler checks: file and function length, line width, the folders of ARCHITECTURE.md.

tools/tidy.py            prints what is wrong, one line each, and a count; exit code 1 when there is anything"""
import pathlib
import re
import subprocess
import sys

LINES_MAX = 500
FUNCTION_LINES_MAX = 70
COLUMNS_MAX = 100
CODE = (".cpp", ".hpp")

root = pathlib.Path(__file__).resolve().parent.parent
files = subprocess.run(["git", "ls-files"], cwd=root, capture_output=True, text=True, check=True).stdout.split()
faults = []

# A definition at the left margin, up to the brace that closes it there; namespaces, types and tables of data are not functions.
NOT_A_FUNCTION = re.compile(r"^(namespace|struct|class|enum|union|extern|using|const|constexpr|static const|inline const)\b")


def functions(lines):
    start = None
    for number, line in enumerate(lines, 1):
        if start is None and line.endswith("{") and not line.startswith((" ", "}", "/")):
            head = number
            while head > 1 and lines[head - 2] and not lines[head - 2].endswith((";", "}", ":")) and lines[head - 2][0] not in "/# ":
                head -= 1
            start = None if any(NOT_A_FUNCTION.match(l) for l in lines[head - 1 : number]) else number
        elif start is not None and line.startswith("}"):
            yield start, number - start + 1
            start = None


for name in files:
    path = root / name
    if not name.endswith(CODE) or not path.exists():
        continue
    lines = path.read_text().splitlines()
    if len(lines) > LINES_MAX:
        faults.append(f"{name}: {len(lines)} lines, more than {LINES_MAX}: split it by concept")
    for number, line in enumerate(lines, 1):
        if len(line) > COLUMNS_MAX and '"' not in line:  # the formatter does not break a text
            faults.append(f"{name}:{number}: {len(line)} columns, more than {COLUMNS_MAX}")
    for number, length in functions(lines):
        if length > FUNCTION_LINES_MAX:
            faults.append(f"{name}:{number}: a function of {length} lines, more than {FUNCTION_LINES_MAX}")

table = (root / "ARCHITECTURE.md").read_text()
for folder in sorted({name.split("/")[0] for name in files if "/" in name}):
    if not folder.startswith(".") and f"| `{folder}/`" not in table:
        faults.append(f"ARCHITECTURE.md: the table of folders lacks {folder}/")

for fault in faults:
    print(fault)
print(f"{len(faults)} faults in {len(files)} files")
sys.exit(1 if faults else 0)
