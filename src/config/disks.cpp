// A service's disks, and the directories that it shares with dom0.
#include <algorithm>

#include "devices.hpp"
#include "scalars.hpp"
#include "vdev.hpp"

namespace summond::config {

namespace {

void read_disk(const Value& value, const Paths& paths, ServiceDraft& draft) {
    auto mapping =
        Mapping::of(value, value.key + ".", "a disk, such as {path: www.img, device: xvda}");
    if (!mapping)
        return;
    std::vector<service::Disk>& disks = draft.service.disks;
    service::Disk disk;
    if (const auto script =
            mapping->take({"script", "a hotplug script, which knows what path means"}))
        disk.script = read_script(*script);
    if (const auto path =
            mapping->require({"path", "an image or a block device; with a script, what that takes"},
                             "a disk", "name its image or block device"))
        disk.path = (disk.script.empty() ? paths.read(*path) : path->text("what the script takes"))
                        .value_or("");
    if (const auto device = mapping->require(
            {"device", "what the guest sees: xvda, xvdb, hda, sda, d0p1 or a number"}, "a disk",
            "say what the guest sees: xvda")) {
        constexpr std::string_view expected =
            "a disk as the guest sees it: xvda, xvdb and so on, hda to hdd, sda to sdp, d0p1, or a "
            "number such as 0x1";
        disk.device = device->text(expected, vdev_pattern).value_or("");
        const auto number = vdev_number(disk.device);
        const auto same = [&](const service::Disk& other) {
            return vdev_number(other.device) == number;
        };
        if (!disk.device.empty() && !number)
            device->refuse(expected);
        else if (number && std::any_of(disks.begin(), disks.end(), same))
            device->complain(disk.device + " is another disk of this service already");
    }
    if (const auto cdrom = mapping->take({"cdrom", "it is a CD drive", "false"}))
        disk.cdrom = read_boolean(*cdrom);
    if (const auto mode = mapping->take({"mode", "whether the guest may write to it", "r"})) {
        disk.writable = mode->one_of({"r", "w"}) == 1U;
        if (disk.writable && disk.cdrom)
            mode->complain("a CD is not written to; leave it out");
    }
    if (const auto format = mapping->take({"format", "the format of the image", "raw"}))
        disk.format = static_cast<service::Disk::Format>(
            format->one_of({"raw", "qcow2", "vhd", "qcow", "qed"}).value_or(0));
    if (const auto backend =
            mapping->take({"backendtype", "who serves it: the kernel, or qemu", "libxl chooses"}))
        disk.backend = backend->one_of({"phy", "qdisk"}) == 1U ? service::Disk::Backend::qdisk
                                                               : service::Disk::Backend::phy;
    if (const auto safe =
            mapping->take({"direct-io-safe", "as in xl-disk-configuration(5)", "false"}))
        disk.direct_io_safe = read_boolean(*safe);
    if (const auto discard =
            mapping->take({"discard", "the guest may discard blocks", "as the backend has it"}))
        disk.discard = read_boolean(*discard);
    if (const auto trusted =
            mapping->take({"trusted", "false: the guest takes its backend for hostile", "true"}))
        disk.trusted = read_boolean(*trusted);
    mapping->refuse_rest();
    disks.push_back(std::move(disk));
    draft.places.disks.push_back(value.problems->at(mapping->where()));
}

void read_share(const Value& value, const Paths& paths, std::vector<service::Share>& shares) {
    auto mapping =
        Mapping::of(value, value.key + ".", "a directory, such as {tag: www, path: /srv/www}");
    if (!mapping)
        return;
    service::Share share;
    if (const auto tag = mapping->require({"tag", "what the guest mounts it by"}, "a share",
                                          "say what the guest mounts it by"))
        share.tag = tag->text("a word, such as www").value_or("");
    if (const auto path = mapping->require({"path", "a directory of dom0"}, "a share",
                                           "name a directory of dom0"))
        share.path = paths.read(*path).value_or("");
    mapping->refuse_rest();
    shares.push_back(std::move(share));
}

}  // namespace

void read_disks(const Value& value, const Paths& paths, ServiceDraft& draft) {
    draft.service.disks.clear();
    draft.places.disks.clear();
    for (const Value& disk : value.list("a list of disks"))
        read_disk(disk, paths, draft);
}

void read_shares(const Value& value, const Paths& paths, std::vector<service::Share>& shares) {
    shares.clear();
    for (const Value& share : value.list("a list of directories"))
        read_share(share, paths, shares);
}

}  // namespace summond::config
