#include "webhooks.hpp"

#include <algorithm>

#include "scalars.hpp"
#include "summond/base/base64.hpp"

namespace summond::config {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t most_webhooks = 32;
constexpr std::size_t longest_url = 2000;
constexpr std::size_t least_secret = 16;
constexpr std::size_t longest_secret = 512;
constexpr std::string_view secret_prefix = "whsec_";  // of Standard Webhooks
constexpr std::string_view secret_hint =
    "a text of 16 to 512 characters, or whsec_ and base64; `echo whsec_$(openssl rand -base64 32)` "
    "makes one";

// Of RFC 3986 what is needed here. Who is asked for a password has the signature instead.
bool is_url(std::string_view url) {
    if (url.starts_with("https://"))
        url.remove_prefix(8);
    else if (url.starts_with("http://"))
        url.remove_prefix(7);
    else
        return false;
    const std::string_view host = url.substr(0, url.find_first_of("/?"));
    return !host.empty() && host.front() != ':' &&
           host.find_first_of("@\\") == std::string_view::npos &&
           std::ranges::all_of(url, [](char c) { return c > ' ' && c < 0x7f && c != '#'; });
}

void read_url(const Value& value, Webhook& webhook) {
    // Without the value: it may have a token in it.
    value.takes(R"(https?://[!-"$-.0-9;->A-\[\]-~][!-"$-.0->A-\[\]-~]*(?:[/?][!-"$-~]*)?)",
                longest_url);
    const std::string& url = value.node->text;  // empty if it is no scalar
    if (is_url(url) && url.size() <= longest_url)
        webhook.url = url;
    else
        value.complain(
            "must be a URL such as https://hooks.example.org/summond, without user, password and "
            "fragment");
}

void read_events(const Value& value, Webhook& webhook) {
    std::vector<std::string_view> words(webhook_events.begin(), webhook_events.end());
    webhook.events = 0;
    for (const Value& item : value.list_or_one("an event or a list of events, such as [failed]"))
        if (const auto event = item.one_of(words))
            webhook.events |= 1U << *event;
}

// The octets that are the key. Nothing: it is none.
std::optional<std::string> parse_secret(std::string_view text) {
    if (text.size() < least_secret || text.size() > longest_secret)
        return std::nullopt;
    if (!text.starts_with(secret_prefix))
        return std::string(text);
    auto key = base::from_base64(text.substr(secret_prefix.size()));
    return key && key->size() >= least_secret ? key : std::nullopt;
}

void read_secret(const Value& value, Webhook& webhook) {
    value.takes(R"((?!whsec_)[^\x00-\x1f\x7f]{16,512}|whsec_[A-Za-z0-9+/]{22,504}={0,2})");
    const auto secret = parse_secret(value.node->text);
    if (secret)
        webhook.secret = *secret;
    else  // without the value
        value.complain("must be " + std::string(secret_hint));
}

void read_secret_file(const Value& value, const Paths& paths, Webhook& webhook) {
    const auto content = paths.read_content(value);
    if (!content)
        return;
    webhook.files.push_back(content->path);
    std::string_view text = content->text;
    text = text.substr(0, text.find_last_not_of(" \t\r\n") + 1);
    const auto secret = parse_secret(text);
    if (secret)
        webhook.secret = *secret;
    else
        value.complain(content->path + " must hold " + std::string(secret_hint));
}

void read_ca_file(const Value& value, const Paths& paths, Webhook& webhook) {
    auto content = paths.read_content(value);
    if (!content)
        return;
    webhook.files.push_back(content->path);
    if (content->text.find("-----BEGIN CERTIFICATE-----") == std::string::npos)
        value.complain(content->path + " has no certificate in it (PEM)");
    webhook.ca = std::move(content->text);
}

void read_services(const Value& value, WebhookDraft& draft) {
    for (const Value& item : value.list_or_one("the name of a service, or a list of names"))
        if (const auto name = item.text("the name of a service")) {
            draft.webhook.services.push_back(*name);
            draft.services_where.push_back(item.where);
        }
}

std::optional<WebhookDraft> read_webhook(const Value& value, const Paths& paths) {
    auto mapping = Mapping::of(value, "webhooks.",
                               "a webhook, such as {name: ops, url: https://hooks.example.org/}");
    if (!mapping)
        return std::nullopt;
    WebhookDraft draft;
    Webhook& webhook = draft.webhook;
    const auto name = mapping->require({"name", "what commands, metrics and the log call it"},
                                       "a webhook", "add name: and a word, such as ops");
    if (name)
        webhook.name = read_plain_name(*name).value_or("");
    if (const auto url = mapping->require({"url", "where the events are sent to, by POST"},
                                          "a webhook", "say where to send events"))
        read_url(*url, webhook);
    if (const auto events = mapping->take(
            {"events", "what it is told of: an event or a list of events", "all events"}))
        read_events(*events, webhook);
    if (const auto services = mapping->take(
            {"services", "whose events it is told of: a service or a list of services", "all"}))
        read_services(*services, draft);
    const auto secret = mapping->take(
        {"secret", "what signatures are made with: 16 characters or more, or whsec_ and base64"});
    const auto file =
        mapping->take({"secret_file", "the path of a file that holds the secret, instead of it"});
    if (secret)
        read_secret(*secret, webhook);
    if (secret && file)
        file->complain("secret is there too; leave one of the two out");
    if (file && (!secret || mapping->is_described()))
        read_secret_file(*file, paths, webhook);
    mapping->has_at_most_one_of({"secret", "secret_file"});
    if (const auto ca =
            mapping->take({"ca_file",
                           "certificates (PEM) that the receiver's is verified by, instead of the "
                           "host's"}))
        read_ca_file(*ca, paths, webhook);
    if (const auto timeout = mapping->take({"timeout", "how long one attempt may take", "10s"}))
        webhook.timeout = read_duration(*timeout, 100ms, 1min, "10s").value_or(webhook.timeout);
    if (const auto retry = mapping->take(
            {"retry_for", "how long an event that is not taken is tried again", "1h"}))
        webhook.retry_for = read_duration(*retry, 0ms, 24h, "1h").value_or(webhook.retry_for);
    mapping->refuse_rest();
    return draft;
}

}  // namespace

std::vector<WebhookDraft> read_webhooks(const Value& value, const Paths& paths) {
    std::vector<WebhookDraft> drafts;
    value.takes_nothing();
    if (value.is_only(Node::Kind::empty) ||
        (value.is_only(Node::Kind::list) && value.node->items.empty()))
        return drafts;
    const auto items = value.list("a list of webhooks, such as - name: ops");
    if (items.size() > most_webhooks)
        value.complain("at most " + std::to_string(most_webhooks) + " webhooks");
    for (const Value& item : items) {
        auto draft = read_webhook(item, paths);
        if (!draft)
            continue;
        const bool twice = std::ranges::any_of(drafts, [&](const WebhookDraft& other) {
            return !draft->webhook.name.empty() && other.webhook.name == draft->webhook.name;
        });
        if (twice)
            item.complain("the name " + in_quotes(draft->webhook.name) +
                          " is there twice; keep one");
        drafts.push_back(std::move(*draft));
    }
    return drafts;
}

void check_webhooks(const std::vector<WebhookDraft>& webhooks,
                    const std::vector<ServiceDraft>& services, Problems& problems) {
    std::vector<std::string_view> known;
    for (const ServiceDraft& service : services)
        known.push_back(service.service.name);
    for (const WebhookDraft& draft : webhooks)
        for (std::size_t i = 0; i < draft.webhook.services.size(); ++i) {
            const std::string& name = draft.webhook.services[i];
            if (std::ranges::find(known, name) != known.end())
                continue;
            const auto meant = nearest(name, known);
            problems.error(draft.services_where[i],
                           "webhooks.services: no service is called " + in_quotes(name) +
                               (meant.empty() ? "; name one of services, or leave this out"
                                              : "; did you mean " + in_quotes(meant) + "?"));
        }
}

}  // namespace summond::config
