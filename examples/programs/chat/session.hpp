// The conversation with one client of a chat server, and its limits.
#pragma once

#include <chrono>
#include <cstddef>
#include <weft/weft.hpp>

#include "hall.hpp"

namespace chat {

struct Limits {
  std::size_t clients = 1000;
  std::size_t line_bytes = 512;
  std::size_t queue_lines = 64;       // that wait for one client
  std::size_t lines_per_second = 20;  // of one client; more wait in the client's socket
  std::chrono::milliseconds idle = std::chrono::minutes(5);
  std::chrono::milliseconds write = std::chrono::seconds(10);  // a client takes nothing for so long
  std::chrono::milliseconds drain = std::chrono::seconds(5);
};

/// Talks with the client until it goes, is idle or too slow, or the server ends. `hall` and
/// `limits` live until all sessions have ended.
weft::Task<void> serve_client(weft::StreamSocket stream, weft::ServeContext& server, Hall& hall,
                              const Limits& limits);

/// Says that there is no place, and closes.
weft::Task<void> refuse_client(weft::StreamSocket stream);

}  // namespace chat
