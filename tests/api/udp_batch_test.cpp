// Batches by recvmmsg and sendmmsg, and segments that the system splits and joins (GSO and GRO):
// each byte arrives, with the help of the system, without it, and when it fails midway.
#include <netinet/in.h>
#include <netinet/udp.h>
#include <weft/udp.hpp>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "api/net_support.hpp"
#include "os/fault.hpp"
#include "support/helpers.hpp"

namespace weft::testing::udp_batch_test {
namespace {

using detail::Call;
using detail::Fault;

class UdpBatch : public Net {};
INSTANTIATE_TEST_SUITE_P(Runtimes, UdpBatch, ::testing::Values(0, 1, 2), name_of_workers);

std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
Endpoint address_of(const UdpSocket& socket) { return socket.local_endpoint().value(); }

/// A socket whose buffer holds all that a test sends before it receives.
UdpSocket roomy_socket(const UdpOptions& wanted = {}) {
  UdpOptions options = wanted;
  options.receive_buffer = 1 << 20;
  options.send_buffer = 1 << 20;
  return UdpSocket::bind(Endpoint::loopback(0), options);
}

/// The datagrams that are there, joined ones taken apart, in the order in which they came.
std::vector<std::string> drain(UdpSocket& socket) {
  std::vector<std::string> all;
  std::string room(65'536, '\0');
  while (const Result<ReceivedDatagram> got = socket.try_receive(writable_bytes(room))) {
    EXPECT_FALSE(got->truncated());
    for (std::size_t i = 0; i < got->segments(); ++i) all.push_back(text_of(got->segment(i)));
  }
  return all;
}

std::vector<std::string> cut(const std::string& text, std::size_t size) {
  std::vector<std::string> parts;
  for (std::size_t at = 0; at < text.size(); at += size) parts.push_back(text.substr(at, size));
  return parts;
}

TEST_P(UdpBatch, SendsAndReceivesManyAtOnce) {
  run([]() -> Task<void> {
    UdpSocket from = roomy_socket();
    UdpSocket at = roomy_socket();
    const std::string text = pattern(100 * 64);
    const std::vector<std::string> parts = cut(text, 64);
    SendBatch out;
    for (const std::string& each : parts) out.add(bytes_of(each), address_of(at));
    EXPECT_EQ(out.size(), 100U);
    const std::size_t sent = co_await from.send_batch(out);
    EXPECT_EQ(sent, 100U) << "more than one system call sends";
    EXPECT_TRUE(out.empty());
    ReceiveBatch in(40, 64);
    EXPECT_EQ(in.capacity(), 40U);
    std::string got;
    while (got.size() < text.size()) {
      const std::size_t count = co_await at.receive_batch(in);
      EXPECT_EQ(count, in.datagrams().size());
      EXPECT_LE(count, 40U);
      for (const ReceivedDatagram& each : in.datagrams()) {
        EXPECT_EQ(each.sender, address_of(from));
        got += text_of(each.data);
      }
    }
    EXPECT_EQ(got, text);
    EXPECT_EQ(at.try_receive_batch(in).error(), std::errc::operation_would_block);
    EXPECT_TRUE(in.datagrams().empty());
  });
}

TEST_P(UdpBatch, AReceiveWaitsForTheFirst) {
  run([]() -> Task<void> {
    UdpSocket from = roomy_socket();
    UdpSocket at = roomy_socket();
    ReceiveBatch in(8);
    auto both = co_await when_all(at.receive_batch(in), from.send_to("one", address_of(at)));
    EXPECT_EQ(std::get<0>(both), 1U);
    EXPECT_EQ(text_of(in.datagrams()[0].data), "one");
  });
}

TEST_P(UdpBatch, TellsTruncationAndDetailsOfEach) {
  run([]() -> Task<void> {
    UdpOptions options;
    options.report_ttl = true;
    UdpSocket from = roomy_socket();
    UdpSocket at = roomy_socket(options);
    SendBatch out;
    SendDetails details;
    details.ttl(11);
    out.add(bytes_of("abcdef"), address_of(at));
    out.add(bytes_of("xy"), address_of(at), details);
    const std::size_t sent = co_await from.send_batch(out);
    EXPECT_EQ(sent, 2U);
    ReceiveBatch in(8, 4);
    const std::size_t count = co_await at.receive_batch(in);
    EXPECT_EQ(count, 2U);
    const ReceivedDatagram& first = in.datagrams()[0];
    EXPECT_EQ(text_of(first.data), "abcd");
    EXPECT_EQ(first.full_size, 6U);
    EXPECT_NE(first.ttl, 11);
    EXPECT_FALSE(in.datagrams()[1].truncated());
    EXPECT_EQ(in.datagrams()[1].ttl, 11);
  });
}

// An error after n datagrams keeps n; the next call meets the error, and the batch begins with the
// datagram that it is about.
TEST_P(UdpBatch, AnErrorKeepsWhatCameBefore) {
  run([]() -> Task<void> {
    UdpSocket from = roomy_socket();
    UdpSocket at = roomy_socket();
    const std::string huge(70'000, 'x');
    SendBatch out;
    out.add(bytes_of("one"), address_of(at));
    out.add(bytes_of("two"), address_of(at));
    out.add(bytes_of(huge), address_of(at));
    out.add(bytes_of("three"), address_of(at));
    const std::size_t sent = co_await from.send_batch(out);
    EXPECT_EQ(sent, 2U);
    EXPECT_EQ(out.size(), 2U);
    const std::string text = co_await error_text(from.send_batch(out));
    EXPECT_EQ(text, "send " + address_of(at).to_string() + ": message too long");
    EXPECT_EQ(out.size(), 2U);
    out.drop_first();
    EXPECT_EQ(from.try_send_batch(out).value(), 1U);
    EXPECT_EQ(drain(at), (std::vector<std::string>{"one", "two", "three"}));
    EXPECT_EQ(from.try_send_batch(out).value(), 0U) << "of an empty batch";
    const std::size_t none = co_await from.send_batch(out);
    EXPECT_EQ(none, 0U);
  });
}

TEST_P(UdpBatch, PartialSendsGoOn) {
  detail::ScopedFaults faults;
  run([&faults]() -> Task<void> {
    UdpSocket from = roomy_socket();
    UdpSocket at = roomy_socket();
    const std::vector<std::string> parts = cut(pattern(20 * 64, 7), 64);
    SendBatch out;
    for (const std::string& each : parts) out.add(bytes_of(each), address_of(at));
    // Each call sends three of them; one in between would have to wait, and one fails.
    faults.add({.call = Call::sendmmsg, .size = 3, .times = 2});
    faults.add({.call = Call::sendmmsg, .errno_value = ENOBUFS});
    const std::size_t sent = co_await from.send_batch(out);
    EXPECT_EQ(sent, 6U);
    EXPECT_EQ(out.size(), 14U);
    const std::size_t rest = co_await from.send_batch(out);
    EXPECT_EQ(rest, 14U);
    EXPECT_EQ(drain(at), parts);
  });
}

TEST_P(UdpBatch, ARefusalComesAfterWhatArrivedBefore) {
  detail::ScopedFaults faults;
  run([&faults]() -> Task<void> {
    UdpSocket from = roomy_socket();
    UdpSocket at = roomy_socket();
    co_await from.send_to("one", address_of(at));
    co_await from.send_to("two", address_of(at));
    ReceiveBatch in(8);
    faults.add({.call = Call::recvmmsg, .errno_value = ECONNREFUSED});
    const std::string text = co_await error_text(at.receive_batch(in));
    EXPECT_EQ(text, "receive " + address_of(at).to_string() + ": connection refused");
    const std::size_t count = co_await at.receive_batch(in);
    EXPECT_EQ(count, 2U) << "nothing was lost";
  });
}

// Segments
// -------------------------------------------------------------------------------------------------

constexpr std::size_t segment = 64;
const std::string& stream_of_segments() {
  static const std::string text = pattern(64 * segment + 17, 3);  // 64 whole ones, and a short one
  return text;
}

/// Sends the text in segments to a new socket and compares what arrives with what was sent.
Task<void> expect_segments(UdpSocket& from, const UdpOptions& options, std::string text,
                           std::size_t size) {
  UdpSocket at = roomy_socket(options);
  const std::size_t sent = co_await from.send_segments(bytes_of(text), size, address_of(at));
  EXPECT_EQ(sent, text.size());
  EXPECT_EQ(drain(at), cut(text, size));
}

TEST_P(UdpBatch, SegmentsWithTheSystemsHelp) {
  detail::ScopedFaults faults;
  run([&faults]() -> Task<void> {
    UdpSocket from = roomy_socket();
    UdpOptions joined;
    joined.join_segments = true;
    UdpOptions apart;
    co_await expect_segments(from, apart, stream_of_segments(), segment);
    EXPECT_EQ(faults.calls(Call::sendmsg), 2U) << "64 segments with one call, and the last";
    co_await expect_segments(from, joined, stream_of_segments(), segment);
    co_await expect_segments(from, joined, pattern(200'000), 1'400);
    co_await expect_segments(from, apart, "short", segment);
    co_await expect_segments(from, apart, std::string(2 * segment, 'e'), segment);
  });
}

TEST_P(UdpBatch, JoinedSegmentsComeInOneReceive) {
  run([]() -> Task<void> {
    UdpOptions joined;
    joined.join_segments = true;
    UdpSocket from = roomy_socket();
    UdpSocket at = roomy_socket(joined);
    const std::size_t sent =
        co_await from.send_segments(bytes_of(stream_of_segments()), segment, address_of(at));
    EXPECT_EQ(sent, stream_of_segments().size());
    std::string room(65'536, '\0');
    const ReceivedDatagram got = co_await at.receive(room);
    EXPECT_EQ(got.segment_size, segment);
    EXPECT_EQ(got.segments(), 64U);
    EXPECT_EQ(text_of(got.data), stream_of_segments().substr(0, 64 * segment));
    const ReceivedDatagram last = co_await at.receive(room);
    EXPECT_EQ(last.segments(), 1U);
    EXPECT_EQ(last.data.size(), 17U);
    // What is joined needs the room: otherwise the loss is told.
    co_await from.send_segments(bytes_of(stream_of_segments()), segment, address_of(at));
    std::array<std::byte, 2 * segment> small;
    const ReceivedDatagram cut_off = co_await at.receive(small);
    EXPECT_TRUE(cut_off.truncated());
    EXPECT_EQ(cut_off.full_size, 64 * segment);
    EXPECT_EQ(cut_off.segments(), 2U);
  });
}

TEST_P(UdpBatch, SegmentsOfASystemThatCannotSplit) {
  detail::ScopedFaults faults;
  run([&faults]() -> Task<void> {
    faults.add({.call = Call::getsockopt, .errno_value = ENOPROTOOPT});
    UdpSocket from = roomy_socket();
    UdpSocket at = roomy_socket();
    const std::uint64_t before = faults.calls(Call::sendmsg);
    const std::size_t sent =
        co_await from.send_segments(bytes_of(stream_of_segments()), segment, address_of(at));
    EXPECT_EQ(sent, stream_of_segments().size());
    EXPECT_EQ(faults.calls(Call::sendmsg) - before, 65U) << "one call for each";
    EXPECT_EQ(drain(at), cut(stream_of_segments(), segment));
  });
}

// A device may refuse to split after it has done so: nothing is lost or doubled, and the socket
// does not ask again.
TEST_P(UdpBatch, SplittingThatFailsMidwayIsMadeUpFor) {
  for (const int refusal : {EIO, EINVAL}) {
    detail::ScopedFaults faults;
    run([&faults, refusal]() -> Task<void> {
      UdpSocket from = roomy_socket();
      const std::string text = pattern(3 * 64 * segment, 9);
      UdpSocket at = roomy_socket();
      faults.add({.call = Call::sendmsg, .errno_value = refusal, .skip = 1});
      const std::size_t sent = co_await from.send_segments(bytes_of(text), segment, address_of(at));
      EXPECT_EQ(sent, text.size());
      EXPECT_EQ(drain(at), cut(text, segment));
      EXPECT_EQ(faults.calls(Call::sendmsg), 1U + 1U + 128U);
      faults.reset_counts();
      co_await expect_segments(from, UdpOptions(), text, segment);
      EXPECT_EQ(faults.calls(Call::sendmsg), 192U) << "it was not asked again";
    });
  }
}

TEST_P(UdpBatch, AnErrorOfAnotherCauseLeavesSplittingOn) {
  detail::ScopedFaults faults;
  run([&faults]() -> Task<void> {
    UdpSocket from = roomy_socket();
    UdpSocket at = roomy_socket();
    const std::string text = pattern(64 * segment);
    // The single datagram after it fails as well, so splitting was not to blame.
    faults.add({.call = Call::sendmsg, .errno_value = EINVAL, .times = 2});
    const std::string error =
        co_await error_text(from.send_segments(bytes_of(text), segment, address_of(at)));
    EXPECT_EQ(error, "send " + address_of(at).to_string() + ": invalid argument");
    faults.reset_counts();
    co_await expect_segments(from, UdpOptions(), text, segment);
    EXPECT_EQ(faults.calls(Call::sendmsg), 1U);
  });
}

TEST_P(UdpBatch, AnErrorMidwayKeepsTheBytesThatWereSent) {
  detail::ScopedFaults faults;
  run([&faults]() -> Task<void> {
    UdpSocket from = roomy_socket();
    UdpSocket at = roomy_socket();
    const std::string text = pattern(2 * 64 * segment);
    faults.add({.call = Call::sendmsg, .errno_value = ENETUNREACH, .skip = 1});
    const std::size_t sent = co_await from.send_segments(bytes_of(text), segment, address_of(at));
    EXPECT_EQ(sent, 64 * segment);
    EXPECT_EQ(drain(at), cut(text.substr(0, sent), segment));
    const auto none = co_await attempt(from.send_segments(bytes_of(text), 0, address_of(at)));
    EXPECT_EQ(none.error(), std::errc::invalid_argument);
    const std::size_t empty = co_await from.send_segments({}, segment, address_of(at));
    EXPECT_EQ(empty, 0U);
  });
}

// 64 datagrams of more than 64 KiB in all go in parts that the system takes.
TEST_P(UdpBatch, LargeSegmentsGoInSeveralCalls) {
  detail::ScopedFaults faults;
  run([&faults]() -> Task<void> {
    UdpSocket from = roomy_socket();
    co_await expect_segments(from, UdpOptions(), pattern(64 * 2'000), 2'000);
    EXPECT_EQ(faults.calls(Call::sendmsg), 2U);
    const std::string huge = pattern(100'000);
    UdpSocket at = roomy_socket();
    const auto too_long =
        co_await attempt(from.send_segments(bytes_of(huge), 70'000, address_of(at)));
    EXPECT_EQ(too_long.error(), std::errc::message_size);
  });
}

TEST_P(UdpBatch, JoiningThatTheSystemRefusesIsLeftOut) {
  detail::ScopedFaults faults;
  run([&faults]() -> Task<void> {
    UdpOptions joined;
    joined.join_segments = true;
    UdpSocket from = roomy_socket();
    // The options in their order: two sizes of buffers, then the joining.
    faults.add({.call = Call::setsockopt, .errno_value = ENOPROTOOPT, .skip = 2});
    UdpSocket at = roomy_socket(joined);
    EXPECT_EQ(faults.struck(), 1U);
    co_await from.send_segments(bytes_of(stream_of_segments()), segment, address_of(at));
    EXPECT_EQ(drain(at), cut(stream_of_segments(), segment));
  });
}

}  // namespace
}  // namespace weft::testing::udp_batch_test
