// rumprun/cfg: files as they are, and the same by key.
#include "../../../src/config/rumprun.hpp"

#include <gtest/gtest.h>

#include "files_given.hpp"

namespace summond::config {
namespace {

const std::string cfg_path = "/srv/cfg.json";
// In the form that the rumprun script gives it.
const std::string from_script =
    " {, \n"
    "\t\"net\" :  {, \n"
    "\t\t\"if\":\t\t\"xenif0\", \n"
    "\t\t\"cloner\":\t\"true\", \n"
    "\t\t\"type\":\t\"inet\", \n"
    "\t\t\"method\":\t\"dhcp\", \n"
    "\t}, \n"
    "\t\"blk\" :  {, \n"
    "\t\t\"source\":\t\"dev\", \n"
    "\t\t\"path\":\t\"virtual\", \n"
    "\t\t\"fstype\":\t\"kernfs\", \n"
    "\t\t\"mountpoint\":\t\"/kern\", \n"
    "\t}, \n"
    "\t\"blk\" :  {, \n"
    "\t\t\"source\":\t\"etfs\", \n"
    "\t\t\"path\":\t\"xvda\", \n"
    "\t}, \n"
    "\t\"env\": \"A=b\", \n"
    "\t\"cmdline\": \"hello world\", \n"
    "\t\"hostname\": \"www\", \n"
    "}, \n";

// A service with the disk that from_script opens; what is said of its rumprun is on line 9.
Lines rumprun_service(const std::string& rumprun) {
    return good_service.with("rumprun", rumprun)
        .with("disks", "[{path: a, device: xvda, mode: w}]");
}

std::string text_of(const std::string& rumprun) {
    return service_with({}, rumprun_service(rumprun)).rumprun;
}

std::string faults_of(const std::string& content) {
    return problems_with({{cfg_path, content}}, rumprun_service("{config: " + cfg_path + "}"));
}

TEST(Rumprun, AFileGoesThroughUnchanged) {
    const service::Template service =
        service_with({{cfg_path, from_script}}, rumprun_service("{config: " + cfg_path + "}"));
    EXPECT_EQ(service.rumprun, from_script);
    EXPECT_EQ(service.type, service::DomainType::pv);
    EXPECT_EQ(faults_of(from_script), "");
    EXPECT_EQ(service_with({{cfg_path, from_script}},
                           good_service.with("rumprun", "{config: " + cfg_path + "}")
                               .with("type", "pvh")
                               .with("pvshim", "true"))
                  .type,
              service::DomainType::pvh);
}

TEST(Rumprun, OtherFormsThatTheGuestReads) {
    for (const std::string text : {
             R"({"cmdline":"a"})",
             R"({"rc":[{"bin":"a","argv":["b","c"],"runmode":"&"},{"bin":"d"}]})",
             R"({{"cmdline":"a"},{"net":{"if":"xenif0"}}})",
             R"(anything {"cmdline" : "a \"b\" c" })",
         })
        EXPECT_EQ(faults_of(text), "") << text;
}

TEST(Rumprun, ByKey) {
    EXPECT_EQ(text_of("{cmdline: program -v, hostname: \"{name}\", env: [A=1, \"B=x y\"], "
                      "net: {mask: 24, gw: 10.0.0.1}, "
                      "blk: {path: xvda, mountpoint: /data}}"),
              "{, \n"
              "\t\"net\": {, \n"
              "\t\t\"if\": \"xenif0\", \n"
              "\t\t\"cloner\": \"true\", \n"
              "\t\t\"type\": \"inet\", \n"
              "\t\t\"method\": \"static\", \n"
              "\t\t\"addr\": \"10.0.0.10\", \n"
              "\t\t\"mask\": \"24\", \n"
              "\t\t\"gw\": \"10.0.0.1\", \n"
              "\t}, \n"
              "\t\"blk\": {, \n"
              "\t\t\"source\": \"etfs\", \n"
              "\t\t\"path\": \"xvda\", \n"
              "\t\t\"fstype\": \"blk\", \n"
              "\t\t\"mountpoint\": \"/data\", \n"
              "\t}, \n"
              "\t\"env\": \"A=1\", \n"
              "\t\"env\": \"B=x y\", \n"
              "\t\"blk\": {, \n"
              "\t\t\"source\": \"dev\", \n"
              "\t\t\"path\": \"virtual\", \n"
              "\t\t\"fstype\": \"kernfs\", \n"
              "\t\t\"mountpoint\": \"/kern\", \n"
              "\t}, \n"
              "\t\"cmdline\": \"program -v\", \n"
              "\t\"hostname\": \"www\", \n"
              "}, \n");
    const std::string text = text_of(
        "{cmdline: a, net: [{method: dhcp}, {if: xenif7, cloner: false, type: inet6, method: "
        "auto}], blk: [{source: dev, path: /dev/ld0a}]}");
    std::vector<RumprunFault> unknown;
    std::vector<RumprunDisk> disks;
    EXPECT_FALSE(check_rumprun(text, unknown, disks)) << text;
    EXPECT_TRUE(disks.empty()) << "none of Xen's: " << disks[0].path;
    EXPECT_TRUE(unknown.empty());
    EXPECT_NE(text.find("\"if\": \"xenif7\""), std::string::npos) << text;
    EXPECT_EQ(text.find("mask"), std::string::npos) << text;
}

TEST(Rumprun, DisksOfXensAreOpenedForWriting) {
    const auto with_disk = [](const std::string& mode, const std::string& device) {
        return good_service.with("disks", "[{path: a, device: xvda, mode: " + mode + "}]")
            .with("rumprun", "{cmdline: a, blk: {path: " + device + ", mountpoint: /d}}");
    };
    const std::string warning =
        "warning: rumprun of service www: the guest opens xvda (etfs) for writing, and ends where "
        "it cannot; give the disk mode: w, which leaves no standby copies";
    EXPECT_EQ(problems_with({}, with_disk("r", "xvda")), "10:39: " + warning);
    EXPECT_EQ(
        problems_with({}, with_disk("w", "xvdb")),
        "10:39: warning: rumprun of service www: the guest opens xvdb (etfs), which is none of "
        "its disks, and ends; add it to disks");
    for (const std::string device : {"d0p0", "51712", "xvdaa", "xvda10", "vda"})
        EXPECT_EQ(problems_with({}, with_disk("w", device)),
                  "10:39: warning: rumprun of service www: the guest knows no disk " + device +
                      " (etfs), and ends; say xvda, sda or hda, with a digit for a partition");
    EXPECT_EQ(problems_with({}, with_disk("w", "xvda")), "");
    EXPECT_EQ(problems_with({{cfg_path,
                              "{\"cmdline\": \"a\",\n\"blk\": {\"source\": \"etfs\", "
                              "\"path\": \"xvda\"}}"}},
                            good_service.with("disks", "[{path: a, device: xvda}]")
                                .with("rumprun", "{config: " + cfg_path + "}")),
              cfg_path + ":2:8: " + warning);
}

TEST(Rumprun, Size) {
    const auto of_size = [](std::size_t size) {
        const std::string text = "{\"cmdline\": \"\"}";
        return "{\"cmdline\": \"" + std::string(size - text.size(), 'x') + "\"}";
    };
    EXPECT_EQ(max_rumprun, 4064U);
    EXPECT_EQ(faults_of(of_size(usual_rumprun)), "");
    EXPECT_NE(faults_of(of_size(usual_rumprun + 1))
                  .find("warning: rumprun of service www comes to 2049 octets; oxenstored takes"),
              std::string::npos);
    EXPECT_EQ(service_with({{cfg_path, of_size(max_rumprun)}},
                           good_service.with("rumprun", "{config: " + cfg_path + "}"))
                  .rumprun.size(),
              max_rumprun);
    EXPECT_EQ(faults_of(of_size(max_rumprun + 1)),
              cfg_path + ": 4065 octets, more than the 4064 that xenstore takes beside its path");
    const std::string key = "{cmdline: " + std::string(4064, 'x') + "}";
    EXPECT_NE(problems_with({}, good_service.with("rumprun", key))
                  .find("rumprun of service www comes to 4"),
              std::string::npos);
}

TEST(Rumprun, WhatAFileSaysWrong) {
    EXPECT_EQ(faults_of("\"cmdline\": 1"),
              cfg_path + ":1:1: no rumprun configuration: there is no { in it");
    EXPECT_EQ(faults_of("{\n\t\"cmdline\": \"a\""),
              cfg_path + ":2:16: a { without the } that ends it");
    EXPECT_EQ(faults_of("{\"cmdline\": 1}"),
              cfg_path + ":1:13: the value of \"cmdline\" is no text in quotes");
    EXPECT_EQ(faults_of("{\"cmdline\" \"a\"}"), cfg_path + ":1:12: no : after the key \"cmdline\"");
    EXPECT_EQ(faults_of("{\"net\": []}"),
              cfg_path + ":1:9: the value of \"net\" is no object in braces");
    EXPECT_EQ(faults_of("{cmdline: \"a\"}"), cfg_path + ":1:2: no key, which is a text in quotes");
    EXPECT_EQ(faults_of("{\"cmdline\": \"a"),
              cfg_path + ":1:15: a text without the quote that ends it");
    EXPECT_EQ(faults_of("{\"hostname\": \"a\"}"),
              cfg_path + ":1:1: has no cmdline, the program that the guest runs");
    EXPECT_EQ(faults_of("{\"cmdline\": \"a\"} x"),
              cfg_path + ":1:18: something after the } that ends the configuration");
    EXPECT_EQ(
        faults_of("{\"cmdline\": \"a\",\n\"mount\": {\"a\": [1]}, \"net\": {\"mac\": \"b\"}}"),
        cfg_path + ":2:1: warning: rumprun knows no key \"mount\"; a guest that does not ends\n" +
            cfg_path +
            ":2:30: warning: rumprun knows no key \"mac\" of net; a guest that does not ends");
    const std::string deep = std::string(1000, '[');
    EXPECT_NE(faults_of("{\"x\": " + deep), "");
    EXPECT_EQ(problems_with({}, good_service.with("rumprun", "{config: /none}")),
              "9:23: rumprun.config: /none cannot be read: No such file or directory");
}

class BadRumprun : public testing::TestWithParam<BadCase> {};

TEST_P(BadRumprun, IsRefused) {
    EXPECT_EQ(problems_with({{cfg_path, from_script}}, rumprun_service(GetParam().value)),
              GetParam().problem);
}

INSTANTIATE_TEST_SUITE_P(
    Rumprun, BadRumprun,
    testing::Values(
        BadCase{"rumprun", "a.json",
                "9:14: rumprun is \"a.json\"; it must be a mapping, such as {config: "
                "rumprun.json} or {cmdline: program}"},
        BadCase{"rumprun", "{net: {mask: 24}}",
                "9:14: rumprun has no cmdline; give the program and its arguments"},
        BadCase{"rumprun", "{config: /srv/cfg.json, cmdline: a}",
                "9:47: rumprun.cmdline: config is there too, and says it; leave one of the two "
                "out"},
        BadCase{"rumprun", "{cmdline: a, net: {}}",
                "9:32: a static interface of rumprun has no mask; give the length of its "
                "network's prefix"},
        BadCase{"rumprun", "{cmdline: a, net: {mask: 33}}",
                "9:39: rumprun.net.mask is \"33\"; it must be a whole number from 1 to 32"},
        BadCase{"rumprun", "{cmdline: a, net: {type: inet6, mask: 64}}",
                "9:32: rumprun of service www: {ipv6} needs an IPv6 address, and there is none in "
                "addresses"},
        BadCase{"rumprun", "{cmdline: a, blk: {mountpoint: /a}}",
                "9:32: a disk of rumprun has no path; name the device, as in disks, such as xvda"},
        BadCase{"rumprun", "{cmdline: a, blk: {path: xvda, fstype: blk}}",
                "9:53: rumprun.blk.fstype: nothing is mounted; give the mountpoint too"},
        BadCase{"rumprun", "{cmdline: a, env: [A]}",
                "9:33: rumprun.env is \"A\"; it must be NAME=VALUE or a list of them"},
        BadCase{"rumprun", "{cmdline: 'a \"b\"'}",
                "9:24: rumprun.cmdline is \"a \"b\"\", with a quote or backslash in it, which "
                "rumprun has no way to take; it must be the program and its arguments"},
        BadCase{"rumprun", "{cmdline: '{name'}",
                "9:24: rumprun of service www: a { alone; write {{ for a brace"},
        BadCase{"rumprun", "{cmdline: a, hostnam: b}",
                "9:27: unknown key \"rumprun.hostnam\"; did you mean \"rumprun.hostname\"?"}));

}  // namespace
}  // namespace summond::config
