// Signatures that have been made when somebody asked: a bounded table that all threads of the front
// share, and what is being waited for. By what is signed (Statement), so whoever asks for the same
// again has the same signature, until it is due to be made anew.
//
// find() is for any thread, without a lock and without waiting, whatever the others do. want()
// locks: who calls it is about to wait. The rest is the front's main thread's.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>

#include "summond/answer/statement.hpp"
#include "summond/base/clock.hpp"

namespace summond::answer {

// The signatures of one record: of each key that signs now.
struct SignatureSet {
    static constexpr std::size_t most = 2;  // sign::OnlineZone::max_keys
    struct Signature {
        std::uint8_t algorithm = 0;
        std::uint16_t key_tag = 0;
        std::array<std::uint8_t, 64> octets{};
    };
    std::uint32_t inception = 0;  // Unix time, seconds
    std::uint32_t expiration = 0;
    std::uint32_t due = 0;   // from then on a new one is to take its place
    std::uint8_t count = 0;  // 0: it cannot be signed
    std::array<Signature, most> signature{};

    bool is_valid(std::uint32_t now) const { return now < expiration; }
    bool is_due(std::uint32_t now) const { return now >= due; }
};

class Signatures {
  public:
    struct Limits {
        std::uint32_t entries = 65536;    // about 192 octets each
        std::uint32_t per_second = 2000;  // that are asked for
    };
    // seed: random and secret, so that nobody finds two names of one tag.
    Signatures(const Limits& limits, const std::array<std::uint8_t, 16>& seed);

    // Never 0.
    std::uint64_t tag_of(std::uint32_t zone, Statement::Kind kind, const dns::FoldedName& name,
                         const std::array<std::uint8_t, 4>& ipv4 = {}) const noexcept;
    std::optional<SignatureSet> find(std::uint64_t tag) noexcept;

    enum class Wanted : std::uint8_t {
        asked,    // by this call: it is to be asked for (take_asked)
        waiting,  // somebody else has
        refused,  // too many are
    };
    // verified: the client's address is not forged. Others may use up no more than half of what may
    // be asked for at once, so that they leave something.
    Wanted want(const Statement& statement, bool verified, base::TimePoint now) noexcept;

    // -- The main thread's

    // One after the other, what has been asked for and not been taken.
    std::optional<Statement> take_asked();
    // It could not be handed on: it is to be taken again. all: what has been, too, for a signer
    // knows nothing of what was asked of the one before.
    void take_again(std::uint64_t tag);
    void take_all_again();
    // False: nobody has asked for it.
    bool put(std::uint64_t tag, const SignatureSet& set);
    // Those that nobody waits for any more.
    void forget_older_than(base::TimePoint time);

  private:
    // An entry changes between two odd versions, as a place of Instances.
    static constexpr std::size_t words = 2 + 2 * 9;
    struct Entry {
        std::atomic<std::uint32_t> version{0};
        std::atomic<bool> used{false};      // since the hand has passed it
        std::atomic<std::uint64_t> tag{0};  // 0: free
        std::array<std::atomic<std::uint64_t>, words> word{};
    };
    static constexpr std::size_t ways = 4;
    struct Bucket {
        std::array<Entry, ways> entries;
        std::uint8_t hand = 0;
    };
    struct Pending {
        Statement statement;
        base::TimePoint since;
        bool taken = false;
    };
    static constexpr std::size_t max_pending = 4096;

    Bucket& bucket(std::uint64_t tag) const { return buckets_[tag & bucket_mask_]; }
    static Entry& place_for(Bucket& bucket, std::uint64_t tag);

    const std::array<std::uint8_t, 16> seed_;
    std::size_t bucket_mask_;
    std::unique_ptr<Bucket[]> buckets_;
    const base::Duration interval_;  // between two that are asked for

    std::mutex mutex_;  // of the rest
    base::TimePoint
        full_at_{};  // of the account: further ahead of now than a second it must not be
    std::unordered_map<std::uint64_t, Pending> pending_;
    std::deque<std::uint64_t> queue_;  // not taken
};

}  // namespace summond::answer
