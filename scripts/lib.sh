# Shared by scripts/demo and scripts/test: packages, progress, durations. Sourced by bash.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# say TEXT: one line of progress, with the seconds since the script began.
say() { printf '[%4d s] %s\n' "$SECONDS" "$*"; }

need_root() {
    [ "$(id -u)" = 0 ] || { echo "$0: must be run as root: sudo $0" >&2; exit 1; }
}

# quietly LOG COMMAND...: the output goes to LOG; its last lines are shown if the command fails.
quietly() {
    local log=$1
    shift
    if ! "$@" >"$log" 2>&1 </dev/null; then
        echo "failed: $*; the end of $log:" >&2
        tail -n 30 "$log" >&2
        return 1
    fi
}

# install_packages FILE...: those of the listed Debian packages that are missing. Daemons among them are
# neither started nor enabled: they are there to be measured and compared with.
install_packages() {
    local wanted missing=() package
    wanted=$(cat "$@" | sed 's/#.*//' | tr -s ' \n' '\n' | sort -u)
    for package in $wanted; do
        dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed ||
            missing+=("$package")
    done
    [ ${#missing[@]} = 0 ] && return 0
    say "installing ${#missing[@]} packages: ${missing[*]}"
    mkdir -p "$root/build"
    quietly "$root/build/apt.log" apt-get update -q
    local before after service
    before=$(enabled_services)
    (
        policy=/usr/sbin/policy-rc.d
        if [ ! -e $policy ]; then
            trap 'rm -f $policy' EXIT
            printf '#!/bin/sh\nexit 101\n' >$policy
            chmod 755 $policy
        fi
        DEBIAN_FRONTEND=noninteractive quietly "$root/build/apt.log" \
            apt-get install -y -q --no-install-recommends "${missing[@]}"
    ) || return 1
    after=$(enabled_services)
    for service in $(comm -13 <(echo "$before") <(echo "$after")); do
        systemctl disable -q "$service"
    done
}

enabled_services() {
    { systemctl list-unit-files --state=enabled --no-legend 2>/dev/null || true; } |
        cut -d' ' -f1 | sort
}

native=$(dpkg --print-architecture)

# install_for_lab ARCH: what it takes to build for a Xen host of that architecture and to have one in
# the lab.
install_for_lab() {
    local files=(scripts/packages.txt tests/lab/packages-host.txt "tests/lab/packages-host-$1.txt")
    [ "$1" = "$native" ] || files+=("scripts/packages-$1.txt")
    install_packages "${files[@]}"
}

# preset_for ARCH: the one that builds for it, in build/PRESET.
preset_for() { if [ "$1" = "$native" ]; then echo release; else echo "$1"; fi; }

# build_for ARCH TARGET...
build_for() {
    [ "$1" = "$native" ] || quietly "$root/build/$1-root.log" "$root/scripts/$1-root"
    build "$(preset_for "$1")" "${@:2}"
}

# build PRESET [TARGET...]
build() {
    local preset=$1
    shift
    quietly "$root/build/$preset.log" cmake -S "$root" --preset "$preset" -B "$root/build/$preset"
    quietly "$root/build/$preset.log" cmake --build "$root/build/$preset" ${1:+--target "$@"}
}
