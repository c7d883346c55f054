// Addresses as text, faster than core's format_address and equal to it byte for byte.
//
// With thousands of clients almost every second row of a batch brings a new address, so this is the hottest
// formatting there is after the digits.
#pragma once

#include "core/ip_address.h"

namespace tcpaccept::text {

// As tcpaccept::format_address; may scribble up to kScribble bytes (digits.h) beyond the end.
char* put_address(char* to, const IpAddress& address);

}  // namespace tcpaccept::text
