// Puts an xl file into a service's own words, so that one code reads and checks both.
#include "xl.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <memory>

#include "devices.hpp"
#include "summond/xen/xl_file.hpp"
#include "xl_devices.hpp"

namespace summond::config {

namespace {

using xen::XlSetting;

constexpr std::array<std::string_view, 21> supported{
    "name", "uuid",  "type",   "builder",     "kernel",        "ramdisk",     "cmdline",
    "root", "extra", "memory", "maxmem",      "shadow_memory", "vcpus",       "maxvcpus",
    "vif",  "disk",  "pvshim", "on_poweroff", "on_reboot",     "on_watchdog", "on_crash"};

class Translator {
  public:
    Translator(std::vector<XlSetting> settings, XlGuest& guest)
        : settings_(std::move(settings)), guest_(guest), mapping_(std::make_shared<Node>()) {
        mapping_->kind = Node::Kind::mapping;
        mapping_->where = {1, 1};
    }

    void translate() {
        for (const XlSetting& setting : settings_)
            refuse_unsupported(setting);
        for (const std::string_view key : {"name", "kernel", "ramdisk"})
            if (const XlSetting* setting = text(key))
                put(key, *setting->text, *setting);
        type();
        command_line();
        sizes();
        vcpus();
        ends();
        if (const XlSetting* pvshim = text("pvshim"))
            put("pvshim", *pvshim->text == "0" ? "false" : "true", *pvshim);
        if (const XlSetting* uuid = text("uuid"))
            guest_.problems.warning(mark(uuid->where),
                                    "uuid is not used: summond knows its domains by UUIDs of its "
                                    "own");
        guest_.vif = devices("vif", vif_to_yaml);
        guest_.disk = devices("disk", disk_to_yaml);
        guest_.settings = mapping_;
    }

  private:
    void refuse_unsupported(const XlSetting& setting) {
        if (std::ranges::find(supported, setting.key) != supported.end())
            return;
        std::string what = in_quotes(setting.key) + " is not supported";
        if (const auto meant = nearest(setting.key, supported); !meant.empty())
            what.append("; did you mean ").append(in_quotes(meant)).append("?");
        else if (setting.key == "bootloader" || setting.key == "firmware")
            what += "; a kernel is loaded by name: say which in kernel";
        else
            what += "; take it out, if the guest can do without";
        error(setting, what);
    }

    const XlSetting* find(std::string_view key) const {
        const auto setting = std::ranges::find(settings_, key, &XlSetting::key);
        return setting == settings_.end() ? nullptr : &*setting;
    }
    // The setting, if it is one string or number.
    const XlSetting* text(std::string_view key) {
        const XlSetting* setting = find(key);
        if (setting == nullptr || setting->text)
            return setting;
        error(*setting, setting->key + " is a list; it must be one value");
        return nullptr;
    }
    // The setting and its number, if it is one. xl takes 0x10 and 010 too (strtol).
    std::optional<std::uint64_t> number(const XlSetting* setting) {
        if (setting == nullptr)
            return std::nullopt;
        char* end = nullptr;
        errno = 0;
        const long value = std::strtol(setting->text->c_str(), &end, 0);
        if (errno == 0 && *end == '\0' && end != setting->text->c_str() && value >= 0)
            return static_cast<std::uint64_t>(value);
        error(*setting,
              setting->key + " is " + in_quotes(*setting->text) + "; it must be a number");
        return std::nullopt;
    }

    void error(const XlSetting& setting, std::string what) {
        guest_.problems.error(mark(setting.where), std::move(what));
    }
    void put(std::string_view key, std::string value, const XlSetting& at) {
        const Mark where = mark(at.where);
        mapping_->entries.push_back({std::string(key), where, scalar(std::move(value), where)});
    }

    void type() {
        const XlSetting* type = text("type");
        const XlSetting* builder = text("builder");
        std::string of_builder;
        if (builder != nullptr && *builder->text == "generic")
            of_builder = "pv";
        else if (builder != nullptr && *builder->text == "hvm")
            of_builder = "hvm";
        else if (builder != nullptr)
            error(*builder,
                  "builder is " + in_quotes(*builder->text) + "; say type = 'pvh' or 'pv'");
        if (type != nullptr && !of_builder.empty() && *type->text != of_builder)
            error(*builder, "builder and type contradict each other; keep type");
        else if (type != nullptr)
            put("type", *type->text, *type);
        else if (!of_builder.empty())
            put("type", of_builder, *builder);
    }

    // As parse_cmdline in xl: extra and root go together, cmdline stands alone.
    void command_line() {
        const XlSetting* cmdline = text("cmdline");
        const XlSetting* root = text("root");
        const XlSetting* extra = text("extra");
        const XlSetting* from = cmdline != nullptr ? cmdline : root != nullptr ? root : extra;
        if (from == nullptr)
            return;
        std::string line = *from->text;
        if (cmdline != nullptr && (root != nullptr || extra != nullptr))
            guest_.problems.warning(mark(from->where), "cmdline is used, root and extra are not");
        else if (from == root)
            line = "root=" + line + (extra != nullptr ? " " + *extra->text : "");
        std::string literal;  // braces stand for themselves in an xl file
        for (const char c : line)
            literal.append(c == '{' || c == '}' ? 2 : 1, c);
        if (!literal.empty())
            put("cmdline", std::move(literal), *from);
    }

    void sizes() {
        const auto mib = [&](std::string_view key, std::string_view ours) {
            const XlSetting* setting = text(key);
            if (const auto size = number(setting))
                put(ours, std::to_string(*size) + "MiB", *setting);
        };
        // Without memory, libxl gives the guest maxmem.
        mib(find("memory") != nullptr ? "memory" : "maxmem", "memory");
        if (find("memory") != nullptr)
            mib("maxmem", "max_memory");
        mib("shadow_memory", "shadow_memory");
    }

    void vcpus() {
        const XlSetting* vcpus = text("vcpus");
        const XlSetting* max = text("maxvcpus");
        const auto count = number(vcpus);
        const auto most = number(max);
        if (count)
            put("vcpus", std::to_string(*count), *vcpus);
        if (most && *most != count.value_or(1))
            error(*max,
                  "maxvcpus is not vcpus; all vCPUs are there from the start: set both to "
                  "the same number");
    }

    void ends() {
        for (const std::string_view key : {"on_poweroff", "on_reboot", "on_watchdog", "on_crash"}) {
            const XlSetting* setting = text(key);
            if (setting == nullptr)
                continue;
            std::string action = *setting->text;
            if (action == "preserve") {
                guest_.problems.warning(
                    mark(setting->where),
                    setting->key +
                        " = 'preserve' is taken for 'destroy': a domain that has ended "
                        "is removed, the log says how it ended");
                action = "destroy";
            }
            put(key, std::move(action), *setting);
        }
    }

    template <typename ToYaml>
    NodePtr devices(std::string_view key, ToYaml to_yaml) {
        auto list = std::make_shared<Node>();
        list->kind = Node::Kind::list;
        const XlSetting* setting = find(key);
        if (setting == nullptr)
            return list;
        list->where = mark(setting->where);
        if (setting->text)
            error(*setting, setting->key + " must be a list, such as " + setting->key + " = [ '" +
                                (key == "vif" ? "bridge=xenbr0" : "/srv/a.img,raw,xvda,rw") +
                                "' ]");
        auto items = setting->items;
        if (setting->text)  // to say what else is wrong
            items.push_back({*setting->text, setting->where});
        for (const xen::XlItem& item : items)
            if (NodePtr device = to_yaml(item, guest_.problems))
                list->items.push_back(std::move(device));
        return list;
    }

    std::vector<XlSetting> settings_;
    XlGuest& guest_;
    std::shared_ptr<Node> mapping_;
};

// xl's defaults for all that a file of xl's can say.
void forget_guest(ServiceDraft& draft) {
    Service& service = draft.service;
    service.type = DomainType::pv;
    service.kernel.clear();
    service.ramdisk.reset();
    service.memory_kib = default_memory_kib;
    service.max_memory_kib = service.shadow_memory_kib = 0;
    service.vcpus = 1;
    service.pvshim = false;
    service.disks.clear();
    service.restart = {};
    draft.cmdline.clear();
    draft.interfaces.clear();
    draft.has_kernel = false;
    draft.has_type = true;
}

Value root(XlGuest& guest) {
    return {guest.settings.get(), {1, 1}, "the file", &guest.problems};
}

}  // namespace

std::optional<XlGuest> read_xl(const Value& value, const Paths& paths) {
    auto content = paths.read_content(value);
    if (!content)
        return std::nullopt;
    auto settings = xen::parse_xl(content->text);
    if (!settings) {
        value.problems->error_at({content->path, settings.error().line, 0},
                                 "not a file of xl's: " + settings.error().what);
        return std::nullopt;
    }
    XlGuest guest{content->path, Problems(content->path), nullptr, nullptr, nullptr};
    Translator(std::move(*settings), guest).translate();
    return guest;
}

std::optional<Value> xl_name(XlGuest& guest) {
    return Mapping::of(root(guest), "", "")->take("name");
}

void read_xl_guest(XlGuest& guest, ServiceDraft& draft, const Paths& paths) {
    forget_guest(draft);
    draft.interfaces_where = {guest.path, 0, 0};
    auto mapping = Mapping::of(root(guest), "", "");
    mapping->take("name");
    read_guest(*mapping, draft, paths.beside(guest.path), Whose::service);
    const Value vif{guest.vif.get(), guest.vif->where, "vif", &guest.problems};
    if (!guest.vif->items.empty())
        read_interface_list(vif, draft, Whose::service);
    const Value disk{guest.disk.get(), guest.disk->where, "disk", &guest.problems};
    if (!guest.disk->items.empty())
        read_disks(disk, paths.beside(guest.path), draft.service.disks);
}

}  // namespace summond::config
