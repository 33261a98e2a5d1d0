// Items of vif and disk in an xl file as the mappings that interfaces and disks are made of.
#pragma once

#include "problems.hpp"
#include "reader.hpp"
#include "summond/xlfile/xl_file.hpp"
#include "yaml.hpp"

namespace summond::config {

inline Mark mark(xlfile::XlMark where) {
    return {where.line, where.column};
}
NodePtr scalar(std::string text, Mark where);

NodePtr mapping(std::vector<Entry> entries, Mark where);

// xl-network-configuration(5), xl-disk-configuration(5), p9 in xl.cfg(5). Nothing if the item is
// wrong, which is reported.
// service: its own bridge, mac and script take the place of what an item says.
NodePtr vif_to_yaml(const xlfile::XlItem& item, std::size_t index, const Mapping& service,
                    Problems& problems);
NodePtr disk_to_yaml(const xlfile::XlItem& item, Problems& problems);
NodePtr share_to_yaml(const xlfile::XlItem& item, Problems& problems);

}  // namespace summond::config
