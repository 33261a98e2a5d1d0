# scripts/demo on a dom0: that Xen itself, with a bridge of the demo's own, so that no network of
# the machine's is touched. Sourced by scripts/demo.

bridge=summond-demo
dom0_address=10.213.53.1
dom0_listen=127.0.0.1:5353
guest_address=10.213.53.50
gateway=$dom0_address
guest_kernel=$root/$build/guest/guest
dns_address=127.0.0.1
dns_port=5353
page_address=$guest_address
# For --pages.
pages_directory=$root/build/demo/pages
pages_network=fd53:6d64::/64
site_address=$dom0_address

prepare() {
    say "making the bridge $bridge with $dom0_address/24"
    ip link show $bridge >/dev/null 2>&1 || ip link add $bridge type bridge
    clean() {
        [ -z "${summond_pid:-}" ] || kill "$summond_pid" 2>/dev/null || true
        [ -z "${summond_pid:-}" ] || wait "$summond_pid" 2>/dev/null || true
        [ ! -e build/demo/nginx.pid ] || kill "$(cat build/demo/nginx.pid)" || true
        ip link del $bridge
    }
    ip address replace $dom0_address/24 dev $bridge
    ip link set $bridge up
}

prepare_pages() {
    command -v nginx >/dev/null || fail "nginx is missing (apt install nginx-light)"
    page_address=$site_address
    ip address replace "${pages_network%/*}1/64" dev $bridge
    nginx -c "$root/$2" || fail "nginx did not start"
}

in_dom0() { bash -c "$1"; }

start_summond() {
    setsid "$build/summond" --config "$1" >build/demo/summond.log 2>&1 </dev/null &
    summond_pid=$!
    within 30 grep -q ' ready: ' build/demo/summond.log || {
        summond_log >&2
        fail "summond did not start"
    }
}

summond_log() { cat build/demo/summond.log; }

keep_note() {
    cat <<NOTE
left running:
  DNS    dig @$dns_address -p $dns_port www.jit.example     (wakes the unikernel)
  page   http://$page_address/
  end    sudo kill $summond_pid; sudo ip link del $bridge
NOTE
}
