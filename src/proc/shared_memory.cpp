#include "summond/proc/shared_memory.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "summond/proc/memfd.hpp"

namespace summond::proc {
namespace {

constexpr int fixed_size = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;

}  // namespace

base::Result<base::UniqueFd> create_shared_memory(const std::string& name, std::size_t size) {
    auto fd = create_memfd(name);
    if (!fd)
        return fd;
    if (::ftruncate(fd->get(), static_cast<off_t>(size)) != 0)
        return base::system_error("shared memory: size", errno);
    if (::fcntl(fd->get(), F_ADD_SEALS, fixed_size) != 0)
        return base::system_error("shared memory: seal", errno);
    return fd;
}

base::Result<base::UniqueFd> open_read_only(int shared_memory) {
    const auto path = fmt::format("/proc/self/fd/{}", shared_memory);
    base::UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd)
        return base::system_error("shared memory: open", errno);
    return fd;
}

base::Result<SharedMapping> SharedMapping::map(int shared_memory, std::size_t size, Access access) {
    const int seals = ::fcntl(shared_memory, F_GET_SEALS);
    if (seals < 0)
        return base::system_error("shared memory: seals", errno);
    struct stat status {};
    if (::fstat(shared_memory, &status) != 0)
        return base::system_error("shared memory: size", errno);
    if ((seals & F_SEAL_SHRINK) == 0 || static_cast<std::size_t>(status.st_size) < size)
        return base::error("shared memory: not of the size that it is to have");
    const int protection = access == Access::read ? PROT_READ : PROT_READ | PROT_WRITE;
    void* const address = ::mmap(nullptr, size, protection, MAP_SHARED, shared_memory, 0);
    if (address == MAP_FAILED)
        return base::system_error("shared memory: map", errno);
    return SharedMapping(address, size);
}

SharedMapping::SharedMapping(SharedMapping&& other) noexcept
    : address_(std::exchange(other.address_, nullptr)), size_(std::exchange(other.size_, 0)) {}

SharedMapping& SharedMapping::operator=(SharedMapping&& other) noexcept {
    std::swap(address_, other.address_);
    std::swap(size_, other.size_);
    return *this;
}

SharedMapping::~SharedMapping() {
    if (address_ != nullptr)
        ::munmap(address_, size_);
}

}  // namespace summond::proc
