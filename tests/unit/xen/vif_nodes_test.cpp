#include "vif_nodes.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "spare_domids.hpp"

namespace summond::xen {
namespace {

const Vif vif{5, 2, {0x00, 0x16, 0x3e, 0x01, 0x02, 0x03}, "xenbr0"};

const std::string frontend = "/local/domain/5/device/vif/2";
const std::string backend = "/local/domain/0/backend/vif/5/2";
const std::string libxl = "/libxl/5/device/vif/2";

void expect_nodes(const std::map<std::string, std::string>& wanted) {
    std::map<std::string, std::string> written;
    for (const Node& node : vif_nodes(vif, 9000))
        written[node.path] = node.value;
    for (const auto& [path, value] : wanted) {
        ASSERT_TRUE(written.contains(path)) << path;
        EXPECT_EQ(written[path], value) << path;
    }
}

// What applies to a node: its own permissions, else its nearest ancestor's that has some.
std::string permissions(const std::string& path) {
    const auto nodes = vif_nodes(vif, 9000);
    for (std::string at = path; !at.empty(); at.resize(at.rfind('/')))
        for (const Node& node : nodes)
            if (node.path == at && !node.permissions.empty()) {
                std::string text;
                for (const auto& p : node.permissions)
                    text += (p.perms == XS_PERM_NONE   ? "n"
                             : p.perms == XS_PERM_READ ? "r"
                                                       : "?") +
                            std::to_string(p.id);
                return text;
            }
    return "as before";
}

TEST(VifNodes, BackendHasWhatNetbackAndTheGuestNeed) {
    expect_nodes({{backend + "/frontend", frontend},
                  {backend + "/frontend-id", "5"},
                  {backend + "/handle", "2"},
                  {backend + "/mac", "00:16:3e:01:02:03"},
                  {backend + "/online", "1"},
                  {backend + "/state", "1"},
                  {backend + "/script", "/bin/true"},
                  {backend + "/bridge", "xenbr0"},
                  {backend + "/hotplug-status", "connected"}});
}

TEST(VifNodes, SettingsAreWrittenAsByLibxl) {
    Vif special = vif;
    special.name = "web";
    special.mtu = 1400;
    special.rate = 62500;
    special.interval = 50000;
    special.trusted = false;
    std::map<std::string, std::string> written;
    for (const Node& node : vif_nodes(special, special.mtu))
        written[node.path] = node.value;
    EXPECT_EQ(written[backend + "/vifname"], "web");
    EXPECT_EQ(written[backend + "/mtu"], "1400");
    EXPECT_EQ(written[frontend + "/mtu"], "1400");
    EXPECT_EQ(written[backend + "/rate"], "62500,50000");
    EXPECT_EQ(written[frontend + "/trusted"], "0");
    for (const Node& node : vif_nodes(vif, 9000))
        for (const char* name : {"/vifname", "/mtu", "/rate"})
            EXPECT_NE(node.path, backend + name) << "nobody has asked for it";
}

TEST(VifNodes, FrontendHasWhatTheGuestNeeds) {
    expect_nodes({{frontend + "/backend", backend},
                  {frontend + "/backend-id", "0"},
                  {frontend + "/handle", "2"},
                  {frontend + "/mac", "00:16:3e:01:02:03"},
                  {frontend + "/mtu", "9000"},
                  {frontend + "/state", "1"}});
}

TEST(VifNodes, TheUsualMtuIsNotMentioned) {
    for (const Node& node : vif_nodes(vif, 1500))
        EXPECT_NE(node.path, frontend + "/mtu");
}

TEST(VifNodes, LibxlKnowsTheVif) {
    expect_nodes({{libxl + "/backend", backend},
                  {libxl + "/frontend", frontend},
                  {libxl + "/handle", "2"},
                  {libxl + "/mac", "00:16:3e:01:02:03"},
                  {libxl + "/script", "/bin/true"},
                  {libxl + "/type", "vif"}});
}

TEST(VifNodes, GuestWritesItsFrontendAndReadsItsBackend) {
    EXPECT_EQ(permissions(frontend + "/state"), "n5r0");
    EXPECT_EQ(permissions(frontend + "/mtu"), "n0r5");
    EXPECT_EQ(permissions(backend), "n0r5");
    EXPECT_EQ(permissions(backend + "/state"), "n0r5");
    EXPECT_EQ(permissions(libxl + "/backend"), "as before");
}

TEST(VifNodes, DirectoriesComeBeforeWhatIsInThem) {
    std::set<std::string> made;
    for (const Node& node : vif_nodes(vif, 1500)) {
        if (!node.permissions.empty()) {
            EXPECT_FALSE(made.contains(node.path)) << node.path;
        }
        for (std::string at = node.path; !at.empty(); at.resize(at.rfind('/')))
            made.insert(at);
    }
}

std::map<std::string, Node> by_path(const std::vector<Node>& nodes) {
    std::map<std::string, Node> result;
    for (const Node& node : nodes)
        result[node.path] = node;
    return result;
}

TEST(VifNodes, AnotherMacIsWrittenWhereverThereIsOne) {
    std::map<std::string, std::string> there;
    for (const Node& node : vif_nodes(vif, 9000))
        if (node.path.ends_with("/mac"))
            there[node.path] = node.value;
    std::map<std::string, std::string> written;
    for (const Node& node : mac_nodes(vif)) {
        EXPECT_TRUE(node.permissions.empty()) << "they stay as they are";
        written[node.path] = node.value;
    }
    EXPECT_EQ(written, there);
}

// What a spare has and what it gets when it is claimed is together what any vif has.
TEST(VifNodes, ClaimedSpareIsAVif) {
    const Vif first{5, 0, vif.mac, vif.bridge};
    auto together = by_path(spare_nodes(5));
    for (const auto& [path, node] : by_path(claimed_nodes(first, 9000)))
        together[path] = node;
    const auto whole = by_path(vif_nodes(first, 9000));
    ASSERT_EQ(together.size(), whole.size());
    for (const auto& [path, node] : whole) {
        ASSERT_TRUE(together.contains(path)) << path;
        EXPECT_EQ(together[path].value, node.value) << path;
    }
}

// netback has moved on; a state of ours would be a step back.
TEST(VifNodes, ClaimingLeavesNetbacksStateAlone) {
    const auto claimed = by_path(claimed_nodes({5, 0, vif.mac, vif.bridge}, 1500));
    EXPECT_FALSE(claimed.contains("/local/domain/0/backend/vif/5/0/state"));
    EXPECT_FALSE(claimed.contains("/local/domain/0/backend/vif/5/0/online"));
}

// libxl wrote it for the guest to read; the guest has to write it.
TEST(VifNodes, ClaimingGivesTheGuestItsState) {
    const std::string state = "/local/domain/5/" + std::string(spare_state);
    const auto claimed = by_path(claimed_nodes({5, 0, vif.mac, vif.bridge}, 1500));
    ASSERT_TRUE(claimed.contains(state));
    ASSERT_EQ(claimed.at(state).permissions.size(), 2U);
    EXPECT_EQ(claimed.at(state).permissions[0].id, 5U);
    EXPECT_TRUE(claimed.at(state).there);
}

TEST(SpareDomids, GoRoundTheirRange) {
    SpareDomids domids(SpareDomids::end - 1);
    EXPECT_EQ(domids.next(), SpareDomids::end - 1);
    EXPECT_EQ(domids.next(), SpareDomids::first);
    EXPECT_EQ(domids.next(), SpareDomids::first + 1);
    const vm::DomId random = SpareDomids().next();
    EXPECT_GE(random, SpareDomids::first);
    EXPECT_LT(random, SpareDomids::end);
}

TEST(VifNodes, Paths) {
    EXPECT_EQ(VifPaths(12, 0).backend, "/local/domain/0/backend/vif/12/0");
    EXPECT_EQ(VifPaths(12, 0).frontend, "/local/domain/12/device/vif/0");
    EXPECT_EQ(VifPaths(12, 0).libxl, "/libxl/12/device/vif/0");
}

}  // namespace
}  // namespace summond::xen
