// All zones and service names of one configuration as one immutable, position-independent image:
// built once per load by the loader process, put into a sealed memfd, mapped read-only by the
// front. A front that is restarted maps the same image again and parses nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "summond/base/result.hpp"
#include "summond/config/config.hpp"

namespace summond::zone {

// The image, or everything that is wrong (zone files: file:line). Reads the zone files that the
// configuration names.
struct Built {
    std::vector<std::uint8_t> image;  // empty when a problem is an error
    std::vector<config::Problem> problems;
};
Built build(const config::Config& config);

// A view of an image. The bytes must outlive it and be 8-byte aligned.
class Zones {
  public:
    // Checks magic, version and size; the content is trusted (it comes from our own loader).
    static base::Result<Zones> open(std::span<const std::uint8_t> image);

    // Services, in the order of config.services.
    std::size_t service_count() const;
    config::ServiceId service_id(std::size_t index) const;

  private:
    explicit Zones(std::span<const std::uint8_t> image) : image_(image) {}
    std::span<const std::uint8_t> image_;
};

}  // namespace summond::zone
