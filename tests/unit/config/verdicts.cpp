// What `summond check` says of many texts, without a process for each: schema_test.py asks it.
// Standard input: for each text its size in octets, a line break, and the text. Standard output: a
// line for each, a JSON array of the errors, without their places.
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <iostream>
#include <string>

#include "summond/config/config.hpp"

namespace {

// What files that are part of a configuration say.
summond::base::Result<std::string> read_part(const std::string& path) {
    if (path.ends_with(".pem"))
        return "-----BEGIN CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----\n";
    if (path.ends_with(".key") || path.ends_with(".password"))
        return "0123456789abcdef0123456789abcdef\n";
    if (path.ends_with(".xl"))
        return "name = 'hello'\nkernel = 'hello.xen'\ntype = 'pvh'\nvif = [ 'bridge=xenbr0' ]\n";
    if (path.ends_with(".txt"))
        return "a1\nb2\n";
    return "{, \n\t\"cmdline\": \"hello\", \n}, \n";
}

}  // namespace

int main(int argc, char** argv) {
    using namespace summond;
    if (argc == 2 && std::string(argv[1]) == "schema") {
        std::cout << config::schema() << "\n";
        return 0;
    }
    std::size_t size = 0;
    while (std::cin >> size && std::cin.get() == '\n') {
        std::string text(size, '\0');
        std::cin.read(text.data(), static_cast<std::streamsize>(size));
        const auto loaded = config::parse(text, "/etc/summond/c.yaml", read_part,
                                          config::ReadZones::yes, service::Host::amd64);
        boost::json::array errors;
        for (const config::Problem& problem : loaded.problems)
            if (!problem.warning)
                errors.emplace_back(problem.what);
        std::cout << boost::json::serialize(errors) << "\n";
    }
}
