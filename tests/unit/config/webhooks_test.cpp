// The list webhooks.
#include <gtest/gtest.h>

#include "files_given.hpp"

namespace summond::config {
namespace {

using namespace std::chrono_literals;

const Lines good_hook({{"name", "ops"}, {"url", "https://hooks.example.org/summond"}});

std::string with(const std::vector<Lines>& hooks) {
    std::string text = service_config({good_service}) + "webhooks:\n";
    for (const Lines& hook : hooks)
        text += hook.text();
    return text;
}

TEST(Webhooks, Defaults) {
    EXPECT_TRUE(config_of(zone_config(good_zone)).webhooks.empty());
    EXPECT_TRUE(config_of(zone_config(good_zone) + "webhooks: []\n").webhooks.empty());
    const Config config = config_of(with({good_hook}));
    ASSERT_EQ(config.webhooks.size(), 1U);
    const Webhook& hook = config.webhooks[0];
    EXPECT_EQ(hook.name, "ops");
    EXPECT_EQ(hook.url, "https://hooks.example.org/summond");
    EXPECT_EQ(hook.events, 7U);
    EXPECT_TRUE(hook.services.empty());
    EXPECT_EQ(hook.secret + hook.ca, "");
    EXPECT_EQ(hook.timeout, 10s);
    EXPECT_EQ(hook.retry_for, 1h);
}

TEST(Webhooks, Values) {
    const Config config =
        config_of(with({good_hook.with("events", "[failed, woke]")
                            .with("services", "www")
                            .with("secret", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
                            .with("timeout", "500ms")
                            .with("retry_for", "0s"),
                        good_hook.with("name", "b").with("secret", "0123456789abcdef-")}));
    ASSERT_EQ(config.webhooks.size(), 2U);
    const Webhook& hook = config.webhooks[0];
    EXPECT_EQ(hook.events, 5U);
    EXPECT_EQ(hook.services, std::vector<std::string>{"www"});
    EXPECT_EQ(hook.secret.size(), 24U) << "of base64";
    EXPECT_EQ(hook.timeout, 500ms);
    EXPECT_EQ(hook.retry_for, 0s);
    EXPECT_EQ(config.webhooks[1].secret, "0123456789abcdef-");
}

TEST(Webhooks, Files) {
    const std::string text =
        with({good_hook.with("secret_file", "ops.key").with("ca_file", "/ca.pem")});
    const Files files{{"/etc/summond/ops.key", "0123456789abcdef\n"},
                      {"/ca.pem", "-----BEGIN CERTIFICATE-----\n"}};
    const Loaded loaded = parse(text, file, reading(files));
    ASSERT_TRUE(loaded.config) << loaded.problems[0].to_string();
    const Webhook& hook = loaded.config->webhooks[0];
    EXPECT_EQ(hook.secret, "0123456789abcdef");
    EXPECT_EQ(hook.ca, "-----BEGIN CERTIFICATE-----\n");
    EXPECT_EQ(hook.files, (std::vector<std::string>{"/etc/summond/ops.key", "/ca.pem"}));
    EXPECT_EQ(loaded.without_zones.find("ops.key"), std::string::npos)
        << "others have no business with it";
    EXPECT_TRUE(parse(loaded.without_zones, file, {}, ReadZones::no).config);

    const auto problem = [&](const Files& given) {
        const Loaded bad = parse(text, file, reading(given));
        return bad.problems.empty() ? "" : bad.problems[0].what;
    };
    EXPECT_EQ(
        problem({{"/ca.pem", files.at("/ca.pem")}}),
        "webhooks.secret_file: /etc/summond/ops.key cannot be read: No such file or directory");
    EXPECT_EQ(
        problem({{"/etc/summond/ops.key", "short"}, {"/ca.pem", files.at("/ca.pem")}}),
        "webhooks.secret_file: /etc/summond/ops.key must hold a text of 16 to 512 characters, "
        "or whsec_ and base64; `echo whsec_$(openssl rand -base64 32)` makes one");
    EXPECT_EQ(
        problem({{"/etc/summond/ops.key", files.at("/etc/summond/ops.key")}, {"/ca.pem", "x"}}),
        "webhooks.ca_file: /ca.pem has no certificate in it (PEM)");
}

class BadWebhook : public testing::TestWithParam<BadCase> {};

TEST_P(BadWebhook, IsRefused) {
    EXPECT_EQ(problems_of(with({good_hook.with(GetParam().key, GetParam().value)})),
              GetParam().problem);
}

const std::string url_expected =
    "webhooks.url: must be a URL such as https://hooks.example.org/summond, without user, password "
    "and fragment";
const std::string secret_expected =
    "webhooks.secret: must be a text of 16 to 512 characters, or whsec_ and base64; `echo "
    "whsec_$(openssl rand -base64 32)` makes one";

INSTANTIATE_TEST_SUITE_P(
    Each, BadWebhook,
    testing::Values(
        BadCase{"name", "", "10:5: a webhook has no name; add name: and a word, such as ops"},
        BadCase{"url", "", "10:5: a webhook has no url; say where to send events"},
        BadCase{"name", "a b",
                "10:11: webhooks.name is \"a b\"; it must be 1 to 63 letters, digits, dots, - and "
                "_, beginning with a letter or digit"},
        BadCase{"url", "ftp://a/", "11:10: " + url_expected},
        BadCase{"url", "https://", "11:10: " + url_expected},
        BadCase{"url", "https://me:password@a/", "11:10: " + url_expected},
        BadCase{"url", "\"https://a/#b\"", "11:10: " + url_expected},
        BadCase{"url", "[https://a/]", "11:10: " + url_expected},
        BadCase{"events", "wake",
                "12:13: webhooks.events is \"wake\"; it must be woke, put-away or failed"},
        BadCase{"services", "[www, ww]",
                "12:21: webhooks.services: no service is called \"ww\"; did you mean \"www\"?"},
        BadCase{"secret", "short", "12:13: " + secret_expected},
        BadCase{"secret", "whsec_!!!!!!!!!!!!!!!!!!!!!!!!", "12:13: " + secret_expected},
        BadCase{"timeout", "2m",
                "12:14: webhooks.timeout is \"2m\"; it must be a duration from 100ms to 1m, such "
                "as 10s"},
        BadCase{"retry_for", "2d",
                "12:16: webhooks.retry_for is \"2d\"; it must be a duration from 0 to 1d, such as "
                "1h"},
        BadCase{"method", "PUT",
                "12:5: unknown key \"webhooks.method\"; known here: name, url, events, services, "
                "secret, secret_file, ca_file, timeout and retry_for"}));

TEST(Webhooks, TogetherWithOthers) {
    EXPECT_EQ(problems_of(with({good_hook, good_hook})),
              "12:5: webhooks: the name \"ops\" is there twice; keep one");
    EXPECT_EQ(problems_of("control: off\n" + with({good_hook})),
              "11:3: webhooks: with control: off nobody tells them anything; leave one of the two "
              "out");
    EXPECT_EQ(
        problems_of(with({good_hook.with("secret", "0123456789abcdef").with("secret_file", "x")})),
        "13:18: webhooks.secret_file: secret is there too; leave one of the two out");
}

}  // namespace
}  // namespace summond::config
