#include "summond/notify/sender.hpp"

#include "summond/base/base64.hpp"
#include "summond/sign/hmac.hpp"

namespace summond::notify {

void Sender::post(const config::Webhook& webhook, const Notice& notice, Done done) {
    namespace beast_http = boost::beast::http;
    http::Url url = http::split(webhook.url);
    http::Request request(beast_http::verb::post, url.target, 11, notice.body);
    request.set(beast_http::field::host, url.authority);
    request.set(beast_http::field::user_agent, agent_);
    request.set(beast_http::field::content_type, "application/json");
    request.keep_alive(false);
    for (const auto& [name, value] :
         headers(webhook.secret, notice, std::chrono::system_clock::now()))
        request.set(name, value);
    request.prepare_payload();
    http::exchange(
        io_, resolvers_, std::move(url), std::move(request),
        {.tls = {.ca = webhook.ca, .certificate = {}, .key = {}}, .timeout = webhook.timeout},
        std::move(done));
}

Headers headers(const std::string& secret, const Notice& notice,
                std::chrono::system_clock::time_point now) {
    const std::string timestamp = std::to_string(
        std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count());
    Headers lines{{"webhook-id", notice.id}, {"webhook-timestamp", timestamp}};
    if (!secret.empty()) {
        std::string signed_text = notice.id;
        signed_text.append(".").append(timestamp).append(".").append(notice.body);
        lines.emplace_back("webhook-signature",
                           "v1," + base::to_base64(sign::hmac_sha256(secret, signed_text)));
    }
    return lines;
}

}  // namespace summond::notify
