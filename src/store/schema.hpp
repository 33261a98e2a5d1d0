// The tables of the file, and how an older file becomes one of now. The version is SQLite's
// user_version; 0 is an empty file.
#pragma once

#include "database.hpp"

namespace summond::store {

// That this program writes and reads.
int schema_version();
// Step by step, all or nothing. Refuses a file of a newer summond, which it leaves as it is.
Result<void> migrate(Database& database);

}  // namespace summond::store
