// SPDX-License-Identifier: Apache-2.0
// The door to all formats: those that a hostile file might break the reader of are read by a
// process of their own, whose crash is one document that failed.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

#include "base/status.h"
#include "knowledge/document.h"
#include "knowledge/extractor.h"

namespace kinglet {

struct ReadOptions {
  ExtractLimits limits;
  int timeout_ms = 60'000;
  std::function<bool()> should_stop;  // asked now and then while another process reads
  // Whose command `read-document MEDIA_TYPE NAME` calls ServeDocument.
  std::string program = "/proc/self/exe";
};

// As ExtractDocument. kFailed where the reader was ended by its limits or by a fault, kNotFound
// where a program that it needs is missing.
Result<Document> ReadDocument(const std::filesystem::path& path, std::string_view bytes,
                              const Format& format, const ReadOptions& options = {});

// The other side: of what stands on standard input, what is to come out of standard output, as
// DocumentToBytes writes it. Gives up (base/sandbox.h) what it does not need before it reads. Does
// not return where pdftotext takes this process' place and writes its words there.
Result<std::string> ServeDocument(std::string_view media_type, const std::filesystem::path& name);

}  // namespace kinglet
