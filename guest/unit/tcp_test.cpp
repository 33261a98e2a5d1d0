// TCP and the web server of the test unikernel, driven segment by segment over both families.
#include <gtest/gtest.h>

#include "bench.hpp"

namespace guest_test {
namespace {

const char kGet[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

// A client's side of one connection, as scripted by the tests.
class Tcp : public testing::TestWithParam<bool> {
  protected:
    std::vector<Segment> exchange(Segment s) {
        b.receive(tcp(a, s));
        return b.take_segments(a);
    }

    // Sends data or flags in order, and returns what comes back.
    std::vector<Segment> send(const std::string& data, uint8_t flags = ACK) {
        Segment s{port, 80, seq, ack, flags, window, {}, data};
        seq += static_cast<uint32_t>(data.size()) + ((flags & FIN) ? 1 : 0);
        return exchange(s);
    }

    void connect(uint16_t from = 40000) {
        port = from;
        seq = 0xfffffff0u;  // wraps during the test
        auto r = exchange({port, 80, seq++, 0, SYN, window, {2, 4, 5, 0xb4}, {}});
        ASSERT_EQ(r.size(), 1u);
        ASSERT_EQ(r[0].flags, SYN | ACK);
        EXPECT_EQ(r[0].ack, seq);
        EXPECT_EQ(r[0].options.size(), 4u);
        ack = r[0].seq + 1;
        ASSERT_TRUE(send("").empty());
    }

    // Takes in-order data out of the segments, moving ack on; FIN counts.
    std::string accept(const std::vector<Segment>& segments) {
        std::string data;
        for (const Segment& s : segments) {
            if (s.seq == ack) {
                data += s.data;
                ack += static_cast<uint32_t>(s.data.size()) + ((s.flags & FIN) ? 1 : 0);
            }
        }
        return data;
    }

    unsigned in_use() const {
        unsigned n = 0;
        for (const tcp_connection& c : b.net->connections) {
            n += c.state != TCP_FREE;
        }
        return n;
    }

    Bench b;
    Addresses a = GetParam() ? ipv6_addresses() : ipv4_addresses();
    uint16_t port = 0, window = 65535;
    uint32_t seq = 0, ack = 0;
};
INSTANTIATE_TEST_SUITE_P(, Tcp, testing::Bool(),
                         [](const auto& i) { return i.param ? "IPv6" : "IPv4"; });

TEST_P(Tcp, ServesPagesOnOneConnectionUntilTheClientCloses) {
    connect();
    for (int i = 1; i <= 3; i++) {
        std::string page = accept(send(kGet));
        EXPECT_NE(page.find("HTTP/1.1 200 OK"), std::string::npos);
        EXPECT_NE(page.find("requests: " + std::to_string(i)), std::string::npos);
        EXPECT_TRUE(send("").empty());
    }
    EXPECT_EQ(b.deadline, NEVER);  // an idle connection costs nothing
    auto r = send("", FIN | ACK);
    ASSERT_EQ(r.size(), 1u);
    EXPECT_EQ(r[0].flags & FIN, FIN);
    accept(r);
    EXPECT_TRUE(send("").empty());
    EXPECT_EQ(in_use(), 0u);
}

TEST_P(Tcp, ClosesAfterConnectionClose) {
    connect();
    auto r = send("GET / HTTP/1.1\r\nConnection: Close\r\n\r\n");
    accept(r);
    EXPECT_EQ(r.back().flags & FIN, FIN);
    EXPECT_TRUE(send("").empty());
    auto last = send("", FIN | ACK);
    ASSERT_EQ(last.size(), 1u);
    EXPECT_EQ(last[0].ack, seq);
    EXPECT_EQ(in_use(), 1u);  // TIME_WAIT
    b.advance(61 * kSecond);
    EXPECT_EQ(in_use(), 0u);
}

TEST_P(Tcp, FinWait2Ends) {
    connect();
    accept(send("GET / HTTP/1.0\r\n\r\n"));
    send("");
    b.advance(61 * kSecond);
    EXPECT_EQ(in_use(), 0u);
}

TEST_P(Tcp, ByteByByteForAnHour) {
    connect();
    std::string page;
    for (char c : std::string(kGet)) {
        b.advance(150 * kSecond);
        page += accept(send(std::string(1, c)));
    }
    EXPECT_NE(page.find("</html>"), std::string::npos);
}

TEST_P(Tcp, RepeatsAnUnacknowledgedAnswerAndThenGivesUp) {
    connect();
    auto answer = send(kGet);
    ASSERT_FALSE(answer.empty());
    b.advance(kSecond);
    auto again = b.take_segments(a);
    ASSERT_EQ(again.size(), answer.size());
    EXPECT_EQ(again[0].seq, answer[0].seq);
    EXPECT_EQ(again[0].data, answer[0].data);
    b.advance(1000 * kSecond);
    again = b.take_segments(a);
    EXPECT_EQ(again.size(), 7u);  // 6 more retransmissions and a reset
    EXPECT_EQ(again.back().flags & RST, RST);
    EXPECT_EQ(in_use(), 0u);
}

TEST_P(Tcp, RepeatsSynAckOnATimerAndOnARepeatedSyn) {
    Segment syn{40000, 80, 100, 0, SYN, 65535, {}, {}};
    auto r = exchange(syn);
    b.advance(kSecond);
    auto again = b.take_segments(a);
    ASSERT_EQ(again.size(), 1u);
    EXPECT_EQ(again[0].seq, r[0].seq);
    EXPECT_EQ(again[0].flags, SYN | ACK);
    again = exchange(syn);
    ASSERT_EQ(again.size(), 1u);
    EXPECT_EQ(again[0].flags, SYN | ACK);
    b.advance(100 * kSecond);
    EXPECT_EQ(in_use(), 0u);
}

TEST_P(Tcp, SmallMssAndWindowAreKept) {
    port = 40000;
    auto r = exchange({port, 80, 100, 0, SYN, 300, {2, 4, 0, 100}, {}});
    seq = 101;
    ack = r[0].seq + 1;
    window = 300;
    send("");
    std::string page;
    for (r = send(kGet); !r.empty(); r = send("")) {
        size_t burst = 0;
        for (const Segment& s : r) {
            EXPECT_LE(s.data.size(), 100u);
            burst += s.data.size();
        }
        EXPECT_LE(burst, 300u);
        page += accept(r);
    }
    EXPECT_NE(page.find("</html>"), std::string::npos);
}

TEST_P(Tcp, ProbesAClosedWindowForAsLongAsThePeerAnswers) {
    connect();
    window = 0;
    auto r = send(kGet);
    ASSERT_EQ(r.size(), 1u);
    EXPECT_EQ(r[0].data, "");
    for (int i = 0; i < 30; i++) {
        ASSERT_NE(b.deadline, NEVER);
        b.advance(b.deadline - b.now);
        r = b.take_segments(a);
        ASSERT_EQ(r.size(), 1u);
        EXPECT_EQ(r[0].data.size(), 1u);
        send("");
    }
    window = 65535;
    std::string page = accept(send(""));
    EXPECT_NE(page.find("</html>"), std::string::npos);
}

TEST_P(Tcp, OutOfOrderAndOverlappingSegments) {
    connect();
    std::string get = kGet;
    auto r = exchange({port, 80, seq + 5, ack, ACK, window, {}, get.substr(5)});
    ASSERT_EQ(r.size(), 1u);
    EXPECT_EQ(r[0].ack, seq);  // still waits for the first
    EXPECT_EQ(r[0].data, "");
    send(get.substr(0, 8));
    r = exchange({port, 80, seq - 3, ack, ACK, window, {}, get.substr(5)});
    EXPECT_NE(accept(r).find("</html>"), std::string::npos);
    seq += static_cast<uint32_t>(get.size()) - 8;
    r = exchange({port, 80, seq - 10, ack, ACK, window, {}, get.substr(get.size() - 10)});
    ASSERT_EQ(r.size(), 1u);  // a repetition is acknowledged again
    EXPECT_EQ(r[0].ack, seq);
}

TEST_P(Tcp, PipelinedRequestsAreAllAnswered) {
    connect();
    std::string requests, pages;
    for (int i = 0; i < 40; i++) {
        requests += kGet;
    }
    auto r = send(requests);
    while (!r.empty()) {
        pages += accept(r);
        r = send("");
    }
    size_t count = 0;
    for (size_t at = 0; (at = pages.find("HTTP/1.1 200", at)) != std::string::npos; at++) {
        count++;
    }
    EXPECT_EQ(count, 40u);
}

TEST_P(Tcp, NeverTakesMoreThanItsWindow) {
    connect();
    auto r = send(std::string(1400, 'x'));
    ASSERT_EQ(r.size(), 1u);
    std::string flood;
    for (int i = 0; i < 200; i++) {
        flood += kGet;
    }
    r = exchange({port, 80, seq, ack, ACK, window, {}, flood.substr(0, 1400)});
    r = exchange({port, 80, seq + 1400, ack, ACK, window, {}, flood.substr(0, 1400)});
    for (const tcp_connection& c : b.net->connections) {
        EXPECT_LE(c.received_size, static_cast<size_t>(TCP_RECEIVE_BUFFER));
    }
}

TEST_P(Tcp, ResetsAreBelievedOnlyAtTheRightNumber) {
    connect();
    auto r = exchange({port, 80, seq + 1, 0, RST, 0, {}, {}});
    ASSERT_EQ(r.size(), 1u);  // a challenge, RFC 5961
    EXPECT_EQ(r[0].flags, ACK);
    EXPECT_EQ(in_use(), 1u);
    EXPECT_TRUE(exchange({port, 80, seq - 1, 0, RST, 0, {}, {}}).empty());
    EXPECT_EQ(in_use(), 1u);
    EXPECT_TRUE(exchange({port, 80, seq, 0, RST, 0, {}, {}}).empty());
    EXPECT_EQ(in_use(), 0u);
}

TEST_P(Tcp, SynInsideAConnectionIsChallenged) {
    connect();
    auto r = exchange({port, 80, seq, 0, SYN, 0, {}, {}});
    ASSERT_EQ(r.size(), 1u);
    EXPECT_EQ(r[0].flags, ACK);
    EXPECT_EQ(in_use(), 1u);
}

TEST_P(Tcp, WhatBelongsToNoConnectionIsRefused) {
    auto r = exchange({40000, 81, 100, 0, SYN, 0, {}, {}});
    ASSERT_EQ(r.size(), 1u);
    EXPECT_EQ(r[0].flags, RST | ACK);
    EXPECT_EQ(r[0].ack, 101u);
    r = exchange({40000, 80, 100, 777, ACK, 0, {}, "data"});
    ASSERT_EQ(r.size(), 1u);
    EXPECT_EQ(r[0].flags, RST);
    EXPECT_EQ(r[0].seq, 777u);
    EXPECT_TRUE(exchange({40000, 80, 100, 0, RST, 0, {}, {}}).empty());
}

TEST_P(Tcp, BeforeItListensItIsSilentOrRefuses) {
    const Segment syn{40000, 80, 7, 0, SYN, window, {}, {}};
    b.net->listen_at = b.now + kSecond;
    EXPECT_TRUE(exchange(syn).empty());
    b.net->refuse_early = true;
    auto r = exchange(syn);
    ASSERT_EQ(r.size(), 1u);
    EXPECT_EQ(r[0].flags, RST | ACK);
    b.advance(kSecond);
    connect();
}

TEST_P(Tcp, WithoutABacklogOneConnectionWaitsToBeServed) {
    b.net->no_backlog = true;
    connect(40000);
    ASSERT_EQ(exchange({40001, 80, 7, 0, SYN, window, {}, {}}).size(), 1u);
    const auto r = exchange({40001, 80, 7, 0, SYN, window, {}, {}});
    ASSERT_EQ(r.size(), 1u);
    const auto refused = exchange({40001, 80, 8, r[0].seq + 1, ACK, window, {}, {}});
    ASSERT_EQ(refused.size(), 1u);
    EXPECT_EQ(refused[0].flags & RST, RST);
}

TEST_P(Tcp, AFullTableKeepsUsedConnectionsAndGivesAwayIdleOnes) {
    for (uint16_t i = 0; i < TCP_CONNECTIONS; i++) {
        connect(static_cast<uint16_t>(40000 + i));
    }
    EXPECT_TRUE(exchange({50000, 80, 1, 0, SYN, 0, {}, {}}).empty());
    b.advance(299 * kSecond);
    EXPECT_NE(accept(send(kGet)), "");  // the last one is used
    send("");
    b.advance(2 * kSecond);
    auto r = exchange({50000, 80, 1, 0, SYN, 0, {}, {}});
    ASSERT_EQ(r.size(), 2u);
    EXPECT_EQ(r[0].to_port, 40000);
    EXPECT_EQ(r[0].flags & RST, RST);
    EXPECT_EQ(r[1].flags, SYN | ACK);
    EXPECT_NE(accept(send(kGet)), "");
}

TEST_P(Tcp, ASynFloodDoesNotKeepClientsOut) {
    for (uint16_t i = 0; i < 1000; i++) {
        ASSERT_EQ(exchange({i, 80, 1, 0, SYN, 0, {}, {}}).size(), 1u);
    }
    connect(50000);
    EXPECT_NE(accept(send(kGet)), "");
}

TEST_P(Tcp, InitialSequenceNumbersDifferBySocketsAndSecret) {
    uint32_t first = exchange({40000, 80, 1, 0, SYN, 0, {}, {}})[0].seq;
    uint32_t other_port = exchange({40001, 80, 1, 0, SYN, 0, {}, {}})[0].seq;
    Bench other;
    other.net->secret[0] = 1;
    other.receive(tcp(a, {40000, 80, 1, 0, SYN, 0, {}, {}}));
    uint32_t other_secret = other.take_segments(a)[0].seq;
    EXPECT_NE(first, other_port);
    EXPECT_NE(first, other_secret);
}

class Http : public Tcp {
  protected:
    std::string status(const std::string& request) {
        connect(static_cast<uint16_t>(port + 1));
        std::string answer = accept(send(request));
        return answer.substr(0, answer.find("\r\n"));
    }
};
INSTANTIATE_TEST_SUITE_P(, Http, testing::Bool(),
                         [](const auto& i) { return i.param ? "IPv6" : "IPv4"; });

TEST_P(Http, AnswersByMethodAndPath) {
    EXPECT_EQ(status("GET / HTTP/1.1\n\n"), "HTTP/1.1 200 OK");
    EXPECT_EQ(status("\r\n\r\nGET / HTTP/1.1\r\n\r\n"), "HTTP/1.1 200 OK");
    EXPECT_EQ(status("GET /favicon.ico HTTP/1.1\r\n\r\n"), "HTTP/1.1 404 Not Found");
    EXPECT_EQ(status("DELETE / HTTP/1.1\r\n\r\n"), "HTTP/1.1 405 Method Not Allowed");
    EXPECT_EQ(status("GET / HTTP/2\r\n\r\n"), "HTTP/1.1 400 Bad Request");
    EXPECT_EQ(status("GET /\r\n\r\n"), "HTTP/1.1 400 Bad Request");
    EXPECT_EQ(status("GET /" + std::string(500, 'x') + " HTTP/1.1\r\n\r\n"),
              "HTTP/1.1 400 Bad Request");
    EXPECT_EQ(status("GET / HTTP/1.1\r\nCookie: " + std::string(1200, 'x') + "\r\n\r\n"),
              "HTTP/1.1 200 OK");
    EXPECT_EQ(status(std::string("GET /\0 HTTP/1.1\r\n\r\n", 20)), "HTTP/1.1 400 Bad Request");
}

TEST_P(Http, HeadHasNoBody) {
    connect();
    std::string answer = accept(send("HEAD / HTTP/1.1\r\n\r\n"));
    EXPECT_TRUE(answer.ends_with("\r\n\r\n"));
    EXPECT_NE(answer.find("Content-Length: "), std::string::npos);
    EXPECT_EQ(answer.find("<html"), std::string::npos);
}

TEST_P(Http, ARequestWithABodyEndsTheConnection) {
    connect();
    auto r = send("POST / HTTP/1.1\r\nContent-Length: 30\r\n\r\n" + std::string(kGet));
    EXPECT_EQ(r.back().flags & FIN, FIN);
    std::string answer = accept(r);
    EXPECT_EQ(answer.find("200 OK"), std::string::npos);
}

TEST_P(Http, CrashAndExitAreHandedOn) {
    connect();
    EXPECT_EQ(accept(send("GET /crash HTTP/1.1\r\n\r\n")), "");
    EXPECT_NE(accept(send("GET /exit HTTP/1.1\r\n\r\n")), "");
    EXPECT_EQ(b.requested, (std::vector<http_action>{HTTP_CRASH, HTTP_EXIT}));
}

TEST_P(Http, ATextTakesThePlaceOfThePageHoweverLongItIs) {
    for (const size_t size : {size_t{0}, size_t{1}, size_t{1700}, size_t{100'000}}) {
        std::string text;
        while (text.size() < size)
            text += "line " + std::to_string(text.size()) + "\n";
        text.resize(size);
        b.net->http.text = text.data();
        b.net->http.text_size = text.size();
        connect(static_cast<uint16_t>(port + 1));
        std::string all;
        // Two requests at once: the second waits until the first has been answered.
        for (auto r = send(std::string(kGet) + "GET / HTTP/1.1\r\nConnection: close\r\n\r\n");
             !r.empty(); r = send(""))
            all += accept(r);
        const std::string length = "Content-Length: " + std::to_string(size) + "\r\n";
        const size_t second = all.find("HTTP/1.1 200 OK", 1);
        ASSERT_NE(second, std::string::npos) << size;
        for (const std::string& one : {all.substr(0, second), all.substr(second)}) {
            EXPECT_NE(one.find("Content-Type: text/plain; charset=utf-8\r\n"), std::string::npos);
            EXPECT_NE(one.find(length), std::string::npos);
            EXPECT_EQ(one.substr(one.find("\r\n\r\n") + 4), text) << size;
        }
    }
}

TEST_P(Http, ThePageTellsNameBootTimeAndUptime) {
    http_server& h = b.net->http;
    std::string name(sizeof h.name - 1, 'n');
    std::copy(name.begin(), name.end(), h.name);
    h.started_at = b.now - 3'723'456'000'000;
    h.ready_at = h.started_at + 45'678'000;
    h.wallclock_started = 1'709'210'096;  // a leap day
    connect();
    std::string page = accept(send(kGet));
    EXPECT_NE(page.find("<h1>" + name + "</h1>"), std::string::npos);
    EXPECT_NE(page.find("booted: 2024-02-29T12:34:56Z"), std::string::npos);
    EXPECT_NE(page.find("boot time: 45.678 ms"), std::string::npos);
    EXPECT_NE(page.find("uptime: 3723.456 s"), std::string::npos);
    EXPECT_NE(page.find("10.0.2.50 fd00::50"), std::string::npos);
    size_t body = page.size() - page.find("<!DOCTYPE");
    EXPECT_NE(page.find("Content-Length: " + std::to_string(body) + "\r\n"), std::string::npos);
}

}  // namespace
}  // namespace guest_test
