# What tools/run and tools/test share: a virtual environment in the checkout, made once. To be sourced.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
venv=$root/.venv
oldest="3.11"

say() { printf '%s\n' "$*" >&2; }
die() { say "$*"; exit 2; }

# Prints the interpreter to use: $HEALTHMON_PYTHON, else the first of the usual names that is new enough.
find_python() {
  local candidate
  for candidate in ${HEALTHMON_PYTHON:+"$HEALTHMON_PYTHON"} python3 python3.13 python3.12 python3.11; do
    if "$candidate" -c "import sys; sys.exit(sys.version_info < (${oldest/./, }))" 2>/dev/null; then
      command -v "$candidate"
      return
    fi
    [[ -z ${HEALTHMON_PYTHON:-} ]] || die "HEALTHMON_PYTHON=$HEALTHMON_PYTHON is not a Python >= $oldest: set it to one that is."
  done
  die "healthmon needs Python >= $oldest, and there is none here: sudo apt install python3 python3-venv (Debian 12, Ubuntu 24.04 or newer), or set HEALTHMON_PYTHON to one."
}

# What an environment was made from. When it changes (another Python, a moved checkout), it is made anew.
environment_of() {
  "$1" -c 'import sys; print(sys.version, sys.base_prefix)'
  printf '%s\n' "$root"
}

# Runs a command quietly; when it fails, shows what it said.
quietly() {
  local log
  log=$(mktemp)
  if ! "$@" >"$log" 2>&1; then
    tail -n 30 "$log" >&2
    rm -f "$log"
    return 1
  fi
  rm -f "$log"
}

make_environment() {
  local python=$1
  [[ -w $root ]] || die "Cannot write into $root, where the virtual environment is to be made: use a checkout of your own."
  "$python" -c 'import ensurepip, venv' 2>/dev/null || die "$python cannot make virtual environments: sudo apt install python3-venv"
  say "Making a virtual environment in $venv ..."
  rm -rf "$venv"
  quietly "$python" -m venv "$venv" || die "Could not make $venv: see above."
  put_in_place
  environment_of "$python" >"$venv/made-from"
}

# Makes `import healthmon` and the command `healthmon` work from the checkout as it stands, without a build.
put_in_place() {
  local packages
  packages=$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
  printf '%s\n' "$root" >"$packages/healthmon.pth"
  cat >"$venv/bin/healthmon" <<SCRIPT
#!/bin/sh
cmp -s "$root/tools/requirements.lock" "$venv/requirements.lock" || echo "healthmon: $root needs other packages than it has: $root/tools/run --set-up" >&2
exec "$venv/bin/python" -P -c 'import sys; from healthmon.cli.main import main; sys.argv[0] = "$venv/bin/healthmon"; main()' "\$@"
SCRIPT
  chmod +x "$venv/bin/healthmon"
}

# set_up LOCK...: makes sure that the environment holds what each lock file says. The first time takes a minute, later
# ones no time; one that was interrupted is carried on.
set_up() {
  local python lock stamp
  python=$(find_python) || exit
  exec 9<"$root"
  flock 9 # a second one at the same time waits for the first
  [[ $(environment_of "$python") == "$(cat "$venv/made-from" 2>/dev/null)" ]] || make_environment "$python"
  for lock; do
    stamp=$venv/${lock##*/}
    if ! cmp -s "$lock" "$stamp"; then
      say "Installing the packages of tools/${lock##*/} ..."
      quietly "$venv/bin/python" -m pip install --disable-pip-version-check --no-input --require-hashes -r "$lock" ||
        die "Could not install them: see above. Without a network, point pip to a mirror (PIP_INDEX_URL or pip.conf)."
      cp "$lock" "$stamp"
    fi
  done
  exec 9<&-
}

# Who runs a service may not write into its checkout, and would compile all of it at each start.
compile_once() {
  "$venv/bin/python" -m compileall -q "$root/healthmon" || say "Not everything could be compiled: each start will take a second longer."
}
