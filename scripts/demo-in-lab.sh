# scripts/demo on a machine that is no dom0: the Xen is in QEMU. Sourced by scripts/demo.

lab="tests/lab/lab --arch $arch"
dom0_address=10.0.2.15
dom0_listen=10.0.2.15:5353
guest_address=10.0.2.50
gateway=10.0.2.2
bridge=xenbr0
guest_kernel=/opt/lab/guest
dns_address=127.0.0.1
dns_port=5353
page_address=127.0.0.1:8080
# For --pages: nginx has the address to which the port is forwarded.
pages_directory=/srv/pages
pages_network=fec0::/64
site_address=$guest_address

prepare() {
    if $lab status >/dev/null; then
        say "ending the lab that is still up"
        $lab down >build/demo/lab.log 2>&1
    fi
    local port
    for port in $dns_port 8080; do
        if (exec 3<>/dev/tcp/127.0.0.1/$port) 2>/dev/null; then
            fail "127.0.0.1:$port is in use (ss -ltnp says by whom); free it and run the demo again"
        fi
    done
    say "starting a Xen host in QEMU (the first time: building its image, some minutes)"
    $lab up --dns-port $dns_port --http-port 8080 2>&1 | tee build/demo/lab.log | sed 's/^/         /' ||
        fail "the Xen host did not start; see build/demo/lab.log"
    clean() { $lab down >>build/demo/lab.log 2>&1; }
    lab_accel=$($lab status | sed -n 's/.*pid [0-9]*, \([a-z]*\),.*/\1/p')
    local strip=strip
    [ "$arch" = "$native" ] || strip=aarch64-linux-gnu-strip
    $strip -o build/demo/summond "$build/summond"
    $lab push build/demo/summond /opt/summond/summond >>build/demo/lab.log 2>&1
    $lab push "$build/guest/guest" $guest_kernel >>build/demo/lab.log 2>&1
}

prepare_pages() {
    in_dom0 "ip address replace $site_address/24 dev $bridge"
    $lab push "$1" "$pages_directory" >>build/demo/lab.log 2>&1
    $lab push "$2" /etc/nginx-demo.conf >>build/demo/lab.log 2>&1
    in_dom0 "nginx -c /etc/nginx-demo.conf"
}

in_dom0() { $lab ssh "$1"; }

start_summond() {
    $lab push "$1" /etc/summond.yaml >>build/demo/lab.log 2>&1
    in_dom0 "setsid /opt/summond/summond --config /etc/summond.yaml >/var/log/summond.log 2>&1 </dev/null &"
    within 30 in_dom0 "grep -q ' ready: ' /var/log/summond.log" || {
        summond_log >&2
        fail "summond did not start"
    }
}

summond_log() { in_dom0 "cat /var/log/summond.log"; }

keep_note() {
    cat <<NOTE
left running:
  DNS    dig @$dns_address -p $dns_port www.jit.example     (wakes the unikernel)
  page   http://$page_address/
  dom0   $lab ssh
  end    sudo $lab down
NOTE
}
