// Anonymising on the way from the inputs to the sink.
//
// Filters, the merge and the account of what is missing see the originals; from there on rows, and what inputs tell
// beside them, are pseudonyms.
#pragma once

#include "anonymize/anonymizer.h"
#include "anonymize/leak_check.h"
#include "report/totals.h"

namespace tcpaccept::report {

struct Anonymizing {
  anonymize::Settings settings;
  // Told what the originals hold, by any thread; borrowed, or null.
  anonymize::LeakCheck* witness = nullptr;
};

// Tells `inner` pseudonyms of what it is told. Borrows `how`.
Observer anonymized(Observer inner, const Anonymizing& how);

}  // namespace tcpaccept::report
