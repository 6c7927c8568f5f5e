// Memory as bytes: bytes_of() for text that is to be written, slice_of() for vectored writes; and
// what counts as a buffer of bytes. Any thread.
#pragma once

#include <weft/extend/operation.hpp>

#include <concepts>
#include <cstddef>
#include <ranges>
#include <span>
#include <string_view>
#include <type_traits>

namespace weft::inline v0_1 {

namespace detail {

/// The type of an element of a buffer: a byte, under any of its names.
template <class T>
concept ByteLike = sizeof(T) == 1 && std::is_trivially_copyable_v<T> && !std::is_same_v<T, bool>;

/// An array, vector or string of bytes, or a view of one, to read into: it keeps its size.
template <class B>
concept ByteBuffer =
    (std::is_lvalue_reference_v<B> || std::ranges::borrowed_range<B>) &&
    std::ranges::contiguous_range<B&> && std::ranges::sized_range<B&> &&
    !std::is_const_v<std::remove_reference_t<std::ranges::range_reference_t<B&>>> &&
    ByteLike<std::ranges::range_value_t<B&>>;

/// A temporary that owns the bytes that it consists of: a string, vector or array.
template <class B>
concept OwningTemporary = !std::is_reference_v<B> && std::ranges::contiguous_range<B&> &&
                          std::ranges::sized_range<B&> && !std::ranges::borrowed_range<B> &&
                          ByteLike<std::ranges::range_value_t<B&>> && std::move_constructible<B>;

template <class B>
[[nodiscard]] std::span<const std::byte> bytes_in(const B& buffer) noexcept {
  return std::as_bytes(std::span(std::ranges::data(buffer), std::ranges::size(buffer)));
}

}  // namespace detail

/// Returns the characters of `text` as bytes to write. The text must stay alive and in place while
/// they are used.
[[nodiscard]] inline std::span<const std::byte> bytes_of(std::string_view text) noexcept {
  return std::as_bytes(std::span(text));
}
/// Deleted for a temporary that owns its text, which would be gone: name it first.
template <detail::OwningTemporary B>
void bytes_of(B&& temporary) = delete;
/// Returns a slice of constant memory for a vectored write.
[[nodiscard]] inline IoSlice slice_of(std::span<const std::byte> bytes) noexcept {
  // SAFETY: a write only reads the memory of its slices.
  return {const_cast<std::byte*>(bytes.data()), bytes.size()};
}
/// Deleted for a temporary that owns its bytes, which would be gone: name it first.
template <detail::OwningTemporary B>
void slice_of(B&& temporary) = delete;

}  // namespace weft::inline v0_1
