// What `weft fetch --continue` asks for, and what it makes of the answer (RFC 9110, 14). Values,
// and files that are read and written at once.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <weft/http/client_request.hpp>
#include <weft/http/incoming_response.hpp>

namespace weft::tool {

/// What tells one version of a body from another: kept in FILE.weft-part beside an unfinished FILE.
struct PartRecord {
  std::string etag;                   ///< a strong one, or empty
  std::string modified;               ///< Last-Modified, if it tells versions apart; or empty
  std::optional<std::uint64_t> size;  ///< of the whole body

  PartRecord() = default;
  /// What the head of a response says. A date counts if the response is a second younger (RFC 9110,
  /// 8.8.2.2).
  explicit PartRecord(const http::IncomingResponse& response);

  /// Reads what save() has written. Empty if there is no such file, or it is malformed.
  [[nodiscard]] static PartRecord load(const std::string& path);
  /// Throws FetchError.
  void save(const std::string& path) const;

  /// The value of If-Range; empty: none is known.
  [[nodiscard]] const std::string& validator() const noexcept {
    return etag.empty() ? modified : etag;
  }
};

/// What the answer to a request for the rest is.
enum class Rest : std::uint8_t {
  follows,   ///< 206: the body goes on behind the part
  whole,     ///< 200: the body begins anew
  is_empty,  ///< 416: the part is all there is
  is_other,  ///< 206 of another version: ask again for the whole
};

/// Asks for what comes behind the first `size` bytes of what `record` tells of.
void ask_for_rest(http::ClientRequest& request, std::uint64_t size, const PartRecord& record);

/// Judges the answer. Throws FetchError: exit_bad_status; exit_bad_response for a part that was not
/// asked for; exit_no_part if the server has less than `size` bytes.
[[nodiscard]] Rest judge_rest(const http::IncomingResponse& response, std::uint64_t size,
                              const PartRecord& record);

}  // namespace weft::tool
