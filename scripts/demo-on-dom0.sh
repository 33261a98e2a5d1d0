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

prepare() {
    say "making the bridge $bridge with $dom0_address/24"
    ip link show $bridge >/dev/null 2>&1 || ip link add $bridge type bridge
    clean() {
        [ -z "${summond_pid:-}" ] || kill "$summond_pid" 2>/dev/null || true
        [ -z "${summond_pid:-}" ] || wait "$summond_pid" 2>/dev/null || true
        ip link del $bridge
    }
    ip address replace $dom0_address/24 dev $bridge
    ip link set $bridge up
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
