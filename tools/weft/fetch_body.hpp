// What `weft fetch --data` and `--upload` send: a text, or the contents of a file as they are read.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <weft/file.hpp>
#include <weft/http/client_request.hpp>
#include <weft/owned_handle.hpp>

#include "commands.hpp"

namespace weft::tool {

/// The body of the command's request. A value; its copies share the open file.
class SentBody {
 public:
  /// Opens the file, if there is one. Throws FetchError with its name. May wait for the writer of a
  /// FIFO, as open(2) does.
  explicit SentBody(const FetchOptions& options);

  /// Gives it to a request, several times if it is not standard input or a FIFO.
  void add_to(http::ClientRequest& request) const;

 private:
  void open(const std::string& path);

  std::string text_;                     // without a file
  std::string name_;                     // of the file; empty: there is none
  std::shared_ptr<File> file_;           // a regular file, whose size is known
  std::uint64_t size_ = 0;               // of that
  std::shared_ptr<OwnedHandle> stream_;  // any other; null: standard input
};

/// Returns the URL that the command asks for: that of its arguments, with the name of the file to
/// be sent if it ends with '/'.
[[nodiscard]] std::string requested_url(const FetchOptions& options);

/// Returns the request's method.
[[nodiscard]] http::Method requested_method(const FetchOptions& options);

}  // namespace weft::tool
