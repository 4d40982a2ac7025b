# shellcheck shell=bash
# What the system must have before anything builds. Sourced by ./photon and ./check.

say() { printf 'photon: %s\n' "$*" >&2; }

# 69 is EX_UNAVAILABLE of sysexits.h: something outside this repository is missing.
unavailable() {
  say "$@"
  exit 69
}

require_swift() {
  command -v swift >/dev/null 2>&1 && return
  say "no Swift toolchain found (no 'swift' in PATH)."
  say "Install Swift 6.3 or newer from https://www.swift.org/install, open a new shell and call this again."
  exit 69
}

is_installed() {
  [ "$(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# Runs as root: directly, or through sudo; without a terminal sudo must not wait for a password.
as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  elif ! command -v sudo >/dev/null 2>&1; then
    return 1
  elif [ -t 0 ]; then
    sudo "$@"
  else
    sudo -n "$@"
  fi
}

apt_install() {
  local options=(-qq -y --no-install-recommends -o Dpkg::Use-Pty=0)
  as_root env DEBIAN_FRONTEND=noninteractive apt-get "${options[@]}" install "$@" >&2
}

install_with_apt() {
  say "installing system packages: $*"
  # A fresh machine has no package lists; where there are some, they are refreshed only if they are too old to serve.
  if compgen -G '/var/lib/apt/lists/*_Packages*' >/dev/null && apt_install "$@" 2>/dev/null; then return; fi
  if as_root apt-get -qq update >&2 && apt_install "$@"; then return; fi
  unavailable "could not install them. As an administrator run: apt-get update && apt-get install $*"
}

# Where there is no apt, only what can be seen is checked.
explain_packages() {
  local missing=()
  local folders=(/usr /usr/local /opt/homebrew)
  local found_gsl='' found_blas='' folder
  for folder in "${folders[@]}"; do
    if [ -e "$folder/include/gsl/gsl_version.h" ]; then found_gsl=yes; fi
    if compgen -G "$folder/lib*/libopenblas.*" >/dev/null || compgen -G "$folder/lib/*/libopenblas.*" >/dev/null ||
      [ -d "$folder/opt/openblas" ]; then
      found_blas=yes
    fi
  done
  [ -n "$found_gsl" ] || missing+=("GSL")
  [ -n "$found_blas" ] || missing+=("OpenBLAS")
  command -v gnuplot >/dev/null 2>&1 || missing+=("gnuplot")
  [ ${#missing[@]} -gt 0 ] || return 0
  say "missing on this system: ${missing[*]}"
  if command -v brew >/dev/null 2>&1; then
    unavailable "install them with: brew install gsl openblas gnuplot"
  elif command -v dnf >/dev/null 2>&1; then
    unavailable "install them with: dnf install gsl-devel openblas-devel gnuplot"
  elif command -v pacman >/dev/null 2>&1; then
    unavailable "install them with: pacman -S gsl openblas gnuplot"
  else
    unavailable "install the development files of GSL and OpenBLAS, and gnuplot, with this system's package manager"
  fi
}

require_packages() {
  if ! command -v apt-get >/dev/null 2>&1 || ! command -v dpkg-query >/dev/null 2>&1; then
    explain_packages
    return
  fi
  local missing=() package
  for package in libgsl-dev libopenblas-dev; do
    is_installed "$package" || missing+=("$package")
  done
  command -v gnuplot >/dev/null 2>&1 || missing+=(gnuplot-nox)
  command -v python3 >/dev/null 2>&1 || missing+=(python3)
  [ ${#missing[@]} -eq 0 ] || install_with_apt "${missing[@]}"
}
