// UnixStream, UnixSeqpacket and their listeners: names, files, modes, stale sockets, pairs.
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <weft/unix.hpp>

#include <array>
#include <filesystem>
#include <string>
#include <utility>

#include "api/unix_support.hpp"
#include "os/fault.hpp"

namespace weft::testing::unix_stream_test {
namespace {

class Unix : public Net {
 protected:
  SocketDirectory directory_;
};
INSTANTIATE_TEST_SUITE_P(Runtimes, Unix, ::testing::Values(0, 2), name_of_workers);

bool exists(const std::string& path) { return std::filesystem::exists(path); }

TEST_P(Unix, StreamsConnectByPath) {
  run([this]() -> Task<void> {
    const std::string path = directory_ / "s";
    UnixListener listener = UnixListener::bind(path);
    EXPECT_EQ(listener.local_endpoint().to_string(), "unix:" + path);
    auto both = co_await when_all(listener.accept(), UnixStream::connect(path));
    UnixStream server = std::move(std::get<0>(both));
    UnixStream client = std::move(std::get<1>(both));
    EXPECT_EQ(client.peer_endpoint().path(), path);
    co_await client.write_all("hello");
    EXPECT_TRUE(client.shutdown().has_value());
    const std::string got = co_await read_all(server);
    EXPECT_EQ(got, "hello");
    EXPECT_EQ(server.peer_credentials()->process, ::getpid());
    EXPECT_EQ(client.peer_credentials()->user, ::getuid());
    EXPECT_EQ(client.peer_credentials()->group, ::getgid());
    StreamSocket plain = std::move(server);  // it is one
    EXPECT_TRUE(static_cast<bool>(plain));
  });
}

TEST_P(Unix, TheFileGoesWithTheListener) {
  run([this]() -> Task<void> {
    const std::string path = directory_ / "s";
    {
      const UnixListener listener = UnixListener::bind(path);
      EXPECT_TRUE(exists(path));
    }
    EXPECT_FALSE(exists(path));
    UnixListener listener = UnixListener::bind(path);
    listener.close();
    EXPECT_FALSE(exists(path));
    EXPECT_FALSE(static_cast<bool>(listener));
    const auto late = co_await attempt(listener.accept());
    EXPECT_EQ(late.error(), std::errc::operation_canceled);
    const std::string text = co_await error_text(UnixStream::connect(path));
    EXPECT_EQ(text, "connect unix:" + path + ": no such file or directory");
    listener = UnixListener::bind(path);
    listener = UnixListener::bind(directory_ / "t");
    EXPECT_FALSE(exists(path)) << "what was assigned over";
    UnixListenOptions stays;
    stays.remove_at_end = false;
    {
      const UnixListener kept = UnixListener::bind(path, stays);
    }
    EXPECT_TRUE(exists(path));
  });
}

TEST_P(Unix, AFileThatAnotherHasPutThereStays) {
  run([this]() -> Task<void> {
    const std::string path = directory_ / "s";
    UnixListener first = UnixListener::bind(path);
    std::filesystem::remove(path);
    const UnixListener second = UnixListener::bind(path);
    first.close();
    EXPECT_TRUE(exists(path)) << "it is the second one's";
    UnixStream client = co_await UnixStream::connect(path);
    EXPECT_TRUE(static_cast<bool>(client));
  });
}

/// Leaves the file of a socket to which no process listens.
void make_stale(const std::string& path, int type) {
  const int handle = ::socket(AF_UNIX, type, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  EXPECT_EQ(::bind(handle, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ::close(handle);
}

TEST_P(Unix, AStaleSocketIsRemovedOnRequest) {
  run([this]() -> Task<void> {
    const std::string path = directory_ / "s";
    make_stale(path, SOCK_STREAM);
    UnixListenOptions options;
    EXPECT_EQ(UnixListener::listen(Endpoint::unix_path(path).value()).error(),
              std::errc::address_in_use);
    options.remove_stale = true;
    UnixListener listener = UnixListener::bind(path, options);
    auto both = co_await when_all(listener.accept(), UnixStream::connect(path));
    EXPECT_TRUE(static_cast<bool>(std::get<0>(both)));
  });
}

TEST_P(Unix, WhatIsNotStaleIsNotRemoved) {
  run([this]() -> Task<void> {
    UnixListenOptions options;
    options.remove_stale = true;
    const std::string live = directory_ / "live";
    const UnixListener listener = UnixListener::bind(live);
    const std::string packets = directory_ / "packets";
    const UnixSeqpacketListener other_type = UnixSeqpacketListener::bind(packets);
    const std::string datagrams = directory_ / "datagrams";
    const UnixDatagram another_type = UnixDatagram::bind(datagrams);
    const std::string file = directory_ / "file";
    if (std::FILE* const made = std::fopen(file.c_str(), "w")) std::fclose(made);
    for (const std::string& path : {live, packets, datagrams, file}) {
      const Result<UnixListener> refused =
          UnixListener::listen(Endpoint::unix_path(path).value(), options);
      EXPECT_EQ(refused.error(), std::errc::address_in_use) << path;
      EXPECT_TRUE(exists(path));
    }
    co_return;
  });
}

TEST_P(Unix, TheModeIsSetBeforeItListens) {
  run([this]() -> Task<void> {
    UnixListenOptions options;
    options.mode = 0600;
    const std::string path = directory_ / "s";
    const UnixListener listener = UnixListener::bind(path, options);
    struct stat about{};
    EXPECT_EQ(::stat(path.c_str(), &about), 0);
    EXPECT_EQ(about.st_mode & 0777U, 0600U);
    co_return;
  });
}

TEST_P(Unix, AFailureLeavesNoFile) {
  detail::ScopedFaults faults;
  run([this, &faults]() -> Task<void> {
    const std::string path = directory_ / "s";
    const Endpoint at = Endpoint::unix_path(path).value();
    UnixListenOptions options;
    options.mode = 0600;
    faults.add({.call = detail::Call::chmod, .errno_value = EPERM});
    EXPECT_EQ(UnixListener::listen(at, options).error(), std::errc::operation_not_permitted);
    EXPECT_FALSE(exists(path));
    faults.add({.call = detail::Call::listen, .errno_value = EADDRINUSE});
    EXPECT_EQ(UnixListener::listen(at, options).error(), std::errc::address_in_use);
    EXPECT_FALSE(exists(path));
    co_return;
  });
}

TEST_P(Unix, NamesThatAreTooLongAreErrors) {
  run([]() -> Task<void> {
    const std::string path = "/" + std::string(107, 'x');
    const std::string text = co_await error_text(UnixStream::connect(path));
    EXPECT_EQ(text, "connect unix:" + path + ": the path is longer than 107 bytes");
    const std::string packets = co_await error_text(UnixSeqpacket::connect(path));
    EXPECT_EQ(packets, text);
    try {
      static_cast<void>(UnixListener::bind(path));
      ADD_FAILURE() << "bound";
    } catch (const IoError& error) {
      EXPECT_EQ(std::string(error.what()),
                "listen unix:" + path + ": the path is longer than 107 bytes");
    }
    const std::string nothing = co_await error_text(UnixStream::connect(""));
    EXPECT_EQ(nothing, "connect unix:: invalid argument");
    const std::string ip = co_await error_text(UnixStream::connect(Endpoint::loopback(1)));
    EXPECT_EQ(ip, "connect 127.0.0.1:1: invalid argument");
  });
}

TEST_P(Unix, TheLongestNamesWork) {
  run([this]() -> Task<void> {
    std::string path = directory_ / "";
    path.append(Endpoint::longest_path - path.size(), 'x');
    std::string abstract = abstract_name("long.");
    abstract.append(Endpoint::longest_abstract - abstract.size(), 'y');
    for (const std::string& name : {path, abstract}) {
      UnixListener listener = UnixListener::bind(name);
      EXPECT_EQ(listener.local_endpoint().path(), name);
      auto both = co_await when_all(listener.accept(), UnixStream::connect(name));
      EXPECT_TRUE(static_cast<bool>(std::get<1>(both)));
    }
  });
}

// Lengths end abstract names, not zero bytes.
TEST_P(Unix, AbstractNamesMayContainZeroBytes) {
  run([]() -> Task<void> {
    using namespace std::string_literals;
    const std::string one = abstract_name("zero") + "\0a"s;
    const std::string other = abstract_name("zero") + "\0b"s;
    UnixListener first = UnixListener::bind(one);
    UnixListener second = UnixListener::bind(other);
    EXPECT_EQ(first.local_endpoint().path(), one);
    const std::string prefix = co_await error_text(UnixStream::connect(abstract_name("zero")));
    EXPECT_TRUE(prefix.ends_with(": connection refused")) << prefix;
    auto both = co_await when_all(second.accept(), UnixStream::connect(other));
    EXPECT_EQ(std::get<1>(both).peer_endpoint().path(), other);
    co_await std::get<1>(both).write_all("to b");
    EXPECT_TRUE(std::get<1>(both).shutdown().has_value());
    const std::string got = co_await read_all(std::get<0>(both));
    EXPECT_EQ(got, "to b");
    const Endpoint parsed = Endpoint::parse("unix:" + one).value();
    EXPECT_EQ(parsed, first.local_endpoint());
  });
}

TEST_P(Unix, PairsAreConnected) {
  run([]() -> Task<void> {
    Result<std::pair<UnixStream, UnixStream>> streams = socket_pair();
    EXPECT_TRUE(streams.has_value());
    co_await streams->first.write_all("stream");
    EXPECT_TRUE(streams->first.shutdown().has_value());
    const std::string got = co_await read_all(streams->second);
    EXPECT_EQ(got, "stream");
    auto packets = UnixSeqpacket::pair();
    std::array<std::byte, 3> room;
    co_await packets->first.send("abcdef");
    co_await packets->first.send("gh");
    const ReceivedDatagram cut_off = co_await packets->second.receive(room);
    EXPECT_EQ(as_text(cut_off.data), "abc");
    EXPECT_EQ(cut_off.full_size, 6U);
    const ReceivedDatagram next = co_await packets->second.receive(room);
    EXPECT_EQ(as_text(next.data), "gh") << "messages stay apart";
    EXPECT_TRUE(packets->first.shutdown(Shutdown::write).has_value());
    const ReceivedDatagram end = co_await packets->second.receive(room);
    EXPECT_EQ(end.data.size(), 0U);
  });
}

TEST_P(Unix, PacketsConnectByName) {
  run([this]() -> Task<void> {
    const std::string path = directory_ / "s";
    UnixSeqpacketListener listener = UnixSeqpacketListener::bind(path);
    auto both = co_await when_all(listener.accept(), UnixSeqpacket::connect(path));
    UnixSeqpacket server = std::move(std::get<0>(both));
    UnixSeqpacket client = std::move(std::get<1>(both));
    std::array<std::byte, 16> room;
    co_await client.send("one");
    co_await client.send("two");
    const ReceivedDatagram one = co_await server.receive(room);
    EXPECT_EQ(as_text(one.data), "one");
    EXPECT_EQ(client.peer_endpoint()->path(), path);
    EXPECT_EQ(server.peer_credentials()->process, ::getpid());
    const std::string wrong = co_await error_text(UnixStream::connect(path));
    EXPECT_EQ(wrong, "connect unix:" + path + ": protocol wrong type for socket");
  });
}

TEST_P(Unix, AFullQueueOfAListenerIsAnError) {
  run([this]() -> Task<void> {
    const std::string path = directory_ / "s";
    UnixListenOptions options;
    options.backlog = 0;
    UnixListener listener = UnixListener::bind(path, options);
    UnixStream waits = co_await UnixStream::connect(path);
    const auto refused = co_await attempt(UnixStream::connect(path));
    EXPECT_EQ(refused.error(), std::errc::resource_unavailable_try_again);
    UnixStream accepted = co_await listener.accept();
    const UnixStream next = co_await UnixStream::connect(path);
    EXPECT_TRUE(static_cast<bool>(next));
  });
}

TEST_P(Unix, AdoptsWhatWasMadeElsewhere) {
  run([]() -> Task<void> {
    std::array<int, 2> ends{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()), 0);
    Result<UnixStream> one = UnixStream::adopt(ends[0]);
    Result<StreamSocket> other = StreamSocket::adopt(ends[1]);
    EXPECT_EQ(UnixSeqpacket::adopt(ends[0]).error(), std::errc::invalid_argument);
    co_await one->write_all("x");
    one->close();
    const std::string got = co_await read_all(*other);
    EXPECT_EQ(got, "x");
    Pair tcp = co_await make_pair();
    EXPECT_EQ(UnixStream::adopt(tcp.client.native_handle()).error(), std::errc::invalid_argument);
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends.data()), 0);
    const Result<UnixSeqpacket> packets = UnixSeqpacket::adopt(ends[0]);
    EXPECT_TRUE(packets.has_value());
    ::close(ends[1]);
  });
}

TEST_P(Unix, BorrowedListenersServeStreams) {
  run([this]() -> Task<void> {
    const std::string path = directory_ / "s";
    UnixListener listener = UnixListener::bind(path);
    int listens = 0;
    EXPECT_EQ(
        listener
            .get_option(SOL_SOCKET, SO_ACCEPTCONN, std::as_writable_bytes(std::span(&listens, 1)))
            .value(),
        sizeof listens);
    EXPECT_EQ(listens, 1);
    SocketListener any = listener.borrow();
    auto both = co_await when_all(any.accept(), UnixStream::connect(path));
    EXPECT_TRUE(static_cast<bool>(std::get<0>(both)));
  });
}

}  // namespace
}  // namespace weft::testing::unix_stream_test
