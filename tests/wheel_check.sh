#!/bin/sh
# Builds the wheel, installs it in a fresh environment outside the checkout, and makes a film of one shot with it.
set -eu
python=$1
builder=$(cd "$(dirname "$2")" && pwd)/$(basename "$2")
checkout=$(cd "$(dirname "$0")/.." && pwd)
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
git -C "$checkout" archive --format=tar HEAD | (mkdir "$place/source" && tar -x -C "$place/source")
"$builder" -m build --wheel --outdir "$place/dist" "$place/source" >"$place/build.log" 2>&1 || { cat "$place/build.log"; exit 1; }
"$python" -m venv "$place/env"
"$place/env/bin/python" -m pip --disable-pip-version-check -qq install -c "$checkout/constraints.txt" "$place"/dist/*.whl
cd "$place"
KINOGRAPH_HOME=$place/home env/bin/kinograph make "A red ball rolls across a green meadow at sunset." --out film >/dev/null
test -s film/film.mp4 && test -s film/manifest.json && test -s film/contact_sheet.png
KINOGRAPH_HOME=$place/home env/bin/kinograph models >/dev/null
echo "wheel check: $(basename dist/*.whl) made $(ls film | tr '\n' ' ')"
