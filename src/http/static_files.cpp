#include <weft/http/static_files.hpp>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include <weft/http/conditional.hpp>
#include <weft/http/media_type.hpp>
#include <weft/http/middleware.hpp>

#include "http/directory_page.hpp"
#include "http/file_body.hpp"
#include "http/file_tree.hpp"

namespace weft::inline v0_1::http {
namespace {

constexpr std::uint64_t kReadWhole = std::uint64_t{64} * 1024;  // smaller parts are read at once

struct Coding {
  std::string_view name;
  std::string_view ending;
};
constexpr std::array<Coding, 3> kCodings = {{{"br", ".br"}, {"zstd", ".zst"}, {"gzip", ".gz"}}};

/// The file that a request names: a relative path, "." for the root.
struct Wanted {
  std::string path;
  bool directory = false;  // it ended with a slash
  int refusal = 0;         // the status that answers a path that cannot be served
};

[[nodiscard]] bool is_safe(std::string_view segment, bool hidden) noexcept {
  if (segment.empty() || segment == "." || segment == "..") return false;
  if (segment.find('\0') != std::string_view::npos) return false;
  if (segment.find('/') != std::string_view::npos) return false;  // it was encoded
  return hidden || segment.front() != '.';
}

/// `path`: what follows the first slash. `encoded`: it has still to be decoded.
[[nodiscard]] Wanted want(std::string_view path, bool encoded, bool hidden) {
  Wanted wanted;
  wanted.directory = path.empty() || path.ends_with('/');
  if (path.ends_with('/')) path.remove_suffix(1);
  if (path.empty()) {
    wanted.path = ".";
    return wanted;
  }
  for (bool more = true; more;) {
    const std::size_t slash = path.find('/');
    more = slash != std::string_view::npos;
    const std::string_view raw = path.substr(0, slash);
    path.remove_prefix(more ? slash + 1 : path.size());
    Result<std::string> segment = encoded ? percent_decode(raw) : std::string(raw);
    if (!segment) return {{}, false, 400};
    if (!is_safe(*segment, hidden)) return {{}, false, 404};
    if (!wanted.path.empty()) wanted.path += '/';
    wanted.path += *segment;
  }
  return wanted;
}

[[nodiscard]] Response refuse_open(std::error_code why, const std::string& path) {
  for (const std::errc unseen :
       {std::errc::no_such_file_or_directory, std::errc::not_a_directory,
        std::errc::cross_device_link, std::errc::too_many_symbolic_link_levels,
        std::errc::filename_too_long, std::errc::no_such_device_or_address}) {
    if (why == unseen) return Response::of(404);
  }
  if (why == std::errc::permission_denied) return Response::of(403);
  throw IoError(why, "open", path);
}

/// A tag for each version: by the time of its change to the nanosecond, and its size. Weak while
/// the file is so fresh that a change within the same tick of the clock would keep its time.
[[nodiscard]] Validators validators_of(const FileFacts& facts, std::string_view coding) {
  const auto hex = [](std::uint64_t value) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    for (; value != 0 || text.empty(); value >>= 4U) text.insert(0, 1, digits[value & 15U]);
    return text;
  };
  const auto since = static_cast<std::uint64_t>(facts.modified.time_since_epoch().count());
  std::string tag = hex(since) + "-" + hex(facts.size);
  if (!coding.empty()) tag.append("-").append(coding);
  const bool fresh = std::chrono::system_clock::now() - facts.modified < std::chrono::seconds(1);
  return Validators(EntityTag(tag, fresh),
                    std::chrono::floor<std::chrono::seconds>(facts.modified));
}

/// What stands beside a file, compressed.
struct Representation {
  Representation() = default;
  FoundFile file;
  std::string_view coding;  // empty: as it is
};

Task<Representation> choose(const Request& request, const FileTree& tree, FoundFile plain) {
  Representation chosen;
  chosen.file = std::move(plain);
  if (!tree.options().precompressed) co_return chosen;
  std::vector<std::string_view> offered;
  for (const Coding& coding : kCodings) offered.push_back(coding.name);
  offered.push_back("identity");
  for (;;) {
    const std::optional<std::size_t> best = negotiate_coding(request, offered);
    if (!best || offered[*best] == "identity") co_return chosen;
    const auto* const coding = std::ranges::find(kCodings, offered[*best], &Coding::name);
    std::string path = chosen.file.path;
    path.append(coding->ending);
    Result<FoundFile> found = co_await tree.open(std::move(path));
    if (found && found->facts.kind == FileFacts::Kind::file &&
        found->facts.modified >= chosen.file.facts.modified) {
      chosen.file = std::move(*found);
      chosen.coding = coding->name;
      co_return chosen;
    }
    offered.erase(offered.begin() + static_cast<std::ptrdiff_t>(*best));
  }
}

/// Sets what the answer to each request for a file has, also 304.
void add_fields(Headers& headers, const FileTree& tree, const Validators& present) {
  present.add_to(headers);
  if (!tree.options().cache_control.empty()) {
    headers.set("Cache-Control", tree.options().cache_control);
  }
  if (tree.options().precompressed) add_vary(headers, "Accept-Encoding");
}

/// Fills in a body of parts of the file.
Task<void> add_parts(Response& response, const Request& request, FileBody body,
                     const std::vector<ByteRange>& parts, const FileFacts& facts) {
  if (parts.size() == 1) {
    const ByteRange part = parts.front();
    if (part.size() <= kReadWhole && request.method == Method::get) {
      response.body = co_await body.read(part.first, part.size());
      co_return;
    }
    body.add({{}, part.first, part.size()});
    response.streamed = StreamedBody(std::move(body), part.size());
    co_return;
  }
  const MultipartRanges frame(parts, facts.size,
                              std::string(response.headers.find("Content-Type").value_or("")));
  response.headers.set("Content-Type", frame.content_type());
  for (std::size_t i = 0; i < parts.size(); ++i) {
    body.add({frame.before(i), parts[i].first, parts[i].size()});
  }
  body.set_end(frame.end());
  response.streamed = StreamedBody(std::move(body), frame.length());
}

Task<Response> serve_file(const Request& request, const FileTree& tree, FoundFile plain) {
  const std::string name = plain.path.substr(plain.path.rfind('/') + 1);
  Representation chosen = co_await choose(request, tree, std::move(plain));
  const FileFacts facts = chosen.file.facts;
  const Validators present = validators_of(facts, chosen.coding);
  if (std::optional<Response> answer = answer_conditions(request, present)) {
    if (answer->status == 304) add_fields(answer->headers, tree, present);
    co_return std::move(*answer);
  }
  RangeChoice ranges;
  if (if_range_holds(request, present)) {
    ranges = choose_ranges(request, facts.size, tree.options().ranges);
  }
  if (ranges.unsatisfiable()) co_return answer_unsatisfiable(facts.size);

  Response response(ranges.partial() ? 206 : 200);
  const auto& media_type = tree.options().media_type;
  response.headers.set("Content-Type", media_type ? media_type(name) : media_type_of(name));
  if (!chosen.coding.empty()) response.headers.set("Content-Encoding", chosen.coding);
  response.headers.set("Accept-Ranges", "bytes");
  add_fields(response.headers, tree, present);
  std::vector<ByteRange> parts = ranges.ranges();
  if (ranges.partial() && parts.size() == 1) {
    response.headers.set("Content-Range", content_range(parts.front(), facts.size));
  }
  if (!ranges.partial()) {
    if (facts.size == 0) co_return response;
    parts.push_back({0, facts.size - 1});
  }
  File file = File::adopt_opened(std::move(chosen.file.handle), chosen.file.path);
  co_await add_parts(response, request, FileBody(std::move(file), facts), parts, facts);
  co_return response;
}

/// The path of a directory, with the slash that it lacked: relative links on its page need it.
[[nodiscard]] Response redirect_to_directory(const Request& request) {
  std::string location(request.path());
  location += '/';
  if (!request.query().empty()) location.append("?").append(request.query());
  Response response = Response::of(301);
  response.headers.set("Location", location);
  return response;
}

Task<Response> serve_directory(const Request& request, const FileTree& tree, FoundFile directory) {
  const std::string prefix = directory.path == "." ? "" : directory.path + "/";
  for (const std::string& name : tree.options().index) {
    Result<FoundFile> found = co_await tree.open(prefix + name);
    if (!found || found->facts.kind != FileFacts::Kind::file) continue;
    Response response = co_await serve_file(request, tree, std::move(*found));
    co_return response;
  }
  if (!tree.options().list_directories) co_return Response::of(404);
  Response page = co_await directory_page(directory, request.path(), tree.options().hidden_files);
  co_return page;
}

Task<Response> serve(const Request& request, std::shared_ptr<const FileTree> tree) {
  if (request.method != Method::get && request.method != Method::head) {
    Response response = Response::of(405);
    response.headers.set("Allow", "GET, HEAD");
    co_return response;
  }
  const auto captured = request.path_parameters.find(tree->options().parameter);
  std::string_view path = captured ? *captured : request.path();
  if (!captured && path.starts_with('/')) path.remove_prefix(1);
  const Wanted wanted = want(path, !captured, tree->options().hidden_files);
  if (wanted.refusal != 0) co_return Response::of(wanted.refusal);

  Result<FoundFile> found = co_await tree->open(wanted.path);
  if (!found) co_return refuse_open(found.error(), wanted.path);
  if (found->facts.kind == FileFacts::Kind::directory) {
    if (!wanted.directory && !request.path().ends_with('/')) {
      co_return redirect_to_directory(request);
    }
    Response response = co_await serve_directory(request, *tree, std::move(*found));
    co_return response;
  }
  if (wanted.directory || found->facts.kind != FileFacts::Kind::file) co_return Response::of(404);
  Response response = co_await serve_file(request, *tree, std::move(*found));
  co_return response;
}

}  // namespace

StaticFiles::StaticFiles(const std::filesystem::path& root, StaticFilesOptions options)
    : tree_(std::make_shared<FileTree>(root, std::move(options))) {}

Task<Response> StaticFiles::operator()(const Request& request) const {
  return serve(request, tree_);
}

}  // namespace weft::inline v0_1::http
