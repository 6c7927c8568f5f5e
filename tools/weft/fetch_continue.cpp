#include "fetch_continue.hpp"

#include <chrono>
#include <fstream>
#include <nlohmann/json.hpp>
#include <vector>
#include <weft/http/conditional.hpp>
#include <weft/http/date.hpp>
#include <weft/http/range.hpp>

#include "commands.hpp"
#include "fetch_client.hpp"
#include "fetch_failure.hpp"

namespace weft::tool {

namespace {

constexpr std::size_t longest_record = 64 * 1024;

std::string bytes(std::uint64_t count) { return std::to_string(count) + " bytes"; }

std::optional<http::ContentRange> content_range_of(const http::Headers& headers) {
  const auto fields = headers.find_all("content-range");
  if (fields.size() != 1) return std::nullopt;
  return http::ContentRange::parse(fields.front());
}

// Last-Modified, if it is that of a body which cannot have changed since within the same second.
std::string strong_date(const http::Headers& headers) {
  const auto text = headers.find("last-modified");
  const auto date = headers.find("date");
  if (!text || !date) return {};
  const auto modified = http::parse_http_date(*text);
  const auto now = http::parse_http_date(*date);
  if (!modified || !now || *now - *modified < std::chrono::seconds(1)) return {};
  return std::string(*text);
}

std::string strong_tag(const http::Headers& headers) {
  const auto field = headers.find("etag");
  if (!field) return {};
  const auto tag = http::EntityTag::parse(*field);
  return tag && !tag->is_weak() ? tag->to_string() : std::string();
}

Rest judge_part(const http::IncomingResponse& response, std::uint64_t size,
                const PartRecord& record) {
  const auto given = content_range_of(response.headers);
  if (!given || !given->range) {
    throw FetchError(exit_bad_response, "status 206 without a valid Content-Range");
  }
  if (given->range->first != size) {
    throw FetchError(exit_bad_response, "the server gives the bytes from " +
                                            std::to_string(given->range->first) + " on, not from " +
                                            std::to_string(size) + " on");
  }
  // A server may know ranges and no If-Range.
  const std::string tag = strong_tag(response.headers);
  const bool other_tag = !record.etag.empty() && !tag.empty() && tag != record.etag;
  const bool other_size = record.size && given->size && *record.size != *given->size;
  return other_tag || other_size ? Rest::is_other : Rest::follows;
}

Rest judge_unsatisfiable(const http::IncomingResponse& response, std::uint64_t size) {
  const auto given = content_range_of(response.headers);
  if (!given || given->range || !given->size) {
    throw FetchError(exit_no_part, "the server has nothing behind the first " + bytes(size) +
                                       ", and does not say how many there are (status 416)");
  }
  if (*given->size == size) return Rest::is_empty;
  throw FetchError(exit_no_part, "the part has " + bytes(size) + ", more than the " +
                                     bytes(*given->size) +
                                     " that the server has: remove it to start again");
}

}  // namespace

PartRecord::PartRecord(const http::IncomingResponse& response)
    : etag(strong_tag(response.headers)), modified(strong_date(response.headers)) {
  if (response.status == 206) {
    if (const auto range = content_range_of(response.headers)) size = range->size;
  } else {
    size = response.body.length();
  }
}

PartRecord PartRecord::load(const std::string& path) {
  std::string text(longest_record, '\0');
  std::ifstream file(path, std::ios::binary);
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  PartRecord record;
  const auto read = nlohmann::json::parse(text, nullptr, false);
  if (!read.is_object()) return record;
  const auto text_of = [&read](const char* name) {
    const auto found = read.find(name);
    return found != read.end() && found->is_string() ? found->get<std::string>() : std::string();
  };
  if (const auto tag = http::EntityTag::parse(text_of("etag"))) record.etag = tag->to_string();
  if (http::parse_http_date(text_of("last_modified"))) record.modified = text_of("last_modified");
  const auto found = read.find("size");
  if (found != read.end() && found->is_number_unsigned()) record.size = found->get<std::uint64_t>();
  return record;
}

void PartRecord::save(const std::string& path) const {
  nlohmann::ordered_json made = nlohmann::ordered_json::object();
  if (!etag.empty()) made["etag"] = etag;
  if (!modified.empty()) made["last_modified"] = modified;
  if (size) made["size"] = *size;
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << made.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace) << '\n';
  file.close();
  if (!file) throw FetchError(exit_not_written, "cannot write " + path);
}

void ask_for_rest(http::ClientRequest& request, std::uint64_t size, const PartRecord& record) {
  request.headers.set("Range", "bytes=" + std::to_string(size) + "-");
  if (!record.validator().empty()) request.headers.set("If-Range", record.validator());
}

Rest judge_rest(const http::IncomingResponse& response, std::uint64_t size,
                const PartRecord& record) {
  if (response.status == 206) return judge_part(response, size, record);
  if (response.status == 416) return judge_unsatisfiable(response, size);
  if (response.status.is_success()) return Rest::whole;
  throw FetchError(exit_bad_status, explain_status(response.status).second);
}

}  // namespace weft::tool
