// Puts an xl file into a service's own words, so that one code reads and checks both.
#include "xl.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <iterator>
#include <memory>

#include "devices.hpp"
#include "options.hpp"
#include "summond/xlfile/xl_file.hpp"
#include "xl_devices.hpp"
#include "xl_keys.hpp"

namespace summond::config {

namespace {

using xlfile::XlSetting;

class Translator {
  public:
    // service: the mapping that names the file, whose keys take the place of the file's.
    Translator(std::vector<XlSetting> settings, const Mapping& service, XlGuest& guest)
        : settings_(std::move(settings)),
          service_(service),
          guest_(guest),
          mapping_(std::make_shared<Node>()) {
        mapping_->kind = Node::Kind::mapping;
        mapping_->where = {1, 1};
    }

    void translate() {
        std::erase_if(settings_, [this](const XlSetting& setting) { return replaced(setting); });
        std::erase_if(settings_, [this](const XlSetting& setting) { return !used(setting); });
        for (const std::string_view key : {"name", "kernel", "ramdisk", "bootloader"})
            if (const XlSetting* setting = text(key))
                put(key, *setting->text, *setting);
        type();
        command_line();
        sizes();
        vcpus();
        ends();
        options();
        bootloader_args();
        if (const XlSetting* pvshim = text("pvshim"))
            put("pvshim", *pvshim->text == "0" ? "false" : "true", *pvshim);
        guest_.vif = devices("vif", [this](const xlfile::XlItem& item, std::size_t index) {
            return vif_to_yaml(item, index, service_, guest_.problems);
        });
        guest_.disk = devices("disk", [this](const xlfile::XlItem& item, std::size_t) {
            return disk_to_yaml(item, guest_.problems);
        });
        if (const XlSetting* p9 = find("p9"))
            if (auto shares = devices("p9",
                                      [this](const xlfile::XlItem& item, std::size_t) {
                                          return share_to_yaml(item, guest_.problems);
                                      });
                !shares->items.empty())
                put("p9", std::move(shares), *p9);
        guest_.settings = mapping_;
    }

  private:
    // Whether the service says it itself: then it is not even looked at, as in xl create FILE
    // KEY=VALUE.
    bool replaced(const XlSetting& setting) const {
        const XlKeys* known = find_keys(xl_keys(), setting.key);
        if (known == nullptr)
            return false;
        if (setting.key == "vif")
            if (const Node* bridge = service_.peek("bridge"); bridge && bridge->text == "none")
                return true;
        const auto says = [this](std::string_view key) { return service_.peek(key) != nullptr; };
        return says(setting.key) || std::ranges::any_of(words(known->replaced), says);
    }

    // Reports what has no effect, and what would have one that is not to be had.
    bool used(const XlSetting& setting) {
        const XlKeys* known = find_keys(xl_keys(), setting.key);
        if (known == nullptr) {
            std::vector<std::string_view> all;
            for (const XlKeys& keys : xl_keys())
                std::ranges::copy(words(keys.keys), std::back_inserter(all));
            std::string what = "xl knows no " + in_quotes(setting.key) + " and ignores it";
            if (const auto meant = nearest(setting.key, all); !meant.empty())
                what.append("; did you mean ").append(in_quotes(meant)).append("?");
            warning(setting, what);
            return false;
        }
        if (known->fate == XlFate::honoured)
            return true;
        if (known->fate == XlFate::warning)
            warning(setting, setting.key + " has no effect: " + std::string(known->what));
        else if (!is_off(setting))
            error(setting, setting.key + " is not supported: " + std::string(known->what));
        return false;
    }

    // Nothing is asked for.
    static bool is_off(const XlSetting& setting) {
        constexpr std::array<std::string_view, 4> off{"", "0", "none", "disabled"};
        return setting.text ? std::ranges::find(off, *setting.text) != off.end()
                            : setting.items.empty();
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
    void warning(const XlSetting& setting, std::string what) {
        guest_.problems.warning(mark(setting.where), std::move(what));
    }
    void put(std::string_view key, NodePtr value, const XlSetting& at) {
        mapping_->entries.push_back({std::string(key), mark(at.where), std::move(value)});
    }
    void put(std::string_view key, std::string value, const XlSetting& at) {
        put(key, scalar(std::move(value), mark(at.where)), at);
    }
    // One text, or a list of them.
    void put_texts(std::string_view key, const XlSetting& setting) {
        if (setting.text) {
            put(key, *setting.text, setting);
            return;
        }
        auto list = std::make_shared<Node>();
        list->kind = Node::Kind::list;
        list->where = mark(setting.where);
        for (const xlfile::XlItem& item : setting.items)
            list->items.push_back(scalar(item.text, mark(item.where)));
        put(key, NodePtr(std::move(list)), setting);
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
        guest_.may_boot = of_builder != "hvm" && (type == nullptr || *type->text != "hvm");
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
        const auto count = [&](std::string_view key, std::string_view ours) {
            const XlSetting* setting = text(key);
            if (const auto value = number(setting))
                put(ours, std::to_string(*value), *setting);
        };
        // Without vcpus there is one (libxl), and without maxvcpus no more than that.
        count("vcpus", "vcpus");
        count("maxvcpus", "max_vcpus");
        for (const std::string_view key : {"cpus", "cpus_soft"})
            if (const XlSetting* setting = find(key))
                put_texts(key, *setting);
    }

    void ends() {
        for (const std::string_view key : {"on_poweroff", "on_reboot", "on_watchdog", "on_crash"})
            if (const XlSetting* setting = text(key))
                put(key, *setting->text, *setting);
    }

    void options() {
        for (const Option& option : all_options())
            if (option.key == "cpuid" ? find(option.key) != nullptr : text(option.key) != nullptr)
                option_of(option, *find(option.key));
    }

    void option_of(const Option& option, const XlSetting& setting) {
        switch (option.kind) {
            case Option::Kind::number:
                if (setting.text->starts_with('-'))
                    put(option.key, *setting.text, setting);
                else if (const auto value = number(&setting))
                    put(option.key, std::to_string(*value), setting);
                return;
            case Option::Kind::boolean:
                if (const auto value = number(&setting))
                    put(option.key, *value != 0 ? "true" : "false", setting);
                return;
            case Option::Kind::words: {  // once their numbers, which xl takes still
                const std::string& text = *setting.text;
                const bool is_index = text.size() == 1 && text[0] >= '0' &&
                                      static_cast<std::size_t>(text[0] - '0') < option.words.size();
                put(option.key,
                    is_index ? std::string(option.words[static_cast<std::size_t>(text[0] - '0')])
                             : text,
                    setting);
                return;
            }
            case Option::Kind::text:
            case Option::Kind::path:
            case Option::Kind::cpuid:
                put_texts(option.key, setting);
                return;
        }
    }

    void bootloader_args() {
        const XlSetting* setting = find("bootloader_args");
        if (setting == nullptr)
            return;
        XlSetting args = *setting;
        if (args.text) {
            for (const std::string_view word : words(*args.text))
                if (!word.empty())
                    args.items.push_back({std::string(word), args.where});
            args.text.reset();
        }
        if (!args.items.empty())
            put_texts("bootloader_args", args);
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
                                (key == "vif"    ? "bridge=xenbr0"
                                 : key == "disk" ? "/srv/a.img,raw,xvda,rw"
                                                 : "tag=www,path=/srv/www,security_model=none") +
                                "' ]");
        auto items = setting->items;
        if (setting->text)  // to say what else is wrong
            items.push_back({*setting->text, setting->where});
        for (std::size_t i = 0; i < items.size(); ++i)
            if (NodePtr device = to_yaml(items[i], i))
                list->items.push_back(std::move(device));
        return list;
    }

    std::vector<XlSetting> settings_;
    const Mapping& service_;
    XlGuest& guest_;
    std::shared_ptr<Node> mapping_;
};

// xl's defaults for all that a file of xl's can say.
void forget_guest(ServiceDraft& draft) {
    service::Template& service = draft.service;
    service.type =
        draft.host == service::Host::arm64 ? service::DomainType::pvh : service::DomainType::pv;
    service.kernel.clear();
    service.ramdisk.reset();
    service.memory_kib = default_memory_kib;
    service.max_memory_kib = service.shadow_memory_kib = 0;
    service.vcpus = 1;
    service.max_vcpus = 0;
    service.cpus = service.cpus_soft = {};
    service.options.clear();
    service.bootloader.clear();
    service.bootloader_args.clear();
    service.pvshim = false;
    service.disks.clear();
    draft.places.disks.clear();
    service.shares.clear();
    service.restart = {};
    service.preserve = {};
    draft.cmdline.clear();
    draft.interfaces.clear();
    draft.has_kernel = false;
    draft.has_type = true;
    draft.by_xl = true;
}

Value root(XlGuest& guest) {
    return {guest.settings.get(), {1, 1}, "the file", &guest.problems};
}

}  // namespace

std::optional<XlGuest> read_xl(const Value& value, const Mapping& service, const Paths& paths) {
    auto content = paths.read_content(value);
    if (!content)
        return std::nullopt;
    auto settings = xlfile::parse_xl(content->text);
    if (!settings) {
        value.problems->error_at({content->path, settings.error().line, 0},
                                 "not a file of xl's: " + settings.error().what);
        return std::nullopt;
    }
    XlGuest guest{content->path, Problems(content->path), nullptr, nullptr, nullptr};
    Translator(std::move(*settings), service, guest).translate();
    return guest;
}

std::optional<Value> xl_name(XlGuest& guest) {
    return Mapping::of(root(guest), "", "")->take({"name", {}});
}

void read_xl_guest(XlGuest& guest, ServiceDraft& draft, const Paths& paths) {
    forget_guest(draft);
    draft.interfaces_where = {guest.path, 0, 0};
    auto mapping = Mapping::of(root(guest), "", "");
    mapping->take({"name", {}});
    read_guest(*mapping, draft, paths.beside(guest.path), Whose::service);
    const Value vif{guest.vif.get(), guest.vif->where, "vif", &guest.problems};
    if (!guest.vif->items.empty())
        read_interface_list(vif, draft, Whose::service);
    const Value disk{guest.disk.get(), guest.disk->where, "disk", &guest.problems};
    if (!guest.disk->items.empty())
        read_disks(disk, paths.beside(guest.path), draft);
}

}  // namespace summond::config
