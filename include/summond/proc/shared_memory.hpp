// Memory that one process writes while another reads it: an anonymous file (memfd_create(2)) whose
// size is fixed, so that no process can have another one end by shrinking it (SIGBUS).
#pragma once

#include <cstddef>
#include <string>

#include "summond/base/result.hpp"
#include "summond/base/unique_fd.hpp"

namespace summond::proc {

// Of `size` octets, all of them 0; a page takes memory once somebody has written it. Close-on-exec.
// name is seen in /proc/PID/fd only.
base::Result<base::UniqueFd> create_shared_memory(const std::string& name, std::size_t size);

// Another descriptor of it, through which nobody can write or map it for writing.
base::Result<base::UniqueFd> open_read_only(int shared_memory);

class SharedMapping {
  public:
    enum class Access { read, write };

    // The first `size` octets, which the file must have for good.
    static base::Result<SharedMapping> map(int shared_memory, std::size_t size, Access access);
    SharedMapping() = default;  // of nothing
    SharedMapping(SharedMapping&& other) noexcept;
    SharedMapping& operator=(SharedMapping&& other) noexcept;
    SharedMapping(const SharedMapping&) = delete;
    SharedMapping& operator=(const SharedMapping&) = delete;
    ~SharedMapping();

    // Null where nothing is mapped. T is one for which zeros, and whatever else another process may
    // write, are values.
    template <typename T>
    T* as() const {
        return static_cast<T*>(address_);
    }

  private:
    SharedMapping(void* address, std::size_t size) : address_(address), size_(size) {}
    void* address_ = nullptr;
    std::size_t size_ = 0;
};

}  // namespace summond::proc
