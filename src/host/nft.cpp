#include "summond/host/nft.hpp"

#include <fmt/format.h>
#include <nftables/libnftables.h>

namespace summond::host {

// "table" first, so that "delete table" has one to delete.
std::string without_table(std::string_view table) {
    return fmt::format("table {0} {{}}\ndelete table {0}\n", table);
}

Nft::~Nft() {
    if (context_ != nullptr)
        ::nft_ctx_free(context_);
}

base::Result<std::string> Nft::run(const std::string& commands) {
    if (context_ == nullptr) {
        context_ = ::nft_ctx_new(NFT_CTX_DEFAULT);
        if (context_ == nullptr)
            return base::error("nftables: no memory");
        ::nft_ctx_buffer_output(context_);
        ::nft_ctx_buffer_error(context_);
        ::nft_ctx_output_set_flags(context_, NFT_CTX_OUTPUT_JSON);
    }
    const int r = ::nft_run_cmd_from_buffer(context_, commands.c_str());
    // Getting a buffer also empties it.
    const char* output = ::nft_ctx_get_output_buffer(context_);
    const char* errors = ::nft_ctx_get_error_buffer(context_);
    if (r != 0)
        return base::error(std::string("nftables: ") + (errors == nullptr ? "" : errors));
    return std::string(output == nullptr ? "" : output);
}

}  // namespace summond::host
