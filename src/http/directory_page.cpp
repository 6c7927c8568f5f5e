#include "http/directory_page.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include <weft/directory.hpp>

namespace weft::inline v0_1::http {
namespace {

constexpr std::size_t kMostEntries = 10'000;

[[nodiscard]] std::string html(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    switch (c) {
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '&':
        escaped += "&amp;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      default:
        escaped += static_cast<unsigned char>(c) < 0x20 ? '?' : c;
    }
  }
  return escaped;
}

}  // namespace

Task<Response> directory_page(const FoundFile& directory, std::string_view path, bool hidden) {
  // By its handle, so that no link can have taken its place.
  const std::filesystem::path by_handle = "/proc/self/fd/" + std::to_string(directory.handle.get());
  std::vector<std::string> names;
  auto entries = read_directory(by_handle);
  while (names.size() < kMostEntries) {
    auto entry = co_await entries.next();
    if (!entry) break;
    std::string name = entry->path.filename().native();
    if (name.starts_with('.') && !hidden) continue;
    if (entry->type == FileType::directory) name += '/';
    names.push_back(std::move(name));
  }
  std::ranges::sort(names);
  const std::string title = html(percent_decode(path).value_or(std::string(path)));
  std::string page = "<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\"><title>";
  page.append(title).append("</title></head>\n<body><h1>").append(title).append("</h1>\n<ul>\n");
  if (directory.path != ".") page.append("<li><a href=\"../\">../</a></li>\n");
  for (const std::string& name : names) {
    const bool is_directory = name.ends_with('/');
    std::string link = percent_encode(is_directory ? name.substr(0, name.size() - 1) : name);
    page.append("<li><a href=\"./").append(link).append(is_directory ? "/" : "").append("\">");
    page.append(html(name)).append("</a></li>\n");
  }
  page.append("</ul></body></html>\n");
  Response response(200);
  response.headers.set("Content-Type", "text/html; charset=utf-8");
  response.headers.set("Cache-Control", "no-cache");
  response.body = std::move(page);
  co_return response;
}

}  // namespace weft::inline v0_1::http
