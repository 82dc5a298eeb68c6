# What tests with real programs share: installing Debian's packages, and being content where that cannot be had.
#
# Sourced by tests/*/run, with these set before:
#   SUITE       the name in messages
#   PACKAGES    what is to be installed
#   installed   a function: is everything here that the test needs?

APT_SECONDS=300

skip() {
    echo "tests/$SUITE: skipped: $1"
    exit 0
}

# Debian starts a service as it installs it, unless policy-rc.d says no.
install_packages() {
    local policy=/usr/sbin/policy-rc.d
    if [[ ! -e $policy ]]; then
        trap "rm -f $policy" EXIT
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod +x "$policy"
    fi
    local get=(timeout "$APT_SECONDS" apt-get -qq -o Acquire::Retries=0 -o Acquire::http::Timeout=10)
    "${get[@]}" update && DEBIAN_FRONTEND=noninteractive "${get[@]}" install -y --no-install-recommends "${PACKAGES[@]}"
}

# Installs what is missing, where apt-get and its mirror can be had; elsewhere the test is skipped.
require_packages() {
    if installed >/dev/null 2>&1; then
        return
    fi
    command -v apt-get >/dev/null || skip "it needs ${PACKAGES[*]}, and there is no apt-get to install them"
    [[ $EUID -eq 0 ]] || skip "it needs ${PACKAGES[*]}; install them, or run this as root"
    local log
    log=$(mktemp)
    install_packages >"$log" 2>&1 </dev/null || skip "${PACKAGES[*]} could not be installed; see $log"
    rm -f "$log"
    installed >/dev/null 2>&1 || skip "${PACKAGES[*]} were installed, but are not where Debian has them"
}

# Python's standard library is all that the tests take from it.
require_python() {
    local oldest=3.10
    python3 -c "import sys; sys.exit(sys.version_info < (${oldest/./, }))" 2>/dev/null ||
        skip "it needs python3, at least $oldest"
}
