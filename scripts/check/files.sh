#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What holds for every source file: at most 400 lines, and a licence line on top. And for the lock file: no host in it.
set -u
max_lines=400
status=0
problem() {
  echo "$*" >&2
  status=1
}

# A source archive has no git; what git does not know yet is looked at too.
sources=$(git ls-files --cached --others --exclude-standard -- '*.ts' '*.c' '*.cpp' '*.h' '*.hpp' '*.sh' x .ci/run '*CMakeLists.txt')
[ -n "$sources" ] || problem "Found no source file"
for file in $sources; do
  [ -f "$file" ] || continue
  lines=$(wc -l <"$file")
  [ "$lines" -le "$max_lines" ] || problem "$file has $lines lines, the limit is $max_lines"
  head -n 3 "$file" | grep -q 'SPDX-License-Identifier: Apache-2.0' || problem "$file does not name its licence in its first lines"
done

if grep -n '"resolved"' package-lock.json >&2; then
  problem "package-lock.json names hosts; .npmrc leaves them out: npm install --package-lock-only"
fi
version_of() { sed -n 's/^  "version": "\(.*\)",$/\1/p' "$1" | head -n 1; }
[ "$(version_of deno.json)" = "$(version_of package.json)" ] || problem "deno.json and package.json differ in their version"
exit $status
