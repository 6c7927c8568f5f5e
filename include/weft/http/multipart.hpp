// Forms with files: multipart/form-data (RFC 7578), read part by part as it comes, and written.
// Part of <weft/http.hpp>.
//
//   auto upload = [](http::Request& request, http::BodyReader& body) -> Task<http::Response> {
//     http::MultipartReader form(request.headers, body);
//     while (auto part = co_await form.next_part()) {
//       if (!part->file_name) continue;                       // the next one skips what is unread
//       File file = co_await File::create("uploads/" + fresh_name());
//       co_await weft::copy(form, file);
//     }
//     co_return http::Response::of(201);
//   };
#pragma once

#include <weft/http/body.hpp>
#include <weft/http/form.hpp>
#include <weft/http/headers.hpp>
#include <weft/io.hpp>
#include <weft/task.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weft::inline v0_1::http {

struct MultipartLimits {
  std::size_t max_parts = 1000;
  std::size_t max_header_bytes =
      std::size_t{8} * 1024;                        ///< of one part; also what precedes the first
  std::size_t max_headers = 20;                     ///< fields of one part
  std::uint64_t max_part_size = ~std::uint64_t{0};  ///< bytes of one part
};

/// The head of a part.
struct FormPart {
  FormPart() = default;

  std::string name;  ///< that of the form's field
  /// The name that the file has at the client, without directories; null: the part is no file. Text
  /// of the client's choice: it may be anything.
  std::optional<std::string> file_name;
  std::string content_type;  ///< as sent; empty: none, which means text/plain
  Headers headers;
};

/// Reads a multipart body. It is a ByteReader of the present part. One task at a time uses it. It
/// must not be moved while an operation is under way. Memory: some 16 KiB.
class MultipartReader {
 public:
  /// `headers`: of the message, whose Content-Type names the boundary. The reader of the body is
  /// borrowed, or moves in. Throws std::system_error: FormErrc::not_multipart, bad_boundary.
  template <class R>
    requires ByteReader<std::remove_reference_t<R>>
  MultipartReader(const Headers& headers, R&& body, MultipartLimits limits = {})
      : MultipartReader(boundary_of(headers), limits,
                        std::make_unique<SourceOf<R>>(std::forward<R>(body))) {}
  MultipartReader(MultipartReader&&) noexcept = default;
  MultipartReader& operator=(MultipartReader&&) noexcept = default;
  ~MultipartReader() = default;

  /// Skips what is left of the present part, and returns the head of the next one; null behind the
  /// last. What follows the last boundary is not read. Errors: IoErrors with FormErrc, and those of
  /// the body's reader; do not go on after one. Cancel: the next call goes on.
  [[nodiscard]] Task<std::optional<FormPart>> next_part();
  /// Reads bytes of the present part; 0 at its end, and before the first part. Errors as
  /// next_part(); FormErrc::field_too_large beyond max_part_size. Cancel: nothing was read.
  [[nodiscard]] Task<std::size_t> read(std::span<std::byte> buffer);
  /// Reads the present part to its end. Errors: also FormErrc::field_too_large beyond `limit`
  /// bytes. Cancel: what was read is dropped.
  [[nodiscard]] Task<std::string> read_all(std::size_t limit);

 private:
  class Source {
   public:
    virtual ~Source() = default;
    [[nodiscard]] virtual Task<std::size_t> read(std::span<std::byte> buffer) = 0;
  };
  template <class R>
  class SourceOf final : public Source {
   public:
    explicit SourceOf(R&& reader) : reader_(std::forward<R>(reader)) {}
    [[nodiscard]] Task<std::size_t> read(std::span<std::byte> buffer) override {
      return read_from(reader_, buffer);
    }

   private:
    static Task<std::size_t> read_from(std::remove_reference_t<R>& reader,
                                       std::span<std::byte> buffer) {
      const std::size_t size = co_await reader.read(buffer);
      co_return size;
    }
    R reader_;  // an object or a reference
  };
  enum class State : std::uint8_t { preamble, head, body, end };
  /// What the buffer begins with, in the state preamble or body.
  struct Found {
    std::size_t content = 0;   // bytes before a boundary, or that surely belong to none
    std::size_t boundary = 0;  // size of the boundary behind them; 0: none yet
    bool last = false;         // it is the last one
  };

  MultipartReader(std::string boundary, MultipartLimits limits, std::unique_ptr<Source> source);
  [[nodiscard]] static std::string boundary_of(const Headers& headers);
  [[noreturn]] static void refuse(FormErrc why);
  [[nodiscard]] std::string_view unread() const noexcept {
    return std::string_view(buffer_).substr(begin_);
  }
  [[nodiscard]] Found look() const noexcept;
  /// What look() has found, which is asked once.
  [[nodiscard]] const Found& found() noexcept;
  [[nodiscard]] Task<void> fill();
  void take_content(std::size_t size);
  void pass_boundary();
  [[nodiscard]] Task<void> skip_to_boundary();
  [[nodiscard]] std::optional<FormPart> take_head();

  std::string delimiter_;  // "\r\n--" and the boundary
  MultipartLimits limits_;
  std::unique_ptr<Source> source_;
  std::string buffer_;
  std::size_t begin_ = 0;  // of what is unread in the buffer
  Found found_;
  bool looked_ = false;  // found_ says what the buffer has
  State state_ = State::preamble;
  std::size_t parts_ = 0;
  std::uint64_t part_size_ = 0;  // bytes of the present part so far
};

/// A form with files that is written: by a client, or in tests. A value; a body that was made from
/// a stream can be sent once.
///
///   http::MultipartForm form;
///   form.add("name", "Ada").add_file("photo", "ada.png", "image/png", picture);
///   request.headers.set("Content-Type", form.content_type());
///   request.body = form.to_string();
class MultipartForm {
 public:
  /// Makes a random boundary.
  MultipartForm();

  MultipartForm& add(std::string_view name, std::string value);
  /// Throws std::invalid_argument if the type has a control character.
  MultipartForm& add_file(std::string_view name, std::string_view file_name, std::string_view type,
                          Body contents);

  /// The value of Content-Type.
  [[nodiscard]] std::string content_type() const;
  /// Returns the size of the body; null if that of a part is not known.
  [[nodiscard]] std::optional<std::uint64_t> length() const;
  /// Returns the whole body. Throws std::logic_error if a part is a stream.
  [[nodiscard]] std::string to_string() const;
  /// Returns the body, to be made while it is sent.
  [[nodiscard]] StreamedBody body() const;

 private:
  struct Part {
    std::string head;
    Body contents;
  };
  static Task<void> write(std::shared_ptr<const std::vector<Part>> parts, std::string end,
                          BodyWriter& out);
  [[nodiscard]] std::string end() const;
  [[nodiscard]] std::string head_of(std::string_view name, std::string_view more) const;

  std::string boundary_;
  std::vector<Part> parts_;
};

}  // namespace weft::inline v0_1::http
