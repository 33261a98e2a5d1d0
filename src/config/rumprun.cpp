#include "rumprun.hpp"

#include <algorithm>

#include "cmdline.hpp"
#include "vdev.hpp"

namespace summond::config {

namespace {

// Writes the text as the rumprun script does: commas after every opening brace and at every line's
// end, keys that repeat.
class Writer {
  public:
    explicit Writer(RumprunDraft& draft) : draft_(draft) {}

    void open(const std::string& key = "") {
        line((key.empty() ? "" : "\"" + key + "\": ") + "{");
        ++depth_;
    }
    void close() {
        --depth_;
        line("}");
    }
    void entry(const std::string& key, const std::string& value, Mark where) {
        literal(std::string(depth_, '\t') + "\"" + key + "\": \"");
        draft_.pieces.push_back({value, true, where});
        literal("\", \n");
    }

  private:
    void literal(std::string text) { draft_.pieces.push_back({std::move(text), false, {}}); }
    void line(const std::string& text) { literal(std::string(depth_, '\t') + text + ", \n"); }

    RumprunDraft& draft_;
    std::size_t depth_ = 0;
};

// The guest takes what stands between two quotes and undoes no escapes.
std::optional<std::string> read_word(const Value& value, std::string_view expected) {
    auto text = value.text(expected, R"([^"\\\x00-\x1f\x7f]+)");
    if (!text || text->find_first_of("\"\\") == std::string::npos)
        return text;
    value.refuse(expected, "with a quote or backslash in it, which rumprun has no way to take");
    return std::nullopt;
}

// A key of net or blk: as given, or otherwise what is usual.
void write_entry(Writer& writer, Mapping& mapping, const Key& key, std::string_view expected,
                 const std::string& usual) {
    const auto value = mapping.take(key);
    const auto word = value ? read_word(*value, expected) : usual;
    if (word && !word->empty())
        writer.entry(std::string(key.name), *word, value ? value->where : mapping.where());
}

// What write_net makes of method and type.
constexpr std::string_view static_or_not = R"({
    "if": {"required": ["method"], "properties": {"method": {"enum": ["auto", "dhcp"]}}},
    "then": {"properties": {"addr": false, "mask": false, "gw": false}},
    "else": {"required": ["mask"]}})";
constexpr std::string_view of_a_family = R"({
    "if": {"required": ["type"], "properties": {"type": {"const": "inet6"}}},
    "then": {"properties": {"method": {"not": {"const": "dhcp"}}}},
    "else": {"properties": {"method": {"not": {"const": "auto"}},
                            "mask": {"not": {"type": "integer", "minimum": 33}}}}})";

void write_net(Writer& writer, const Value& value, std::size_t index) {
    auto mapping = Mapping::of(value, "rumprun.net.", "an interface, such as {mask: 24}");
    if (!mapping)
        return;
    writer.open("net");
    write_entry(writer, *mapping, {"if", "the guest's name of it", "xenif0, xenif1 and so on"},
                "the guest's name of it, such as xenif0", "xenif" + std::to_string(index));
    const auto cloner = mapping->take({"cloner", "the guest makes the interface", "true"});
    if (!cloner || cloner->one_of({"true", "false"}) == 0U)
        writer.entry("cloner", "true", value.where);
    const auto type = mapping->take({"type", "the family of its address", "inet"});
    const bool is_v6 = type && type->one_of({"inet", "inet6"}) == 1U;
    writer.entry("type", is_v6 ? "inet6" : "inet", value.where);
    const auto method = mapping->take(
        {"method", "how it gets its address; dhcp for inet, auto for inet6", "static"});
    const std::vector<std::string_view> methods{"static", is_v6 ? "auto" : "dhcp"};
    if (method)  // either, whatever type says
        method->takes("(?:auto|dhcp)");
    const std::size_t chosen = method ? method->one_of(methods).value_or(0) : 0;
    writer.entry("method", std::string(methods[chosen]), value.where);
    if (chosen == 0) {
        write_entry(writer, *mapping, {"addr", "with static: its address", "the service's first"},
                    "an address of the guest, such as {ipv4}", is_v6 ? "{ipv6}" : "{ipv4}");
        constexpr Key mask_key{"mask", "with static: length of the network's prefix"};
        const auto mask = mapping->is_described()
                              ? mapping->take(mask_key)
                              : mapping->require(mask_key, "a static interface of rumprun",
                                                 "give the length of its network's prefix");
        if (mask)
            if (const auto length = mask->number(1, is_v6 || mask->is_described() ? 128 : 32))
                writer.entry("mask", std::to_string(*length), mask->where);
        write_entry(writer, *mapping, {"gw", "with static: the gateway's address"},
                    "the address of the gateway, such as 10.0.0.1", "");
    }
    mapping->is_true(static_or_not);
    mapping->is_true(of_a_family);
    mapping->refuse_rest();
    writer.close();
}

void write_blk(Writer& writer, const Value& value, RumprunDraft& draft) {
    auto mapping =
        Mapping::of(value, "rumprun.blk.", "a disk, such as {path: xvda, mountpoint: /data}");
    if (!mapping)
        return;
    writer.open("blk");
    const auto source = mapping->take({"source", "a disk of Xen's (etfs), or a device", "etfs"});
    const bool is_dev = source && source->one_of({"etfs", "dev"}) == 1U;
    writer.entry("source", is_dev ? "dev" : "etfs", value.where);
    if (const auto path = mapping->require({"path", "the device, as in disks"}, "a disk of rumprun",
                                           "name the device, as in disks, such as xvda"))
        if (const auto word = read_word(*path, "a device, such as xvda")) {
            writer.entry("path", *word, path->where);
            if (!is_dev)
                draft.disks.push_back({*word, value.problems->at(path->where)});
        }
    const auto fstype = mapping->take({"fstype", "what is mounted", "blk"});
    const auto mountpoint = mapping->take({"mountpoint", "where it is mounted"});
    if (mountpoint) {
        const bool is_kernfs = fstype && fstype->one_of({"blk", "kernfs"}) == 1U;
        writer.entry("fstype", is_kernfs ? "kernfs" : "blk", value.where);
        if (const auto word = read_word(*mountpoint, "a directory of the guest, such as /data"))
            writer.entry("mountpoint", *word, mountpoint->where);
    } else if (fstype) {
        fstype->complain("nothing is mounted; give the mountpoint too");
    }
    mapping->goes_with("fstype", "mountpoint");
    mapping->refuse_rest();
    writer.close();
}

constexpr std::string_view env_pattern = R"([^="\\\x00-\x1f\x7f]+=[^"\\\x00-\x1f\x7f]*)";

void write_env(Writer& writer, const Value& value) {
    constexpr std::string_view expected = "NAME=VALUE or a list of them";
    for (const Value& item : value.list_or_one(expected)) {
        const auto word =
            item.is_described() ? item.text(expected, env_pattern) : read_word(item, expected);
        if (word && word->find('=') != std::string::npos && !word->starts_with('='))
            writer.entry("env", *word, item.where);
        else if (word)
            item.refuse(expected);
    }
}

void write_inline(Mapping& mapping, RumprunDraft& draft) {
    Writer writer(draft);
    writer.open();
    if (const auto net =
            mapping.take({"net", "a network interface for each address, or a list of them"})) {
        std::size_t index = 0;
        for (const Value& item : net->list_or_mapping("an interface or a list of them"))
            write_net(writer, item, index++);
    }
    if (const auto blk = mapping.take({"blk", "a disk, or a list of them"}))
        for (const Value& item : blk->list_or_mapping("a disk or a list of them"))
            write_blk(writer, item, draft);
    if (const auto env = mapping.take({"env", "NAME=VALUE, or a list of them"}))
        write_env(writer, *env);
    // As the script does for every Xen guest.
    writer.open("blk");
    writer.entry("source", "dev", {});
    writer.entry("path", "virtual", {});
    writer.entry("fstype", "kernfs", {});
    writer.entry("mountpoint", "/kern", {});
    writer.close();
    if (const auto cmdline =
            mapping.require({"cmdline", "the program and its arguments"}, "rumprun",
                            "give the program and its arguments", "config"))
        if (const auto words = read_word(*cmdline, "the program and its arguments"))
            writer.entry("cmdline", *words, cmdline->where);
    if (const auto hostname = mapping.take({"hostname", "the guest's name of itself"}))
        if (const auto word = read_word(*hostname, "a name, such as {name}"))
            writer.entry("hostname", *word, hostname->where);
    mapping.refuse_rest();
    writer.close();
}

std::string numbered(std::size_t octets) {
    return std::to_string(octets) + " octets, more than the " + std::to_string(max_rumprun) +
           " that xenstore takes beside its path";
}

// The text of a file goes to the guest as it is.
void read_file(const Value& value, const Paths& paths, RumprunDraft& draft) {
    auto content = paths.read_content(value);
    if (!content)
        return;
    Problems problems(content->path);
    std::vector<RumprunFault> unknown;
    std::vector<RumprunDisk> disks;
    if (content->text.size() > max_rumprun)
        problems.error({}, numbered(content->text.size()));
    else if (const auto fault = check_rumprun(content->text, unknown, disks))
        problems.error(fault->where, fault->what);
    else
        draft.pieces.push_back({std::move(content->text), false, {}});
    for (const RumprunFault& fault : unknown)
        problems.warning(fault.where, fault.what);
    for (RumprunDisk& disk : disks)
        draft.disks.push_back({std::move(disk.path), problems.at(disk.where)});
    value.problems->add(std::move(problems));
}

// Disks that rumprun knows (devname2vbd of its platform/xen): a letter, and a digit for a
// partition.
bool is_known_to_rumprun(std::string_view device) {
    for (const std::string_view type : {"hd", "sd", "xvd"}) {
        if (!device.starts_with(type))
            continue;
        const std::string_view rest = device.substr(type.size());
        return vdev_number(device) && (rest.size() == 1 || (rest.size() == 2 && rest[1] <= '9'));
    }
    return false;
}

// What ends a guest that registers this disk by etfs.
void look_at_disk(const RumprunDraft::Disk& disk, const service::Template& service,
                  const std::string& owner, Problems& problems) {
    const auto warn = [&](const std::string& what) {
        problems.warning_at(disk.where, "rumprun of " + owner + ": " + what);
    };
    if (!is_known_to_rumprun(disk.path))
        return warn("the guest knows no disk " + disk.path +
                    " (etfs), and ends; say xvda, sda or hda, with a digit for a partition");
    const auto number = vdev_number(disk.path);
    const auto there = std::ranges::find_if(service.disks, [&](const service::Disk& other) {
        return number && vdev_number(other.device) == number;
    });
    if (there == service.disks.end())
        return warn("the guest opens " + disk.path +
                    " (etfs), which is none of its disks, and ends; add it to disks");
    if (!there->writable)
        warn("the guest opens " + disk.path +
             " (etfs) for writing, and ends where it cannot; give the disk mode: w, which leaves "
             "no standby copies");
}

}  // namespace

RumprunDraft read_rumprun(const Value& value, const Paths& paths) {
    RumprunDraft draft;
    auto mapping = Mapping::of(value, "rumprun.",
                               "a mapping, such as {config: rumprun.json} or {cmdline: program}");
    if (!mapping)
        return draft;
    draft.given = true;
    draft.where = value.problems->at(value.where);
    const auto config = mapping->take({"config", "the path of a file, instead of all others"});
    if (!config || mapping->is_described())
        write_inline(*mapping, draft);
    if (!config)
        return draft;
    for (const std::string_view key : {"cmdline", "hostname", "env", "net", "blk"}) {
        mapping->refuse(key, "config is there too, and says it; leave one of the two out");
        mapping->has_at_most_one_of({"config", key});
    }
    mapping->refuse_rest();
    read_file(*config, paths, draft);
    return draft;
}

void complete_rumprun(const RumprunDraft& draft, service::Template& service,
                      const std::string& owner, Problems& problems) {
    for (const RumprunDraft::Piece& piece : draft.pieces) {
        if (!piece.is_value) {
            service.rumprun += piece.text;
            continue;
        }
        const auto value = expand(piece.text, service);
        if (value)
            service.rumprun += *value;
        else
            problems.error_at({draft.where.file, piece.where.line, piece.where.column},
                              "rumprun of " + owner + ": " + value.error().what);
    }
    for (const RumprunDraft::Disk& disk : draft.disks)
        look_at_disk(disk, service, owner, problems);
    if (service.rumprun.size() > max_rumprun)
        problems.error_at(draft.where,
                          "rumprun of " + owner + " comes to " + numbered(service.rumprun.size()));
    else if (service.rumprun.size() > usual_rumprun)
        problems.warning_at(
            draft.where, "rumprun of " + owner + " comes to " +
                             std::to_string(service.rumprun.size()) + " octets; oxenstored takes " +
                             std::to_string(usual_rumprun) +
                             ", unless quota-maxsize in its oxenstored.conf says more");
}

}  // namespace summond::config
