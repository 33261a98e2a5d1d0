// Anonymous files in memory that one process fills and another reads (memfd_create(2)): how the
// checked configuration and the zone image travel from the loader to the front and vmm.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "summond/base/result.hpp"
#include "summond/base/unique_fd.hpp"

namespace summond::proc {

// Empty, close-on-exec, not yet sealed. name is seen in /proc/PID/fd only.
base::Result<base::UniqueFd> create_memfd(const std::string& name);

// Appends at the file offset, all of it or an error.
base::Result<void> write_all(int fd, std::span<const std::uint8_t> bytes);
base::Result<void> write_all(int fd, std::string_view text);
// The same, and gives whole pages of `bytes` back to the kernel behind it, which takes them for the
// file: their content is lost. bytes is of the heap.
base::Result<void> move_all(int fd, std::span<std::uint8_t> bytes);

// madvise(2) for the pages that lie in bytes as a whole, in pieces, between which others have the
// CPU. A wish, no more.
void advise(std::span<const std::uint8_t> bytes, int advice);

// From now on nobody can write, grow, shrink or unseal it, whoever holds a descriptor. Fails while
// a writable mapping exists.
base::Result<void> seal(int fd);

// Puts what has been written into huge pages, where the kernel can (Linux 6.1, not as a PV guest of
// Xen) and has any: those who look things up all over a large file then need few entries of the
// processor's TLB. Takes time, in which the file can be used.
void use_huge_pages(int fd);

// The whole content, wherever the file offset stands (it is not moved: the offset is shared with
// every process that holds the file).
base::Result<std::string> read_memfd(int fd);

// A read-only mapping of a whole sealed memfd. Seals are checked: without them another process
// could shrink the file under the mapping (SIGBUS).
class Mapping {
  public:
    static base::Result<Mapping> map(int fd);
    Mapping(Mapping&& other) noexcept;
    Mapping& operator=(Mapping&& other) noexcept;
    Mapping(const Mapping&) = delete;
    Mapping& operator=(const Mapping&) = delete;
    ~Mapping();

    // Aligned to a page, a large file to a huge page; empty for an empty file.
    std::span<const std::uint8_t> bytes() const { return bytes_; }
    // Maps all pages now, so that nobody has to wait for one later.
    void populate() const;
    // As use_huge_pages, but one huge page, the index-th: the processor can do nothing else for
    // some 100 us to 1 ms. False: there is no such page, or there can be none.
    bool use_huge_page(std::size_t index) const;

  private:
    explicit Mapping(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}
    std::span<const std::uint8_t> bytes_;
};

}  // namespace summond::proc
