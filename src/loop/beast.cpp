// Boost.Beast, compiled once for all that use it (BOOST_BEAST_SEPARATE_COMPILATION).
#include <boost/beast/src.hpp>
