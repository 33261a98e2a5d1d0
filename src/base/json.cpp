// Boost.JSON's code, compiled once; Debian has it as a header-only library.
#include <boost/json/src.hpp>
