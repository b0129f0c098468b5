// SPDX-License-Identifier: Apache-2.0
// The routes of a library's documents: adding them, alone or in an archive, listing, reading and
// removing them, and the report on them all.
#include <atomic>
#include <charconv>
#include <limits>
#include <memory>
#include <set>
#include <utility>

#include "base/byte_range.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/display.h"
#include "base/utf8.h"
#include "knowledge/archive_name.h"
#include "knowledge/archive_reader.h"
#include "knowledge/document_reader.h"
#include "knowledge/library_report.h"
#include "server/routes.h"

namespace kinglet {
namespace {

constexpr std::size_t kMaxNameBytes = 512;
constexpr std::int64_t kMaxTextBytes = std::int64_t{4} << 20;  // in one answer

json::object DocumentJson(const DocumentRecord& record) {
  return {{"uri", record.source.uri},
          {"title", record.title},
          {"media_type", record.source.media_type},
          {"digest", record.source.digest},
          {"size_bytes", record.source.size_bytes},
          {"text_bytes", record.text_bytes},
          {"chunks", record.chunk_count},
          {"ingested_at", Iso8601(record.ingested_at)}};
}

ApiError Of(const Status& status) { return ApiError::OfStatus(status); }

// A limit that a document meets is no reason to try again later.
ApiError OfDocument(const Status& status) {
  ApiError error = Of(status);
  if (error.status == 429) {
    error.status = 413;
    error.code = "document_too_large";
  }
  return error;
}

// The record that was found, or an error with the text for none.
ApiResult<DocumentRecord> RecordOf(Result<std::optional<DocumentRecord>> found,
                                   std::string_view none) {
  if (!found) return std::unexpected(Of(found.error()));
  std::optional<DocumentRecord> record = *std::move(found);
  if (!record) return std::unexpected(ApiError::NotFound(std::string(none)));
  return *std::move(record);
}

std::string_view LibraryOf(const Call& call) { return call.request.Query("library").value_or(""); }

ApiResult<std::int64_t> ByteOf(const Call& call, const char* name, std::int64_t otherwise) {
  const auto given = call.request.Query(name);
  if (!given) return otherwise;
  std::int64_t byte = 0;
  const char* const end = std::to_address(given->end());
  const auto read = std::from_chars(std::to_address(given->begin()), end, byte);
  if (read.ec == std::errc() && read.ptr == end && byte >= 0) return byte;
  return std::unexpected(ApiError::OfField({name, "must be a number of bytes, from 0 on"}));
}

// The text without the parts of characters that a cut at any byte leaves at its ends.
ByteRange WholeCharacters(std::string_view text) {
  std::size_t begin = 0;
  while (begin < text.size() && IsUtf8Continuation(text[begin])) ++begin;
  return {begin, begin + ValidUtf8Prefix(text.substr(begin))};
}

// The archive or the document that a request brings.
struct Upload {
  const Call& call;
  std::string name;
  ReadOptions reading;

  std::string uri() const { return "upload:" + name; }
  std::string_view bytes() const { return call.request.body; }
};

// What was read of a document, or of a member of an archive.
struct ReadUpload {
  DocumentSource source;
  Document document;
};

Result<ReadUpload> ReadBytes(const Upload& upload, const std::string& uri,
                             const std::filesystem::path& path, std::string_view bytes,
                             const Format& format) {
  Document document = TRY(ReadDocument(path, bytes, format, upload.reading));
  return ReadUpload{{.uri = uri,
                     .media_type = std::string(format.media_type),
                     .digest = Sha256::HexOf(bytes),
                     .size_bytes = static_cast<std::int64_t>(bytes.size())},
                    std::move(document)};
}

// What the library has of it afterwards.
Result<json::object> Keep(LibraryWriter& library, const ReadUpload& read) {
  TRY(library->Put(read.source, read.document, UnixSeconds()));
  const std::optional<DocumentRecord> record = TRY(library->FindDocument(read.source.uri));
  if (record) return DocumentJson(*record);
  return Error(StatusCode::kFailed, "{}: the document is gone", read.source.uri);
}

// An archive on its way into a library: each member a document, as with `kinglet ingest`.
class ArchiveUpload {
 public:
  ArchiveUpload(LibraryWriter& library, const Upload& upload)
      : library_(library), upload_(upload) {}

  // An error: of the archive where nothing of it came in, or of the library.
  Result<void> Add(ArchiveKind kind) {
    Result<void> kept;  // what stopped the reading, where that was not the archive
    const Result<void> read = ReadArchiveBytes(upload_.bytes(), kind, {}, upload_.reading,
                                               [&](const ArchiveMember& member) {
                                                 kept = AddMember(member);
                                                 return kept.has_value();
                                               });
    TRY(std::move(kept));
    if (!read && (documents_.empty() || read.error().code() == StatusCode::kCancelled)) return read;
    if (!read) {
      Refuse(upload_.uri(), read.error().message());
    } else {
      TRY(RemoveGone());
    }
    if (documents_.empty()) return Error(StatusCode::kInvalidInput, "{}", WhyEmpty());
    return {};
  }

  json::object ToJson() && {
    return {{"uri", upload_.uri()},
            {"documents", std::move(documents_)},
            {"failed", std::move(failed_)},
            {"skipped", skipped_}};
  }

 private:
  // An error is the library's, or the client's who has gone.
  Result<void> AddMember(const ArchiveMember& member) {
    const std::string uri = MemberUri(upload_.uri(), member.path);
    const bool is_first = uris_.insert(uri).second;
    const Format* const format = member.fate == ArchiveMember::Fate::kRead
                                     ? FindFormat(member.path, member.content, UnknownSuffix::kSkip)
                                     : nullptr;
    if (member.fate == ArchiveMember::Fate::kRefused) {
      Refuse(uri, member.content);
    } else if (format == nullptr) {
      ++skipped_;
    } else if (!is_first) {
      Refuse(uri, "an earlier member of its archive has the same name");
    } else {
      return AddDocument(uri, member, *format);
    }
    return {};
  }

  Result<void> AddDocument(const std::string& uri, const ArchiveMember& member,
                           const Format& format) {
    const Result<ReadUpload> read = ReadBytes(upload_, uri, member.path, member.content, format);
    const bool is_cancelled = !read && read.error().code() == StatusCode::kCancelled;
    if (is_cancelled) return std::unexpected(read.error());
    Result<json::object> kept = read ? Keep(library_, *read) : std::unexpected(read.error());
    if (kept) {
      documents_.push_back(*std::move(kept));
    } else if (!read || kept.error().code() == StatusCode::kInvalidInput) {  // by its policy
      Refuse(uri, kept.error().message());
    } else {
      return std::unexpected(kept.error());
    }
    return {};
  }

  void Refuse(const std::string& uri, std::string_view reason) {
    failed_.push_back(json::object{{"uri", uri}, {"reason", EscapeForDisplay(reason)}});
  }

  // What an earlier archive of that name brought, and this one does not hold.
  Result<void> RemoveGone() {
    for (const std::string& uri : TRY(library_->ListMembers(upload_.uri()))) {
      if (!uris_.contains(uri)) TRY(library_->Remove(uri));
    }
    return {};
  }

  std::string WhyEmpty() const {
    if (failed_.empty()) return "it holds no document that can be read";
    const json::object& first = failed_.front().get_object();
    return fmt::format("none of its documents can be read; {}: {}",
                       std::string_view(first.at("uri").get_string()),
                       std::string_view(first.at("reason").get_string()));
  }

  LibraryWriter& library_;
  const Upload& upload_;
  std::set<std::string> uris_;  // of all members, whatever becomes of them
  json::array documents_;
  json::array failed_;
  std::int64_t skipped_ = 0;
};

// What the client is told.
Result<json::object> AddArchive(LibraryShelf& libraries, const Upload& upload, ArchiveKind kind) {
  LibraryWriter library = TRY(libraries.OpenForWriting(LibraryOf(upload.call)));
  ArchiveUpload archive(library, upload);
  TRY(archive.Add(kind));
  TRY(library.Embed());
  return std::move(archive).ToJson();
}

Result<json::object> AddDocument(LibraryShelf& libraries, const Upload& upload,
                                 const Format& format) {
  const ReadUpload read = TRY(ReadBytes(upload, upload.uri(), upload.name, upload.bytes(), format));
  LibraryWriter library = TRY(libraries.OpenForWriting(LibraryOf(upload.call)));
  json::object kept = TRY(Keep(library, read));
  TRY(library.Embed());
  return kept;
}

}  // namespace

void HandleListDocuments(Server& server, const Call& call) {
  Result<BorrowedLibrary> library = server.libraries().Borrow(LibraryOf(call));
  if (!library) return ReplyError(call, Of(library.error()));
  const Result<std::vector<DocumentRecord>> records = (*library)->ListDocuments();
  if (!records) return ReplyError(call, Of(records.error()));
  json::array documents;
  for (const DocumentRecord& record : *records) documents.push_back(DocumentJson(record));
  Reply(call, {{"library", library->which().name}, {"documents", std::move(documents)}});
}

// The body is the document, or an archive of documents; its name, which tells its format, stands in
// the query.
void HandleAddDocument(Server& server, const Call& call) {
  const auto gone = std::make_shared<std::atomic<bool>>(false);
  call.exchange->OnGone([gone] { *gone = true; });
  Upload upload{.call = call, .name = std::string(call.request.Query("name").value_or(""))};
  upload.reading.should_stop = [gone] { return gone->load(); };
  const std::string& name = upload.name;
  if (name.empty() || name.size() > kMaxNameBytes || EscapeForDisplay(name) != name) {
    return ReplyError(call, ApiError::OfField({"name",
                                               "must be in the query: a file's name without "
                                               "control characters"}));
  }
  const auto kind = ArchiveKindOf(name);
  const Format* const format = FindFormat(name, upload.bytes(), UnknownSuffix::kReadAsText);
  if (!kind && format == nullptr) {
    return ReplyError(call, {415, "unsupported_document", "this is no document that can be read"});
  }
  const Result<json::object> added = kind ? AddArchive(server.libraries(), upload, *kind)
                                          : AddDocument(server.libraries(), upload, *format);
  if (!added) return ReplyError(call, OfDocument(added.error()));
  Reply(call, *added, 201);
}

void HandleRemoveDocument(Server& server, const Call& call) {
  const auto uri = call.request.Query("uri");
  if (!uri) return ReplyError(call, ApiError::OfField({"uri", "is required in the query"}));
  Result<LibraryWriter> library = server.libraries().OpenForWriting(LibraryOf(call));
  if (!library) return ReplyError(call, Of(library.error()));
  const Result<void> removed = (*library)->Remove(*uri);
  if (!removed) return ReplyError(call, Of(removed.error()));
  const Result<void> purged = (*library)->Purge();
  if (!purged) return ReplyError(call, Of(purged.error()));
  // Keys and values of its text, too.
  const auto which = server.libraries().Find(LibraryOf(call));
  if (which) server.models().DropScope("library " + (*which)->name);
  Reply(call, {{"uri", *uri}, {"removed", true}});
}

// All of it, or the bytes that the query names, as far as one answer holds them.
void HandleDocumentText(Server& server, const Call& call) {
  const auto uri = call.request.Query("uri");
  if (!uri) return ReplyError(call, ApiError::OfField({"uri", "is required in the query"}));
  const auto start = ByteOf(call, "start_byte", 0);
  const auto end = ByteOf(call, "end_byte", std::numeric_limits<std::int64_t>::max());
  if (!start) return ReplyError(call, start.error());
  if (!end) return ReplyError(call, end.error());
  Result<BorrowedLibrary> library = server.libraries().Borrow(LibraryOf(call));
  if (!library) return ReplyError(call, Of(library.error()));
  const ApiResult<DocumentRecord> record =
      RecordOf((*library)->FindDocument(*uri), "there is no such document");
  if (!record) return ReplyError(call, record.error());
  const std::int64_t all = record->text_bytes;
  const std::int64_t first = std::min(*start, all);
  const std::int64_t last = std::clamp(*end, first, std::min(all, first + kMaxTextBytes));
  const Result<std::string> text = (*library)->Text(*uri, first, last);
  if (!text) return ReplyError(call, Of(text.error()));
  const ByteRange whole = WholeCharacters(*text);
  json::object shown = DocumentJson(*record);
  shown["start_byte"] = first + static_cast<std::int64_t>(whole.begin);
  shown["end_byte"] = first + static_cast<std::int64_t>(whole.end);
  shown["text"] = whole.Of(*text);
  Reply(call, shown);
}

// As `kinglet library report --json`.
void HandleLibraryReport(Server& server, const Call& call) {
  Result<BorrowedLibrary> library = server.libraries().Borrow(LibraryOf(call));
  if (!library) return ReplyError(call, Of(library.error()));
  const Result<LibraryReport> report = MakeLibraryReport(**library);
  if (!report) return ReplyError(call, Of(report.error()));
  json::object shown = ToJson(*report);
  shown["library"] = library->which().name;
  Reply(call, shown);
}

}  // namespace kinglet
