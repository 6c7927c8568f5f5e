// Writes multipart/form-data, with names escaped as browsers do (the HTML standard, 4.10.21.8).
#include <weft/http/multipart.hpp>

#include <stdexcept>

#include "http/boundary.hpp"

namespace weft::inline v0_1::http {
namespace {

[[nodiscard]] std::string escaped(std::string_view name) {
  std::string text;
  for (const char c : name) {
    if (c == '"') {
      text += "%22";
    } else if (c == '\r') {
      text += "%0D";
    } else if (c == '\n') {
      text += "%0A";
    } else {
      text.push_back(c);
    }
  }
  return text;
}

}  // namespace

MultipartForm::MultipartForm() : boundary_(random_boundary()) {}

std::string MultipartForm::head_of(std::string_view name, std::string_view more) const {
  std::string head(parts_.empty() ? "--" : "\r\n--");
  head.append(boundary_).append("\r\nContent-Disposition: form-data; name=\"");
  return head.append(escaped(name)).append("\"").append(more).append("\r\n\r\n");
}

MultipartForm& MultipartForm::add(std::string_view name, std::string value) {
  std::string head = head_of(name, "");
  parts_.push_back({std::move(head), Body(std::move(value))});
  return *this;
}

MultipartForm& MultipartForm::add_file(std::string_view name, std::string_view file_name,
                                       std::string_view type, Body contents) {
  Headers().add("Content-Type", type);  // throws for a control character
  std::string more("; filename=\"");
  more.append(escaped(file_name)).append("\"\r\nContent-Type: ").append(type);
  std::string head = head_of(name, more);
  parts_.push_back({std::move(head), std::move(contents)});
  return *this;
}

std::string MultipartForm::content_type() const {
  return "multipart/form-data; boundary=" + boundary_;
}

std::string MultipartForm::end() const {
  return (parts_.empty() ? "--" : "\r\n--") + boundary_ + "--\r\n";
}

std::optional<std::uint64_t> MultipartForm::length() const {
  std::uint64_t length = end().size();
  for (const Part& part : parts_) {
    const std::optional<std::uint64_t> size = part.contents.length();
    if (!size) return std::nullopt;
    length += part.head.size() + *size;
  }
  return length;
}

std::string MultipartForm::to_string() const {
  std::string text;
  for (const Part& part : parts_) {
    if (part.contents.is_streamed()) {
      throw std::logic_error("weft::http::MultipartForm::to_string: a part is a stream");
    }
    text.append(part.head).append(part.contents.text());
  }
  return text.append(end());
}

Task<void> MultipartForm::write(std::shared_ptr<const std::vector<Part>> parts, std::string end,
                                BodyWriter& out) {
  for (const Part& part : *parts) {
    co_await out.write_all(part.head);
    if (part.contents.is_streamed()) {
      co_await part.contents.streamed().produce(out);
    } else {
      co_await out.write_all(part.contents.text());
    }
  }
  co_await out.write_all(end);
}

StreamedBody MultipartForm::body() const {
  auto producer = [parts = std::make_shared<const std::vector<Part>>(parts_),
                   end = end()](BodyWriter& out) { return write(parts, end, out); };
  return StreamedBody(std::move(producer), length());
}

}  // namespace weft::inline v0_1::http
