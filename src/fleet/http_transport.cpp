#include "summond/fleet/http_transport.hpp"

#include <utility>

#include "summond/http/url.hpp"

namespace summond::fleet {

void HttpTransport::call(std::size_t server, const etcd::Request& request, const std::string& token,
                         std::chrono::milliseconds timeout, Done done) {
    http::Terms terms;
    terms.timeout = timeout;
    terms.longest = longest_answer;
    post(server, request, token, std::move(terms), std::move(done));
}

void HttpTransport::watch(std::size_t server, const etcd::Request& request,
                          const std::string& token, std::chrono::milliseconds timeout, Part part,
                          Done ended) {
    http::Terms terms;
    terms.timeout = timeout;
    terms.part = [part = std::move(part), after = after_](std::string_view text) {
        part(text);
        after();
    };
    post(server, request, token, std::move(terms), std::move(ended));
}

void HttpTransport::post(std::size_t server, const etcd::Request& request, const std::string& token,
                         http::Terms terms, Done done) {
    namespace beast_http = boost::beast::http;
    http::Url url = http::split(config_.etcd.at(server));
    http::Request post(beast_http::verb::post, request.path, 11, request.body);
    post.set(beast_http::field::host, url.authority);
    post.set(beast_http::field::user_agent, agent_);
    post.set(beast_http::field::content_type, "application/json");
    if (!token.empty())
        post.set(beast_http::field::authorization, token);
    post.keep_alive(false);
    post.prepare_payload();
    terms.tls = {config_.ca, config_.certificate, config_.key};
    const bool streams = static_cast<bool>(terms.part);
    std::erase_if(running_, [](const auto& each) { return each.expired(); });
    running_.push_back(http::exchange(
        io_, resolvers_, std::move(url), std::move(post), std::move(terms),
        [done = std::move(done), after = after_, streams](const http::Answer& answer) {
            if (answer.status == 200 && !streams && !answer.whole)
                done({0, {}, "its answer is too long, or was broken off"});
            else
                done({answer.status, answer.body, answer.what});
            after();
        }));
}

void HttpTransport::cancel() {
    for (const auto& each : std::exchange(running_, {}))
        if (const auto running = each.lock())
            running->cancel();
}

}  // namespace summond::fleet
