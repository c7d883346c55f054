// Where the key comes from: a file, or the kernel's random numbers.
#pragma once

#include <functional>
#include <string>

#include "anonymize/cipher.h"

namespace tcpaccept::anonymize {

// The file, or pipe, holds 32 bytes, or 64 hexadecimal digits and at most one end of line. `complain` takes a line when
// others than its owner may read it. A pipe is waited for. Throws Error: missing, not permitted, anything else in it.
Key read_key(const std::string& path, const std::function<void(const std::string&)>& complain);

// To be forgotten: nobody can make the same pseudonyms again.
Key random_key();

}  // namespace tcpaccept::anonymize
