// Requests to etcd 3.4, and what it has said to such.
#include "summond/fleet/etcd.hpp"

#include <gtest/gtest.h>

namespace summond::fleet::etcd {
namespace {

TEST(EtcdRequest, Texts) {
    EXPECT_EQ(grant(5).body, R"({"TTL":"5"})");
    EXPECT_STREQ(grant(5).path, "/v3/lease/grant");
    EXPECT_EQ(keep_alive(2324035738522955783).body, R"({"ID":"2324035738522955783"})");
    EXPECT_EQ(authenticate("a", "\"").body, R"({"name":"a","password":"\""})");
    EXPECT_EQ(list("p/", 3).body, R"({"key":"cC8=","range_end":"cDA=","limit":"3"})");
    EXPECT_EQ(watch("p/", 7).body,
              R"({"create_request":{"key":"cC8=","range_end":"cDA=","start_revision":"7",)"
              R"("fragment":true}})");
    const std::string rest =
        R"("success":[{"request_put":{"key":"aw==","value":"dg==","lease":"9"}}],)"
        R"("failure":[{"request_range":{"key":"aw=="}}]})";
    EXPECT_EQ(create("k", "v", 9).body,
              R"({"compare":[{"target":"CREATE","create_revision":"0","key":"aw==",)"
              R"("result":"EQUAL"}],)" +
                  rest);
    EXPECT_EQ(replace("k", "v", 9, 4).body,
              R"({"compare":[{"target":"MOD","mod_revision":"4","key":"aw==","result":"EQUAL"}],)" +
                  rest);
    EXPECT_EQ(
        update("k", "v", 9).body,
        R"({"compare":[{"target":"LEASE","lease":"9","key":"aw==","result":"EQUAL"}],)" + rest);
    EXPECT_NE(list("\xff\xff", 1).body.find(R"("range_end":"AA==")"), std::string::npos);
    EXPECT_NE(list("a\xff", 1).body.find(R"("range_end":"Yg==")"), std::string::npos);
}

TEST(EtcdReply, Leases) {
    const auto lease =
        read_lease(R"({"header":{"revision":"1"},"ID":"2324035738522955781","TTL":"5"})");
    ASSERT_TRUE(lease);
    EXPECT_EQ(lease->id, 2324035738522955781);
    EXPECT_EQ(lease->seconds, 5);
    EXPECT_FALSE(read_lease(R"({"ID":"1"})"));
    EXPECT_FALSE(read_lease(R"({"ID":"99999999999999999999","TTL":"5"})"));
    const auto kept = read_kept_alive("{\"result\":{\"ID\":\"7\",\"TTL\":\"5\"}}\n");
    ASSERT_TRUE(kept);
    EXPECT_EQ(kept->seconds, 5);
    const auto over = read_kept_alive("{\"result\":{\"ID\":\"123\"}}\n");
    ASSERT_TRUE(over);
    EXPECT_EQ(over->seconds, 0);
    EXPECT_FALSE(read_kept_alive(""));
    const auto refused =
        read_kept_alive(R"({"error":{"grpc_code":14,"message":"no leader\u0007"}})");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().what, "no leader ");
}

TEST(EtcdReply, Puts) {
    const auto done = read_put(
        R"({"header":{"revision":"2"},"succeeded":true,"responses":[{"response_put":{}}]})");
    ASSERT_TRUE(done);
    EXPECT_TRUE(done->done);
    EXPECT_EQ(done->revision, 2);
    const auto other = read_put(
        R"({"header":{"revision":"5"},"responses":[{"response_range":{"kvs":[{"key":"aw==",)"
        R"("create_revision":"2","mod_revision":"3","value":"aGVsbG8=","lease":"9"}]}}]})");
    ASSERT_TRUE(other);
    EXPECT_FALSE(other->done);
    ASSERT_TRUE(other->found);
    EXPECT_EQ(other->found->key, "k");
    EXPECT_EQ(other->found->value, "hello");
    EXPECT_EQ(other->found->modified, 3);
    EXPECT_EQ(other->found->lease, 9);
    const auto none =
        read_put(R"({"header":{"revision":"5"},"responses":[{"response_range":{}}]})");
    ASSERT_TRUE(none);
    EXPECT_FALSE(none->found);
    EXPECT_FALSE(read_put("[]"));
}

TEST(EtcdReply, Listings) {
    const auto listing = read_listing(
        R"({"header":{"revision":"3"},"kvs":[{"key":"YQ==","value":"eA=="},{"key":"Yg=="},)"
        R"({"key":"!!"},7,{"value":"eA=="}],"more":true,"count":"9"})");
    ASSERT_TRUE(listing);
    EXPECT_EQ(listing->revision, 3);
    EXPECT_TRUE(listing->more);
    ASSERT_EQ(listing->keys.size(), 2U);
    EXPECT_EQ(listing->keys[0].value, "x");
    EXPECT_EQ(listing->keys[1].key, "b");
    EXPECT_EQ(listing->keys[1].value, "");
    EXPECT_FALSE(read_listing("{}")) << "nothing could be watched from there";
}

TEST(EtcdReply, News) {
    const auto created = read_news(R"({"result":{"header":{"revision":"3"},"created":true}})");
    ASSERT_TRUE(created);
    EXPECT_TRUE(created->created);
    const auto news = read_news(
        R"({"result":{"events":[{"kv":{"key":"YQ==","mod_revision":"4","value":"eA=="}},)"
        R"({"type":"DELETE","kv":{"key":"Yg==","mod_revision":"5"}},{"type":"DELETE"},8]}})");
    ASSERT_TRUE(news);
    ASSERT_EQ(news->events.size(), 2U);
    EXPECT_FALSE(news->events[0].deleted);
    EXPECT_EQ(news->events[0].key.modified, 4);
    EXPECT_TRUE(news->events[1].deleted);
    EXPECT_EQ(news->events[1].key.key, "b");
    const auto compacted = read_news(R"({"result":{"canceled":true,"compact_revision":"3"}})");
    ASSERT_TRUE(compacted);
    EXPECT_TRUE(compacted->canceled && compacted->compacted);
    EXPECT_FALSE(read_news("{}"));
    EXPECT_FALSE(read_news("{\"result\":7}"));
}

TEST(EtcdReply, Tokens) {
    EXPECT_EQ(read_token(R"({"token":"abc.1"})").value_or(""), "abc.1");
    EXPECT_FALSE(read_token("{}"));
    EXPECT_FALSE(read_token(R"({"token":"a\r\nX: y"})")) << "it goes into a header";
    EXPECT_FALSE(read_token(R"({"token":")" + std::string(5000, 'x') + "\"}"));
}

TEST(EtcdReply, Refusals) {
    EXPECT_EQ(refusal(403, R"({"error":"e","message":"etcdserver: permission denied","code":7})"),
              "etcdserver: permission denied");
    EXPECT_EQ(refusal(502, "<html>"), "HTTP status 502");
    EXPECT_EQ(refusal(400, R"({"error":"bad"})"), "bad");
}

}  // namespace
}  // namespace summond::fleet::etcd
