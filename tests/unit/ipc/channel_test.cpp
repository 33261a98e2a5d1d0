// Both ends in one process. Hostile datagrams are written by hand on the raw socket.

#include "summond/ipc/channel.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cerrno>
#include <memory>
#include <string>
#include <vector>

namespace summond::ipc {
namespace {

class ChannelTest : public testing::Test {
  protected:
    ChannelTest() { connect(Role::front, Role::vmm); }

    void connect(Role a, Role b) {
        auto pair = Channel::pair(a, b);
        a_ = std::move(pair->first);
        b_ = std::move(pair->second);
    }

    // Sends raw bytes and descriptors as a hostile peer could.
    void send_raw(const std::vector<std::byte>& bytes, const std::vector<int>& fds = {}) {
        iovec part{const_cast<std::byte*>(bytes.data()), bytes.size()};
        msghdr header{};
        header.msg_iov = &part;
        header.msg_iovlen = 1;
        const std::size_t fds_size = fds.size() * sizeof(int);
        std::vector<std::max_align_t> control(CMSG_SPACE(fds_size) / sizeof(std::max_align_t) + 1);
        if (!fds.empty()) {
            header.msg_control = control.data();
            header.msg_controllen = CMSG_SPACE(fds_size);
            cmsghdr* c = CMSG_FIRSTHDR(&header);
            c->cmsg_level = SOL_SOCKET;
            c->cmsg_type = SCM_RIGHTS;
            c->cmsg_len = CMSG_LEN(fds_size);
            std::memcpy(CMSG_DATA(c), fds.data(), fds_size);
        }
        ASSERT_EQ(::sendmsg(a_.fd(), &header, MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
    }

    template <typename Message>
    static std::vector<std::byte> encoded(const Message& message, std::size_t extra = 0) {
        std::vector<std::byte> bytes(sizeof(Type) + sizeof message + extra);
        std::memcpy(bytes.data(), &Message::type, sizeof(Type));
        std::memcpy(bytes.data() + sizeof(Type), &message, sizeof message);
        return bytes;
    }

    static std::size_t open_fds() {
        std::size_t count = 0;
        const std::unique_ptr<DIR, int (*)(DIR*)> dir(::opendir("/proc/self/fd"), ::closedir);
        while (::readdir(dir.get()) != nullptr)
            ++count;
        return count;
    }

    Channel a_;
    Channel b_;
};

TEST_F(ChannelTest, EndsAreCloseOnExecAndNonBlocking) {
    for (const Channel* end : {&a_, &b_}) {
        EXPECT_NE(::fcntl(end->fd(), F_GETFD) & FD_CLOEXEC, 0);
        EXPECT_NE(::fcntl(end->fd(), F_GETFL) & O_NONBLOCK, 0);
    }
}

TEST_F(ChannelTest, NothingToReadIsNotAnError) {
    const auto received = b_.receive();
    ASSERT_TRUE(received);
    EXPECT_FALSE(*received);
}

TEST_F(ChannelTest, CarriesEveryMessageInOrder) {
    Touch touch{};
    touch.count = 2;
    touch.services[0] = 10;
    touch.services[1] = 11;
    ASSERT_TRUE(a_.send(Wake{42, 0, {}, 0, 0, {}}));
    ASSERT_TRUE(a_.send(touch));

    const auto next = [this](Type type) {
        auto received = b_.receive();
        EXPECT_TRUE(received && *received) << static_cast<int>(type);
        EXPECT_EQ((*received)->type, type);
        EXPECT_FALSE((*received)->fd);
        return std::move(**received);
    };
    EXPECT_EQ(next(Type::wake).as<Wake>().service, 42U);
    const auto got = next(Type::touch).as<Touch>();
    EXPECT_EQ(got.count, 2U);
    EXPECT_EQ(got.services[1], 11U);
    connect(Role::vmm, Role::front);
    ASSERT_TRUE(a_.send(State{7, service::Phase::failed, 0, {}, 0, 1500, 0, {}}));
    const auto state = next(Type::state).as<State>();
    EXPECT_EQ(state.service, 7U);
    EXPECT_EQ(state.phase, service::Phase::failed);
    EXPECT_EQ(state.retry_after_ms, 1500U);
    connect(Role::parent, Role::front);
    ASSERT_TRUE(a_.send(Drain{}));
    next(Type::drain);
    connect(Role::parent, Role::vmm);
    ASSERT_TRUE(a_.send(Stop{}));
    ASSERT_TRUE(a_.send(Retire{}));
    next(Type::stop);
    next(Type::retire);
    connect(Role::wire, Role::parent);
    ASSERT_TRUE(a_.send(Ready{}));
    next(Type::ready);
}

TEST_F(ChannelTest, PassesADescriptor) {
    const base::UniqueFd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    connect(Role::parent, Role::vmm);
    for (int i = 0; i < 2; ++i) {
        ASSERT_TRUE(i == 0 ? a_.send(Peer{}, null.get()) : a_.send(Reload{}, null.get()));
        const auto received = b_.receive();
        ASSERT_TRUE(received && *received);
        const int fd = (*received)->fd.get();
        EXPECT_NE(fd, null.get());
        EXPECT_NE(::fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
        struct stat sent {
        }, got{};
        ::fstat(null.get(), &sent);
        ASSERT_EQ(::fstat(fd, &got), 0);
        EXPECT_EQ(got.st_rdev, sent.st_rdev);
    }
}

TEST_F(ChannelTest, TellsThatThePeerIsGone) {
    a_.send(Wake{});
    a_ = Channel();
    EXPECT_TRUE(*b_.receive()) << "what was sent before the end arrives";
    const auto received = b_.receive();
    ASSERT_FALSE(received);
    EXPECT_FALSE(received.error().violation);
    EXPECT_FALSE(b_.send(State{})) << "without SIGPIPE";
}

TEST_F(ChannelTest, SendFailsRatherThanWaitsForAPeerThatDoesNotRead) {
    int sent = 0;
    while (sent < 1'000'000 && a_.send(Touch{}))
        ++sent;
    EXPECT_LT(sent, 1'000'000);
    EXPECT_GT(sent, 0);
}

TEST_F(ChannelTest, RefusesWrongLengths) {
    auto longer = encoded(Wake{1, 0, {}, 0, 0, {}}, 1);
    auto shorter = encoded(Wake{1, 0, {}, 0, 0, {}});
    shorter.pop_back();
    auto touch_for_wake = encoded(Touch{});
    std::memcpy(touch_for_wake.data(), &Wake::type, sizeof(Type));
    const std::vector<std::byte> far_too_long(100'000);
    const std::vector<std::byte> part_of_a_type(3);
    for (const auto& bytes : {longer, shorter, touch_for_wake, far_too_long, part_of_a_type}) {
        send_raw(bytes);
        EXPECT_FALSE(b_.receive()) << bytes.size() << " bytes";
    }
}

TEST_F(ChannelTest, RefusesUnknownTypes) {
    for (const std::uint32_t type : {0U, 9U, 0xffffffffU}) {
        auto bytes = encoded(Wake{1, 0, {}, 0, 0, {}});
        std::memcpy(bytes.data(), &type, sizeof type);
        send_raw(bytes);
        EXPECT_FALSE(b_.receive()) << type;
    }
}

TEST_F(ChannelTest, RefusesAnEmptyDatagram) {
    send_raw({});
    EXPECT_FALSE(b_.receive());
}

TEST_F(ChannelTest, RefusesAndClosesDescriptorsWhereNoneBelongs) {
    const base::UniqueFd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    const std::size_t before = open_fds();
    send_raw(encoded(Wake{1, 0, {}, 0, 0, {}}), {null.get()});
    EXPECT_FALSE(b_.receive());
    EXPECT_EQ(open_fds(), before);
}

TEST_F(ChannelTest, RefusesAMissingDescriptor) {
    connect(Role::parent, Role::front);
    send_raw(encoded(Peer{}));
    EXPECT_FALSE(b_.receive());
}

TEST_F(ChannelTest, RefusesAndClosesManyDescriptors) {
    const base::UniqueFd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    connect(Role::parent, Role::front);
    const std::size_t before = open_fds();
    for (const std::size_t count : {2U, 3U, 250U}) {
        send_raw(encoded(Peer{}), std::vector<int>(count, null.get()));
        EXPECT_FALSE(b_.receive()) << count;
        EXPECT_EQ(open_fds(), before) << count;
    }
}

// Every message in every direction, as somebody who has taken over a peer could send it.
TEST_F(ChannelTest, RefusesWhatIsNotItsSendersOrNotForUs) {
    const base::UniqueFd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    constexpr Role roles[] = {Role::parent, Role::load,    Role::front,    Role::vmm,
                              Role::wire,   Role::control, Role::notifier, Role::transfer,
                              Role::signer, Role::fleet};
    std::size_t allowed = 0;
    for (const Declaration& message : Messages::declarations) {
        std::vector<std::byte> bytes(sizeof(Type) + message.size);
        std::memcpy(bytes.data(), &message.type, sizeof(Type));
        for (const Role from : roles) {
            for (const Role to : roles) {
                connect(from, to);
                send_raw(bytes, message.carries_fd ? std::vector{null.get()} : std::vector<int>{});
                const auto received = b_.receive();
                EXPECT_EQ(received.has_value(), message.allows(from, to))
                    << static_cast<int>(message.type) << ' ' << to_string(from) << ' '
                    << to_string(to);
                if (received)
                    ++allowed;
                else
                    EXPECT_TRUE(received.error().violation);
            }
        }
    }
    EXPECT_EQ(allowed, 45U + 4U * 2U /* Connection, Passed, Pressure, Stop */ + 3U /* Image */ +
                           2U * 5U /* Reload, Retire */ + 10U /* Peer, to all */ + 12U /* Ready */);
    connect(Role::vmm, Role::front);
    send_raw(encoded(Stop{}));
    EXPECT_FALSE(b_.receive());
    connect(Role::front, Role::vmm);
    send_raw(encoded(State{}));
    EXPECT_FALSE(b_.receive()) << "State goes the other way";
}

TEST(Messages, AreDeclaredOnceEach) {
    for (const Declaration& message : Messages::declarations) {
        EXPECT_EQ(declaration_of(message.type), &message) << static_cast<int>(message.type);
        EXPECT_LE(message.size, Messages::longest);
    }
    EXPECT_EQ(declaration_of(Type{}), nullptr);
    EXPECT_EQ(std::size(Messages::declarations), 53U);
}

TEST_F(ChannelTest, ReleaseHandsTheDescriptorOver) {
    const base::UniqueFd fd = a_.release();
    EXPECT_GE(fd.get(), 0);
    EXPECT_EQ(a_.fd(), -1);
}

}  // namespace
}  // namespace summond::ipc
