// Anonymising on the way from the inputs to the sink.
//
// Filters, the merge and the account of what is missing see the originals; from there on rows, and what inputs tell
// beside them, are pseudonyms.
#pragma once

#include <memory>
#include <string>

#include "anonymize/anonymizer.h"
#include "anonymize/leak_check.h"
#include "report/sink.h"

namespace tcpaccept::report {

struct Anonymizing {
  anonymize::Settings settings;
  // Told what the originals hold, by any thread; borrowed, or null.
  anonymize::LeakCheck* witness = nullptr;
};

// Tells `inner` pseudonyms of what it is told. Borrows `how`.
Observer anonymized(Observer inner, const Anonymizing& how);

// Shows each batch to the check before `inner`, which makes text of it, gets rows of it. `name` is of the output, for
// messages. Borrows the check.
std::unique_ptr<Sink> checked(std::unique_ptr<Sink> inner, anonymize::LeakCheck& check, std::string name);

}  // namespace tcpaccept::report
