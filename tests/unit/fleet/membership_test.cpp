// A membership beside an etcd that says what a test wants, at a time that the test says.
#include "summond/fleet/membership.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <vector>

#include "fake_clock.hpp"
#include "summond/base/base64.hpp"

namespace summond::fleet {
namespace {

using namespace std::chrono_literals;

std::string base64(std::string_view text) {
    return base::to_base64({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}

class FakeTransport final : public Transport {
  public:
    struct Asked {
        std::size_t server;
        std::string path;
        std::string body;
        std::string token;
        Done done;
    };

    void call(std::size_t server, const etcd::Request& request, const std::string& token,
              std::chrono::milliseconds /*timeout*/, Done done) override {
        asked.push_back({server, request.path, request.body, token, std::move(done)});
    }
    void watch(std::size_t server, const etcd::Request& request, const std::string& token,
               std::chrono::milliseconds /*timeout*/, Part its_part, Done done) override {
        watched = Asked{server, request.path, request.body, token, std::move(done)};
        part = std::move(its_part);
    }
    void cancel() override {
        asked.clear();
        watched.reset();
    }

    std::deque<Asked> asked;
    std::optional<Asked> watched;
    Part part;
};

struct KeyText {
    std::string name;
    std::string value;
    int revision = 1;
    int lease = 1;

    std::string json() const {
        return R"({"key":")" + base64("/summond/hosts/" + name) + R"(","value":")" + base64(value) +
               R"(","mod_revision":")" + std::to_string(revision) + R"(","lease":")" +
               std::to_string(lease) + "\"}";
    }
};

std::string host_value(const std::string& identity, const std::string& incarnation = "i") {
    Host host;
    host.identity = identity;
    host.incarnation = incarnation;
    return to_value(host);
}

class MembershipTest : public testing::Test {
  protected:
    Settings settings() const {
        Settings settings;
        settings.config.name = "me";
        settings.config.etcd = {"http://one:1", "http://two:2"};
        settings.identity = "mine";
        return settings;
    }
    void make(const Settings& with) {
        membership.emplace(
            with, "now", clock, [] { return 1.0; }, etcd,
            Membership::Told{[this](const std::string& name, const Host&) { told += "+" + name; },
                             [this](const std::string& name) { told += "-" + name; }, [] {}});
        membership->start();
    }

    // The only request that is under way.
    std::string path() const { return etcd.asked.size() == 1 ? etcd.asked[0].path : "?"; }
    void answer(const std::string& body, unsigned status = 200) {
        ASSERT_FALSE(etcd.asked.empty());
        const auto done = etcd.asked[0].done;
        etcd.asked.pop_front();
        done({status, body, status == 0 ? body : ""});
    }
    void grant(int id = 7) {
        ASSERT_EQ(path(), "/v3/lease/grant");
        answer(R"({"ID":")" + std::to_string(id) + R"(","TTL":"5"})");
    }
    void put(int revision) {
        ASSERT_EQ(path(), "/v3/kv/txn");
        answer(R"({"header":{"revision":")" + std::to_string(revision) + R"("},"succeeded":true})");
    }
    void taken(const KeyText& other) {
        ASSERT_EQ(path(), "/v3/kv/txn");
        answer(R"({"responses":[{"response_range":{"kvs":[)" + other.json() + "]}}]}");
    }
    void list(const std::vector<KeyText>& keys, int revision = 10) {
        ASSERT_EQ(path(), "/v3/kv/range");
        std::string all;
        for (const KeyText& key : keys)
            all += (all.empty() ? "" : ",") + key.json();
        answer(R"({"header":{"revision":")" + std::to_string(revision) + R"("},"kvs":[)" + all +
               "]}");
    }
    void hear(const std::string& line) { etcd.part(line + "\n"); }
    void created() { hear(R"({"result":{"created":true}})"); }
    void event(const KeyText& key, bool deleted = false) {
        hear(R"({"result":{"events":[{)" + std::string(deleted ? R"("type":"DELETE",)" : "") +
             R"("kv":)" + key.json() + "}]}}");
    }
    void kept(int seconds = 5) {
        ASSERT_EQ(path(), "/v3/lease/keepalive");
        answer(R"({"result":{"ID":"7","TTL":")" + std::to_string(seconds) + R"("}})");
    }
    // From the beginning to where it follows.
    void join(const std::vector<KeyText>& others = {}) {
        make(settings());
        grant();
        put(10);
        std::vector<KeyText> keys = others;
        keys.push_back(own());
        list(keys);
        created();
        ASSERT_TRUE(membership->status().connected);
        ASSERT_TRUE(membership->status().joined);
    }
    KeyText own() const { return {"me", host_value("mine", "now"), 10, 7}; }
    void pass(base::Duration time) {
        clock.advance(time);
        membership->tick();
    }
    void pass_until_due() {
        ASSERT_TRUE(membership->due());
        pass(std::max<base::Duration>(*membership->due() - clock.now(), 0ns));
    }
    std::vector<std::string> names() const {
        std::vector<std::string> all;
        for (const auto& [name, host] : membership->hosts())
            all.push_back(name);
        return all;
    }

    test::FakeClock clock;
    FakeTransport etcd;
    std::optional<Membership> membership;
    std::string told;
};

using Names = std::vector<std::string>;

TEST_F(MembershipTest, Joins) {
    join({{"a", host_value("a")}});
    EXPECT_EQ(names(), (Names{"a", "me"}));
    EXPECT_EQ(told, "+a+me");
    ASSERT_TRUE(etcd.watched);
    EXPECT_NE(etcd.watched->body.find(R"("start_revision":"11")"), std::string::npos);
    EXPECT_TRUE(etcd.asked.empty());
}

TEST_F(MembershipTest, KeepsTheLease) {
    join();
    pass(1s);
    EXPECT_TRUE(etcd.asked.empty());
    pass(700ms);
    kept();
    EXPECT_TRUE(etcd.asked.empty());
    pass(1700ms);
    kept();
    EXPECT_TRUE(membership->status().joined);
}

TEST_F(MembershipTest, JoinsAgainWhenTheLeaseIsOver) {
    join();
    pass_until_due();
    kept(0);
    EXPECT_FALSE(membership->status().joined);
    grant(8);
    EXPECT_NE(etcd.asked[0].body.find(R"("lease":"8")"), std::string::npos);
    put(12);
    EXPECT_TRUE(membership->status().joined);
    // What etcd has said before that comes late.
    event({"me", "", 11}, true);
    event({"me", host_value("mine", "now"), 12, 8});
    EXPECT_TRUE(etcd.asked.empty());
    EXPECT_TRUE(membership->status().joined);
    EXPECT_EQ(names(), Names{"me"});
    pass_until_due();
    kept();
}

TEST_F(MembershipTest, HostsComeAndGo) {
    join({{"a", host_value("a")}});
    told.clear();
    event({"b", host_value("b"), 11});
    event({"b", host_value("b"), 12});
    EXPECT_EQ(told, "+b") << "nothing has changed";
    event({"a", "", 13}, true);
    event({"x", "", 14}, true);
    EXPECT_EQ(told, "+b-a");
    EXPECT_EQ(names(), (Names{"b", "me"}));
}

TEST_F(MembershipTest, LinesComeInPieces) {
    join();
    const std::string line =
        R"({"result":{"events":[{"kv":)" + KeyText{"b", host_value("b"), 11}.json() + "}]}}\n";
    for (const char c : line + line)
        etcd.part(std::string(1, c));
    EXPECT_EQ(names(), (Names{"b", "me"}));
    etcd.part("\n" + line + line);
    EXPECT_TRUE(membership->status().connected);
}

TEST_F(MembershipTest, AnEndlessLineIsTooLong) {
    join();
    const std::string piece(1 << 20, 'x');
    for (int i = 0; i < 4; ++i)
        etcd.part(piece);
    EXPECT_TRUE(membership->status().connected);
    etcd.part("x");
    EXPECT_FALSE(membership->status().connected);
    EXPECT_EQ(membership->status().why, "what it says of the hosts is too long");
}

TEST_F(MembershipTest, BadValuesAreIgnored) {
    join({{"a", host_value("a")}, {"bad", "7"}, {"b c", host_value("b")}});
    EXPECT_EQ(names(), (Names{"a", "me"}));
    EXPECT_EQ(membership->status().ignored, 2U);
    event({"a", "bad", 12});
    EXPECT_EQ(names(), Names{"me"}) << "it is not known how that host is";
    EXPECT_EQ(membership->status().ignored, 3U);
    EXPECT_TRUE(membership->status().connected);
}

TEST_F(MembershipTest, ThereAreAtMostSoManyHosts) {
    join();
    for (int i = 0; i < 300; ++i)
        event({"h" + std::to_string(i), host_value("x"), 11 + i});
    EXPECT_EQ(membership->hosts().size(), Membership::most_hosts);
    EXPECT_EQ(membership->status().ignored, 301 - Membership::most_hosts);
}

TEST_F(MembershipTest, AnotherServerWhenOneFails) {
    join({{"a", host_value("a")}});
    pass_until_due();
    EXPECT_EQ(etcd.asked[0].server, 0U);
    answer("no answer", 0);
    EXPECT_FALSE(membership->status().connected);
    EXPECT_TRUE(membership->status().joined) << "the lease is not over yet";
    EXPECT_EQ(names(), (Names{"a", "me"})) << "what was known last";
    EXPECT_FALSE(etcd.watched);
    pass_until_due();
    ASSERT_EQ(path(), "/v3/lease/keepalive");
    EXPECT_EQ(etcd.asked[0].server, 1U);
    kept();
    taken(own());  // its own key of before, which it need not write again
    told.clear();
    list({own(), {"b", host_value("b")}}, 20);
    created();
    EXPECT_EQ(told, "-a+b");
    EXPECT_TRUE(membership->status().connected);
    EXPECT_TRUE(membership->status().joined);
}

TEST_F(MembershipTest, BacksOff) {
    make(settings());
    std::vector<std::size_t> servers;
    std::vector<std::chrono::milliseconds> waits;
    for (int i = 0; i < 16; ++i) {
        servers.push_back(etcd.asked.at(0).server);
        answer("refused", 0);
        waits.push_back(std::chrono::duration_cast<std::chrono::milliseconds>(*membership->due() -
                                                                              clock.now()));
        pass_until_due();
    }
    EXPECT_EQ(std::vector(servers.begin(), servers.begin() + 4),
              (std::vector<std::size_t>{0, 1, 0, 1}));
    EXPECT_EQ(std::vector(waits.begin(), waits.begin() + 6),
              (std::vector<std::chrono::milliseconds>{100ms, 250ms, 100ms, 500ms, 100ms, 1000ms}));
    EXPECT_EQ(waits.back(), 5s);
}

TEST_F(MembershipTest, ANameThatIsTaken) {
    make(settings());
    grant();
    Host other;
    other.identity = "other";
    other.networks = {{base::IpAddress::v4({192, 0, 2, 0}), 24}};
    const KeyText its{"me", to_value(other), 4, 3};
    taken(its);
    list({its});
    created();
    EXPECT_TRUE(membership->status().refused);
    EXPECT_FALSE(membership->status().joined);
    EXPECT_EQ(membership->status().why,
              "another host is called me, that with 192.0.2.0/24; give each a name of its own");
    EXPECT_EQ(names(), Names{"me"});
    pass_until_due();
    kept();
    event({"me", "", 11}, true);
    kept();
    put(12);
    EXPECT_TRUE(membership->status().joined);
    EXPECT_FALSE(membership->status().refused);
    EXPECT_EQ(membership->status().why, "");
}

TEST_F(MembershipTest, TakesOverItsOwnKeyAfterARestart) {
    make(settings());
    grant();
    taken({"me", host_value("mine", "before"), 4, 3});
    EXPECT_NE(etcd.asked[0].body.find(R"("mod_revision":"4")"), std::string::npos);
    put(10);
    list({own()});
    created();
    EXPECT_TRUE(membership->status().joined);
}

TEST_F(MembershipTest, TwoOfOneIdentityDoNotTakeTurns) {
    join();
    event({"me", host_value("mine", "another"), 11, 9});
    EXPECT_TRUE(membership->status().refused);
    EXPECT_FALSE(membership->status().joined);
    EXPECT_NE(membership->status().why.find("/etc/machine-id"), std::string::npos);
    // Nor when the connection breaks.
    const auto ended = etcd.watched->done;
    ended({0, "", "gone"});
    pass_until_due();
    kept();
    taken({"me", host_value("mine", "another"), 11, 9});
    EXPECT_EQ(path(), "/v3/kv/range") << "it is not written again";
}

TEST_F(MembershipTest, ACompactedRevision) {
    join();
    hear(R"({"result":{"canceled":true,"compact_revision":"30"}})");
    EXPECT_FALSE(membership->status().connected);
    pass_until_due();
    kept();
    taken(own());
    list({own(), {"z", host_value("z")}}, 40);
    created();
    EXPECT_NE(etcd.watched->body.find(R"("start_revision":"41")"), std::string::npos);
    EXPECT_EQ(names(), (Names{"me", "z"}));
}

TEST_F(MembershipTest, SomebodyDeletesTheKey) {
    join();
    event({"me", "", 11}, true);
    kept();
    put(12);
    EXPECT_TRUE(membership->status().joined);
}

TEST_F(MembershipTest, TellsHowItIs) {
    join();
    membership->health(true, false);
    ASSERT_EQ(path(), "/v3/kv/txn");
    EXPECT_NE(etcd.asked[0].body.find("LEASE"), std::string::npos);
    membership->health(true, true);  // while that is under way
    put(11);
    EXPECT_EQ(path(), "/v3/kv/txn");
    put(12);
    EXPECT_TRUE(etcd.asked.empty());
    membership->health(true, true);
    EXPECT_TRUE(etcd.asked.empty()) << "that is known";
}

TEST_F(MembershipTest, ChangesWithoutLeaving) {
    join();
    Settings changed = settings();
    changed.config.location = "1,2";
    EXPECT_TRUE(membership->change(changed));
    put(11);
    changed.config.name = "you";
    EXPECT_FALSE(membership->change(changed));
}

TEST_F(MembershipTest, Leaves) {
    join();
    bool left = false;
    membership->leave(1s, [&] { left = true; });
    ASSERT_EQ(path(), "/v3/lease/revoke");
    EXPECT_EQ(etcd.asked[0].body, R"({"ID":"7"})");
    EXPECT_FALSE(left);
    answer("{}");
    EXPECT_TRUE(left);
    EXPECT_EQ(membership->due(), std::nullopt);
}

TEST_F(MembershipTest, LeavesBeforeItHasJoined) {
    make(settings());
    bool left = false;
    membership->leave(1s, [&] { left = true; });
    EXPECT_TRUE(left);
    EXPECT_TRUE(etcd.asked.empty());
}

TEST_F(MembershipTest, Users) {
    Settings with = settings();
    with.config.user = "u";
    with.config.password = "p";
    make(with);
    ASSERT_EQ(path(), "/v3/auth/authenticate");
    answer(R"({"token":"abc"})");
    EXPECT_EQ(etcd.asked[0].token, "abc");
    grant();
    answer(R"({"error":"etcdserver: invalid auth token"})", 401);
    EXPECT_EQ(membership->status().why, "etcdserver: invalid auth token");
    pass_until_due();
    EXPECT_EQ(path(), "/v3/auth/authenticate") << "a new one";
}

TEST_F(MembershipTest, NonsenseIsAFailure) {
    for (const char* nonsense : {"", "[]", "{}", "{\"ID\":{}}"}) {
        make(settings());
        answer(nonsense);
        EXPECT_TRUE(membership->due()) << nonsense;
        EXPECT_FALSE(membership->status().joined);
        etcd.cancel();
    }
}

}  // namespace
}  // namespace summond::fleet
