# Sourced by ./demo and ./check: makes sure of the programs that a build needs, and says what it
# installs. Nothing is installed that is already there.

say() { printf '%s\n' "$*" >&2; }

fail() {
  say "error: $*"
  exit 1
}

# apt_install WHY PACKAGE...
apt_install() {
  local why=$1
  shift
  command -v apt-get >/dev/null || fail "$why is missing, and there is no apt-get to install $* with: install it, then run this again"
  local as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || fail "$why is missing: as root, run apt-get install $*, then run this again"
    as_root=(sudo)
  fi
  say "$why is missing: installing $* with apt-get"
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -qq </dev/null >&2
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" </dev/null >&2
}

need_build_tools() {
  if ! command -v cargo >/dev/null && [ -x "$HOME/.cargo/bin/cargo" ]; then
    PATH="$HOME/.cargo/bin:$PATH"
  fi
  command -v cargo >/dev/null || fail "cargo is missing: install Rust 1.95 or newer with rustup (https://rustup.rs), then run this again"
  command -v cc >/dev/null || apt_install "a C compiler" gcc libc6-dev
}
