# scripts/demo --pages: a unikernel per URL. A directory of text files is all that there is of a thousand
# pages; nginx turns paths into names, and summond wakes whom they name. Sourced by scripts/demo.

say "writing 1,000 pages"
rm -rf build/demo/pages
mkdir -p build/demo/pages
for number in $(seq -w 1 1000); do
    printf 'This is page %s of 1000.\nA domain of its own has served it, which was not there before.\n' "$number" \
        >"build/demo/pages/p$number.txt"
done

cat >build/demo/pages.yaml <<CONFIG
listen: ["$dom0_listen"]
zones:
  - name: jit.example
    ns: ns1.jit.example
    records: ["ns1 A $dom0_address"]
services:
  - name: pages
    names: "{id}.pages.jit.example"
    ids: {file: "$pages_directory/{id}.txt"}
    addresses: "$pages_network"
    ttl: 5
    kernel: $guest_kernel
    ramdisk: "$pages_directory/{id}.txt"
    cmdline: "--ipv6={ipv6}/64 --name={name}"
    memory: 16MiB
    bridge: $bridge
    ports: [tcp/80]
    idle: {after: 10s}
    on_exit: destroy
CONFIG

# The example of the package, without TLS.
sed -e "s/listen 443 ssl;/listen $site_address:80;/" -e '/listen \[/d; /ssl_/d' -e "s/127.0.0.1:53;/$dom0_listen;/" \
    config/proxies/nginx-urls.conf >build/demo/urls.conf
{
    echo "pid $($on_dom0 && echo "$root/build/demo/nginx.pid" || echo /run/nginx-demo.pid);"
    echo "error_log stderr;"
    echo "events {}"
    echo "http {"
    echo "access_log off;"
    cat build/demo/urls.conf
    echo "}"
} >build/demo/nginx.conf

prepare_pages build/demo/pages build/demo/nginx.conf
say "starting summond in dom0"
start_summond build/demo/pages.yaml

running() { in_dom0 "xl list" | grep 'pages@' || true; }

printf '\n--- a thousand pages, and nothing runs while nobody asks'
shows "ls $pages_directory | wc -l; xl list"
in_dom0 "ls $pages_directory | wc -l; xl list"
[ -z "$(running)" ] || fail "there is a domain before anybody asked for one"

printf '\n--- three of them are opened'
for page in p0042 p0365 p1000; do
    shows "curl http://$page_address/$page"
    asked=$(milliseconds)
    curl -sf -m 120 "http://$page_address/$page" >build/demo/page.txt || fail "$page did not come"
    served=$(milliseconds)
    cmp build/demo/page.txt "build/demo/pages/$page.txt" || fail "$page is not what its file says"
    cat build/demo/page.txt
    echo "($((served - asked)) ms)"
done
shows "curl -w '%{http_code}' http://$page_address/nobody"
curl -s -o /dev/null -w '%{http_code}\n' -m 60 "http://$page_address/nobody"
shows "xl list"
in_dom0 "xl list"
[ "$(running | wc -l)" = 3 ] || fail "there are not three domains"

printf '\n--- 10 s without traffic, and they are put away'
gone() { [ -z "$(running)" ]; }
within 180 gone || fail "not all of them are gone"
shows "xl list"
in_dom0 "xl list"

printf '\n--- what summond wrote\n'
summond_log | grep -E 'ready:|woke|destroying' || true
$on_dom0 || printf '\n  (Xen in QEMU%s: on hardware everything is many times faster)\n' "${lab_accel:+ with $lab_accel}"
echo

keep_note() {
    cat <<NOTE
left running:
  pages  http://$page_address/p0001 to p1000
  DNS    dig @$dns_address -p $dns_port p0001.pages.jit.example AAAA
  end    $($on_dom0 && echo "sudo kill $summond_pid \$(cat build/demo/nginx.pid); sudo ip link del $bridge" || echo "sudo $lab down")
NOTE
}
