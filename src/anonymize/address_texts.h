// Addresses in a text, wherever they stand: alone, with a port, or glued to other letters ("ftp:192.0.2.1",
// "a:2001:db8::1", "192.0.2.1x").
#pragma once

#include <functional>
#include <string_view>

#include "core/ip_address.h"

namespace tcpaccept::anonymize {

// Calls `use` for everything in the text that can be read as an IPv4 or IPv6 address: for what stands between other
// characters, and for each part of it that begins and ends where a number does. So of "a:2001:db8::1" it tells
// "a:2001:db8::1", "2001:db8::1" and "db8::1". A part of a number is no number: "10.0.0.12" does not hold "10.0.0.1",
// unless the number is longer than one of an address can be. An escape (\x2d, \u002d) is no part of what follows it.
// Time is linear in the text.
//
// Of what `skip` takes, when it is asked about a whole run of such characters, nothing is told; it may be empty.
void for_each_address(std::string_view text,
                      const std::function<void(std::string_view found, const IpAddress& address)>& use,
                      const std::function<bool(std::string_view run)>& skip = {});

}  // namespace tcpaccept::anonymize
