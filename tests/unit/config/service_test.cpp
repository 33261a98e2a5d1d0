// The keys of a service, and of defaults.
#include <gtest/gtest.h>

#include "texts.hpp"

namespace summond::config {
namespace {

using namespace std::chrono_literals;

TEST(ServiceSettings, Defaults) {
    const service::Template service = service_of(good_service);
    EXPECT_EQ(service.name, "www");
    EXPECT_EQ(service.id, service::id_of("www"));
    ASSERT_EQ(service.names.size(), 1U);
    EXPECT_EQ(service.names[0].to_string(), "www.jit.example.");
    EXPECT_EQ(service.ttl, 60U);
    EXPECT_EQ(service.type, service::DomainType::pvh);
    EXPECT_EQ(service.kernel, "/etc/summond/www.elf");
    EXPECT_FALSE(service.ramdisk);
    EXPECT_EQ(service.cmdline, "");
    EXPECT_EQ(service.memory_kib, 32U * 1024);
    EXPECT_EQ(service.vcpus, 1U);
    ASSERT_EQ(service.interfaces.size(), 1U);
    EXPECT_EQ(service.interfaces[0],
              (service::Interface{service::derived_mac(service.id), "xenbr0", "", "", "", ""}));
    EXPECT_TRUE(service.disks.empty());
    EXPECT_EQ(service.idle_after, 5min);
    EXPECT_EQ(service.idle_action, service::IdleAction::destroy);
    EXPECT_EQ(service.answer.kind, service::AnswerWhen::Kind::booting);
    EXPECT_TRUE(std::holds_alternative<service::ReadyLink>(service.ready.how));
    EXPECT_EQ(service.ready.timeout, 30s);
    EXPECT_FALSE(service.destroy_on_exit);
    const ServicePlaces places = config_of(service_config({good_service})).service_places.at(0);
    EXPECT_EQ(places.name.to_string(), file + ":5:11");
    EXPECT_EQ(places.names.at(0).to_string(), file + ":6:12");
    EXPECT_EQ(places.kernel.to_string(), file + ":8:13");
}

TEST(ServiceSettings, NamesAndAddresses) {
    const service::Template service =
        service_of(good_service.with("names", "[jit.example, A_b.Jit.Example., x.y.jit.example]")
                       .with("addresses", "[2001:db8::1, 10.0.0.1, 10.0.0.2, 2001:db8::2]"));
    ASSERT_EQ(service.names.size(), 3U);
    EXPECT_EQ(service.names[1].to_string(), "a_b.jit.example.");
    ASSERT_EQ(service.ipv4.size(), 2U);
    EXPECT_EQ(service.ipv4[0].to_string(), "10.0.0.1");
    ASSERT_EQ(service.ipv6.size(), 2U);
    EXPECT_EQ(service.ipv6[0].to_string(), "2001:db8::1");
}

TEST(ServiceSettings, ServiceNames) {
    const std::string longest(63, 'a');
    for (const std::string name : {"a", "0x", "web-1", "web.1_b", longest.c_str()})
        EXPECT_EQ(service_with("name", name).name, name);
}

TEST(ServiceSettings, Ttl) {
    EXPECT_EQ(service_with("ttl", "0").ttl, 0U);
    EXPECT_EQ(service_with("ttl", "2147483647").ttl, 2147483647U);
    EXPECT_EQ(service_with("ttl", "5m").ttl, 300U);
}

TEST(ServiceSettings, Paths) {
    // Before a ".." there may be a symbolic link.
    EXPECT_EQ(service_with("kernel", "/boot/../boot/k").kernel, "/boot/../boot/k");
    EXPECT_EQ(service_with("kernel", "../current/k").kernel, "/etc/summond/../current/k");
    EXPECT_EQ(service_with("ramdisk", "./initrd").ramdisk, "/etc/summond/initrd");
}

TEST(ServiceSettings, Cmdline) {
    const Lines both = good_service.with("addresses", "[10.0.0.1, 10.0.0.2, \"2001:db8::1\"]");
    EXPECT_EQ(service_of(both.with("cmdline", "'{ipv4} {ipv6} {name} {mac} {{x}} }}'")).cmdline,
              "10.0.0.1 2001:db8::1 www 00:16:3e:d7:21:ec {x} }");
    EXPECT_EQ(service_of(both.with("cmdline", "a {mac}").with("mac", "02:00:00:00:00:01")).cmdline,
              "a 02:00:00:00:00:01");
    EXPECT_EQ(service_with("cmdline", std::string(4095, 'x')).cmdline.size(), 4095U);
    EXPECT_EQ(service_of(good_service.with("type", "pv").with("cmdline", std::string(1023, 'x')))
                  .cmdline.size(),
              1023U);
}

TEST(ServiceSettings, Memory) {
    EXPECT_EQ(service_with("memory", "1MiB").memory_kib, 1024U);
    EXPECT_EQ(service_with("memory", "16 MiB").memory_kib, 16U * 1024);
    EXPECT_EQ(service_with("memory", "2GiB").memory_kib, 2U * 1024 * 1024);
    EXPECT_EQ(service_with("memory", "8200KiB").memory_kib, 8200U);
    EXPECT_EQ(service_with("memory", "1024GiB").memory_kib, 1024U * 1024 * 1024);
}

TEST(ServiceSettings, VcpusType) {
    EXPECT_EQ(service_with("vcpus", "128").vcpus, 128U);
    EXPECT_EQ(service_with("type", "pv").type, service::DomainType::pv);
}

TEST(ServiceSettings, Idle) {
    EXPECT_FALSE(service_with("idle", "never").idle_after);
    EXPECT_EQ(service_with("idle", "1s").idle_after, 1s);
    EXPECT_EQ(service_with("idle", "365d").idle_after, 365 * 24h);
    const service::Template paused = service_with("idle", "{action: pause}");
    EXPECT_EQ(paused.idle_after, 5min);
    EXPECT_EQ(paused.idle_action, service::IdleAction::pause);
    EXPECT_EQ(service_with("idle", "{after: 2h, action: destroy}").idle_after, 2h);
    EXPECT_EQ(service_with("idle", "{action: suspend}").idle_action, service::IdleAction::suspend);
    EXPECT_EQ(service_with("idle", "{action: suspend}").idle_else, service::IdleAction::pause);
    EXPECT_EQ(service_with("idle", "{action: suspend, else: destroy}").idle_else,
              service::IdleAction::destroy);
    const service::Template shut_down = service_with("idle", "{action: shutdown}");
    EXPECT_EQ(shut_down.idle_action, service::IdleAction::shutdown);
    EXPECT_EQ(shut_down.shutdown_timeout, 30s);
    EXPECT_EQ(service_with("idle", "{action: shutdown, timeout: 2m}").shutdown_timeout, 2min);
}

TEST(ServiceSettings, AnswerReadyOnExit) {
    EXPECT_EQ(service_with("answer", "booting").answer.kind, service::AnswerWhen::Kind::booting);
    EXPECT_EQ(service_with("answer", "ready").answer.kind, service::AnswerWhen::Kind::ready);
    const service::AnswerWhen delayed = service_with("answer", "500ms").answer;
    EXPECT_EQ(delayed.kind, service::AnswerWhen::Kind::delay);
    EXPECT_EQ(delayed.delay, 500ms);
    EXPECT_TRUE(
        std::holds_alternative<service::ReadyLink>(service_with("ready", "link").ready.how));
    EXPECT_EQ(service_with("ready", "{link: true, timeout: 100ms}").ready.timeout, 100ms);
    EXPECT_EQ(service_with("ready", "{timeout: 10m}").ready.timeout, 10min);
    const service::Ready by_key =
        service_with("ready", "{xenstore: data/a/ready, timeout: 5s}").ready;
    EXPECT_EQ(std::get<service::ReadyXenstore>(by_key.how).key, "data/a/ready");
    EXPECT_EQ(by_key.timeout, 5s);
    EXPECT_TRUE(service_with("on_exit", "destroy").destroy_on_exit);
    EXPECT_FALSE(service_with("on_exit", "leave").destroy_on_exit);
}

TEST(ServiceSettings, PortsAndHowTheyShowReadiness) {
    EXPECT_TRUE(service_of(good_service).ports.empty());
    const Lines web = good_service.with("ports", "[icmp, udp/53, tcp, tcp/443, tcp/80]");
    EXPECT_EQ(service_of(web).ports, (std::vector<service::Port>{{service::Protocol::icmp, 0},
                                                                 {service::Protocol::udp, 53},
                                                                 {service::Protocol::tcp, 0},
                                                                 {service::Protocol::tcp, 443},
                                                                 {service::Protocol::tcp, 80}}));
    EXPECT_EQ(std::get<service::ReadyTcp>(service_of(web).ready.how).port, 443);
    const service::Ready with_timeout = service_of(web.with("ready", "{timeout: 5s}")).ready;
    EXPECT_EQ(std::get<service::ReadyTcp>(with_timeout.how).port, 443);
    EXPECT_EQ(with_timeout.timeout, 5s);
    EXPECT_EQ(std::get<service::ReadyTcp>(service_of(web.with("ready", "tcp/80")).ready.how).port,
              80);
    EXPECT_EQ(std::get<service::ReadyTcp>(service_with("ready", "{tcp: 8080}").ready.how).port,
              8080);
    EXPECT_EQ(std::get<service::ReadyTcp>(service_with("ready", "tcp/80").ready.how).http_path, "");
    for (const auto& [given, port, path] :
         {std::tuple("http/8080", 8080, "/"),
          {"{http: 80}", 80, "/"},
          {"{http: 80, path: \"/health?a=%20b\"}", 80, "/health?a=%20b"}}) {
        const auto how = std::get<service::ReadyTcp>(service_with("ready", given).ready.how);
        EXPECT_EQ(how.port, port) << given;
        EXPECT_EQ(how.http_path, path) << given;
    }
    for (const std::string given : {"link", "{link: true}"})
        EXPECT_TRUE(std::holds_alternative<service::ReadyLink>(
            service_of(web.with("ready", given)).ready.how));
    for (const std::string ports : {"icmp", "[udp/53, tcp]"})
        EXPECT_TRUE(
            std::holds_alternative<service::ReadyLink>(service_with("ports", ports).ready.how));
}

TEST(ServiceSettings, GuestThatEndsByItselfWorksAsLongAsItLikes) {
    const service::Template job = service_with("ready", "ends");
    EXPECT_TRUE(std::holds_alternative<service::ReadyEnds>(job.ready.how));
    EXPECT_FALSE(job.idle_after);
    EXPECT_EQ(service_of(good_service.with("ready", "ends").with("idle", "1h")).idle_after, 1h);
}

TEST(ServiceSettings, DefaultsApplyUntilOverridden) {
    const Config config = config_of(
        "defaults:\n"
        "  kernel: base.elf\n"
        "  cmdline: \"ip={ipv4} name={name}\"\n"
        "  memory: 8MiB\n"
        "  idle: {after: 1h, action: pause}\n"
        "  ready: {xenstore: data/ready}\n" +
        service_config({good_service.with("kernel", ""), good_service.with("name", "two")
                                                             .with("names", "two.jit.example")
                                                             .with("addresses", "10.0.0.2")
                                                             .with("idle", "10s")
                                                             .with("memory", "9MiB")}));
    ASSERT_EQ(config.services.size(), 2U);
    EXPECT_EQ(config.services[0].kernel, "/etc/summond/base.elf");
    EXPECT_EQ(config.services[0].cmdline, "ip=10.0.0.10 name=www");
    EXPECT_EQ(config.services[0].memory_kib, 8192U);
    EXPECT_EQ(config.services[0].idle_after, 1h);
    EXPECT_EQ(config.services[1].kernel, "/etc/summond/www.elf");
    EXPECT_EQ(config.services[1].cmdline, "ip=10.0.0.2 name=two");
    EXPECT_EQ(config.services[1].memory_kib, 9216U);
    EXPECT_EQ(config.services[1].idle_after, 10s);
    EXPECT_EQ(config.services[1].idle_action, service::IdleAction::destroy);
    EXPECT_TRUE(std::holds_alternative<service::ReadyXenstore>(config.services[1].ready.how));
}

class BadService : public testing::TestWithParam<BadCase> {};

TEST_P(BadService, IsRefused) {
    const std::string yaml = service_config({good_service.with(GetParam().key, GetParam().value)});
    EXPECT_EQ(problems_of(yaml), GetParam().problem);
    EXPECT_FALSE(parse(yaml, file).config);
}

const std::string service_name =
    "; it must be 1 to 63 letters, digits, dots, - and _, not digits alone and not Domain-0, "
    "beginning with a letter or digit";
const std::string full_name = "; it must be a domain name in full, such as www.jit.example";
const std::string address = "; it must be an IPv4 or IPv6 address of the guest, such as 10.0.0.10";
const std::string no_seconds =
    "; it must be seconds, or a duration such as 5m, from 0 to 2147483647 seconds";
const std::string size = "; it must be a size from 1MiB to 1024GiB, such as 16MiB";
const std::string vcpus = "; it must be a whole number from 1 to 128";
const std::string idle = "; it must be a duration from 1s to 365d, such as 5m";
const std::string port = "; it must be tcp/80, udp/53, icmp, or tcp or udp for any port";
const std::string how_ready =
    "; it must be link, ends, tcp/80, http/80, {tcp: 80}, {http: 80, path: /}, {xenstore: "
    "data/ready} or {link: true}, each with a timeout such as 30s if need be";
const std::string path =
    "; it must be a path such as /health: at most 200 characters of a URL, the first a slash";
const std::string answer = "; it must be booting, ready or a delay from 1ms to 10s";
const std::string key =
    "; it must be a xenstore key below data/, where guests may write, such as data/ready";
const std::string timeout = "; it must be a duration from 100ms to 10m, such as 30s";
const std::string known =
    "; known here: xl, name, names, addresses, ids, ttl, kernel, bootloader, bootloader_args, "
    "ramdisk, "
    "cmdline, memory, max_memory, shadow_memory, vcpus, max_vcpus, cpus, cpus_soft, type, pvshim, "
    "interfaces, bridge, script, mac, disks, rumprun, p9, on_poweroff, on_reboot, on_watchdog, "
    "on_crash, idle, standby, answer, ports, ready, wake, "
    "wake_from, wake_query_from, wake_by, keep, min, on_exit and replicas";

INSTANTIATE_TEST_SUITE_P(
    Identity, BadService,
    testing::Values(
        BadCase{"name", "",
                "5:5: a service has no name; add name: and what its domain is called in xl list"},
        BadCase{"name", "~", "5:5: name is empty" + service_name},
        BadCase{"name", "12", "5:11: name is \"12\"" + service_name},
        BadCase{"name", "Domain-0", "5:11: name is \"Domain-0\"" + service_name},
        BadCase{"name", "-a", "5:11: name is \"-a\"" + service_name},
        BadCase{"name", "a/b", "5:11: name is \"a/b\"" + service_name},
        BadCase{"name", std::string(64, 'a'),
                "5:11: name is \"" + std::string(64, 'a') + "\"" + service_name},
        BadCase{"names", "",
                "5:5: service www has no names; list the domain names that it answers for, such "
                "as www.jit.example"},
        BadCase{"names", "[]",
                "6:12: names is an empty list; it must be a name or a list of names, such as "
                "www.jit.example"},
        BadCase{"names", "www",
                "6:12: names: www. is in none of the zones; write the name in full, or add its "
                "zone"},
        BadCase{"names", "\"*.jit.example\"",
                "6:12: names: \"*.jit.example\" is a wildcard; a service answers for the names "
                "that are listed"},
        BadCase{"names", "\"ü.jit.example\"",
                "6:12: names: \"ü.jit.example\" is not a domain name: DNS writes it "
                "xn--tda.jit.example"},
        BadCase{"names", "a b.jit.example",
                "6:12: names is \"a b.jit.example\", with a character that host names do not "
                "have" +
                    full_name},
        BadCase{"names", "a\\042.jit.example",
                "6:12: names is \"a\\042.jit.example\", with a character that host names do not "
                "have" +
                    full_name},
        BadCase{"names", "[www.jit.example, [x]]", "6:30: names is a list" + full_name},
        BadCase{"addresses", "",
                "5:5: service www has no addresses; list the guest's addresses, such as "
                "10.0.0.10"},
        BadCase{"addresses", "10.0.0.300", "7:16: addresses is \"10.0.0.300\"" + address},
        BadCase{"addresses", "10.0.0.1/24", "7:16: addresses is \"10.0.0.1/24\"" + address},
        BadCase{"addresses", "0.0.0.0",
                "7:16: addresses is \"0.0.0.0\", which is no address of anybody" + address},
        BadCase{"addresses", "224.0.0.1",
                "7:16: addresses is \"224.0.0.1\", a multicast address" + address},
        BadCase{"addresses", "127.1.1.1",
                "7:16: addresses is \"127.1.1.1\", a loopback address" + address},
        BadCase{"addresses", "255.255.255.255",
                "7:16: addresses is \"255.255.255.255\", the broadcast address" + address},
        BadCase{"addresses", "\"::1\"", "7:16: addresses is \"::1\", a loopback address" + address},
        BadCase{"addresses", "fe80::1",
                "7:16: addresses is \"fe80::1\", a link-local address, which says nothing to a "
                "client elsewhere" +
                    address},
        BadCase{
            "addresses", "\"::ffff:10.0.0.1\"",
            "7:16: addresses is \"::ffff:10.0.0.1\", an IPv4 address in an IPv6 one" + address}));

INSTANTIATE_TEST_SUITE_P(
    Domain, BadService,
    testing::Values(
        BadCase{"ttl", "2147483648", "9:10: ttl is \"2147483648\"" + no_seconds},
        BadCase{"ttl", "-1", "9:10: ttl is \"-1\"" + no_seconds},
        BadCase{"kernel", "",
                "5:5: service www has no kernel; say which file to boot, such as kernel: www.elf"},
        BadCase{"kernel", "~", "8:5: kernel is empty; it must be the path of a file"},
        BadCase{"kernel", "\"a\\nb\"",
                "8:13: kernel is \"a\\x0ab\", with a line break or another control character in "
                "it; it must be the path of a file"},
        BadCase{"kernel", std::string(4095, 'k'),
                "8:13: kernel is \"" + std::string(80, 'k') +
                    "...\"; it must be a path of at most 4095 octets"},
        BadCase{"ramdisk", "[]", "9:14: ramdisk is an empty list; it must be the path of a file"},
        BadCase{"cmdline", "{ipv4}",
                "9:14: cmdline is a mapping; it must be the kernel's command line, in quotes if it "
                "begins with {"},
        BadCase{"cmdline", "a {ip4}",
                "9:14: cmdline of service www: \"{ip4}\" is no placeholder; did you mean {ipv4}?"},
        BadCase{"cmdline", "a {hostname}",
                "9:14: cmdline of service www: \"{hostname}\" is no placeholder; known are {ipv4}, "
                "{ipv6}, {name} and {mac}, and {{ and }} are braces"},
        BadCase{"cmdline", "a {ipv6}",
                "9:14: cmdline of service www: {ipv6} needs an IPv6 address, and there is none in "
                "addresses"},
        BadCase{"cmdline", "a } b",
                "9:14: cmdline of service www: a } alone; write }} for a brace"},
        BadCase{"cmdline", "a {name",
                "9:14: cmdline of service www: a { alone; write {{ for a brace"},
        BadCase{"cmdline", std::string(4096, 'x'),
                "9:14: cmdline of service www: longer than 4095 octets once its placeholders are "
                "filled in; shorten it"},
        BadCase{"memory", "16", "9:13: memory is \"16\", without a unit" + size},
        BadCase{"memory", "16MB", "9:13: memory is \"16MB\", with the unknown unit \"MB\"" + size},
        BadCase{"memory", "1.5GiB", "9:13: memory is \"1.5GiB\", with a fraction" + size},
        BadCase{"memory", "1023KiB", "9:13: memory is \"1023KiB\"" + size},
        BadCase{"memory", "1025GiB", "9:13: memory is \"1025GiB\"" + size},
        BadCase{"memory", "99999999999999999999MiB",
                "9:13: memory is \"99999999999999999999MiB\"" + size},
        BadCase{"memory", "much", "9:13: memory is \"much\"" + size},
        BadCase{"vcpus", "0", "9:12: vcpus is \"0\"" + vcpus},
        BadCase{"vcpus", "129", "9:12: vcpus is \"129\"" + vcpus},
        BadCase{"vcpus", "two", "9:12: vcpus is \"two\"" + vcpus},
        BadCase{"vcpus", "~", "9:5: vcpus is empty" + vcpus},
        BadCase{"type", "hvm",
                "9:11: type is \"hvm\", which needs a device model, a qemu for each domain, that "
                "summond does not start; it must be pv or pvh"}));

INSTANTIATE_TEST_SUITE_P(
    Life, BadService,
    testing::Values(
        BadCase{"idle", "5", "9:11: idle is \"5\", without a unit" + idle},
        BadCase{"idle", "500ms", "9:11: idle is \"500ms\"" + idle},
        BadCase{"idle", "366d", "9:11: idle is \"366d\"" + idle},
        BadCase{"idle", "[5m]",
                "9:11: idle is a list; it must be never, a duration such as 5m, or {after: 5m, "
                "action: destroy, pause, suspend or shutdown}"},
        BadCase{"idle", "{after: 5}", "9:19: idle.after is \"5\", without a unit" + idle},
        BadCase{"idle", "{action: stop}",
                "9:20: idle.action is \"stop\"; it must be destroy, pause, suspend or shutdown"},
        BadCase{"idle", "{action: shutdown, timeout: 11m}",
                "9:39: idle.timeout is \"11m\"; it must be a duration from 1s to 10m, such as 30s"},
        BadCase{"idle", "{action: pause, timeout: 5s}",
                "9:36: idle.timeout: it is how long a guest may take to shut down, and goes with "
                "action: shutdown"},
        BadCase{"idle", "{action: pause, else: destroy}",
                "9:33: idle.else: it is what is done with a guest that cannot be suspended, and "
                "goes with action: suspend"},
        BadCase{"idle", "{action: suspend, else: shutdown}",
                "9:35: idle.else is \"shutdown\"; it must be pause or destroy"},
        BadCase{"idle", "{atfer: 5m}",
                "9:12: unknown key \"idle.atfer\"; did you mean \"idle.after\"?"},
        BadCase{"answer", "now", "9:13: answer is \"now\"" + answer},
        BadCase{"answer", "11s", "9:13: answer is \"11s\"" + answer},
        BadCase{"answer", "0ms", "9:13: answer is \"0ms\"" + answer},
        BadCase{"answer", "[ready]", "9:13: answer is a list" + answer},
        BadCase{"ready", "xenstore", "9:12: ready is \"xenstore\"" + how_ready},
        BadCase{"ready", "{xenstore: control/up}", "9:23: ready.xenstore is \"control/up\"" + key},
        BadCase{"ready", "{xenstore: data/}", "9:23: ready.xenstore is \"data/\"" + key},
        BadCase{"ready", "{xenstore: data//a}", "9:23: ready.xenstore is \"data//a\"" + key},
        BadCase{"ready", "{xenstore: data/a.b}", "9:23: ready.xenstore is \"data/a.b\"" + key},
        BadCase{"ready", "{xenstore: data/../a}", "9:23: ready.xenstore is \"data/../a\"" + key},
        BadCase{"ready", "{link: false}", "9:19: ready.link is \"false\"; it must be true"},
        BadCase{"ready", "{link: true, xenstore: data/a}",
                "9:19: ready.link: one of link, tcp, http and xenstore says that a guest is ready"},
        BadCase{"ready", "{tcp: 80, xenstore: data/a}",
                "9:18: ready.tcp: one of link, tcp, http and xenstore says that a guest is ready"},
        BadCase{"ready", "{tcp: 0}",
                "9:18: ready.tcp is \"0\"; it must be a whole number from 1 to 65535"},
        BadCase{"ready", "{http: 80, tcp: 80}",
                "9:28: ready.tcp: one of link, tcp, http and xenstore says that a guest is ready"},
        BadCase{"ready", "{tcp: 80, path: /}",
                "9:28: ready.path: it is what is asked for with http, and goes with http: 80"},
        BadCase{"ready", "{http: 80, path: health}", "9:29: ready.path is \"health\"" + path},
        BadCase{"ready", "{http: 80, path: /a b}", "9:29: ready.path is \"/a b\"" + path},
        BadCase{"ready", "http", "9:12: ready is \"http\"" + how_ready},
        BadCase{"ready", "http/0", "9:12: ready is \"http/0\"" + how_ready},
        BadCase{"ready", "udp/53", "9:12: ready is \"udp/53\"" + how_ready},
        BadCase{"ready", "tcp", "9:12: ready is \"tcp\"" + how_ready},
        BadCase{"ports", "[tcp/80, tcp/0]", "9:21: ports is \"tcp/0\"" + port},
        BadCase{"ports", "sctp/80", "9:12: ports is \"sctp/80\"" + port},
        BadCase{"ports", "icmp/8", "9:12: ports is \"icmp/8\"" + port},
        BadCase{"ports", "tcp/http", "9:12: ports is \"tcp/http\"" + port},
        BadCase{"ports", "[icmp, icmp]", "9:19: ports: \"icmp\" is there already"},
        BadCase{"ready", "{timeout: 30}",
                "9:22: ready.timeout is \"30\", without a unit" + timeout},
        BadCase{"ready", "{timeout: 11m}", "9:22: ready.timeout is \"11m\"" + timeout},
        BadCase{"on_exit", "stop", "9:14: on_exit is \"stop\"; it must be leave or destroy"},
        BadCase{"vpcus", "2", "9:5: unknown key \"vpcus\"; did you mean \"vcpus\"?"},
        BadCase{"adresses", "2", "9:5: unknown key \"adresses\"; did you mean \"addresses\"?"},
        BadCase{"on-exit", "leave", "9:5: unknown key \"on-exit\"; did you mean \"on_exit\"?"},
        BadCase{"extra", "x", "9:5: unknown key \"extra\"" + known},
        BadCase{"<<", "{ttl: 1}",
                "9:5: unknown key \"<<\"; merge keys are not read, settings common to all services "
                "go into defaults"}));

TEST(ServiceSettings, PvTakesAShorterCmdline) {
    EXPECT_EQ(problems_of(service_config(
                  {good_service.with("type", "pv").with("cmdline", std::string(1024, 'x'))})),
              "10:14: cmdline of service www: longer than 1023 octets once its placeholders are "
              "filled in; shorten it");
}

TEST(ServiceSettings, BadDefaultsAreSaidOnceAndWithoutServices) {
    const std::string defaults = "defaults: {memory: 16, names: x, kernle: k, cmdline: '{ipv6}'}\n";
    const std::string own = "1:20: defaults.memory is \"16\", without a unit" + size +
                            "\n1:31: defaults.names: every service has its own; move it there"
                            "\n1:34: unknown key \"defaults.kernle\"; did you mean "
                            "\"defaults.kernel\"?";
    EXPECT_EQ(problems_of(defaults + zone_config(good_zone)), own);
    EXPECT_EQ(problems_of(defaults + service_config({good_service})),
              own +
                  "\n1:54: cmdline of service www: {ipv6} needs an IPv6 address, and there is none "
                  "in addresses");
}

}  // namespace
}  // namespace summond::config
