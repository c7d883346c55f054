// tcpaccept-record without its main: a session whose batches go into a capture file.
#pragma once

#include "core/error.h"
#include "record/options.h"

namespace tcpaccept::record {

// Records until the session ends and says on stderr what it does, or does what --check asks for. Throws Error when it cannot.
Exit run_recorder(const RecordOptions& options);

}  // namespace tcpaccept::record
