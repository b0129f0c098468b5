// SPDX-License-Identifier: Apache-2.0
// E-mail: single messages and mailboxes, with what is attached to them.
#pragma once

#include <string_view>

#include "base/status.h"
#include "knowledge/document.h"

namespace kinglet {

// A message as it is sent (RFC 5322, MIME). Its subject is the title.
Result<void> ExtractMail(std::string_view bytes, DocumentBuilder& builder);

// Messages one after the other, each behind a line "From sender date" (mbox).
Result<void> ExtractMailbox(std::string_view bytes, DocumentBuilder& builder);

}  // namespace kinglet
