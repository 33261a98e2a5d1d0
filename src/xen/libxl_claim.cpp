// A domain that somebody else has made for a service, `xl create` for one, becomes one of ours:
//
//  1  the one domain with the service's name        nothing is changed by an error up to here: it
//  2  it fits: see why_not                          stays whose it is, and the error says why
//  3  the marks of a domain that is built whole     they go again
//  4  the service's UUID, by which ours are known,  the one that it had
//     and what libxl keeps of it under that
//  5  its death is watched, its traffic counted     4 and 3 are undone
//
// Killed after 4 the next process finds it complete, and adopts it; `xl list -l` may know less of
// it.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include "identity.hpp"
#include "libxl_operations.hpp"
#include "summond/base/log.hpp"

namespace summond::xen {
namespace {

using Uuid = std::array<std::uint8_t, 16>;

// By which names libxl and xl keep data of a domain (libxl_userdata_store).
constexpr const char* userdata_names[] = {"libxl-json", "xl"};
// What Xen and libxl give a domain beside its memory, at the most.
constexpr std::uint64_t memory_slack_kib = 4096;

struct Nic {
    service::Mac mac{};
    std::string bridge;
};

std::vector<Nic> nics_of(Toolstack& toolstack, vm::DomId domid) {
    int count = 0;
    libxl_device_nic* const list = libxl_device_nic_list(toolstack.ctx, domid, &count);
    std::vector<Nic> nics;
    for (int i = 0; list != nullptr && i < count; ++i) {
        Nic& nic = nics.emplace_back();
        std::copy_n(list[i].mac, nic.mac.size(), nic.mac.begin());
        nic.bridge = list[i].bridge == nullptr ? "" : list[i].bridge;
    }
    if (list != nullptr)
        libxl_device_nic_list_free(list, count);
    return nics;
}

const char* type_of(service::DomainType type) {
    return type == service::DomainType::pv ? "pv" : "pvh";
}

// Why it cannot be the service's domain, and what would be right. None: it can.
std::optional<std::string> why_not(Toolstack& toolstack, const libxl_dominfo& info,
                                   const service::Instance& service) {
    const std::string what = fmt::format("domid {}, called {},", info.domid, service.name());
    if (info.dying || info.shutdown)
        return what + " is at its end; `xl destroy` it";
    if (info.paused)
        return what + fmt::format(" is paused; `xl unpause {}` first", info.domid);
    Uuid uuid{};
    std::copy_n(info.uuid.uuid, uuid.size(), uuid.begin());
    const auto identity = identity_of(uuid);
    if (identity && *identity != Identity{service.id(), 0})
        return what +
               " has the UUID of another service's domain, or of a standby copy; make it "
               "with another, or without `uuid`";
    // libxl_dominfo takes PVH for HVM.
    const auto type = toolstack.xenstore->read(fmt::format("/libxl/{}/type", info.domid));
    if (type != type_of(service->type))
        return what + fmt::format(" is of type {}; the service's domain is of type {}",
                                  type.value_or("unknown"), type_of(service->type));
    const std::uint64_t most = std::max(service->memory_kib, service->max_memory_kib);
    if (info.current_memkb > most + memory_slack_kib)
        return what + fmt::format(" has {} MiB of memory; the service's domain has {} MiB",
                                  info.current_memkb / 1024, most / 1024);
    const auto nics = nics_of(toolstack, info.domid);
    if (nics.size() != service->interfaces.size())
        return what + fmt::format(" has {} interfaces; the service's domain has {}", nics.size(),
                                  service->interfaces.size());
    for (std::size_t i = 0; i < nics.size(); ++i) {
        const std::string mac = service::to_string(service.mac(i));
        const std::string& bridge = service->interfaces[i].bridge;
        if (nics[i].mac != service.mac(i))
            return what + fmt::format(
                              " has the MAC {} where the service has {} (`mac={}` in xl's "
                              "`vif`)",
                              service::to_string(nics[i].mac), mac, mac);
        if (nics[i].bridge != bridge)
            return what + fmt::format(" is on the bridge \"{}\"; the service is on {}",
                                      nics[i].bridge, bridge);
    }
    return std::nullopt;
}

class Claim {
  public:
    Claim(Toolstack& toolstack, vm::DomId domid, const Uuid& uuid)
        : toolstack_(toolstack), domid_(domid), before_(uuid) {}
    Claim(const Claim&) = delete;
    Claim& operator=(const Claim&) = delete;

    // All of it, or nothing.
    base::Result<void> make(const service::Instance& service, vm::Domains& domains) {
        const Uuid ours = domain_uuid(service.id());
        if (before_ != ours)
            take_userdata();
        const std::string path = domain_path(domid_) + "/";
        auto r = toolstack_.xenstore->write(path + service_mark, service.name());
        if (r)
            r = toolstack_.xenstore->write(path + complete_mark, "1");
        if (r && before_ != ours)
            r = toolstack_.control.set_uuid(domid_, ours);
        if (r)
            r = domains.adopt(domid_);
        if (!r) {
            undo();
            return r;
        }
        put_userdata();
        return {};
    }

  private:
    void undo() {
        if (auto r = toolstack_.control.set_uuid(domid_, before_); !r)
            spdlog::error("domid {}: {}", domid_, r.error().what);
        put_userdata();
        if (auto r = toolstack_.xenstore->remove(domain_path(domid_) + "/summond"); !r)
            spdlog::error("domid {}: {}", domid_, r.error().what);
    }

    // Its files have the domain's UUID, as Xen has it, in their names.
    void take_userdata() {
        for (const char* name : userdata_names) {
            std::uint8_t* data = nullptr;
            int size = 0;
            if (libxl_userdata_retrieve(toolstack_.ctx, domid_, name, &data, &size) == 0 &&
                data != nullptr && size > 0) {
                userdata_.emplace_back(name, std::vector<std::uint8_t>(data, data + size));
                libxl_userdata_unlink(toolstack_.ctx, domid_, name);
            }
            std::free(data);
        }
    }

    void put_userdata() {
        for (const auto& [name, data] : userdata_)
            if (libxl_userdata_store(toolstack_.ctx, domid_, name, data.data(),
                                     static_cast<int>(data.size())) != 0)
                spdlog::warn("domid {}: libxl does not keep its {}: {}", domid_, name,
                             toolstack_.log.last());
    }

    Toolstack& toolstack_;
    vm::DomId domid_;
    Uuid before_;
    std::vector<std::pair<const char*, std::vector<std::uint8_t>>> userdata_;
};

}  // namespace

base::Result<vm::Found> claim(Toolstack& toolstack, const service::Instance& service,
                              vm::Domains& domains) {
    std::uint32_t domid = 0;
    if (libxl_name_to_domid(toolstack.ctx, service.name().c_str(), &domid) != 0)
        return base::error("no domain is called " + service.name() + "; `xl list` shows them all");
    libxl_dominfo info;
    libxl_dominfo_init(&info);
    if (libxl_domain_info(toolstack.ctx, &info, domid) != 0) {
        libxl_dominfo_dispose(&info);
        return base::error(fmt::format("domid {} has just ended", domid));
    }
    const auto unfit = why_not(toolstack, info, service);
    Uuid uuid{};
    std::copy_n(info.uuid.uuid, uuid.size(), uuid.begin());
    libxl_dominfo_dispose(&info);
    if (unfit)
        return base::error(*unfit);
    if (auto r = Claim(toolstack, domid, uuid).make(service, domains); !r)
        return tl::make_unexpected(r.error());
    return vm::Found{
        .domid = domid, .service = service.id(), .complete = true, .run = vm::Found::Run::running};
}

}  // namespace summond::xen
