#include <weft/http/transport.hpp>

#include <array>

namespace weft::inline v0_1::http {

Task<std::size_t> TransportStream::write(std::string_view text) {
  const std::array<IoSlice, 1> slices{slice_of(bytes_of(text))};
  const std::size_t taken = co_await write_vectored(slices);
  co_return taken;
}

Task<void> TransportStream::write_all(std::string_view text) {
  std::array<IoSlice, 1> slices{slice_of(bytes_of(text))};
  co_await write_all_vectored(slices);
}

}  // namespace weft::inline v0_1::http
