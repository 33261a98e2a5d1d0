// Both ends in one process and on one loop, which is run until there is nothing left to do.

#include "summond/ipc/link.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <boost/asio/post.hpp>
#include <memory>
#include <vector>

namespace summond::ipc {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class LinkTest : public testing::Test {
  protected:
    LinkTest() {
        auto pair = Channel::pair(Role::front, Role::vmm).value();
        front = std::move(pair.first);
        link = Link(io, std::move(pair.second),
                    {[this](Received& message) { return take(message); }, [this] { ++closed; },
                     [this] { ++writable; }, [this] { ++batches; }});
    }

    bool take(const Received& message) {
        taken.push_back(message.as<Wake>().service);
        if (on_message)
            on_message();
        return taken.back() != refused;
    }
    // What is due now.
    void run() {
        io.restart();
        io.poll();
    }
    // From the link, until the front takes no more.
    int fill() {
        int sent = 0;
        while (sent < 1'000'000 && link.send(State{}))
            ++sent;
        return sent;
    }

    static constexpr std::uint64_t refused = 666;
    boost::asio::io_context io{1};
    Channel front;
    std::vector<std::uint64_t> taken;
    int closed = 0;
    int writable = 0;
    int batches = 0;
    std::function<void()> on_message;
    Link link;
};

TEST_F(LinkTest, HandsMessagesOnInOrder) {
    front.send(Wake{1, 0, {}, 0, 0, {}});
    front.send(Wake{2, 0, {}, 0, 0, {}});
    EXPECT_THAT(taken, IsEmpty()) << "from the loop only";
    run();
    EXPECT_THAT(taken, ElementsAre(1, 2));
    EXPECT_EQ(batches, 1);
    front.send(Wake{3, 0, {}, 0, 0, {}});
    run();
    EXPECT_THAT(taken, ElementsAre(1, 2, 3));
    EXPECT_EQ(closed, 0);
}

TEST_F(LinkTest, LetsOthersHaveTheirTurn) {
    std::size_t at_others_turn = 0;
    for (int i = 0; i < 3 * Link::batch; ++i)
        ASSERT_TRUE(front.send(Wake{1, 0, {}, 0, 0, {}}));
    on_message = [&] {
        if (taken.size() == 1)
            boost::asio::post(io, [&] { at_others_turn = taken.size(); });
    };
    run();
    EXPECT_EQ(at_others_turn, Link::batch);
    EXPECT_EQ(taken.size(), 3 * Link::batch);
}

TEST_F(LinkTest, TellsOnceThatThePeerIsGoneAfterWhatItHasSaid) {
    front.send(Wake{1, 0, {}, 0, 0, {}});
    front = Channel();
    run();
    EXPECT_THAT(taken, ElementsAre(1));
    EXPECT_EQ(closed, 1);
    EXPECT_FALSE(link.is_open());
    EXPECT_FALSE(link.send(State{}));
    run();
    EXPECT_EQ(closed, 1);
}

TEST_F(LinkTest, ClosesForAMessageThatIsRefused) {
    front.send(Wake{refused, 0, {}, 0, 0, {}});
    front.send(Wake{2, 0, {}, 0, 0, {}});
    run();
    EXPECT_THAT(taken, ElementsAre(refused));
    EXPECT_EQ(closed, 1);
    EXPECT_FALSE(front.send(Wake{3, 0, {}, 0, 0, {}}));
}

TEST_F(LinkTest, ClosesForAMessageOfAnotherRole) {
    const Channel other(front.release(), Role::parent, Role::vmm);
    Channel(base::UniqueFd(::dup(other.fd())), Role::parent, Role::vmm).send(Stop{});
    run();
    EXPECT_THAT(taken, IsEmpty());
    EXPECT_EQ(closed, 1);
}

TEST_F(LinkTest, SaysWhenThePeerTakesMessagesAgain) {
    EXPECT_GT(fill(), 0);
    EXPECT_TRUE(link.is_full());
    run();
    EXPECT_EQ(writable, 0);
    while (*front.receive())
        ;
    EXPECT_FALSE(link.send(State{})) << "in order: who waits is called first";
    run();
    EXPECT_EQ(writable, 1);
    EXPECT_FALSE(link.is_full());
    EXPECT_TRUE(link.send(State{}));
    front.send(Wake{1, 0, {}, 0, 0, {}});
    run();
    EXPECT_THAT(taken, ElementsAre(1)) << "it has gone on listening";
}

TEST_F(LinkTest, TellsThatAPeerThatTookNothingIsGone) {
    fill();
    front = Channel();
    run();
    EXPECT_EQ(closed, 1);
}

TEST_F(LinkTest, MayBeDestroyedByWhatItCalls) {
    front.send(Wake{1, 0, {}, 0, 0, {}});
    front.send(Wake{2, 0, {}, 0, 0, {}});
    on_message = [this] { link = Link(); };
    run();
    EXPECT_THAT(taken, ElementsAre(1));
    EXPECT_EQ(batches, 0);
    EXPECT_EQ(closed, 0) << "it was not the peer that ended it";
}

TEST_F(LinkTest, MayBeDestroyedWhenItIsClosed) {
    auto pair = Channel::pair(Role::wire, Role::vmm).value();
    auto owner = std::make_unique<Link>();
    int times = 0;
    *owner = Link(io, std::move(pair.second),
                  {[](Received&) { return true; },
                   [&] {
                       ++times;
                       owner.reset();
                   }});
    pair.first = Channel();
    run();
    EXPECT_EQ(times, 1);
}

TEST_F(LinkTest, ReceivesByHand) {
    front.send(Wake{1, 0, {}, 0, 0, {}});
    link.receive();
    EXPECT_THAT(taken, ElementsAre(1));
    run();
    EXPECT_THAT(taken, ElementsAre(1));
}

TEST_F(LinkTest, OneThatIsNotConnectedDoesNothing) {
    Link none;
    EXPECT_FALSE(none.is_open());
    EXPECT_FALSE(none.is_full());
    EXPECT_FALSE(none.send(State{}));
    none.receive();
    none.close();
}

}  // namespace
}  // namespace summond::ipc
