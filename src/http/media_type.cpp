#include <weft/http/media_type.hpp>

#include <algorithm>
#include <iterator>

#include "http/field_cursor.hpp"

namespace weft::inline v0_1::http {
namespace {

struct Ending {
  std::string_view name;  // in lower case
  std::string_view type;
};

// Sorted by name.
constexpr Ending kEndings[] = {
    {"7z", "application/x-7z-compressed"},
    {"aac", "audio/aac"},
    {"avif", "image/avif"},
    {"bmp", "image/bmp"},
    {"br", "application/x-brotli"},
    {"bz2", "application/x-bzip2"},
    {"c", "text/plain; charset=utf-8"},
    {"cpp", "text/plain; charset=utf-8"},
    {"css", "text/css; charset=utf-8"},
    {"csv", "text/csv; charset=utf-8"},
    {"doc", "application/msword"},
    {"eot", "application/vnd.ms-fontobject"},
    {"epub", "application/epub+zip"},
    {"flac", "audio/flac"},
    {"gif", "image/gif"},
    {"gz", "application/gzip"},
    {"h", "text/plain; charset=utf-8"},
    {"hpp", "text/plain; charset=utf-8"},
    {"htm", "text/html; charset=utf-8"},
    {"html", "text/html; charset=utf-8"},
    {"ico", "image/vnd.microsoft.icon"},
    {"ics", "text/calendar; charset=utf-8"},
    {"jpeg", "image/jpeg"},
    {"jpg", "image/jpeg"},
    {"js", "text/javascript; charset=utf-8"},
    {"json", "application/json"},
    {"jsonld", "application/ld+json"},
    {"log", "text/plain; charset=utf-8"},
    {"m4a", "audio/mp4"},
    {"map", "application/json"},
    {"md", "text/markdown; charset=utf-8"},
    {"mjs", "text/javascript; charset=utf-8"},
    {"mp3", "audio/mpeg"},
    {"mp4", "video/mp4"},
    {"mpeg", "video/mpeg"},
    {"oga", "audio/ogg"},
    {"ogg", "audio/ogg"},
    {"ogv", "video/ogg"},
    {"opus", "audio/ogg"},
    {"otf", "font/otf"},
    {"pdf", "application/pdf"},
    {"png", "image/png"},
    {"ps", "application/postscript"},
    {"py", "text/x-python; charset=utf-8"},
    {"rss", "application/rss+xml"},
    {"rtf", "application/rtf"},
    {"sh", "text/x-shellscript; charset=utf-8"},
    {"svg", "image/svg+xml"},
    {"tar", "application/x-tar"},
    {"tif", "image/tiff"},
    {"tiff", "image/tiff"},
    {"toml", "application/toml"},
    {"ts", "text/plain; charset=utf-8"},
    {"ttf", "font/ttf"},
    {"txt", "text/plain; charset=utf-8"},
    {"wasm", "application/wasm"},
    {"wav", "audio/wav"},
    {"weba", "audio/webm"},
    {"webm", "video/webm"},
    {"webmanifest", "application/manifest+json"},
    {"webp", "image/webp"},
    {"woff", "font/woff"},
    {"woff2", "font/woff2"},
    {"xhtml", "application/xhtml+xml"},
    {"xml", "application/xml"},
    {"yaml", "application/yaml"},
    {"yml", "application/yaml"},
    {"zip", "application/zip"},
    {"zst", "application/zstd"},
};
static_assert(std::ranges::is_sorted(kEndings, {}, &Ending::name));

/// Takes "; name=value …" up to the end or a comma. False: malformed.
[[nodiscard]] bool take_parameters(FieldCursor& cursor, MediaType& type) {
  for (;;) {
    cursor.skip_space();
    if (!cursor.take(';')) return true;
    cursor.skip_space();
    if (cursor.at_end() || cursor.next() == ';' || cursor.next() == ',') continue;
    std::string name = lower_case(cursor.take_token());
    if (name.empty() || !cursor.take('=')) return false;
    std::optional<std::string> value = cursor.take_word();
    if (!value || type.parameter(name)) return false;
    type.parameters.emplace_back(std::move(name), std::move(*value));
  }
}

[[nodiscard]] std::optional<MediaType> take_type(FieldCursor& cursor) {
  MediaType type;
  cursor.skip_space();
  type.type = lower_case(cursor.take_token());
  if (type.type.empty() || !cursor.take('/')) return std::nullopt;
  type.subtype = lower_case(cursor.take_token());
  if (type.subtype.empty() || !take_parameters(cursor, type)) return std::nullopt;
  return type;
}

/// RFC 9110, 12.4.2: in thousandths; null: malformed.
[[nodiscard]] std::optional<int> weight_of(std::string_view text) noexcept {
  if (text.empty() || text.size() > 5 || (text[0] != '0' && text[0] != '1')) return std::nullopt;
  int weight = (text[0] - '0') * 1000;
  if (text.size() > 1 && text[1] != '.') return std::nullopt;
  int place = 100;
  for (const char c : text.substr(std::min<std::size_t>(2, text.size()))) {
    if (c < '0' || c > '9') return std::nullopt;
    weight += (c - '0') * place;
    place /= 10;
  }
  return weight <= 1000 ? std::optional(weight) : std::nullopt;
}

/// How closely a range of Accept names a type: -1 not at all, 0 by "*/*", 1 by "text/*", above that
/// by itself and the number of its parameters.
[[nodiscard]] int closeness(const MediaType& range, const MediaType& offered) noexcept {
  if (range.type == "*") return range.subtype == "*" ? 0 : -1;
  if (range.type != offered.type) return -1;
  if (range.subtype == "*") return 1;
  if (range.subtype != offered.subtype) return -1;
  int found = 2;
  for (const auto& [name, value] : range.parameters) {
    if (name == "q") break;
    const auto other = offered.parameter(name);
    if (!other || !same_name(*other, value)) return -1;
    ++found;
  }
  return found;
}

struct Best {
  std::optional<std::size_t> index = {};
  int weight = 0;

  void offer(std::size_t candidate, int its_weight) noexcept {
    if (its_weight <= weight) return;
    weight = its_weight;
    index = candidate;
  }
};

/// The ranges of Accept; those that are malformed are left out.
[[nodiscard]] std::vector<MediaType> accepted_types(const Request& request) {
  std::vector<MediaType> ranges;
  for (const std::string_view value : request.headers.find_all("Accept")) {
    FieldCursor cursor(value);
    while (!cursor.at_end()) {
      if (auto range = take_type(cursor)) ranges.push_back(std::move(*range));
      cursor.take_until(',');
      cursor.take(',');
    }
  }
  return ranges;
}

struct Coding {
  std::string_view name;
  int weight;
};

[[nodiscard]] std::vector<Coding> accepted_codings(const Request& request) {
  std::vector<Coding> codings;
  for (const std::string_view value : request.headers.find_all("Accept-Encoding")) {
    FieldCursor cursor(value);
    while (!cursor.at_end()) {
      cursor.skip_space();
      const std::string_view name = cursor.take_token();
      std::string_view rest = trim(cursor.take_until(','));
      cursor.take(',');
      std::optional<int> weight = 1000;
      if (rest.starts_with(';')) {
        rest = trim(rest.substr(1));
        weight = rest.starts_with("q=") || rest.starts_with("Q=") ? weight_of(rest.substr(2))
                                                                  : std::nullopt;
      } else if (!rest.empty()) {
        weight = std::nullopt;
      }
      if (!name.empty() && weight) codings.push_back({name, *weight});
    }
  }
  return codings;
}

[[nodiscard]] int weight_of_coding(const std::vector<Coding>& accepted, std::string_view name) {
  std::optional<int> any;
  for (const Coding& coding : accepted) {
    const bool alias = name == "gzip" && same_name(coding.name, "x-gzip");  // RFC 9110, 8.4.1.3
    if (same_name(coding.name, name) || alias) return coding.weight;
    if (coding.name == "*") any = coding.weight;
  }
  if (any) return *any;
  return name == "identity" ? 1 : 0;  // acceptable, after all that is named
}

}  // namespace

std::optional<MediaType> MediaType::parse(std::string_view field) {
  FieldCursor cursor(field);
  std::optional<MediaType> type = take_type(cursor);
  if (!cursor.at_end()) return std::nullopt;
  return type;
}

bool MediaType::is(std::string_view essence) const noexcept {
  const std::size_t slash = essence.find('/');
  return slash != std::string_view::npos && same_name(essence.substr(0, slash), type) &&
         same_name(essence.substr(slash + 1), subtype);
}

std::optional<std::string_view> MediaType::parameter(std::string_view name) const noexcept {
  for (const auto& [its_name, value] : parameters) {
    if (its_name == name) return value;
  }
  return std::nullopt;
}

std::string MediaType::to_string() const {
  std::string text = essence();
  for (const auto& [name, value] : parameters) {
    text.append("; ").append(name).append("=").append(quote(value));
  }
  return text;
}

std::string quote(std::string_view text) {
  if (!text.empty() && all(kToken, text)) return std::string(text);
  std::string quoted("\"");
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted.push_back('\\');
    quoted.push_back(is(kFieldText, c) ? c : ' ');
  }
  quoted.push_back('"');
  return quoted;
}

std::string_view media_type_of(std::string_view file_name) noexcept {
  const std::size_t dot = file_name.find_last_of("./");
  if (dot != std::string_view::npos && file_name[dot] == '.') {
    const std::string_view ending = file_name.substr(dot + 1);
    for (const Ending& known : kEndings) {
      if (same_name(known.name, ending)) return known.type;
    }
  }
  return "application/octet-stream";
}

std::optional<std::size_t> negotiate_type(const Request& request,
                                          std::span<const std::string_view> offered) {
  if (offered.empty()) return std::nullopt;
  if (!request.headers.contains("Accept")) return 0;
  const std::vector<MediaType> ranges = accepted_types(request);
  Best best;
  for (std::size_t i = 0; i < offered.size(); ++i) {
    const std::optional<MediaType> type = MediaType::parse(offered[i]);
    if (!type) continue;
    int closest = -1;
    int weight = 0;
    for (const MediaType& range : ranges) {
      const int close = closeness(range, *type);
      if (close <= closest) continue;
      closest = close;
      const auto given = range.parameter("q");
      weight = given ? weight_of(*given).value_or(0) : 1000;
    }
    best.offer(i, weight);
  }
  return best.index;
}

std::optional<std::size_t> negotiate_coding(const Request& request,
                                            std::span<const std::string_view> offered) {
  const std::vector<Coding> accepted = accepted_codings(request);
  Best best;
  for (std::size_t i = 0; i < offered.size(); ++i) {
    best.offer(i, weight_of_coding(accepted, offered[i]));
  }
  return best.index;
}

}  // namespace weft::inline v0_1::http
