#include "summond/proc/memfd.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <memory>
#include <utility>

namespace summond::proc {
namespace {

constexpr int all_seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;

constexpr std::size_t huge_page = std::size_t{2} << 20;
constexpr int madv_collapse = 25;  // newer than the C library's headers

// Written at a time: in the kernel a process in the background goes on while others want the CPU.
constexpr std::size_t longest_write = 64 * 1024;
// The same for a large mapping.
constexpr std::size_t longest_advice = 256 * 1024;

// At a multiple of huge_page, so that a file in huge pages is mapped with an entry for each of
// them. MAP_FAILED, errno: it cannot be mapped.
void* map_aligned(std::size_t size, int protection, int fd) {
    if (size < huge_page)
        return ::mmap(nullptr, size, protection, MAP_SHARED, fd, 0);
    const std::size_t room = size + huge_page;
    void* const reserved =
        ::mmap(nullptr, room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (reserved == MAP_FAILED)
        return reserved;
    void* address = reserved;
    std::size_t left = room;
    std::align(huge_page, size, address, left);
    if (::mmap(address, size, protection, MAP_SHARED | MAP_FIXED, fd, 0) == MAP_FAILED) {
        const int mmap_errno = errno;
        ::munmap(reserved, room);
        errno = mmap_errno;
        return MAP_FAILED;
    }
    // What is left of the room on both sides; the mapping ends with a whole page.
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    const std::size_t mapped = (size + page - 1) / page * page;
    if (left < room)
        ::munmap(reserved, room - left);
    if (mapped < left)
        ::munmap(static_cast<std::byte*>(address) + mapped, left - mapped);
    return address;
}

base::Result<std::size_t> size_of(int fd) {
    struct stat status {};
    if (::fstat(fd, &status) != 0)
        return base::system_error("memfd: fstat", errno);
    return static_cast<std::size_t>(status.st_size);
}

}  // namespace

base::Result<base::UniqueFd> create_memfd(const std::string& name) {
    base::UniqueFd fd(::memfd_create(name.c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (!fd)
        return base::system_error("memfd_create", errno);
    return fd;
}

base::Result<void> write_all(int fd, std::span<const std::uint8_t> bytes) {
    while (!bytes.empty()) {
        const ssize_t r = ::write(fd, bytes.data(), std::min(bytes.size(), longest_write));
        if (r < 0 && errno == EINTR)
            continue;
        if (r < 0)
            return base::system_error("write", errno);
        bytes = bytes.subspan(static_cast<std::size_t>(r));
    }
    return {};
}

base::Result<void> write_all(int fd, std::string_view text) {
    return write_all(fd, {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}

base::Result<void> move_all(int fd, std::span<std::uint8_t> bytes) {
    while (!bytes.empty()) {
        const auto piece = bytes.first(std::min(bytes.size(), longest_write));
        if (auto written = write_all(fd, piece); !written)
            return written;
        advise(piece, MADV_DONTNEED);
        bytes = bytes.subspan(piece.size());
    }
    return {};
}

void advise(std::span<const std::uint8_t> bytes, int advice) {
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    void* first = const_cast<std::uint8_t*>(bytes.data());
    std::size_t left = bytes.size();
    if (std::align(page, page, first, left) == nullptr)
        return;
    left -= left % page;
    for (std::size_t done = 0; done < left; done += longest_advice)
        ::madvise(static_cast<std::byte*>(first) + done, std::min(longest_advice, left - done),
                  advice);
}

base::Result<void> seal(int fd) {
    if (::fcntl(fd, F_ADD_SEALS, all_seals) != 0)
        return base::system_error("memfd: seal", errno);
    return {};
}

void use_huge_pages(int fd) {
    const auto size = size_of(fd);
    if (!size || *size < huge_page)
        return;
    void* const address = map_aligned(*size, PROT_READ, fd);
    if (address == MAP_FAILED)
        return;
    ::madvise(address, *size / huge_page * huge_page, madv_collapse);
    ::munmap(address, *size);
}

base::Result<std::string> read_memfd(int fd) {
    const auto size = size_of(fd);
    if (!size)
        return tl::make_unexpected(size.error());
    std::string text(*size, '\0');
    std::size_t done = 0;
    while (done < text.size()) {
        const ssize_t r =
            ::pread(fd, text.data() + done, text.size() - done, static_cast<off_t>(done));
        if (r < 0 && errno == EINTR)
            continue;
        if (r < 0)
            return base::system_error("memfd: read", errno);
        if (r == 0)
            return base::error("memfd: shorter than it said");
        done += static_cast<std::size_t>(r);
    }
    return text;
}

base::Result<Mapping> Mapping::map(int fd) {
    const int seals = ::fcntl(fd, F_GET_SEALS);
    if (seals < 0)
        return base::system_error("memfd: seals", errno);
    if ((seals & all_seals) != all_seals)
        return base::error("memfd: not sealed");
    const auto size = size_of(fd);
    if (!size)
        return tl::make_unexpected(size.error());
    if (*size == 0)
        return Mapping({});
    // Not populated: a restarted front answers before the last page of a large zone is mapped.
    void* address = map_aligned(*size, PROT_READ, fd);
    if (address == MAP_FAILED)
        return base::system_error("memfd: mmap", errno);
    return Mapping({static_cast<const std::uint8_t*>(address), *size});
}

Mapping::Mapping(Mapping&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}

Mapping& Mapping::operator=(Mapping&& other) noexcept {
    std::swap(bytes_, other.bytes_);
    return *this;
}

bool Mapping::use_huge_page(std::size_t index) const {
    if (index >= bytes_.size() / huge_page)
        return false;
    auto* const address = const_cast<std::uint8_t*>(bytes_.data()) + index * huge_page;
    return ::madvise(address, huge_page, madv_collapse) == 0 || errno != EINVAL;
}

void Mapping::populate() const {
    advise(bytes_, MADV_POPULATE_READ);
}

Mapping::~Mapping() {
    if (bytes_.empty())
        return;
    advise(bytes_, MADV_DONTNEED);
    ::munmap(const_cast<std::uint8_t*>(bytes_.data()), bytes_.size());
}

}  // namespace summond::proc
