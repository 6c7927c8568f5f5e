// http::StaticFiles: a handler that serves the files of a directory. Part of <weft/http.hpp>.
//
//   http::Router router;
//   router.get("/assets/{path...}", http::StaticFiles("public"));
//
//   http::Server server({}, http::StaticFiles("public"));          // all of a site
//
// It answers GET and HEAD, with validators (ETag, Last-Modified) and conditional requests, ranges,
// and a media type by the ending of the name.
//
// Nothing outside the directory is served: the path is taken apart before it is used, and the
// system resolves it beneath the directory (openat2(2)), links included. Where the system has no
// such call, no link is followed at all. Only regular files are served. A request for what is not
// there, or may not be served, is answered with 404; one for what may not be read with 403.
//
// A large file is read while it is sent, in pieces of 64 KiB. If it is changed or cut meanwhile,
// the connection is closed before the body is complete, so that no client takes a mixture for a
// file. To replace a file, write another one and rename it: requests under way go on with the old
// one.
#pragma once

#include <weft/http/message.hpp>
#include <weft/http/range.hpp>
#include <weft/task.hpp>

#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace weft::inline v0_1::http {

struct StaticFilesOptions {
  StaticFilesOptions() {}

  /// The path parameter with the file's path, if a Router has captured one of that name. Without it
  /// the request's path is the file's.
  std::string parameter = "path";
  /// The files that stand for a directory, the first one that is there.
  std::vector<std::string> index = {"index.html"};
  /// Answers for a directory without an index with a page of its entries (at most 10,000).
  bool list_directories = false;
  /// Serves names that begin with a dot.
  bool hidden_files = false;
  /// Serves `name.br`, `name.zst` or `name.gz` in place of `name`, if it is there, the client takes
  /// that coding, and the file is not older than `name`.
  bool precompressed = false;
  /// The field Cache-Control; none if empty.
  std::string cache_control = {};
  /// The media type of a file of that name. Null: media_type_of().
  std::function<std::string(std::string_view name)> media_type = {};
  RangeLimits ranges = {};
};

/// See the top of this header. A value: copies share the open directory. Any number of tasks on any
/// threads use it.
class StaticFiles {
 public:
  /// Opens the directory, which blocks for a moment. What is served is this directory, also when
  /// another one takes its name. Throws IoError; std::invalid_argument if cache_control has a
  /// control character.
  explicit StaticFiles(const std::filesystem::path& root,
                       StaticFilesOptions options = StaticFilesOptions());

  /// Throws IoError if the system cannot open a file for want of something (too_many_files_open …).
  [[nodiscard]] Task<Response> operator()(const Request& request) const;

 private:
  std::shared_ptr<const class FileTree> tree_;
};

}  // namespace weft::inline v0_1::http
