// A directory of a test's own, and a file of the store's in it.
#pragma once

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "fake_clock.hpp"
#include "fake_wall_clock.hpp"
#include "summond/store/ledger.hpp"

namespace summond::store {

class StoreFixture : public testing::Test {
  protected:
    StoreFixture() {
        std::string name =
            (std::filesystem::temp_directory_path() / "summond-store-XXXXXX").string();
        directory = ::mkdtemp(name.data());
        file = directory / "state.db";
    }
    ~StoreFixture() override { std::filesystem::remove_all(directory); }

    // By SQLite itself.
    void sql(const std::string& text) {
        sqlite3* handle = nullptr;
        ASSERT_EQ(sqlite3_open(file.c_str(), &handle), SQLITE_OK);
        EXPECT_EQ(sqlite3_exec(handle, text.c_str(), nullptr, nullptr, nullptr), SQLITE_OK)
            << sqlite3_errmsg(handle);
        sqlite3_close(handle);
    }
    std::int64_t number(const std::string& text) {
        std::int64_t result = -1;
        sqlite3* handle = nullptr;
        sqlite3_open(file.c_str(), &handle);
        const auto take = [](void* to, int, char** columns, char**) {
            *static_cast<std::int64_t*>(to) = columns[0] == nullptr ? 0 : std::stoll(columns[0]);
            return 0;
        };
        sqlite3_exec(handle, text.c_str(), take, &result, nullptr);
        sqlite3_close(handle);
        return result;
    }
    std::string content() const {
        std::ifstream in(file, std::ios::binary);
        return {std::istreambuf_iterator<char>(in), {}};
    }
    void write(const std::string& bytes) const {
        std::ofstream(file, std::ios::binary | std::ios::trunc) << bytes;
    }
    std::vector<std::string> names() const {
        std::vector<std::string> all;
        for (const auto& each : std::filesystem::directory_iterator(directory))
            all.push_back(each.path().filename());
        return all;
    }
    bool is_set_aside() const {
        return std::ranges::any_of(
            names(), [](const auto& each) { return each.starts_with("state.db.damaged-"); });
    }

    Ledger::Options options() const { return {.file = file}; }
    Ledger open() const { return {options(), clock, wall_clock}; }
    vm::Kept kept(service::Id id, base::Duration used_ago = {}) const {
        return {.service = id, .last_used = clock.now() - used_ago};
    }
    vm::WakeRecord wake(std::uint64_t number) const {
        vm::WakeRecord record;
        record.number = number;
        record.service = 11;
        record.name = "www";
        record.asked_at = clock.now();
        return record;
    }

    std::filesystem::path directory;
    std::filesystem::path file;
    test::FakeClock clock;
    test::FakeWallClock wall_clock;
};

}  // namespace summond::store
