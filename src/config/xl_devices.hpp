// Items of vif and disk in an xl file as the mappings that interfaces and disks are made of.
#pragma once

#include "problems.hpp"
#include "summond/xen/xl_file.hpp"
#include "yaml.hpp"

namespace summond::config {

inline Mark mark(xen::XlMark where) {
    return {where.line, where.column};
}
NodePtr scalar(std::string text, Mark where);

// xl-network-configuration(5), xl-disk-configuration(5). Nothing if the item is wrong, which is
// reported.
NodePtr vif_to_yaml(const xen::XlItem& item, Problems& problems);
NodePtr disk_to_yaml(const xen::XlItem& item, Problems& problems);

}  // namespace summond::config
