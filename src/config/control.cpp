#include "control.hpp"

namespace summond::config {
namespace {

constexpr std::size_t longest_socket = 107;  // sockaddr_un's sun_path with its NUL, unix(7)

std::string read_group(const Value& value) {
    constexpr std::string_view expected = "the name of a group, such as adm";
    constexpr std::size_t longest = 32;  // groupadd(8)
    const auto name = value.text(expected, R"((?![0-9]+$)[^:/, \x00-\x1f\x7f]+)", longest);
    if (!name)
        return {};
    const bool is_number = name->find_first_not_of("0123456789") == std::string::npos;
    if (name->size() <= longest && name->find_first_of(":/, ") == std::string::npos && !is_number)
        return *name;
    value.refuse(expected, is_number ? "a number" : "");
    return {};
}

}  // namespace

void read_control(const Value& value, const Paths& paths, Control& control) {
    if (const auto word = value.word({"off", "on"})) {
        control.enabled = *word == 1;
        return;
    }
    auto mapping = Mapping::of(value, "control.", "on, off or a mapping, such as {admins: adm}");
    if (!mapping)
        return;
    if (const auto socket = mapping->take(
            {"socket", "the path of a Unix socket; its directory is made if it is not there",
             "/run/summond/control.sock"})) {
        const auto path = paths.read(*socket);
        if (path && path->size() > longest_socket)
            socket->refuse("the path of a socket, of at most " + std::to_string(longest_socket) +
                           " octets");
        else if (path)
            control.socket = *path;
        control.socket_given = true;
    }
    if (const auto readers =
            mapping->take({"readers", "the group whose members may look, beside root",
                           "summond, where there is one"}))
        control.readers = read_group(*readers);
    if (const auto admins = mapping->take(
            {"admins", "the group whose members may give commands, too", "none: root only"}))
        control.admins = read_group(*admins);
    mapping->refuse_rest();
}

}  // namespace summond::config
